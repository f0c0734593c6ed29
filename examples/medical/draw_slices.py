"""Draws folders of 16-bit slices that look a little like MR and CT images, to try a training with.

Usage: python draw_slices.py FOLDER

The slices of `mr` have no unit: each has a scale of its own, as MR images do. Those of `ct` have 12 bits, in Hounsfield
units plus 1024.
"""

import sys
from pathlib import Path

import imagecodecs
import numpy as np

# Brightness of tissue, bone and a lesion.
MR = {"tissue": 600, "bone": 80, "lesion": 900}
CT = {"tissue": 1064, "bone": 2500, "lesion": 1090}


def draw(folder: Path, count: int = 32, side: int = 128) -> None:
    """Draw `count` slices of each kind into FOLDER/mr and FOLDER/ct, as PNG files of 16 bits. They show no pairs."""
    random = np.random.default_rng(0)
    for name, tissues in (("mr", MR), ("ct", CT)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            values = head(side, tissues, random)
            if name == "mr":
                values *= random.uniform(0.7, 1.5)  # Each scan has another scale.
            values = (values + random.normal(0, 8, values.shape)).clip(0, 4095).round().astype(np.uint16)
            (folder / name / f"{index:02d}.png").write_bytes(imagecodecs.png_encode(values))


def head(side: int, tissues: dict[str, int], random: np.random.Generator) -> np.ndarray:
    """A round head with a skull and a lesion, somewhere in the image: (side, side)."""
    rows, columns = np.mgrid[:side, :side] / side - 0.5
    top, left = random.uniform(-0.1, 0.1, 2)
    radius = random.uniform(0.25, 0.38)
    away, along = random.uniform(-0.1, 0.1, 2)
    distance = np.hypot(rows - top, columns - left)
    values = np.zeros((side, side))
    values[distance < radius] = tissues["bone"]
    values[distance < 0.85 * radius] = tissues["tissue"]
    values[np.hypot(rows - top - away, columns - left - along) < 0.05] = tissues["lesion"]
    return values


if __name__ == "__main__":
    draw(Path(sys.argv[1]))

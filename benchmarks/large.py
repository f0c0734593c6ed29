"""Measure memory and time of translating large images: whole, in bands of rows, and as a patchwork.

    python benchmarks/large.py [--megapixels 1 2] [--methods munit cyclegan] [--memory 700MB] [--checkpoint FILE]
        [--precision auto] [--photo FILE] [--patches] [--outputs FOLDER]

Enlarges a photo, by default `examples/photos/china.jpg`, and translates it by the command, in a process of its own:
whole, where that fits into half of the free memory, and in bands within `--memory`. With `--patches`, also as other
programs do it where memory is short: in patches of 512 pixels that overlap by 64, each translated by itself and blended
with its neighbors. `--outputs` keeps the images.

Prints JSON: the seconds of a translation, the largest resident memory of the process in MB, and the largest difference
from the whole image in gray levels. For patches also the height of the seams: the mean difference in gray levels of two
neighboring patches where they overlap.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import imgxlate
from imgxlate import memory
from imgxlate.images.pil import to_image_array
from imgxlate.inference import large
from imgxlate.inference.model import Model

PHOTO = Path(__file__).parents[1] / "examples" / "photos" / "china.jpg"
PATCH, OVERLAP = 512, 64  # pixels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megapixels", type=float, nargs="+", default=[1.0, 2.0])
    parser.add_argument("--methods", nargs="+", default=["munit", "cyclegan"])
    parser.add_argument("--memory", default="700MB")
    parser.add_argument("--checkpoint", help="instead of the bundled model of the only method")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--photo", type=Path, default=PHOTO)
    parser.add_argument("--patches", action="store_true", help="measure a patchwork, too")
    parser.add_argument("--outputs", type=Path, help="a folder for the images")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.outputs or Path(name)
        found = [
            measure(method, megapixels, arguments, folder / f"{method}-{megapixels:g}")
            for method in arguments.methods
            for megapixels in arguments.megapixels
        ]
    about = {"torch": torch.__version__, "threads": torch.get_num_threads(), "load": round(os.getloadavg()[0], 1)}
    print(json.dumps(about | {"translations": found}, indent=2))


def measure(method: str, megapixels: float, arguments: argparse.Namespace, folder: Path) -> dict[str, object]:
    """The figures of one method and size."""
    model = imgxlate.load(method, checkpoint=arguments.checkpoint, precision=arguments.precision)
    folder.mkdir(parents=True, exist_ok=True)
    photo, bands, whole, patches = (folder / f"{name}.png" for name in ("photo", "bands", "whole", "patches"))
    enlarge(arguments.photo, photo, megapixels)
    options = [method, str(photo), "--precision", arguments.precision, "--overwrite"]
    options += ["--checkpoint", arguments.checkpoint] if arguments.checkpoint else []
    report: dict[str, object] = {"method": method, "size": list(Image.open(photo).size)}
    report["bands"] = in_bands = translate(bands, [*options, "--memory", arguments.memory])
    if needed(model, photo) < memory.available(model.device) // 2:
        report["whole"] = translate(whole, [*options, "--memory", "1000GB"])
        in_bands |= difference(bands, whole)
        if arguments.patches:
            report["patches"] = patchwork(model, photo, patches) | difference(patches, whole)
    return report


def enlarge(source: Path, path: Path, megapixels: float) -> None:
    """Write the photo `source` with that many pixels, 4:3."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    with Image.open(source) as photo:
        photo.convert("RGB").resize((height * 4 // 3, height), Image.Resampling.BICUBIC).save(path, compress_level=1)


def needed(model: Model, photo: Path) -> int:
    """The memory in bytes that the whole image takes."""
    codes = torch.zeros(1, model.style_dim) if model.style_dim else None
    return large.translation_memory(model.translator, to_image_array(str(photo)), model.target(None), codes)


def translate(path: Path, options: list[str]) -> dict[str, float]:
    """Seconds and peak of a translation by the command."""
    command = [sys.executable, "-m", "imgxlate", "translate", *options, "-o", str(path), "--json", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        line = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    return {"seconds": json.loads(line)["seconds"], "peak_mb": round(usage.ru_maxrss * 1024 / 1e6)}


def patchwork(model: Model, photo: Path, path: Path) -> dict[str, float]:
    """Translate patches by themselves, and blend them where they overlap."""
    image = np.asarray(Image.open(photo))
    height, width, _ = image.shape
    total, weights = np.zeros(image.shape), np.zeros((height, width, 1))
    seams = []
    started = time.perf_counter()
    for top in range(0, max(height - OVERLAP, 1), PATCH - OVERLAP):
        for left in range(0, max(width - OVERLAP, 1), PATCH - OVERLAP):
            part = np.s_[top : top + PATCH, left : left + PATCH]
            [output] = model.translate(image[part])
            values = np.asarray(output, np.float64)
            shared = weights[part] > 0
            if shared.any():
                before = total[part] / np.maximum(weights[part], 1e-9)
                seams.append(np.abs(before - values)[shared[..., 0]].mean())
            weight = np.minimum.outer(ramp(values.shape[0]), ramp(values.shape[1]))[..., None]
            total[part] += weight * values
            weights[part] += weight
    Image.fromarray(np.rint(total / weights).astype(np.uint8)).save(path)
    return {"seconds": round(time.perf_counter() - started, 2), "seam_height": round(float(np.mean(seams)), 2)}


def ramp(length: int) -> np.ndarray:
    """Weights that rise within the overlap."""
    positions = np.arange(length) + 1.0
    return np.minimum(np.minimum(positions, positions[::-1]) / OVERLAP, 1)


def difference(one: Path, other: Path) -> dict[str, float]:
    """The largest and the mean difference of two images in gray levels."""
    first, second = (np.asarray(Image.open(path), np.int16) for path in (one, other))
    distance = np.abs(first - second)
    return {"largest_difference": int(distance.max()), "mean_difference": round(float(distance.mean()), 3)}


if __name__ == "__main__":
    main()

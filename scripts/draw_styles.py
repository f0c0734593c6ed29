"""Draw the style images: `python scripts/draw_styles.py OUTDIR [--only NAME] [--size N]`."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

import numpy as np
from PIL import Image

STYLES = ("night-sky", "stained-glass", "ink-wash", "garden", "facets", "wave")
SEED = 1888


def draw(name: str, size: int) -> Image.Image:
    """The style image of that name, `size` pixels on its longer side."""
    module = importlib.import_module(f"style_images.{name.replace('-', '_')}")
    image: Image.Image = module.draw(size, np.random.default_rng([SEED, STYLES.index(name)]))
    return image


def main() -> None:
    """Draw all style images, or the one of --only."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("outdir", type=Path)
    parser.add_argument("--only", choices=STYLES, help="draw only this one")
    parser.add_argument("--size", type=int, default=1024, help="longer side in pixels (default: 1024)")
    options = parser.parse_args()
    options.outdir.mkdir(parents=True, exist_ok=True)
    for name in [options.only] if options.only else STYLES:
        path = options.outdir / f"{name}.jpg"
        draw(name, options.size).save(path, quality=90, subsampling=0)
        print(path)


if __name__ == "__main__":
    main()

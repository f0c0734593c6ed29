"""Draw the style images: `python scripts/draw_styles.py OUTDIR [--only NAME] [--size N] [--variants N]`.

Variants are the training images of a model that paints in any style: other compositions, in other colors.
"""

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


def draw_variant(name: str, size: int, variant: int) -> Image.Image:
    """The style image of that name in another composition, with other hues, contrast and saturation."""
    random = np.random.default_rng([SEED, STYLES.index(name), variant])
    module = importlib.import_module(f"style_images.{name.replace('-', '_')}")
    image: Image.Image = module.draw(size, random)
    hue, saturation, value = (np.asarray(band, np.float32) / 255 for band in image.convert("HSV").split())
    hue = (hue + random.uniform()) % 1
    saturation = saturation ** random.uniform(0.5, 2)
    value = value ** random.uniform(0.5, 2)
    bands = [Image.fromarray((band * 255).round().astype(np.uint8)) for band in (hue, saturation, value)]
    return Image.merge("HSV", bands).convert("RGB")


def main() -> None:
    """Draw all style images, or the one of --only."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("outdir", type=Path)
    parser.add_argument("--only", choices=STYLES, help="draw only this one")
    parser.add_argument("--size", type=int, default=1024, help="longer side in pixels (default: 1024)")
    parser.add_argument("--variants", type=int, default=0, help="also draw so many variants of each")
    options = parser.parse_args()
    options.outdir.mkdir(parents=True, exist_ok=True)
    for name in [options.only] if options.only else STYLES:
        images = {name: draw(name, options.size)}
        variants = range(1, options.variants + 1)
        images |= {f"{name}-{variant:03d}": draw_variant(name, options.size, variant) for variant in variants}
        for stem, image in images.items():
            path = options.outdir / f"{stem}.jpg"
            image.save(path, quality=90, subsampling=0)
            print(path)


if __name__ == "__main__":
    main()

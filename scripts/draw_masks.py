"""Draw the label map of a photo in the examples: `python scripts/draw_masks.py examples/masks`.

Blue is the sky with the lake, red the tower, green the trees. The sky is what is bright, bluish and connected with the
upper edge of the photo; the tower is the rest of what is within an outline.
"""

from __future__ import annotations

import sys
from pathlib import Path

import gallery
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

PHOTO = "china.jpg"
SKY, TOWER, TREES = (0, 0, 255), (255, 0, 0), (0, 255, 0)
BRIGHT = 150  # the least gray level of the sky and the lake
WARM = 8  # gray levels by which red may exceed blue in them: more in the roofs, which are as bright
# The outline of the tower: roughly where the sky is behind it, exactly where trees are before it.
OUTLINE = (
    *((205, 20), (230, 50), (262, 86), (330, 118), (306, 140), (306, 156), (338, 172), (330, 196), (326, 230)),
    *((360, 248), (350, 272), (350, 310), (376, 334), (328, 378), (318, 392), (304, 400), (284, 398), (262, 394)),
    *((214, 388), (200, 364), (160, 350), (74, 338), (80, 285), (60, 270), (98, 236), (94, 190), (76, 188), (74, 166)),
    *((108, 152), (84, 130), (88, 102), (124, 94), (160, 86), (190, 58), (186, 30)),
)


def draw(photo: Image.Image) -> Image.Image:
    """The label map of the photo."""
    sky = _sky(photo)
    outline = Image.new("1", photo.size)
    ImageDraw.Draw(outline).polygon(OUTLINE, fill=1)
    labels = np.where(np.asarray(outline)[:, :, None], TOWER, TREES)
    return Image.fromarray(np.where(sky[:, :, None], SKY, labels).astype(np.uint8))


def _sky(photo: Image.Image) -> np.ndarray:
    """Whether each pixel is bright, bluish, and connected with the upper left corner by such pixels."""
    red, _, blue = photo.split()
    warm = np.asarray(red).astype(int) - np.asarray(blue) > WARM
    bright = (
        Image.fromarray((np.asarray(photo.convert("L")) >= BRIGHT) & ~warm).convert("L").point(lambda level: level // 2)
    )
    bright = bright.filter(ImageFilter.MedianFilter(3))
    ImageDraw.floodfill(bright, (0, 0), 255)
    found: np.ndarray = np.asarray(bright.filter(ImageFilter.MedianFilter(5))) == 255
    return found


def main() -> None:
    """Draw it into a folder."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with Image.open(gallery.photo(PHOTO)) as photo:
        draw(photo.convert("RGB")).quantize(3).save(folder / f"{Path(PHOTO).stem}.png", optimize=True)


if __name__ == "__main__":
    main()

"""Pictures as they lie inside a page: small, and written out in its text."""

import base64
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from imgxlate.images.decode import decode
from imgxlate.images.encode import encode
from imgxlate.images.image_array import ImageArray

_JPEG_QUALITY = 85  # A page of a hundred pictures stays below 10 MB; at 95 it is nearly twice as long.


@dataclass(frozen=True, slots=True)
class Embedded:
    """A picture as a `data:` address, and what a page needs to know to lay it out."""

    address: str
    width: int  # pixels
    height: int  # pixels
    transparent: bool  # some of it


def embed(file: Path, longest: int = 512) -> Embedded:
    """The picture in `file`, upright, its longer side at most `longest` pixels: PNG where it is transparent, else JPEG.

    Raises:
        ImageError: the file cannot be read.
    """
    picture = _reduced(decode(file), longest)
    transparent = picture.alpha is not None and bool((picture.alpha < 255).any())
    kind = "png" if transparent else "jpeg"
    data = base64.b64encode(encode(picture, f".{kind}", jpeg_quality=_JPEG_QUALITY)).decode("ascii")
    height, width = picture.size
    return Embedded(f"data:image/{kind};base64,{data}", width, height, transparent)


def _reduced(picture: ImageArray, longest: int) -> ImageArray:
    """The picture with its longer side at most `longest`; colours are weighted by opacity, so that edges stay clean."""
    scale = longest / max(picture.size)
    if scale >= 1:
        return picture
    height, width = (max(1, round(side * scale)) for side in picture.size)
    image = Image.fromarray(np.ascontiguousarray(picture.rgb))
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(np.ascontiguousarray(picture.alpha)))
    pixels = np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))
    return ImageArray(pixels[..., :3], None if picture.alpha is None else pixels[..., 3])

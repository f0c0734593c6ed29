"""Damaged files of every format: an image or an ImageError, and no output on the terminal."""

import contextlib
import random
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageCms

from imgxlate.errors import ImageError
from imgxlate.images.decode import decode
from imgxlate.images.encode import encode
from imgxlate.images.image_array import ImageArray

Encoder = Callable[..., bytes]

SEEDS = {
    "png": ("PNG", "RGBA", {"icc_profile": True}),
    "png-palette": ("PNG", "P", {"transparency": b"\x00\x80\xff"}),
    "png-16": ("PNG", "I;16", {}),
    "apng": ("PNG", "RGB", {"save_all": True}),
    "jpeg": ("JPEG", "RGB", {"exif": True}),
    "jpeg-cmyk": ("JPEG", "CMYK", {}),
    "jpeg-progressive": ("JPEG", "L", {"progressive": True, "icc_profile": True}),
    "webp": ("WEBP", "RGBA", {"exif": True}),
    "webp-animated": ("WEBP", "RGB", {"save_all": True}),
    "tiff": ("TIFF", "RGB", {"exif": True}),
    "tiff-lzw": ("TIFF", "LA", {"compression": "tiff_lzw"}),
    "tiff-jpeg": ("TIFF", "YCbCr", {"compression": "jpeg"}),
    "tiff-fax": ("TIFF", "1", {"compression": "group4"}),
    "tiff-float": ("TIFF", "F", {}),
    "bmp": ("BMP", "P", {}),
    "gif": ("GIF", "P", {"save_all": True}),
    "ppm": ("PPM", "RGB", {}),
    "avif": ("AVIF", "RGB", {}),
    "jpeg2000": ("JPEG2000", "RGB", {}),
    "qoi": ("QOI", "RGBA", {}),
}

MUTATIONS = 25


def seed_file(file_of: Encoder, seed: str) -> bytes:
    kind, mode, options = SEEDS[seed]
    rgb = np.random.default_rng(1).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    scale = {"I;16": np.uint16(257), "F": np.float32(1 / 255)}.get(mode)
    image = Image.fromarray(rgb).convert(mode) if scale is None else Image.fromarray(rgb[..., 0] * scale)
    exif = Image.Exif()
    exif[0x0112] = 6
    supplied = {
        "icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        "exif": exif,
    }
    extra = {"append_images": [image.rotate(90)]} if "save_all" in options else {}
    return file_of(image, kind, **{key: supplied.get(key, value) for key, value in options.items()}, **extra)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_damaged_file_of_sixteen_bits_gives_an_image_or_an_image_error(suffix: str) -> None:
    values = np.random.default_rng(1).integers(0, 65536, (9, 11, 4), dtype=np.uint16)
    data, rng = encode(ImageArray(values[..., :3], values[..., 3]), suffix), random.Random(suffix)
    for _ in range(4 * MUTATIONS):
        with contextlib.suppress(ImageError):
            decode(mutated(data, rng), depth=16)


def mutated(data: bytes, rng: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(rng.choice((1, 1, 3, 10))):
        where = rng.randrange(len(damaged))
        match rng.randrange(4):
            case 0:
                damaged[where] = rng.randrange(256)
            case 1:
                damaged[where] ^= 1 << rng.randrange(8)
            case 2:
                damaged[where:where] = rng.randbytes(rng.randrange(1, 5))
            case _:
                damaged[where : where + 4] = rng.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b""))
    return bytes(damaged[: rng.randrange(1, len(damaged) + 1)] if rng.random() < 0.15 else damaged)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_damaged_file_gives_an_image_or_an_image_error(
    file_of: Encoder, seed: str, capfd: pytest.CaptureFixture[str]
) -> None:
    data, rng = seed_file(file_of, seed), random.Random(seed)
    assert decode(data).size in ((9, 11), (11, 9))
    for _ in range(MUTATIONS):
        try:
            image = decode(mutated(data, rng))
        except ImageError:
            continue
        assert image.rgb.dtype == np.uint8
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err == "" or seed.startswith("tiff")  # libtiff tells the terminal itself what is wrong.

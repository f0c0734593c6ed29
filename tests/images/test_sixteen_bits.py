"""Images with 16 bits per channel: files made by other programs' means, and what is written."""

import io
import logging
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, ImageCms

from imgxlate.errors import ImageError, UsageError
from imgxlate.images.decode import decode
from imgxlate.images.encode import encode, save
from imgxlate.images.image_array import ImageArray
from imgxlate.images.limits import Limits

Encoder = Callable[..., bytes]
ProfileBuilder = Callable[[bytes, dict[bytes, bytes]], bytes]

PNG_COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # by the number of channels


@pytest.fixture
def values() -> np.ndarray:
    """RGBA of 16 bits with no symmetry, (5, 7, 4)."""
    return np.random.default_rng(0).integers(0, 65536, (5, 7, 4), dtype=np.uint16)


def png(values: np.ndarray, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG file of (H, W, C) uint16, with more `chunks` in its header."""
    height, width, channels = values.shape
    header = struct.pack(">IIBBBBB", width, height, 16, PNG_COLOR_TYPES[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )


def tiff(values: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, **{"photometric": "rgb", "metadata": None, **options})
    return file.getvalue()


def swapped_profile() -> bytes:
    """The profile of a display whose red primary is green: red and green change places."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"?XYZ").replace(b"gXYZ", b"rXYZ").replace(b"?XYZ", b"gXYZ")


# Reading


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_png_keeps_its_sixteen_bits(values: np.ndarray, channels: int) -> None:
    image = decode(png(values[..., :channels]), depth=16)
    colors = channels - 1 + channels % 2
    assert np.array_equal(image.rgb, np.broadcast_to(values[..., :colors], (5, 7, 3)))
    assert (image.alpha is None) == (channels in (1, 3))
    assert image.alpha is None or np.array_equal(image.alpha, values[..., channels - 1])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"byteorder": ">"},
        {"compression": "lzw", "predictor": True},
        {"compression": "zlib"},
        {"compression": "packbits"},
        {"tile": (16, 16)},
        {"planarconfig": "separate"},
        {"bigtiff": True},
    ],
)
def test_a_tiff_keeps_its_sixteen_bits(values: np.ndarray, options: dict[str, Any]) -> None:
    rgb = values[..., :3]
    stored = np.moveaxis(rgb, -1, 0) if "planarconfig" in options else rgb
    image = decode(tiff(np.ascontiguousarray(stored), **options), depth=16)
    assert np.array_equal(image.rgb, rgb)
    assert image.alpha is None


def test_a_gray_tiff_keeps_its_sixteen_bits(values: np.ndarray) -> None:
    gray = values[..., 0]
    for photometric, expected in (("minisblack", gray), ("miniswhite", 65535 - gray)):
        image = decode(tiff(gray, photometric=photometric), depth=16)
        assert np.array_equal(image.rgb, np.repeat(expected[..., None], 3, axis=2))


def test_floating_point_gray_has_sixteen_bits(file_of: Encoder) -> None:
    ramp = np.linspace(0, 1, 40, dtype=np.float32).reshape(5, 8)
    image = decode(file_of(ramp, "TIFF"), depth=16)
    assert np.array_equal(image.rgb[..., 0], np.rint(ramp * 65535))


def test_the_transparency_of_a_tiff_is_told_from_other_extra_channels(values: np.ndarray) -> None:
    image = decode(tiff(values, extrasamples=["unassalpha"]), depth=16)
    assert np.array_equal(image.rgb, values[..., :3])
    assert np.array_equal(image.alpha, values[..., 3])
    assert decode(tiff(values, extrasamples=["unspecified"]), depth=16).alpha is None


def test_colors_that_were_multiplied_by_the_transparency_are_divided_by_it(values: np.ndarray) -> None:
    values[0, 0, 3] = 0
    rgb, alpha = values[..., :3], values[..., 3:]
    multiplied = np.rint(rgb.astype(float) * alpha / 65535).astype(np.uint16)
    image = decode(tiff(np.dstack([multiplied, alpha]), extrasamples=["assocalpha"]), depth=16)
    visible = alpha[..., 0] > 20_000
    assert np.abs(image.rgb[visible].astype(int) - rgb[visible]).max() <= 2
    assert np.array_equal(image.alpha, alpha[..., 0])


def test_a_transparent_color_of_a_png_becomes_alpha(values: np.ndarray) -> None:
    rgb = values[..., :3]
    image = decode(png(rgb, (b"tRNS", rgb[2, 3].astype(">u2").tobytes())), depth=16)
    assert image.alpha is not None
    assert image.alpha.dtype == np.uint16
    assert np.argwhere(image.alpha == 0).tolist() == [[2, 3]]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_applied_as_for_eight_bits(file_of: Encoder, values: np.ndarray, orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    rgb = values[..., :3]
    expected = decode(file_of((rgb >> 8).astype(np.uint8), exif=exif)).rgb
    block = (b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    tag = (274, "H", 1, orientation, True)
    for data in (png(rgb, block), tiff(rgb, extratags=[tag]), tiff(rgb, extratags=[tag], compression="lzw")):
        assert np.array_equal(decode(data, depth=16).rgb >> 8, expected)


def test_a_profile_is_converted_to_srgb_with_sixteen_bits(values: np.ndarray) -> None:
    rgb = values[..., :3]
    profile = swapped_profile()
    for data in (png(rgb, (b"iCCP", b"p\0\0" + zlib.compress(profile))), tiff(rgb, iccprofile=profile)):
        assert np.abs(decode(data, depth=16).rgb.astype(int) - rgb[..., [1, 0, 2]]).max() <= 16


def test_a_gray_profile_is_converted_with_sixteen_bits(icc_profile: ProfileBuilder) -> None:
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
    profile = icc_profile(b"GRAY", {b"kTRC": b"curv" + bytes(8), b"wtpt": white})  # linear
    ramp = np.linspace(0, 65535, 512).astype(np.uint16).reshape(16, 32)
    linear = ramp / 65535
    expected = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)  # IEC 61966-2-1
    image = decode(tiff(ramp, photometric="minisblack", iccprofile=profile), depth=16)
    assert np.abs(image.rgb / 65535 - expected[..., None]).max() < 1e-4


def test_an_srgb_profile_changes_nothing(values: np.ndarray) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.array_equal(decode(tiff(values[..., :3], iccprofile=profile), depth=16).rgb, values[..., :3])
    gray = tiff(values[..., 0], photometric="minisblack", iccprofile=profile)
    assert np.array_equal(decode(gray, depth=16).rgb[..., 1], values[..., 0])


@pytest.mark.parametrize("profile", [b"no profile", swapped_profile()[:200]])
def test_a_broken_profile_leaves_the_numbers_as_they_are(values: np.ndarray, profile: bytes) -> None:
    rgb = values[..., :3]
    assert np.array_equal(decode(tiff(rgb, iccprofile=profile), depth=16).rgb, rgb)


def test_a_profile_for_another_kind_of_image_is_ignored(values: np.ndarray, icc_profile: ProfileBuilder) -> None:
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
    gray = icc_profile(b"GRAY", {b"kTRC": b"curv" + bytes(8), b"wtpt": white})
    assert np.array_equal(decode(tiff(values[..., :3], iccprofile=gray), depth=16).rgb, values[..., :3])


def test_other_files_stay_at_eight_bits(file_of: Encoder, colors: np.ndarray) -> None:
    for data in (file_of(colors), file_of(colors, "TIFF"), file_of(colors, "JPEG"), file_of(colors[..., 0])):
        assert decode(data, depth=16).rgb.dtype == np.uint8
    assert decode(png(colors.astype(np.uint16) * 257)).rgb.dtype == np.uint8


def test_a_volume_is_refused_before_it_is_read(values: np.ndarray) -> None:
    data = tiff(values[..., :3], extratags=[(33000, "I", 1, 1_000_000, True)])
    data = data.replace(struct.pack("<HHI", 33000, 4, 1), struct.pack("<HHI", 32997, 4, 1))  # the depth of the image
    with pytest.raises(ImageError, match="axes"):
        decode(data, depth=16)


@pytest.mark.parametrize("make", [png, tiff])
def test_a_file_that_is_cut_short_is_damaged(values: np.ndarray, make: Encoder) -> None:
    data = make(np.tile(values[..., :3], (20, 20, 1)))
    with pytest.raises(ImageError, match="damaged"):
        decode(data[: len(data) * 2 // 3], depth=16)


def test_nothing_is_logged_about_odd_files(values: np.ndarray, capfd: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("tifffile").error("unheard")
    decode(tiff(values[..., :3], extratags=[(34377, "B", 4, b"odd!", True)]), depth=16)
    assert capfd.readouterr() == ("", "")


# Writing


@pytest.mark.parametrize("suffix", [".png", ".PNG", ".tif", ".tiff"])
def test_pillow_reads_the_upper_bits_of_a_file(values: np.ndarray, suffix: str) -> None:
    """Pillow shows that the file is valid; other tests, that all bits come back."""
    for image in (ImageArray(values[..., :3]), ImageArray(values[..., :3], values[..., 3])):
        read = Image.open(io.BytesIO(encode(image, suffix)))
        expected = values[..., :3] if image.alpha is None else values
        assert np.array_equal(np.asarray(read), expected >> 8)
        assert not {"exif", "icc_profile", "xmp", "Software"} & set(read.info)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_an_image_comes_back_from_its_file(values: np.ndarray, tmp_path: Path, suffix: str) -> None:
    for image in (ImageArray(values[..., :3]), ImageArray(values[..., :3], values[..., 3])):
        path = tmp_path / f"image{suffix}"
        save(image, path)
        assert path.read_bytes() == encode(image, suffix)
        back = decode(path, depth=16)
        assert np.array_equal(back.rgb, image.rgb)
        assert np.array_equal(back.alpha, image.alpha) if image.alpha is not None else back.alpha is None


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".bmp", ".ppm"])
def test_formats_of_eight_bits_are_refused(values: np.ndarray, tmp_path: Path, suffix: str) -> None:
    with pytest.raises(UsageError, match="16 bits") as refusal:
        encode(ImageArray(values[..., :3]), suffix)
    assert ".png .tif .tiff" in str(refusal.value.hint)
    with pytest.raises(UsageError, match="16 bits"):
        save(ImageArray(values[..., :3]), tmp_path / f"image{suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_twelve_bits_in_sixteen_are_read_as_bright_as_they_are(tmp_path: Path, suffix: str, channels: int) -> None:
    values = np.linspace(0, 4080, 60).astype(np.uint16).reshape(6, 10)
    stored = values if channels == 1 else np.dstack([values, values[::-1], values])
    if channels == 4:
        stored = np.dstack([stored, np.full_like(values, 65535)])
    path = tmp_path / f"twelve{suffix}"
    if suffix == ".png":
        path.write_bytes(imagecodecs.png_encode(stored))
    else:
        tifffile.imwrite(path, stored, photometric="minisblack" if channels == 1 else "rgb")
    image = decode(path)
    assert np.array_equal(image.rgb[..., 0], np.rint(values / 4095 * 255))
    assert "--white 65535" in image.notes[0]
    assert np.abs(decode(path, depth=16).rgb[..., 0] - values / 4095 * 65535).max() <= 0.5
    dark = decode(path, limits=Limits(white=65535))
    assert np.abs(dark.rgb[..., 0] - values / 257.0).max() <= 0.5
    assert not dark.notes
    bright = decode(path, limits=Limits(white=2000))
    assert np.array_equal(bright.rgb[..., 0], np.rint(np.minimum(values, 2000) / 2000 * 255))
    assert not bright.notes


def test_sixteen_bits_that_use_their_range_are_read_without_a_note(tmp_path: Path) -> None:
    path = tmp_path / "full.png"
    path.write_bytes(imagecodecs.png_encode(np.full((4, 4), 4096, np.uint16)))
    assert decode(path).rgb.max() == 16
    assert not decode(path).notes

import struct
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageCms

from imgxlate.errors import ImageError
from imgxlate.images.decode import decode

Encoder = Callable[..., bytes]
ProfileBuilder = Callable[[bytes, dict[bytes, bytes]], bytes]

ALL_GREYS = np.arange(256, dtype=np.uint8).reshape(16, 16)


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def gray_levels(data: bytes) -> np.ndarray:
    rgb = decode(data).rgb
    assert (rgb == rgb[..., :1]).all()
    return rgb[..., 0]


# Gray


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "PPM", "GIF"])
def test_gray_becomes_equal_red_green_and_blue(file_of: Encoder, kind: str) -> None:
    assert np.array_equal(gray_levels(file_of(ALL_GREYS, kind)), ALL_GREYS)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "PPM"])
def test_one_bit_becomes_black_and_white(file_of: Encoder, kind: str) -> None:
    bits = ALL_GREYS % 3 == 0
    assert np.array_equal(gray_levels(file_of(Image.fromarray(bits), kind)), np.where(bits, 255, 0))


def sixteen_bit_file(file_of: Encoder, values: np.ndarray, kind: str) -> bytes:
    if kind == "TIFF big-endian":
        return file_of(values.astype(">u2"), "TIFF")
    if kind == "PGM":
        return b"P5 %d %d 65535\n" % values.shape[::-1] + values.astype(">u2").tobytes()
    return file_of(values, kind)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "TIFF big-endian", "PGM"])
def test_sixteen_bit_gray_is_rounded_to_the_nearest_of_256_levels(file_of: Encoder, kind: str) -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    assert np.array_equal(gray_levels(sixteen_bit_file(file_of, values, kind)), np.rint(values / 257))


def test_twelve_bit_tiff_spans_black_to_white(file_of: Encoder) -> None:
    packed = bytes.fromhex("000fff800000")  # 0, 4095, 2048, 0
    data = bytearray(file_of(Image.fromarray(np.zeros((2, 2), np.uint16)), "TIFF"))
    bits = data.index(struct.pack("<HHI", 258, 3, 1))
    data[bits + 8 : bits + 10] = struct.pack("<H", 12)
    offset = struct.unpack_from("<I", data, data.index(struct.pack("<HHI", 273, 4, 1)) + 8)[0]
    data[offset : offset + 6] = packed
    assert gray_levels(bytes(data)).tolist() == [[0, 255], [128, 0]]


def test_sixteen_bit_tiff_in_which_zero_is_white_is_not_read_as_a_negative(file_of: Encoder) -> None:
    values = ALL_GREYS.astype(np.uint16) * 257
    assert np.array_equal(gray_levels(file_of(values, "TIFF", tiffinfo={262: 0})), 255 - ALL_GREYS)


def test_thirty_two_bit_gray_within_sixteen_bits_is_read_as_sixteen_bits(file_of: Encoder) -> None:
    assert np.array_equal(gray_levels(file_of(ALL_GREYS.astype(np.int32) * 257, "TIFF")), ALL_GREYS)


@pytest.mark.parametrize("value", [-1, 65536])
def test_thirty_two_bit_gray_beyond_sixteen_bits_is_refused(file_of: Encoder, value: int) -> None:
    with pytest.raises(ImageError, match="between 0 and 65535") as refusal:
        decode(file_of(np.full((2, 2), value, np.int32), "TIFF"))
    assert refusal.value.hint == "Convert it to 8 or 16 bits first."


def test_floating_point_gray_between_zero_and_one_is_scaled(file_of: Encoder) -> None:
    assert np.array_equal(gray_levels(file_of(ALL_GREYS.astype(np.float32) / 255, "TIFF")), ALL_GREYS)


@pytest.mark.parametrize("value", [-0.1, 1.5, 200.0, float("nan"), float("inf")])
def test_other_floating_point_gray_is_refused(file_of: Encoder, value: float) -> None:
    with pytest.raises(ImageError, match="between 0 and 1"):
        decode(file_of(np.array([[0.5, value]], np.float32), "TIFF"))


# Transparency


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_an_alpha_channel_is_kept_apart(file_of: Encoder, mode: str, kind: str) -> None:
    alpha = ALL_GREYS.T.copy()
    image = Image.fromarray(ALL_GREYS).convert(mode)
    image.putalpha(Image.fromarray(alpha))
    image = decode(file_of(image, kind))
    assert image.alpha is not None
    assert np.array_equal(image.alpha, alpha)
    assert np.array_equal(image.rgb[..., 1], ALL_GREYS)


def palette_image() -> Image.Image:
    image = Image.fromarray(np.array([[0, 1], [2, 3]], np.uint8), "P")
    image.putpalette([10, 0, 0, 0, 20, 0, 0, 0, 30, 40, 40, 40])
    return image


def test_a_palette_is_looked_up(file_of: Encoder) -> None:
    image = decode(file_of(palette_image()))
    assert image.rgb.tolist() == [[[10, 0, 0], [0, 20, 0]], [[0, 0, 30], [40, 40, 40]]]
    assert image.alpha is None


@pytest.mark.parametrize("transparency", [1, b"\xff\x00\xff\xff", b"\x00\x80\xff"])
def test_a_palette_with_transparency_keeps_it(file_of: Encoder, transparency: int | bytes) -> None:
    image = decode(file_of(palette_image(), transparency=transparency))
    expected = {1: [255, 0, 255, 255]}.get(transparency) or [*transparency, *[255] * (4 - len(transparency))]
    assert image.alpha is not None
    assert image.alpha.ravel().tolist() == expected


def test_a_transparent_gif_keeps_its_transparency(file_of: Encoder) -> None:
    image = decode(file_of(palette_image(), "GIF", transparency=2))
    assert image.alpha is not None
    assert image.alpha.tolist() == [[255, 255], [0, 255]]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_transparent_gray_level_becomes_alpha(file_of: Encoder, dtype: type[np.generic]) -> None:
    values = np.array([[3, 7], [200, 7]], dtype)
    image = decode(file_of(values, transparency=7))
    assert image.alpha is not None
    assert image.alpha.tolist() == [[255, 0], [255, 0]]


def test_a_transparent_color_becomes_alpha(file_of: Encoder, colors: np.ndarray) -> None:
    image = decode(file_of(colors, transparency=tuple(colors[2, 3].tolist())))
    assert image.alpha is not None
    assert np.argwhere(image.alpha == 0).tolist() == [[2, 3]]


# Color spaces


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_cmyk_without_a_profile_keeps_the_look(file_of: Encoder, kind: str) -> None:
    for color in ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)):
        image = Image.new("RGB", (8, 8), color).convert("CMYK")
        assert np.abs(decode(file_of(image, kind)).rgb.astype(int) - color).max() <= 2


@pytest.mark.parametrize("mode", ["YCbCr", "LAB"])
def test_other_color_spaces_are_converted(file_of: Encoder, mode: str) -> None:
    image = Image.new("RGB", (4, 4), (200, 100, 50))
    stored = ImageCms.profileToProfile(
        image, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    data = file_of(stored if mode == "LAB" else image.convert(mode), "TIFF")
    assert np.abs(decode(data).rgb.astype(int) - (200, 100, 50)).max() <= 3


def test_an_srgb_profile_changes_nothing(file_of: Encoder) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert np.array_equal(decode(file_of(rgb, icc_profile=srgb_profile())).rgb, rgb)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_a_profile_is_converted_to_srgb(file_of: Encoder, colors: np.ndarray, kind: str) -> None:
    swapped = srgb_profile().replace(b"rXYZ", b"?XYZ").replace(b"gXYZ", b"rXYZ").replace(b"?XYZ", b"gXYZ")
    data = file_of(colors, kind, icc_profile=swapped, **({"lossless": True} if kind == "WEBP" else {}))
    # A display whose red primary is green: red and green change places.
    assert np.abs(decode(data).rgb.astype(int) - colors[..., [1, 0, 2]]).max() <= 1


def test_alpha_beside_a_profile_is_not_converted(file_of: Encoder, colors: np.ndarray) -> None:
    swapped = srgb_profile().replace(b"rXYZ", b"?XYZ").replace(b"gXYZ", b"rXYZ").replace(b"?XYZ", b"gXYZ")
    alpha = colors[..., 2].copy()
    image = Image.fromarray(colors)
    image.putalpha(Image.fromarray(alpha))
    image = decode(file_of(image, icc_profile=swapped))
    assert image.alpha is not None
    assert np.array_equal(image.alpha, alpha)
    assert np.abs(image.rgb.astype(int) - colors[..., [1, 0, 2]]).max() <= 1


def linear_gray(icc_profile: ProfileBuilder) -> bytes:
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
    return icc_profile(b"GRAY", {b"kTRC": b"curv" + bytes(8), b"wtpt": white})


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_gray_profile_is_converted(file_of: Encoder, icc_profile: ProfileBuilder, dtype: type[np.generic]) -> None:
    values = ALL_GREYS.astype(dtype) * (257 if dtype is np.uint16 else 1)
    linear = ALL_GREYS / 255
    expected = 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)  # IEC 61966-2-1
    assert np.abs(gray_levels(file_of(values, icc_profile=linear_gray(icc_profile))) - expected).max() < 1.5


def test_an_rgb_profile_on_a_gray_image_is_applied_to_its_grays(file_of: Encoder) -> None:
    assert np.array_equal(gray_levels(file_of(ALL_GREYS, icc_profile=srgb_profile())), ALL_GREYS)


def test_a_cmyk_profile_is_converted(file_of: Encoder, icc_profile: ProfileBuilder) -> None:
    identity, lightness = bytes(range(256)), bytes(0 if corner & 1 else 255 for corner in range(16))
    table = b"".join(bytes([value, 128, 128]) for value in lightness)  # Only K, the last ink, darkens.
    matrix = struct.pack(">9i", *(0x10000 * (index % 4 == 0) for index in range(9)))
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + identity * 4 + table + identity * 3
    profile = icc_profile(b"CMYK", {b"A2B0": lut})
    cyan, black = Image.new("CMYK", (2, 2), (255, 0, 0, 0)), Image.new("CMYK", (2, 2), (0, 0, 0, 255))
    assert decode(file_of(cyan, "TIFF", icc_profile=profile)).rgb.min() >= 253
    assert decode(file_of(black, "TIFF", icc_profile=profile)).rgb.max() <= 2
    assert decode(file_of(cyan, "TIFF")).rgb[0, 0].tolist() == [0, 255, 255]


@pytest.mark.parametrize("broken", [b"no profile", srgb_profile()[:200], bytes(128), b"x" * 4000])
def test_a_broken_profile_leaves_the_numbers_as_they_are(file_of: Encoder, colors: np.ndarray, broken: bytes) -> None:
    assert np.array_equal(decode(file_of(colors, icc_profile=broken)).rgb, colors)


def test_a_profile_for_another_kind_of_image_is_ignored(
    file_of: Encoder, icc_profile: ProfileBuilder, colors: np.ndarray
) -> None:
    assert np.array_equal(decode(file_of(colors, icc_profile=linear_gray(icc_profile))).rgb, colors)

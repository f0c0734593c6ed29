import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, JpegImagePlugin
from PIL.PngImagePlugin import PngInfo

from imgxlate.errors import FormatError, UsageError
from imgxlate.images.decode import decode
from imgxlate.images.encode import SUFFIXES, encode, save
from imgxlate.images.image_array import ImageArray

Encoder = Callable[..., bytes]


@pytest.fixture
def translucent(colors: np.ndarray) -> ImageArray:
    alpha = np.linspace(0, 255, colors[..., 0].size).reshape(colors.shape[:2]).astype(np.uint8)
    return ImageArray(colors, alpha)


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".tiff", ".bmp", ".ppm"])
def test_colors_come_back_exactly_from_lossless_formats(colors: np.ndarray, suffix: str) -> None:
    image = decode(encode(ImageArray(colors), suffix))
    assert np.array_equal(image.rgb, colors)
    assert image.alpha is None


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg"])
def test_jpeg_keeps_color_at_full_resolution_and_quality_95(suffix: str, file_of: Encoder) -> None:
    smooth = np.linspace(0, 255, 32 * 32 * 3).reshape(32, 32, 3).astype(np.uint8)
    image = opened(encode(ImageArray(smooth), suffix))
    assert isinstance(image, JpegImagePlugin.JpegImageFile)
    assert JpegImagePlugin.get_sampling(image) == 0  # 4:4:4
    reference = opened(file_of(smooth, "JPEG", quality=95))
    assert isinstance(reference, JpegImagePlugin.JpegImageFile)
    assert image.quantization == reference.quantization
    assert np.abs(np.asarray(image).astype(int) - smooth).max() <= 6


def test_jpeg_quality_applies_to_jpeg_only(file_of: Encoder, colors: np.ndarray) -> None:
    expected = opened(file_of(colors, "JPEG", quality=60))
    image = opened(encode(ImageArray(colors), ".jpg", jpeg_quality=60))
    assert isinstance(image, JpegImagePlugin.JpegImageFile)
    assert isinstance(expected, JpegImagePlugin.JpegImageFile)
    assert image.quantization == expected.quantization
    assert encode(ImageArray(colors), ".png", jpeg_quality=60) == encode(ImageArray(colors), ".png")


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
def test_transparency_is_kept_with_the_colors_beneath_it(translucent: ImageArray, suffix: str) -> None:
    image = decode(encode(translucent, suffix))
    assert image.alpha is not None
    assert translucent.alpha is not None
    assert np.array_equal(image.alpha, translucent.alpha)
    assert np.array_equal(image.rgb, translucent.rgb)


@pytest.mark.parametrize("suffix", [".bmp", ".ppm"])
def test_a_transparent_image_is_laid_on_white_where_the_format_has_no_alpha(
    translucent: ImageArray, suffix: str
) -> None:
    assert translucent.alpha is not None
    share = translucent.alpha[..., None] / 255
    expected = translucent.rgb * share + 255 * (1 - share)
    assert np.abs(decode(encode(translucent, suffix)).rgb - expected).max() <= 1


def test_a_fully_transparent_jpeg_is_white(colors: np.ndarray) -> None:
    assert (decode(encode(ImageArray(colors, np.zeros((5, 7), np.uint8)), ".jpg")).rgb == 255).all()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_image_gives_the_same_bytes(translucent: ImageArray, suffix: str) -> None:
    copy = ImageArray(np.asfortranarray(translucent.rgb), translucent.alpha)
    assert encode(translucent, suffix) == encode(copy, suffix)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_nothing_of_the_source_files_metadata_is_written(file_of: Encoder, colors: np.ndarray, suffix: str) -> None:
    exif, notes = Image.Exif(), PngInfo()
    exif[ExifTags.Base.Artist] = "somebody"
    notes.add_text("Comment", "at home")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    source = file_of(colors, exif=exif, pnginfo=notes, icc_profile=profile, dpi=(300, 300))
    assert encode(decode(source), suffix) == encode(ImageArray(colors), suffix)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_metadata_is_added(colors: np.ndarray, suffix: str) -> None:
    image = opened(encode(ImageArray(colors), suffix))
    assert not {"exif", "icc_profile", "xmp", "comment", "Software"} & set(image.info)


def test_the_suffix_may_be_in_capitals(colors: np.ndarray) -> None:
    assert encode(ImageArray(colors), ".PNG") == encode(ImageArray(colors), ".png")


@pytest.mark.parametrize("suffix", [".xyz", ".gif", ""])
def test_the_error_for_an_unknown_suffix_lists_the_known_ones(colors: np.ndarray, suffix: str) -> None:
    with pytest.raises(UsageError, match="suffix") as refusal:
        encode(ImageArray(colors), suffix)
    assert refusal.value.hint == f"Suffixes that can be written: {', '.join(SUFFIXES)}."


@pytest.mark.parametrize(("suffix", "longest"), [(".jpg", 65500), (".webp", 16383)])
def test_a_side_that_the_format_cannot_hold_is_refused(suffix: str, longest: int) -> None:
    assert decode(encode(ImageArray(np.zeros((1, longest, 3), np.uint8)), suffix)).size == (1, longest)
    with pytest.raises(FormatError, match=f"{longest + 1} x 1 pixels .* longest side is {longest}"):
        encode(ImageArray(np.zeros((1, longest + 1, 3), np.uint8)), suffix)


def test_save_writes_the_bytes_of_encode_and_creates_the_folder(tmp_path: Path, colors: np.ndarray) -> None:
    path = tmp_path / "new" / "image.webp"
    save(ImageArray(colors), path)
    assert path.read_bytes() == encode(ImageArray(colors), ".webp")
    assert [entry.name for entry in path.parent.iterdir()] == ["image.webp"]


def test_save_under_an_unknown_suffix_leaves_an_older_file(tmp_path: Path, colors: np.ndarray) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("dear diary")
    with pytest.raises(UsageError):
        save(ImageArray(colors), path)
    assert path.read_text() == "dear diary"

import ast
import contextlib
import io
import os
import struct
import subprocess
import sys
import tracemalloc
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image

import imgxlate
from imgxlate.errors import ImageError
from imgxlate.images.decode import Header, decode, read_header
from imgxlate.images.limits import DEFAULT, Limits

Encoder = Callable[..., bytes]

LOSSLESS = {"PNG": {}, "TIFF": {}, "WEBP": {"lossless": True}, "BMP": {}, "PPM": {}, "QOI": {}}


def png_header(width: int, height: int) -> bytes:
    """A PNG file that ends where its pixels should begin."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = struct.pack(">I", 1000) + b"IDAT"
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + pixels


# Supported files


@pytest.mark.parametrize("kind", LOSSLESS)
def test_a_lossless_file_gives_its_pixels(file_of: Encoder, colors: np.ndarray, kind: str) -> None:
    image = decode(file_of(colors, kind, **LOSSLESS[kind]))
    assert np.array_equal(image.rgb, colors)
    assert image.alpha is None


@pytest.mark.parametrize("kind", ["JPEG", "AVIF", "JPEG2000", "WEBP"])
def test_a_lossy_file_gives_about_its_pixels(file_of: Encoder, kind: str) -> None:
    smooth = np.linspace(0, 255, 32 * 32 * 3).reshape(32, 32, 3).astype(np.uint8)
    assert np.abs(decode(file_of(smooth, kind)).rgb.astype(int) - smooth).mean() < 3


def test_a_path_and_its_bytes_give_the_same_image(tmp_path: Path, file_of: Encoder, colors: np.ndarray) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(file_of(colors))
    assert np.array_equal(decode(path).rgb, decode(path.read_bytes()).rgb)


def test_the_content_counts_and_not_the_suffix(tmp_path: Path, file_of: Encoder, colors: np.ndarray) -> None:
    path = tmp_path / "image.jpg"
    path.write_bytes(file_of(colors, "PNG"))
    assert np.array_equal(decode(path).rgb, colors)


@pytest.mark.parametrize(("kind", "options"), [("GIF", {}), ("TIFF", {}), ("WEBP", {"lossless": True}), ("PNG", {})])
def test_the_first_frame_of_several_is_read(file_of: Encoder, kind: str, options: dict[str, bool]) -> None:
    frames = [Image.new("RGB", (6, 4), color) for color in ("red", "lime", "blue")]
    data = file_of(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert (decode(data).rgb == (255, 0, 0)).all()


def test_the_first_image_of_a_multi_image_jpeg_is_read(file_of: Encoder) -> None:
    frames = [Image.new("RGB", (16, 16), color) for color in ("white", "black")]
    data = file_of(frames[0], "MPO", save_all=True, append_images=frames[1:])
    assert (decode(data).rgb == 255).all()


def test_a_name_that_is_not_utf8_is_read(tmp_path: Path, file_of: Encoder, colors: np.ndarray) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.png")
    path.write_bytes(file_of(colors))
    assert np.array_equal(decode(path).rgb, colors)


# Orientation


def as_stored(upright: np.ndarray, orientation: int) -> np.ndarray:
    """Where EXIF's orientation puts row 0 and column 0: (top, left), (top, right), (bottom, right), ..."""
    row0 = {1: "top", 2: "top", 3: "bottom", 4: "bottom", 5: "left", 6: "right", 7: "right", 8: "left"}[orientation]
    column0 = {1: "left", 2: "right", 3: "right", 4: "left", 5: "top", 6: "top", 7: "bottom", 8: "bottom"}[orientation]
    stored = upright if row0 in ("top", "bottom") else upright.transpose(1, 0, 2)
    stored = stored[::-1] if row0 in ("bottom", "right") else stored
    return np.ascontiguousarray(stored[:, ::-1] if column0 in ("bottom", "right") else stored)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("kind", "options"),
    [("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"})],
)
def test_the_orientation_is_applied(
    file_of: Encoder, colors: np.ndarray, orientation: int, kind: str, options: dict[str, object]
) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    data = file_of(as_stored(colors, orientation), kind, exif=exif, **options)
    assert np.array_equal(decode(data).rgb, colors)


def test_transparency_turns_with_the_colors(file_of: Encoder, colors: np.ndarray) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    image = Image.fromarray(as_stored(colors, 6))
    image.putalpha(image.getchannel("G"))
    image = decode(file_of(image, exif=exif))
    assert image.alpha is not None
    assert np.array_equal(image.alpha, colors[..., 1])


@pytest.mark.parametrize(
    "exif",
    [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x12\0\7\0\0\0\1xxxx", b"x" * 40],
)
def test_broken_exif_is_ignored(file_of: Encoder, colors: np.ndarray, exif: bytes) -> None:
    assert np.array_equal(decode(file_of(colors, exif=exif)).rgb, colors)


# Refused files


def refusal(source: Path | bytes, **options: object) -> ImageError:
    with pytest.raises(ImageError) as caught:
        decode(source, **options)  # type: ignore[arg-type]
    return caught.value


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    error = refusal(tmp_path / "none.png")
    assert (error.path, error.reason) == (tmp_path / "none.png", "no such file")


def test_a_folder_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path).reason == "a folder, not an image"


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    assert refusal(tmp_path / "empty.png").reason == "the file is empty"


def test_a_pipe_without_a_writer_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    error = refusal(tmp_path / "pipe.png")
    assert error.reason == "a pipe or a device, not a file"
    assert "standard input" in (error.hint or "")


def test_a_device_without_an_end_does_not_hang() -> None:
    assert refusal(Path("/dev/zero")).reason == "a pipe or a device, not a file"


def test_a_loop_of_links_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to("b.png")
    (tmp_path / "b.png").symlink_to("a.png")
    assert "symbolic links" in refusal(tmp_path / "a.png").reason


def test_an_impossible_name_is_refused() -> None:
    assert refusal(Path("a\0b.png")).reason == "not a possible file name"


@contextlib.contextmanager
def without_privileges() -> Iterator[None]:
    """Root may read everything; someone else may not."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_file_without_permission_is_named(tmp_path: Path, file_of: Encoder, colors: np.ndarray) -> None:
    path = tmp_path / "private.png"
    path.write_bytes(file_of(colors))
    path.chmod(0)
    with without_privileges():
        assert refusal(path).reason == "cannot be opened: Permission denied"


def test_a_web_page_saved_as_an_image_is_called_one(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"<!DOCTYPE html><html><body>403 Forbidden</body></html>")
    error = refusal(path)
    assert error.reason == "not a supported image, but a web page (HTML)"
    assert str(error) == f"{path}: {error.reason}"


@pytest.mark.parametrize("kind", ["EPS", "PDF"])
def test_documents_are_never_opened(file_of: Encoder, colors: np.ndarray, kind: str) -> None:
    assert refusal(file_of(colors, kind)).reason.startswith("not a supported image, but a P")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF"])
def test_a_file_that_is_cut_short_is_damaged(file_of: Encoder, kind: str) -> None:
    data = file_of(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8), kind)
    assert "damaged" in refusal(data[: len(data) // 2]).reason


def test_the_error_for_a_truncated_jpeg_says_cut_short(file_of: Encoder) -> None:
    data = file_of(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8), "JPEG")
    assert refusal(data[: len(data) // 2]).reason == "the file is damaged: it is cut short"


def test_the_name_stands_for_the_bytes_in_messages(colors: np.ndarray) -> None:
    assert str(refusal(b"", name="-")) == "-: the file is empty"
    assert str(refusal(b"")) == "image data: the file is empty"


def test_too_many_pixels_are_refused_before_one_is_read() -> None:
    error = refusal(png_header(100, 50), limits=Limits(pixels=4999))
    assert error.reason == "5,000 pixels are more than the limit of 4,999"
    assert "--max-pixels" in (error.hint or "")


def test_a_decompression_bomb_is_refused() -> None:
    error = refusal(png_header(60_000, 60_000))
    assert error.reason == f"3,600,000,000 pixels are more than the limit of {DEFAULT.pixels:,}"
    assert "--max-pixels 3600M" in (error.hint or "")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_the_limit_may_be_above_that_of_pillow(
    file_of: Encoder, colors: np.ndarray, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Pillow refuses an image of more than twice its limit."""
    data = file_of(colors, kind)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert decode(data, limits=Limits(pixels=35)).size == (5, 7)
    assert Image.MAX_IMAGE_PIXELS == 10
    assert refusal(data, limits=Limits(pixels=34)).reason == "35 pixels are more than the limit of 34"
    assert refusal(data, limits=Limits(pixels=10)).reason == "35 pixels are more than the limit of 10"
    assert Image.MAX_IMAGE_PIXELS == 10


def test_a_large_image_within_the_limit_gives_no_warning(
    file_of: Encoder, colors: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        assert decode(file_of(colors)).size == (5, 7)
    assert heard == []


def test_a_file_of_too_many_bytes_is_refused(tmp_path: Path, file_of: Encoder, colors: np.ndarray) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(file_of(colors))
    size = path.stat().st_size
    assert decode(path, limits=Limits(file_bytes=size)).size == (5, 7)
    for source in (path, path.read_bytes()):
        error = refusal(source, limits=Limits(file_bytes=size - 1))
        assert error.reason == f"the file is larger than the limit of {size - 1:,} bytes"


def test_reading_takes_memory_by_the_size_of_the_file_and_not_of_the_limit(
    tmp_path: Path, file_of: Encoder, colors: np.ndarray
) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(file_of(colors))
    tracemalloc.start()
    try:
        decode(path, limits=Limits(file_bytes=10**9))
        assert tracemalloc.get_traced_memory()[1] < 10**7  # the peak
    finally:
        tracemalloc.stop()


def test_an_image_without_pixels_is_refused() -> None:
    assert "damaged" in refusal(png_header(0, 5)).reason
    assert "damaged" in refusal(b"P6 5 0 255\n").reason


def test_too_little_memory_is_an_image_error(
    file_of: Encoder, colors: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object) -> None:
        raise MemoryError

    data = file_of(colors)
    monkeypatch.setattr(Image.core, "fill", exhausted)
    monkeypatch.setattr(Image.core, "new", exhausted)
    assert refusal(data).reason == "too little memory to read it"


# Opening images


def opens_images(module: Path) -> bool:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr == "open" and ast.unparse(node.value).endswith("Image"):
            return True
        if (
            isinstance(node, ast.ImportFrom)
            and node.module == "PIL.Image"
            and any(a.name == "open" for a in node.names)
        ):
            return True
    return False


def test_no_other_module_opens_images() -> None:
    package = Path(imgxlate.__file__).parent
    openers = [path.relative_to(package).as_posix() for path in package.rglob("*.py") if opens_images(path)]
    assert openers == ["images/decode.py"]


@pytest.mark.parametrize(
    ("sufficient", "size"),
    [(601, (600, 800)), (301, (600, 800)), (300, (300, 400)), (150, (150, 200)), (20, (75, 100))],
)
def test_a_jpeg_is_decoded_at_a_reduced_size_that_suffices(
    file_of: Encoder, sufficient: int, size: tuple[int, int]
) -> None:
    waves = (np.sin(np.arange(800) / 40) * 100 + 128).astype(np.uint8)[None, :, None]
    data = file_of(np.broadcast_to(waves, (600, 800, 3)), "JPEG", quality=95)
    whole, reduced = decode(data), decode(data, sufficient_side=sufficient)
    assert reduced.size == size
    step = 600 // size[0]
    means = whole.rgb.reshape(size[0], step, size[1], step, 3).mean(axis=(1, 3))
    assert np.abs(reduced.rgb - means).max() <= 3


def test_a_reduced_jpeg_is_turned_upright(file_of: Encoder) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    data = file_of(Image.new("RGB", (640, 480)), "JPEG", exif=exif)
    assert decode(data, sufficient_side=100).size == (160, 120)


def test_other_formats_are_decoded_in_full(file_of: Encoder) -> None:
    assert decode(file_of(Image.new("RGB", (640, 480)), "PNG"), sufficient_side=10).size == (480, 640)


def test_a_header_has_the_upright_size_and_the_stored_mode(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.new("L", (30, 20)).save(tmp_path / "turned.jpg", exif=exif)
    assert read_header(tmp_path / "turned.jpg") == Header((30, 20), "L")


def test_the_header_of_a_bad_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no image")
    with pytest.raises(ImageError, match="not an image"):
        read_header(tmp_path / "bad.png")


@pytest.mark.parametrize("name", ["https://example.org/a.jpg", "http://example.org/a.jpg", "s3://bucket/a.png"])
def test_a_web_address_is_named_with_the_command_that_downloads_it(name: str) -> None:
    with pytest.raises(ImageError, match="a web address, not a file") as caught:
        decode(Path(name))
    assert name in str(caught.value.hint)


@pytest.mark.parametrize(
    "head",
    [
        b"\0\0\0\x18ftypisom",
        b"\0\0\0\x14ftypqt  ",
        b"\x1aE\xdf\xa3",
        b"RIFF\0\0\0\0AVI LIST",
        b"\0\0\0\x08wide",
        b"FLV\x01",
    ],
)
def test_a_film_is_named_with_the_command_that_splits_it(head: bytes) -> None:
    with pytest.raises(ImageError, match="not a supported image, but a video") as caught:
        decode(head + bytes(64))
    assert "ffmpeg" in str(caught.value.hint)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "PNG"])
def test_a_file_of_several_images_gives_the_first_and_says_so(file_of: Encoder, colors: np.ndarray, kind: str) -> None:
    frames = [Image.fromarray(colors), Image.fromarray(255 - colors)]
    image = decode(file_of(frames[0], kind, save_all=True, append_images=frames[1:], **LOSSLESS.get(kind, {})))
    assert np.array_equal(image.rgb, decode(file_of(frames[0], kind, **LOSSLESS.get(kind, {}))).rgb)
    assert [note.split(".")[0] for note in image.notes] == ["the file holds several images, and only the first is read"]
    assert not decode(file_of(frames[0], kind, **LOSSLESS.get(kind, {}))).notes


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "jpeg", "group4"])
def test_a_damaged_tiff_is_one_error_and_libtiff_prints_nothing(
    file_of: Encoder, colors: np.ndarray, compression: str, capfd: pytest.CaptureFixture[str]
) -> None:
    image = Image.fromarray(colors).resize((40, 40)).convert("1" if compression == "group4" else "RGB")
    data = file_of(image, "TIFF", compression=compression)
    for cut in range(8, len(data), 20):
        with contextlib.suppress(ImageError):
            decode(data[:cut] + b"\xff" * 20 + data[cut + 20 :])
        with contextlib.suppress(ImageError):
            decode(data[:cut])
    assert capfd.readouterr() == ("", "")


def test_a_tiff_of_many_bands_is_one_error_without_lines_of_the_image_library(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "bands.tif"
    tifffile.imwrite(path, np.zeros((8, 8, 11), np.uint8), photometric="minisblack", planarconfig="contig")
    source = f"import sys, pathlib; from imgxlate.images.decode import decode; decode(pathlib.Path({str(path)!r}))"
    ended = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=120)
    assert "More samples per pixel" not in ended.stderr


@pytest.mark.parametrize(
    ("values", "options", "kind"),
    [
        (np.zeros((8, 8, 11), np.uint8), {"photometric": "minisblack", "planarconfig": "contig"}, "11 bands of uint8"),
        (np.zeros((8, 8, 3), np.float64), {"photometric": "rgb"}, "3 bands of float64"),
        (np.zeros((5, 8, 8), np.float32), {"planarconfig": "separate"}, "5 bands of float32, stored one after another"),
    ],
)
def test_a_whole_tiff_that_is_not_read_is_not_called_damaged(
    tmp_path: Path, values: np.ndarray, options: dict[str, str], kind: str
) -> None:
    path = tmp_path / "bands.tif"
    tifffile.imwrite(path, values, **options)  # type: ignore[arg-type]
    with pytest.raises(ImageError, match=f"holds {kind}, which is not read") as caught:
        decode(path)
    assert caught.value.hint
    cut = tmp_path / "cut.tif"
    cut.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ImageError, match="damaged"):
        decode(cut)


def test_heic_is_refused_with_the_name_of_the_extra_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ImageError, match="an HEIC photograph") as caught:
        decode(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    assert "imgxlate[heif]" in str(caught.value.hint)


def test_heic_is_read_with_the_package_of_the_extra() -> None:
    heif = pytest.importorskip("pillow_heif")
    rgb = np.full((32, 48, 3), (200, 60, 20), np.uint8)
    file = io.BytesIO()
    heif.from_bytes("RGB", (48, 32), rgb.tobytes()).save(file, quality=90)
    image = decode(file.getvalue())
    assert image.size == (32, 48)
    assert np.abs(image.rgb.astype(int) - rgb).max() < 12


def test_a_label_image_is_said_to_be_almost_black(file_of: Encoder) -> None:
    """Masks and label maps store the number of the class, and look black."""
    labels = np.arange(16, dtype=np.uint8).reshape(4, 4) % 3
    [note] = decode(file_of(labels)).notes
    assert "almost black" in note
    for other in (np.zeros((4, 4), np.uint8), labels * 120):
        assert not decode(file_of(other)).notes
    colored = Image.fromarray(labels).convert("P")
    colored.putpalette([0, 0, 0, 250, 0, 0, 0, 250, 0])
    assert not decode(file_of(colored)).notes

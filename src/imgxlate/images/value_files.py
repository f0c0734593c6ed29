"""Reading and writing the values of images that are not in color: gray and 16-bit PNG, TIFF of any type, numpy's."""

import io
import zipfile
from pathlib import Path
from typing import IO

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

from imgxlate import atomic
from imgxlate.errors import ImageError, UsageError
from imgxlate.images import sniff
from imgxlate.images.decode import (
    exif_orientation,
    failures_as_image_errors,
    open_image,
    read_file,
    read_header,
    too_many_pixels,
)
from imgxlate.images.formats import ARRAY_SUFFIXES, TIFF_SUFFIXES
from imgxlate.images.image_array import ImageArray, upright
from imgxlate.images.limits import DEFAULT, Limits
from imgxlate.images.pixel_format import MAX_CHANNELS, PixelFormat
from imgxlate.images.pixel_guard import PIXEL_GUARD
from imgxlate.images.silence import WARNINGS_IGNORED
from imgxlate.images.sizes import Size
from imgxlate.images.values import channels_last, image_of_values

_ORIENTATION = 274  # TIFF tag
_WHITE_IS_ZERO, _PALETTE = 0, 3  # photometric interpretations of TIFF
_ALPHA = (1, 2)  # extra samples of TIFF
_PNG_TYPES = ("uint8", "uint16")
_COMPRESSION = 2  # as for images in color


def read_values(source: Path | bytes, *, name: str | None = None, limits: Limits = DEFAULT) -> np.ndarray:
    """The values (H, W, C) of an image file, in its own type and units. The EXIF orientation is applied.

    Raises:
        ImageError: the file cannot be read, or it holds no image of at most 16 channels, or a transparent one.
    """
    path = name or (str(source) if isinstance(source, Path) else "image data")
    data = read_file(source, path, limits) if isinstance(source, Path) else source
    if len(data) > limits.file_bytes:
        raise ImageError(path, f"the file is larger than the limit of {limits.file_bytes:,} bytes")
    failures = failures_as_image_errors(path, data[: sniff.HEAD], limits)
    with WARNINGS_IGNORED, failures, PIXEL_GUARD.allowing(limits.pixels):
        if data.startswith((b"\x93NUMPY", b"PK\x03\x04")):
            values = channels_last(_array(data, path, limits), path)
        elif data.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
            values = _tiff(data, path, limits)
        else:
            values = _image(data, path, limits)
    _require_pixels(values.shape[:2], path, limits)
    return values


def mode_of(file: Path) -> str | None:
    """Pillow's name of the mode of an image of 8 bits, such as "RGB" or "L"; None: `read_values` reads it.

    Pillow opens PNG and TIFF of 16 bits in color as "RGB".
    """
    if file.suffix.lower() in ARRAY_SUFFIXES:
        return None
    try:
        mode = read_header(file).mode
    except ImageError:  # Pillow opens no TIFF with many channels.
        return None
    return None if mode.startswith(("I", "F")) else mode


def in_false_colors(file: Path) -> tuple[ImageArray, str]:
    """An image that is not in color, as one in color, scaled by its percentiles; and its kind, such as "1 x uint16".

    Raises:
        ImageError: it cannot be read.
    """
    values = read_values(file)
    channels = values.shape[2]
    image, _ = image_of_values(values, PixelFormat(channels, percentiles=True), str(file))
    return image.at_depth(8), f"{channels} x {values.dtype}"


def size_of(file: Path) -> Size:
    """Height and width of an image in pixels.

    Raises:
        ImageError: it cannot be read.
    """
    if mode_of(file):
        return read_header(file).size
    height, width, _ = read_values(file).shape
    return height, width


def output_suffix(name: str, pixels: PixelFormat) -> str:
    """The suffix of the file for an output of that format, made from the input `name`: of the same kind, if it can be.

    PNG holds 1 or 3 channels of uint8 or uint16. All else that is no array becomes a TIFF file.
    """
    suffix = Path(name).suffix.lower()
    if suffix in (*ARRAY_SUFFIXES, *TIFF_SUFFIXES):
        return suffix
    return ".png" if pixels.channels in (1, 3) and pixels.type in (None, *_PNG_TYPES) else ".tif"


def suffix_for(values: np.ndarray) -> str:
    """The suffix of a file for values (H, W, C) whose input had no name."""
    return ".png" if values.shape[2] in (1, 3) and values.dtype.name in _PNG_TYPES else ".tif"


def encode_values(values: np.ndarray, suffix: str) -> bytes:
    """The bytes of a file with the values (H, W, C) in the format of `suffix`, without loss.

    Raises:
        UsageError: the format does not hold these values.
    """
    file = io.BytesIO()
    _write(values, suffix, file)
    return file.getvalue()


def save_values(values: np.ndarray, path: Path) -> None:
    """Write the values (H, W, C) to `path` in the format of its suffix, completely or not at all.

    Raises:
        UsageError: the format does not hold these values.
        OutputError: the file cannot be written.
    """
    with atomic.writer(path) as file:
        _write(values, path.suffix, file)


def _write(values: np.ndarray, suffix: str, file: IO[bytes]) -> None:
    suffix = suffix.lower()
    plain = np.ascontiguousarray(values[..., 0] if values.shape[2] == 1 else values)
    if suffix == ".npy":
        np.save(file, plain)
    elif suffix == ".npz":
        np.savez_compressed(file, image=plain)
    elif suffix in TIFF_SUFFIXES:
        tifffile.imwrite(
            file,
            plain,
            photometric="minisblack",
            planarconfig="contig" if plain.ndim == 3 else None,
            compression="zlib",
            compressionargs={"level": _COMPRESSION},
            byteorder="<",
            metadata=None,
            software=False,
            maxworkers=1,
        )
    elif suffix == ".png" and values.shape[2] in (1, 3) and values.dtype.name in _PNG_TYPES:
        file.write(imagecodecs.png_encode(plain, level=_COMPRESSION))
    else:
        plural = "1 channel" if values.shape[2] == 1 else f"{values.shape[2]} channels"
        raise UsageError(
            f"{suffix or 'a file without a suffix'} does not hold {plural} of {values.dtype}",
            hint=f"Write one of {' '.join((*ARRAY_SUFFIXES, *TIFF_SUFFIXES))}.",
        )


def _array(data: bytes, path: str, limits: Limits) -> np.ndarray:
    """The array in a file of numpy. Pickled objects are refused."""
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > limits.file_bytes:
                raise ImageError(path, f"unpacks to more than the limit of {limits.file_bytes:,} bytes")
            if not all(name.endswith(".npy") for name in archive.namelist()):
                raise ImageError(path, "not a supported image, but an archive", hint="Unpack it first.")
    loaded = np.load(io.BytesIO(data), allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return loaded
    if len(loaded.files) != 1:
        raise ImageError(
            path,
            f"holds {len(loaded.files)} arrays: {', '.join(loaded.files[:5])}",
            hint="Save one array in each file.",
        )
    array: np.ndarray = loaded[loaded.files[0]]
    return array


def _tiff(data: bytes, path: str, limits: Limits) -> np.ndarray:
    """The values of the only image in a TIFF file. Its channels may be samples, or pages of ImageJ."""
    with io.BytesIO(data) as stream, tifffile.TiffFile(stream) as file:
        page, series = file.pages.first, file.series[0]
        _require_pixels((page.imagelength, page.imagewidth), path, limits)
        if page.samplesperpixel > MAX_CHANNELS:
            raise ImageError(path, f"has {page.samplesperpixel} channels, more than {MAX_CHANNELS}")
        if page.photometric == _PALETTE or page.compression in (6, 7):
            return _image(data, path, limits)
        if len(file.pages) > (MAX_CHANNELS if series.axes in ("CYX", "QYX", "IYX") else 1):
            raise ImageError(
                path, f"holds {len(file.pages)} images", hint="Save each slice of a volume as an image of its own."
            )
        values = (series if len(file.pages) > 1 else page).asarray(maxworkers=1)
        axes, extra, orientation = page.axes, page.extrasamples, page.tags.valueof(_ORIENTATION, default=1)
        if page.photometric == _WHITE_IS_ZERO and values.dtype.kind == "u":
            values = (2**page.bitspersample - 1) - values
    values = np.moveaxis(values, 0, -1) if axes == "SYX" else channels_last(values, path)
    values = channels_last(upright(values, orientation), path)
    return _opaque(values, path) if extra and extra[-1] in _ALPHA else values


def _image(data: bytes, path: str, limits: Limits) -> np.ndarray:
    """The values of an image in a format of Pillow's. Palettes and CMYK become red, green and blue."""
    with open_image(io.BytesIO(data)) as image:
        _require_pixels((image.height, image.width), path, limits)
        orientation = exif_orientation(image)
        if image.format == "PNG" and data[24] == 16:  # bits of a channel, in the header
            values = channels_last(imagecodecs.png_decode(data), path)
            has_alpha = values.shape[2] in (2, 4)
        else:
            image.load()
            values, has_alpha = _from_pillow(image)
    values = upright(values, orientation)
    return _opaque(values, path) if has_alpha else values


def from_pillow(image: Image.Image) -> np.ndarray:
    """The values (H, W, C) of an image of Pillow's.

    Raises:
        ImageError: it is transparent.
    """
    values, has_alpha = _from_pillow(image)
    return _opaque(values, "image") if has_alpha else values


def _from_pillow(image: Image.Image) -> tuple[np.ndarray, bool]:
    """The values (H, W, C), and whether the last channel is the transparency."""
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image)
        fits = values.dtype == np.int32 and values.min() >= 0 and values.max() <= 65535  # as PGM of 16 bits has them
        return channels_last(values.astype(np.uint16) if fits else values), False
    gray = image.mode in ("1", "L", "LA", "La")
    has_alpha = image.has_transparency_data
    mode = ("LA" if has_alpha else "L") if gray else ("RGBA" if has_alpha else "RGB")
    return channels_last(np.asarray(image if image.mode == mode else image.convert(mode))), has_alpha


def _opaque(values: np.ndarray, path: str) -> np.ndarray:
    """The values without their last channel, the transparency.

    Raises:
        ImageError: a pixel is transparent.
    """
    opaque = np.iinfo(values.dtype).max if values.dtype.kind in "ui" else 1
    if (values[..., -1] != opaque).any():
        raise ImageError(
            path, "is transparent, which only images in color can be", hint="Save it without the transparency."
        )
    return values[..., :-1]


def _require_pixels(size: tuple[int, ...], path: str, limits: Limits) -> None:
    if size[0] * size[1] > limits.pixels:
        raise too_many_pixels(size[0] * size[1], path, limits)

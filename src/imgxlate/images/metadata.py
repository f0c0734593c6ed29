"""Metadata of image files: EXIF, XMP and ICC profile of an input, and a text of ours. By default, outputs have none."""

import contextlib
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from PIL import ExifTags, Image

from imgxlate.images.formats import OUTPUT_FORMATS

TEXT_KEY = "imgxlate"
"""The keyword of our text in a PNG file."""

_XMP_KEY = "XML:com.adobe.xmp"  # in a PNG file
_XMP_TAG = 700  # of TIFF
_PNG_HEADER = 33  # bytes: the signature and the chunk IHDR
_EXIF_MARK = b"Exif\0\0"
_JPEG_BYTES = {"exif": 65_533, "xmp": 65_502}  # the most in a JPEG file; of XMP: its specification, part 3
_Tag = ExifTags.Base
_DESCRIPTIVE = (
    _Tag.ImageDescription,
    _Tag.Make,
    _Tag.Model,
    _Tag.XResolution,
    _Tag.YResolution,
    _Tag.ResolutionUnit,
    _Tag.Software,
    _Tag.DateTime,
    _Tag.Artist,
    _Tag.Copyright,
)
"""The tags that are kept. In a TIFF file, others say where the pixels are."""

_INTEROPERABILITY = 40965  # refers to other tags
_LEFT_OUT = frozenset({_Tag.MakerNote, _Tag.ColorSpace, _Tag.ExifImageWidth, _Tag.ExifImageHeight, _INTEROPERABILITY})
"""Tags about the exposure that no longer hold. A maker's note is opaque, and may hold a place."""

_GPS_ATTRIBUTE = re.compile(r"""\s[\w-]+:GPS\w*\s*=\s*("[^"]*"|'[^']*')""", re.IGNORECASE)
_GPS_ELEMENT = re.compile(r"<([\w-]+:GPS\w*)\b[^<>]*(/>|>[^<]*</\1\s*>)", re.IGNORECASE)
_ORIENTATION = re.compile(r"""(tiff:Orientation(?:\s*=\s*["']|>\s*))[1-8]""")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file holds beside its pixels."""

    text: str | None = None  # ours; only PNG holds it
    exif: bytes | None = None
    xmp: bytes | None = None
    profile: bytes | None = None  # an ICC profile of RGB. The colors of the file are written in it.


NONE = Metadata()


def metadata_of(image: Image.Image, *, gps: bool) -> Metadata:
    """The metadata of an opened file, for an image that is upright; with a place only if `gps`.

    Parts that are broken are left out.
    """
    exif = None
    with contextlib.suppress(Exception):  # The parser may raise anything when the EXIF block is damaged.
        exif = _exif(image.getexif(), gps=gps)
    xmp, profile = image.info.get("xmp"), image.info.get("icc_profile")
    return Metadata(
        exif=exif,
        xmp=_xmp(xmp, gps=gps) if isinstance(xmp, bytes) else None,
        profile=profile if isinstance(profile, bytes) and profile[16:20] == b"RGB " else None,
    )


def pillow_options(metadata: Metadata, kind: str) -> dict[str, Any]:
    """The options with which Pillow writes the metadata into a JPEG, WebP or TIFF file, without what is too long."""
    options: dict[str, Any] = {}
    if kind in {"JPEG", "WEBP"}:
        options = {"exif": metadata.exif, "xmp": metadata.xmp, "icc_profile": metadata.profile}
        options |= dict.fromkeys(_too_long(metadata, kind))
    if kind == "TIFF":
        options = {"tiffinfo": dict(_tiff_tags(metadata)), "icc_profile": metadata.profile}
    return {name: value for name, value in options.items() if value}


def left_out_notes(metadata: Metadata, suffix: str) -> list[str]:
    """Tells the user which parts are too long for a file with that suffix, so that `pillow_options` leaves them out."""
    too_long = _too_long(metadata, OUTPUT_FORMATS[suffix.lower()])
    return [
        f"{name.upper()} is left out: it has {size:,} bytes, and a JPEG file holds {_JPEG_BYTES[name]:,}. "
        "A .png or .webp file keeps it"
        for name, size in too_long.items()
    ]


def _too_long(metadata: Metadata, kind: str) -> dict[str, int]:
    """The parts that are too long for that format, with their bytes."""
    if kind != "JPEG":
        return {}
    sizes = {"exif": len(metadata.exif or b""), "xmp": len(metadata.xmp or b"")}
    return {name: size for name, size in sizes.items() if size > _JPEG_BYTES[name]}


def tifffile_options(metadata: Metadata) -> dict[str, Any]:
    """The options with which tifffile writes the metadata into a TIFF file."""
    tags = [
        (tag, "B" if isinstance(value, bytes) else "s", len(value), value, True) for tag, value in _tiff_tags(metadata)
    ]
    return {"iccprofile": metadata.profile, "extratags": tags}


def _tiff_tags(metadata: Metadata) -> Iterator[tuple[int, str | bytes]]:
    """The XMP packet, and the texts of the EXIF block. Its other parts cannot be written into a compressed file."""
    exif = Image.Exif()
    exif.load(metadata.exif or b"")
    yield from ((tag, exif[tag]) for tag in _DESCRIPTIVE if isinstance(exif.get(tag), str))
    if metadata.xmp:
        yield _XMP_TAG, metadata.xmp


def with_png_metadata(file: bytes, metadata: Metadata) -> bytes:
    """A PNG file with the metadata before its pixels."""
    chunks = []
    if metadata.profile:
        chunks.append(_chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.profile)))
    if metadata.exif:
        chunks.append(_chunk(b"eXIf", metadata.exif.removeprefix(_EXIF_MARK)))
    if metadata.xmp:
        chunks.append(_text_chunk(_XMP_KEY, metadata.xmp))
    if metadata.text:
        chunks.append(_text_chunk(TEXT_KEY, metadata.text.encode()))
    return b"".join([file[:_PNG_HEADER], *chunks, file[_PNG_HEADER:]])


def _text_chunk(key: str, text: bytes) -> bytes:
    """A chunk iTXt, uncompressed, of no language."""
    return _chunk(b"iTXt", key.encode() + b"\0\0\0\0\0" + text)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _exif(source: Image.Exif, *, gps: bool) -> bytes | None:
    kept = Image.Exif()
    for tag in _DESCRIPTIVE:
        if tag in source:
            kept[tag] = source[tag]
    exposure = {tag: value for tag, value in source.get_ifd(ExifTags.IFD.Exif).items() if tag not in _LEFT_OUT}
    place = source.get_ifd(ExifTags.IFD.GPSInfo) if gps else {}
    if exposure:
        kept.get_ifd(ExifTags.IFD.Exif).update(exposure)
    if place:
        kept.get_ifd(ExifTags.IFD.GPSInfo).update(place)
    if not (len(kept) or exposure or place):
        return None
    kept[_Tag.Orientation] = 1
    return kept.tobytes()


def _xmp(packet: bytes, *, gps: bool) -> bytes | None:
    """The XMP packet of an upright image; None if it cannot be read, or keeps a place that it must not keep."""
    try:
        text = packet.rstrip(b"\0").decode()
    except UnicodeDecodeError:
        return None
    text = _ORIENTATION.sub(r"\g<1>1", text)
    if not gps:
        text = _GPS_ELEMENT.sub("", _GPS_ATTRIBUTE.sub("", text))
        if "gps" in text.lower() or "\0" in text:
            return None
    return text.encode()

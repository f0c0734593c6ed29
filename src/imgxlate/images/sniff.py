"""Why a file cannot be read as an image, judged by its first bytes."""

import re

from imgxlate.images.formats import INPUT_FORMATS

HEAD = 1024
"""The bytes of a file that are looked at."""

_DOWNLOAD = "Download the image itself again: servers often send an error page instead."
_HEIC = rb"....ftyp(hei|hev|mif1|msf1)"

_EXPAND = "Give the files: `xargs -a LIST imgxlate ...`."
_CONVERT = "Convert it to PNG or JPEG first."
_SPLIT = (
    "`translate` and `neural-style` take films as INPUT: add --film. For other uses, split it into images first: "
    "`ffmpeg -i FILE frames/%05d.png`, with a folder frames/ that exists."
)

# How the file starts, what it is, and what the user can do.
_OTHERS = (
    (rb"(?i)\s*<(!doctype html|html|head|body)", "a web page (HTML)", _DOWNLOAD),
    (rb"\s*<([?!].*?<)?svg", "an SVG drawing", _CONVERT),
    (rb"\s*<\?xml", "an XML document", _DOWNLOAD),
    (rb"\s*[{\[]", "JSON text", _DOWNLOAD),
    (rb"[^\0\n]{1,500}\.(?i:png|jpe?g|tiff?|bmp|webp|gif)\s*[\r\n]", "a list of files", _EXPAND),
    (rb"version https://git-lfs", "a Git LFS pointer", "Fetch the image itself with `git lfs pull`."),
    (rb"%PDF", "a PDF document", _CONVERT),
    (rb"%!PS|\xc5\xd0\xd3\xc6", "a PostScript file", _CONVERT),
    (_HEIC, "an HEIC photograph", 'Type `pip install "imgxlate[heif]"`, or convert it to PNG or JPEG first.'),
    (rb"....ftyp(mp4|iso|qt|M4V|avc|3g|dash|MSNV)|\x1aE\xdf\xa3|RIFF....AVI |\0\0\x01\xba|FLV\x01", "a video", _SPLIT),
    (rb"....(moov|mdat|wide|free|skip)", "a video", _SPLIT),
    (rb"\x93NUMPY", "a NumPy array", "Only models of images that are not in color take it."),
    (rb"8BPS", "a Photoshop document", _CONVERT),
    (rb".{128}DICM", "a DICOM file", "Save its array as PNG or TIFF first: `pydicom.dcmread(FILE).pixel_array`."),
    (rb"v/1\x01", "an OpenEXR image", _CONVERT),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "a JPEG XL image", _CONVERT),
    (rb"PK\x03\x04|\x1f\x8b|7z\xbc\xaf|Rar!", "an archive", "Unpack it first."),
)

_OURS = (
    (rb"\x89PNG", "PNG"),
    (rb"\xff\xd8", "JPEG"),
    (rb"RIFF....WEBP", "WebP"),
    (rb"II[*+]\0|MM\0[*+]", "TIFF"),
    (rb"GIF8", "GIF"),
    (rb"BM", "BMP"),
    (rb"P[1-7fF]\s", "PPM"),
    (rb"....ftypavi", "AVIF"),
    (rb"....jP  |\xff\x4f\xff\x51", "JPEG 2000"),
    (rb"qoif", "QOI"),
)

_UNMISTAKABLE = re.compile(
    rb"\x89PNG|\xff\xd8\xff|RIFF....WEBP|II[*+]\0|MM\0[*+]|GIF8|....ftyp(avi|hei|hev|mif1|msf1)|....jP  |qoif|8BPS|"
    rb".{128}DICM",
    re.DOTALL,
)


def is_image(data: bytes) -> bool:
    """Whether a file starts like an image, in a format that is read or not, as no other file does."""
    return _UNMISTAKABLE.match(data) is not None


def is_heic(data: bytes) -> bool:
    """Whether `data` starts like an HEIC photograph."""
    return re.match(_HEIC, data, re.DOTALL) is not None


def describe(data: bytes) -> tuple[str, str | None]:
    """Why no image can be read from `data`, and a hint or None."""
    head = data[:HEAD].removeprefix(b"\xef\xbb\xbf")  # UTF-8 byte order mark
    for pattern, kind, hint in _OTHERS:
        if re.match(pattern, head, re.DOTALL):
            return f"not a supported image, but {kind}", hint
    for pattern, name in _OURS:
        if re.match(pattern, head, re.DOTALL):
            return f"starts like {name}, but its header is damaged, cut short or unsupported", None
    return f"not an image in a supported format ({', '.join(INPUT_FORMATS)})", None

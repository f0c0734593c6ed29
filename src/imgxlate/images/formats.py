"""The image formats that are read and written. Imports no Pillow, numpy or torch."""

INPUT_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "AVIF", "JPEG2000", "QOI")
"""Pillow's names of the formats that are read. Formats that run an interpreter (EPS, WMF, PDF) are excluded."""

IMAGE_SUFFIXES = frozenset(
    {".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff", ".bmp", ".dib", ".gif"}
    | {".ppm", ".pgm", ".pbm", ".pnm", ".avif", ".jp2", ".j2k", ".jpx", ".qoi"}
)
"""The suffixes, in lower case, of images in a folder."""

OUTPUT_FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
    ".ppm": "PPM",
}
"""The suffixes, in lower case, that can be written, with Pillow's names of their formats."""

SIXTEEN_BIT_SUFFIXES = (".png", ".tif", ".tiff")
"""The suffixes, in lower case, of files that can hold 16 bits per channel."""

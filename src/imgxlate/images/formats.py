"""The image formats that are read and written. Imports no Pillow, numpy or torch."""

INPUT_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "AVIF", "JPEG2000", "QOI")
"""Pillow's names of the formats that are read. Formats that run an interpreter (EPS, WMF, PDF) are excluded."""

IMAGE_SUFFIXES = frozenset(
    {".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff", ".bmp", ".dib", ".gif"}
    | {".ppm", ".pgm", ".pbm", ".pnm", ".avif", ".jp2", ".j2k", ".jpx", ".qoi", ".heic", ".heif"}
)
"""The suffixes, in lower case, of images in a folder."""

ARRAY_SUFFIXES = (".npy", ".npz")
"""The suffixes, in lower case, of arrays of numpy."""
UNREAD_SUFFIXES = (
    frozenset(
        {".heic", ".heif", ".hif", ".jxl", ".psd", ".psb", ".xcf", ".kra", ".exr", ".hdr", ".pfm", ".tga", ".dds"}
        | {
            ".svg",
            ".svgz",
            ".eps",
            ".pdf",
            ".ai",
            ".wmf",
            ".emf",
            ".ico",
            ".icns",
            ".cur",
            ".pcx",
            ".sgi",
            ".xpm",
            ".xbm",
        }
        | {
            ".raw",
            ".dng",
            ".cr2",
            ".cr3",
            ".crw",
            ".nef",
            ".nrw",
            ".arw",
            ".sr2",
            ".orf",
            ".rw2",
            ".raf",
            ".pef",
            ".srw",
        }
        | {".dcm", ".dicom", ".nii", ".nrrd", ".mha", ".mhd", ".fits", ".fit", ".npy", ".npz", ".mat", ".h5"}
        | {".czi", ".lsm", ".nd2", ".lif", ".svs", ".ndpi", ".jls", ".bpg", ".flif", ".iiq", ".3fr", ".mpo"}
    )
    - IMAGE_SUFFIXES
)
"""The suffixes, in lower case, of images, drawings and arrays that are not read. A folder may hold some unnoticed."""

FILM_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".wmv", ".mpg", ".mpeg", ".flv"})
"""The suffixes, in lower case, of films."""

FILM_OUTPUTS = (".mp4", ".mov", ".webm", ".gif")
"""The suffixes, in lower case, of films that are written."""

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

TIFF_SUFFIXES = (".tif", ".tiff")
"""The suffixes, in lower case, of TIFF files."""

SIXTEEN_BIT_SUFFIXES = (".png", ".tif", ".tiff")
"""The suffixes, in lower case, of files that can hold 16 bits per channel."""

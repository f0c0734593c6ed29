"""What a TIFF file holds that cannot be read as an image."""

import io

import tifffile

_BANDS_APART = 2  # PlanarConfiguration
_COMMON_BANDS = 4


def describe(data: bytes, *, unless_common: bool = False) -> str | None:
    """What a whole TIFF file holds, such as "11 bands of uint8"; None: it is damaged, or no TIFF file.

    `unless_common`: None also for one to four bands of unsigned integers.
    """
    try:
        with io.BytesIO(data) as stream, tifffile.TiffFile(stream) as file:
            page = file.pages.first
            ends = [start + count for start, count in zip(page.dataoffsets, page.databytecounts, strict=True)]
            if not ends or max(ends) > len(data) or page.dtype is None:
                return None
            if unless_common and page.samplesperpixel <= _COMMON_BANDS and page.dtype.kind in "ub":
                return None
            bands, apart = page.samplesperpixel, page.planarconfig == _BANDS_APART and page.samplesperpixel > 1
            return f"{bands} band{'s' * (bands != 1)} of {page.dtype}{', stored one after another' * apart}"
    except Exception:  # The parser may raise anything when the file is damaged.
        return None

import pytest

from imgxlate.images.sniff import describe


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"<!DOCTYPE html><html>", "a web page (HTML)"),
        (b"\xef\xbb\xbf\r\n <HTML lang=en>", "a web page (HTML)"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
        (b'<?xml version="1.0"?><!-- drawn by hand -->\n<!DOCTYPE svg><svg/>', "an SVG drawing"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "an XML document"),
        (b'{"error": "not found"}', "JSON text"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (b"%PDF-1.7", "a PDF document"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "a PostScript file"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "an HEIC photograph"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "a video"),
        (b"8BPS\0\1", "a Photoshop document"),
        (b"PK\x03\x04\x14\0", "an archive"),
    ],
)
def test_a_file_of_another_kind_is_named_with_a_hint(data: bytes, what: str) -> None:
    reason, hint = describe(data)
    assert reason == f"not a supported image, but {what}"
    assert hint


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\xff\xd8\xff", "JPEG"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "WebP"),
        (b"MM\0*\0\0", "TIFF"),
        (b"II+\0\x08\0", "TIFF"),
        (b"GIF89a", "GIF"),
        (b"BM\0\0", "BMP"),
        (b"P6\nx", "PPM"),
        (b"\0\0\0\x1cftypavif", "AVIF"),
        (b"\0\0\0\x0cjP  \r\n", "JPEG 2000"),
        (b"qoif", "QOI"),
    ],
)
def test_a_damaged_header_is_reported_with_the_format(data: bytes, name: str) -> None:
    reason, hint = describe(data)
    assert reason.startswith(f"starts like {name}, but its header is damaged")
    assert hint is None


@pytest.mark.parametrize("data", [b"hello, world", b"\0\1\2\3", b"bmw and qoifs", b"<"])
def test_the_error_for_anything_else_lists_the_supported_formats(data: bytes) -> None:
    reason, _ = describe(data)
    assert reason.startswith("not an image in a supported format (PNG, JPEG, ")


def test_a_long_run_of_comments_is_recognized_quickly() -> None:
    assert describe(b"<?" + b"<!---->" * 100_000)[0].startswith("not an image in a supported format")


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (bytes(128) + b"DICM", "DICOM"),
        (b"\x93NUMPY\x01\x00", "NumPy"),
        (b"v/1\x01\x02\0\0\0", "OpenEXR"),
        (b"\xff\x0a\xfa", "JPEG XL"),
    ],
)
def test_scientific_and_new_formats_are_named_with_a_way_to_convert_them(head: bytes, kind: str) -> None:
    reason, hint = describe(head + bytes(200))
    assert kind in reason
    assert hint


@pytest.mark.parametrize("text", [b"photos/a.png\nphotos/b.png\n", b"C:\\a b.JPG\r\n", b"/data/1.tif 3\n"])
def test_a_list_of_files_is_named(text: bytes) -> None:
    assert ("a list of files" in describe(text)[0]) == (b" 3" not in text)

import pytest

from imgxlate import signatures
from imgxlate.paths import assets_dir


@pytest.mark.parametrize(
    ("start", "title"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "a Git LFS pointer"),
        (b"<!DOCTYPE html><html>404</html>", "a web page"),
        (b"\xef\xbb\xbf\n  <HTML><body>Sign in</body></html>", "a web page"),
        (b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>', "a web page"),
        (b"\x89PNG\r\n\x1a\n" + bytes(60), "an image"),
        (b"\xff\xd8\xff\xe0" + bytes(60), "an image"),
    ],
)
def test_files_in_place_of_weights_are_recognized(start, title):
    assert signatures.recognize(start).title == title


@pytest.mark.parametrize("start", [b"", b"words", b"version 2", b"PK\x03\x04" + bytes(60), b"\x80\x02" + bytes(60)])
def test_other_files_may_hold_weights(start):
    assert signatures.recognize(start) is None


def test_the_weights_in_the_package_are_not_taken_for_something_else():
    files = list(assets_dir().glob("*.safetensors"))
    assert files
    assert [signatures.recognize(signatures.first_bytes(file)) for file in files] == [None] * len(files)

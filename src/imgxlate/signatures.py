"""Recognizes files that are often given or downloaded in place of weights, by their first bytes."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Signature:
    """A kind of file that holds no weights."""

    title: str  # completes "the file is ..."
    starts: tuple[bytes, ...]  # in lower case
    hint: str


LFS_POINTER = Signature(
    "a Git LFS pointer",
    (b"version https://git-lfs.github.com/spec/",),
    "It stands for a file that Git LFS has not fetched. Type `git lfs pull` in its repository.",
)
_KINDS = (
    LFS_POINTER,
    Signature(
        "a web page",
        (b"<!doctype", b"<html", b"<head", b"<?xml"),
        "A server sent it instead of the file. Download the file again with a browser.",
    ),
    Signature("an image", (b"\x89png", b"\xff\xd8\xff", b"riff", b"gif8"), "Give the file with the weights."),
)


def recognize(start: bytes) -> Signature | None:
    """The kind of a file that begins with these bytes, 64 of them or more; None if it may hold weights."""
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return next((kind for kind in _KINDS if text.startswith(kind.starts)), None)


def first_bytes(path: Path) -> bytes:
    """As many bytes as `recognize` needs.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return file.read(64)

import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

Encoder = Callable[..., bytes]


@pytest.fixture
def colors() -> np.ndarray:
    """A small image with no symmetry, (5, 7, 3)."""
    return np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


@pytest.fixture
def file_of() -> Encoder:
    """Encodes a Pillow image, or an array, with Pillow itself."""

    def encode(image: Image.Image | np.ndarray, kind: str = "PNG", **options: Any) -> bytes:
        file = io.BytesIO()
        image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
        image.save(file, kind, **options)
        return file.getvalue()

    return encode


@pytest.fixture
def icc_profile() -> Callable[[bytes, dict[bytes, bytes]], bytes]:
    """Builds an ICC profile (version 2.1) from a color space's signature and the data of its tags."""

    def build(space: bytes, tags: dict[bytes, bytes]) -> bytes:
        connection = b"Lab " if b"A2B0" in tags else b"XYZ "
        table, body = struct.pack(">I", len(tags)), b""
        start = 128 + 4 + 12 * len(tags)
        for signature, data in tags.items():
            table += struct.pack(">4sII", signature, start + len(body), len(data))
            body += data + bytes(-len(data) % 4)
        header = struct.pack(
            ">I4sI4s4s4s12s4s24xI3i",
            *(start + len(body), b"\0\0\0\0", 0x02100000, b"prtr", space, connection, bytes(12), b"acsp"),
            *(0, 0xF6D6, 0x10000, 0xD32D),  # intent, D50
        )
        return header.ljust(128, b"\0") + table + body

    return build


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """The current folder, with a folder of image files below it."""
    monkeypatch.chdir(tmp_path)
    for name in ("photos/b.JPG", "photos/a.png", "photos/trip/c.webp", "photos/notes.txt", "photos/.hidden.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path

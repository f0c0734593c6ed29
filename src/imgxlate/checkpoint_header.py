"""The header of a checkpoint of ours, which can be read without its tensors. Imports no torch."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

KEY = "imgxlate"
"""The key of our JSON document, with the header and checksums, in the metadata of a safetensors file."""

_LARGEST = 100_000_000  # bytes


def read_header(path: Path) -> Mapping[str, Any] | None:
    """The header that `checkpoint.write` stored, which is not checked; None: the file has none, or cannot be read."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            document = json.loads(file.read(min(length, _LARGEST)))
        header = json.loads(document["__metadata__"][KEY])["header"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return header if isinstance(header, Mapping) else None

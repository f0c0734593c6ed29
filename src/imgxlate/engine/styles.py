"""Style codes: sampled from N(0, I) as a function of seed and index, and the files that keep them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from imgxlate import atomic
from imgxlate.errors import UsageError


@dataclass(frozen=True, slots=True)
class StyleCodes:
    """Style codes (S, style_dim), and the seed that they were sampled with (None: from images, or unknown)."""

    codes: Tensor
    seed: int | None = None


def sample(count: int, style_dim: int, seed: int) -> StyleCodes:
    """Draw `count` codes from N(0, I). Code i depends on `seed` and i alone, on any machine."""
    rows = [np.random.default_rng([seed, index]).standard_normal(style_dim) for index in range(count)]
    return StyleCodes(torch.tensor(np.stack(rows), dtype=torch.float32), seed)


def read(path: Path, method: str, style_dim: int) -> StyleCodes:
    """Read a styles file, made for `method` with codes of length `style_dim`.

    Raises:
        UsageError: it cannot be read, is no styles file, or belongs to another method or style length.
    """
    document = _parse(path)
    rows = document.get("styles")
    if not (isinstance(rows, list) and rows and all(_is_code(row) for row in rows)):
        raise UsageError(f"{path}: 'styles' must be a list of lists of numbers", hint="See --save-styles.")
    if document.get("method") not in (None, method):
        raise UsageError(f"{path}: the styles are for {document['method']}, not for {method}")
    lengths = {len(row) for row in rows} | {document.get("style_dim") or style_dim}
    if lengths != {style_dim}:
        found = ", ".join(str(length) for length in sorted(lengths - {style_dim}))
        raise UsageError(f"{path}: the codes have length {found}, the model's have {style_dim}")
    return StyleCodes(torch.tensor(rows, dtype=torch.float32), document.get("seed"))


def write(path: Path, styles: StyleCodes, method: str) -> None:
    """Write a styles file; `read` gives the same codes to the bit.

    Raises:
        OutputError: the file cannot be written.
    """
    rows = styles.codes.tolist()
    document = {"method": method, "style_dim": len(rows[0]), "seed": styles.seed, "styles": rows}
    atomic.write_bytes(path, (json.dumps(document) + "\n").encode())


def _parse(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path}: is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise UsageError(f"{path}: is not a styles file", hint="See --save-styles.")
    return document


def _is_code(row: Any) -> bool:
    return isinstance(row, Sequence) and not isinstance(row, str) and all(_is_number(value) for value in row)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))

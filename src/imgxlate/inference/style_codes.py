"""Style codes: sampling from N(0, I) by seed and index, and the styles files that store them. Imports no torch."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imgxlate import atomic
from imgxlate.config import require_at_least, shown
from imgxlate.errors import UsageError, disk_hint

Code = tuple[float, ...]

_FLOAT32_MAX = 2.0**128 * (1 - 2.0**-24)


@dataclass(frozen=True, slots=True)
class StyleCodes:
    """Style codes, and the seed they were sampled with (None: encoded from images, or unknown)."""

    codes: tuple[Code, ...]
    seed: int | None = None

    def require_length(self, style_dim: int, origin: str) -> None:
        """Check that the codes fit a model with codes of length `style_dim`.

        Raises:
            UsageError: a code has another length; names `origin`.
        """
        for code in self.codes:
            if len(code) != style_dim:
                raise UsageError(f"{origin}: the codes have length {len(code)}, the model's have {style_dim}")


def sample(count: int, style_dim: int, seed: int) -> StyleCodes:
    """Draw `count` codes from N(0, I), exact in float32. Code i depends on `seed` and i alone, not on the machine.

    Raises:
        UsageError: `seed` is negative.
    """
    require_at_least(0, seed=seed)
    import numpy as np  # Imported late: reading a styles file does not need it.

    rows = (np.random.default_rng([seed, index]).standard_normal(style_dim) for index in range(count))
    return StyleCodes(tuple(tuple(row.astype(np.float32).tolist()) for row in rows), seed)


def read(path: Path, method: str) -> StyleCodes:
    """Read a styles file made for `method`.

    Raises:
        UsageError: the file cannot be read, is not a styles file, is inconsistent, or belongs to another method.
    """
    document = _parse(path)
    rows, seed = document.get("styles"), document.get("seed")
    if not (isinstance(rows, list) and rows and all(_is_code(row) for row in rows)):
        raise UsageError(f"{path}: 'styles' must be a list of lists of numbers", hint="See --save-styles.")
    if document.get("method") not in (None, method):
        raise UsageError(f"{path}: the styles are for {shown(document['method'])}, not for {method}")
    length = document.get("style_dim")
    if length is not None and not (type(length) is int and length > 0):
        raise UsageError(f"{path}: 'style_dim' must be the length of a code, not {shown(length)}")
    lengths = {*map(len, rows), length or len(rows[0])}
    if len(lengths) > 1:
        listing = " and ".join(map(str, sorted(lengths)))
        raise UsageError(f"{path}: the codes and 'style_dim' have different lengths: {listing}")
    return StyleCodes(tuple(tuple(map(float, row)) for row in rows), seed if type(seed) is int else None)


def write(path: Path, styles: StyleCodes, method: str) -> None:
    """Write a styles file. `read` returns the same codes, bit for bit.

    Raises:
        OutputError: the file cannot be written.
    """
    document = {"method": method, "style_dim": len(styles.codes[0]), "seed": styles.seed, "styles": styles.codes}
    atomic.write_bytes(path, (json.dumps(document) + "\n").encode())


def require_same(path: Path, styles: StyleCodes, method: str) -> None:
    """Check that an existing styles file holds these codes.

    Raises:
        UsageError: it holds different codes, or is not a styles file.
    """
    if read(path, method).codes != styles.codes:
        raise UsageError(
            f"{path} holds different codes", hint=f"Replay them with --styles {path}, or give another name."
        )


def _parse(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}", hint=disk_hint(error)) from error
    except ValueError as error:
        raise UsageError(f"{path}: is not JSON: {error}") from error
    except RecursionError as error:
        raise UsageError(f"{path}: is not a styles file: it is nested too deeply", hint="See --save-styles.") from error
    if not isinstance(document, dict):
        raise UsageError(f"{path}: is not a styles file", hint="See --save-styles.")
    return document


def _is_code(row: Any) -> bool:
    return isinstance(row, list) and bool(row) and all(_is_number(value) for value in row)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -_FLOAT32_MAX <= value <= _FLOAT32_MAX

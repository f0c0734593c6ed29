"""The configuration files of the original implementations. Imports no torch."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imgxlate.errors import UsageError

# What CycleGAN's train.py writes beside its weights, train_opt.txt: `key: value [default: other]` between two rules.
_LISTING = re.compile(rb"\s*-{5,} Options -{5,}\r?\n")
_LISTED = re.compile(rb"^[ \t]*(\w+:[^\r\n]*?)[ \t]*(?:\[default: [^\r\n]*\])?\r?$", re.MULTILINE)


def read_options(path: Path | None) -> Mapping[str, Any]:
    """An original's configuration file: YAML, or JSON, which is a part of it, or `train_opt.txt`; empty without one.

    Raises:
        UsageError: it cannot be read, or holds more than plain values.
    """
    if path is None:
        return {}
    import yaml  # Imported late: most commands read none.

    try:
        document = yaml.safe_load(_as_yaml(path.read_bytes()))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except RecursionError as error:
        raise UsageError(f"{path}: is not plain YAML: it is nested too deeply") from error
    except Exception as error:  # What builds dates and numbers lets ten kinds through, for values that are none.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UsageError(f"{path}: is not plain YAML: {reason}") from error
    if not isinstance(document, dict):
        raise UsageError(f"{path}: holds no configuration", hint="Give the yaml that the model was trained with.")
    return document


def _as_yaml(content: bytes) -> bytes:
    """A listing of options without its rules, indentation and notes of defaults; anything else as it is."""
    return b"\n".join(_LISTED.findall(content)) if _LISTING.match(content) else content

"""The originals' files: their configurations, and the models that they can hold. Imports no torch."""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from imgxlate.errors import UsageError, disk_hint
from imgxlate.methods.spec import MethodConfig

# CycleGAN's train.py writes train_opt.txt beside its weights: `key: value [default: other]` between two rules.
_LISTING = re.compile(rb"\s*-{5,} Options -{5,}\r?\n")
_LISTED = re.compile(rb"^[ \t]*(\w+:[^\r\n]*?)[ \t]*(?:\[default: [^\r\n]*\])?\r?$", re.MULTILINE)


def read_options(path: Path | None) -> Mapping[str, Any]:
    """The contents of an original's configuration file: YAML (which includes JSON) or `train_opt.txt`; empty for None.

    Raises:
        UsageError: the file cannot be read, or holds more than plain values.
    """
    if path is None:
        return {}
    import yaml  # Imported late: most commands read no YAML.

    try:
        document = yaml.safe_load(_as_yaml(path.read_bytes()))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}", hint=disk_hint(error)) from error
    except RecursionError as error:
        raise UsageError(f"{path}: is not plain YAML: it is nested too deeply") from error
    except Exception as error:  # For an invalid date or number, the reader raises errors of ten different types.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UsageError(f"{path}: is not plain YAML: {reason}") from error
    if not isinstance(document, dict):
        raise UsageError(f"{path}: holds no configuration", hint="Give the yaml that the model was trained with.")
    return document


def require_original(config: MethodConfig, **values: Collection[Any]) -> None:
    """Check that the original has such generators: fields of their `config` have one of the `values` that it knows.

    Raises:
        UsageError: a field has another value.
    """
    for key, known in values.items():
        value = getattr(config, key)
        if value not in known:
            raise UsageError(
                f"the original has no generators with {key} = {value}, only with {' or '.join(map(str, known))}",
                hint="Type `--format onnx` for a file that other programs read.",
            )


def _as_yaml(content: bytes) -> bytes:
    """A listing of options without its rules, indentation and notes of defaults; any other file unchanged."""
    return b"\n".join(_LISTED.findall(content)) if _LISTING.match(content) else content

"""The names of output files. Imports no Pillow, numpy or torch."""

import hashlib
import os
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from imgxlate.errors import UsageError
from imgxlate.images.formats import OUTPUT_FORMATS

SAME = ".same"
"""In place of a suffix: outputs have the format of their input."""

_LONGEST = 250  # bytes. File systems allow 255; a name beside an output, such as `<name>.steps`, is a little longer.
_MARK = "~"
_DIGITS = 8  # of the hash in a shortened name
_FIELDS = ("stem", "method", "style")
_NUMBER_FORMAT = re.compile(r"(0[1-9]\d?)?d?")  # of {style}: 03d and 03 are three digits, d as many as it takes


@dataclass(frozen=True, slots=True)
class Naming:
    """How the files in a folder of outputs are named: `photo.munit.03.png`.

    Raises:
        UsageError: the template has other fields or formats, or is a path.
    """

    template: str = "{stem}.{method}"
    suffix: str = ".png"  # or `SAME`

    def __post_init__(self) -> None:
        try:
            fields = [field for field in string.Formatter().parse(self.template) if field[1] is not None]
        except ValueError as error:
            raise self._refusal(str(error)) from error
        for _, name, form, conversion in fields:
            if name not in _FIELDS:
                raise self._refusal(f"there is no field {{{name}}}")
            if conversion or (form and not (name == "style" and _NUMBER_FORMAT.fullmatch(form))):
                raise self._refusal(f"{{{name}}} has no format but a number of digits, {{style:03d}}")
        if not fields or Path(self.template).name != self.template:
            raise self._refusal("it must be the name of a file, with a field")

    def names(self, stem: str, method: str, count: int, own_suffix: str = ".png") -> Iterator[str]:
        """The names of the `count` outputs of an input. Several are numbered from 00. Long names are shortened.

        With `SAME`, they have the suffix of the input, `own_suffix`, if its format can be written.
        """
        suffix = self.suffix
        if suffix == SAME:
            suffix = own_suffix if own_suffix.lower() in OUTPUT_FORMATS else ".png"
        digits = max(2, len(str(count - 1)))
        numbered = count > 1 and all(field != "style" for _, field, *_ in string.Formatter().parse(self.template))
        for index in range(count):
            style = _Number(index, digits)
            rest = f".{style}{suffix}" if numbered else suffix
            length = len(os.fsencode(self.template.format(stem="", method=method, style=style) + rest))
            yield self.template.format(stem=_shortened(stem, _LONGEST - length), method=method, style=style) + rest

    def _refusal(self, reason: str) -> UsageError:
        return UsageError(
            f"--name-template {self.template}: {reason}",
            hint="Fields are {stem}, {method} and {style}, such as `--name-template '{stem}'` for plain names.",
        )


@dataclass(frozen=True, slots=True)
class _Number:
    """The number of a style, with that many digits unless a format is given."""

    index: int
    digits: int

    def __format__(self, form: str) -> str:
        return format(self.index, form or f"0{self.digits}d")


def signature(name: str) -> str | None:
    """The end of a shortened name, which is the same however much of the name is left; None for other names."""
    found = re.search(rf"{_MARK}[0-9a-f]{{{_DIGITS}}}$", name)
    return found[0] if found else None


def signature_of(stem: str) -> str:
    """The end of the shortened name of a stem."""
    return _MARK + hashlib.sha256(os.fsencode(stem)).hexdigest()[:_DIGITS]


def _shortened(stem: str, most: int) -> str:
    """The stem; one of more than `most` bytes is cut, and ends with a part of its hash, so that names stay distinct."""
    if len(os.fsencode(stem)) <= most:
        return stem
    end = signature_of(stem)
    cut = stem[:most]
    while len(os.fsencode(cut + end)) > most and cut:
        cut = cut[:-1]
    return cut + end

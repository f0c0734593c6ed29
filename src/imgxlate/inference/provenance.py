"""How an output was made: enough to make it again, to the byte, from the same inputs on the same machine.

A record names no file, folder or user. Weights and inputs are known by their sha256. Imports no torch.
"""

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from annotated_types import Ge, IsFinite, Le, Len, Predicate

from imgxlate import __version__
from imgxlate.config import shown
from imgxlate.downloads.remote import sha256_of
from imgxlate.errors import CheckpointError, ImageError, UsageError
from imgxlate.images.limits import DEFAULT
from imgxlate.methods.spec import Domain
from imgxlate.weights import cards
from imgxlate.weights.store import Store

Sha256 = Annotated[str, Len(64, 64), Predicate(str.isalnum)]

_SUFFIX = ".json"
_LARGEST = 10_000_000  # characters of a record
_OUTPUTS = "Only outputs of --record have one: in a PNG file, or in a .json file beside another image."


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecord:
    """What all outputs have in common."""

    command: ClassVar[str]
    imgxlate: str = __version__
    method: str
    weights: str | None  # the name in the catalog; None: they have none
    weights_sha256: Sha256
    input_sha256: Sha256 = ""
    device: Literal["cpu", "cuda", "mps"]
    precision: Literal["fp32", "fp32-fast", "bf16"]
    threads: Annotated[int, Ge(1), Le(9999)]
    memory: str | None = None  # of --memory
    seed: Annotated[int, Ge(0), Le(2**63 - 1)]
    white: str = "auto"  # of --white
    depth: Literal[8, 16]
    keep_metadata: bool = False
    keep_gps: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslationRecord(ImageRecord):
    """How an image was translated."""

    command: ClassVar[str] = "translate"
    config_sha256: Sha256 | None = None  # of the original's yaml
    norm_statistics: Literal["image", "running"] | None = None  # of --norm-statistics
    generators: tuple[str, ...] = ()  # of --generator
    to: Domain
    style: tuple[IsFinite[float], ...] | None = None  # the style code; None: the method has no styles
    strength: Annotated[IsFinite[float], Ge(0), Le(1)] = 1.0  # of --strength
    size: Annotated[int, Ge(1)] | None = None
    work_size: Annotated[int, Ge(1)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaintingRecord(ImageRecord):
    """How an image was painted."""

    command: ClassVar[str] = "neural-style"
    preset: str
    config: Mapping[str, Any]  # the whole configuration, by key
    styles_sha256: tuple[Sha256, ...] = ()
    init_sha256: Sha256 | None = None  # of the image to start from


@dataclass(frozen=True, slots=True, kw_only=True)
class FastPaintingRecord(ImageRecord):
    """How an image was painted in one pass."""

    command: ClassVar[str] = "neural-style --fast"
    config: Mapping[str, Any]  # the whole `FastStyleConfig`, by key
    styles_sha256: tuple[Sha256, ...]


Kind = TypeVar("Kind", TranslationRecord, PaintingRecord, FastPaintingRecord)


def to_json(record: ImageRecord) -> str:
    """The record as a JSON document. The same record gives the same text."""
    document = {"command": record.command, **dataclasses.asdict(record)}
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=True)


def file_beside(image: Path) -> Path | None:
    """The file of the record of an image: `image.jpg.json`. None: the image holds it, because it is a PNG file."""
    return None if image.suffix.lower() == ".png" else image.parent / (image.name + _SUFFIX)


def read_record(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The record of an output of `--record`, as docs/records.md describes it.

        >>> record = imgxlate.read_record("recorded.jpg")
        >>> record["command"], record["to"], len(record["style"])
        ('translate', 'B', 8)

    Args:
        path: A PNG file that holds its record, another image with its record beside it, or a file of a record.

    Raises:
        UsageError: the file has no record, or is damaged.
    """
    try:
        document = json.loads(_text(Path(path)))
        if isinstance(document, dict) and "command" in document:
            return document
    except (ValueError, RecursionError):
        pass
    raise UsageError(f"{path}: its record is damaged", hint="Give another output of --record.")


def read(path: Path, kind: type[Kind]) -> Kind:
    """The record of an image that was made by the command of `kind`.

    Raises:
        UsageError: the file has no record, is damaged, or was made by another command.
    """
    from pydantic import TypeAdapter, ValidationError  # Imported late: only this needs it.

    document = read_record(path)
    if document["command"] != kind.command:
        raise UsageError(f"{path}: was made by another command, {shown(document['command'])}")
    try:
        return TypeAdapter(kind).validate_python(document)
    except ValidationError as error:
        key = ".".join(map(str, error.errors()[0]["loc"]))
        raise UsageError(
            f"{path}: its record is damaged: {shown(key)}", hint="Give another output of --record."
        ) from error


def _text(path: Path) -> str:
    """The text in a PNG file, or that of the file beside another image."""
    from imgxlate.images.decode import read_text

    beside = path if path.suffix.lower() == _SUFFIX else file_beside(path)
    try:
        if beside:
            with beside.open(encoding="utf-8") as file:
                return file.read(_LARGEST)
        with path.open("rb") as image:
            text = read_text(image.read(DEFAULT.file_bytes), name=str(path))
    except OSError as error:
        raise UsageError(f"{error.filename}: cannot be read: {error.strerror}", hint=_OUTPUTS) from error
    except (ImageError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: has no record: {error}", hint=_OUTPUTS) from error
    if text is None:
        raise UsageError(f"{path}: has no record of how it was made", hint=_OUTPUTS)
    return text


def public_name(name: str) -> str | None:
    """The name of weights, if the catalog has it: another one may be personal."""
    return name if name in cards.cards() else None


def find_weights(record: ImageRecord, option: str) -> str:
    """The name by which this machine has the weights of a record.

    Raises:
        UsageError: no weights with a name have that hash; the hint names `option`, which takes a file.
    """
    if record.weights in cards.cards():
        return str(record.weights)
    names = [known.card.name for known in Store().records() if known.sha256 == record.weights_sha256]
    if not names:
        raise UsageError(
            f"the image was made with weights that have no name here: their sha256 is {record.weights_sha256}",
            hint=f"Give their file with {option} FILE.",
        )
    return names[0]


def require_same(title: str, sha256: str | None, wanted: str | None, hint: str) -> None:
    """Check that a file is the one that an image was made with, by its sha256; None: there is none.

    Raises:
        UsageError: it is another one.
    """
    if sha256 != wanted:
        found = "missing" if sha256 is None else f"not the one that the image was made with (sha256 {wanted})"
        raise UsageError(f"{title} is {found}", hint=hint)


def require_same_styles(styles: Sequence[str], wanted: Sequence[str]) -> None:
    """Check that the style images are those that an image was made with, by the sha256 of each.

    Raises:
        UsageError: one of them is another one.
    """
    hint = "Give the same ones, in the same order."
    if len(styles) != len(wanted):
        raise UsageError(f"the image was made with {len(wanted)} style images, not {len(styles)}", hint=hint)
    for number, (one, other) in enumerate(zip(styles, wanted, strict=True), 1):
        require_same(f"style image {number}", one, other, hint)


def sha256_of_weights(path: Path) -> str:
    """The sha256 of a file that was just read.

    Raises:
        CheckpointError: the file is gone.
    """
    try:
        return sha256_of(path)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}", hint="Check the path.") from error

"""What outputs hold beside their pixels: the record of how they were made, and metadata of the input."""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from imgxlate.cli.files import note_reading, read_image, write_image
from imgxlate.cli.options import Settings
from imgxlate.cli.output import Output
from imgxlate.config import shown
from imgxlate.errors import UsageError
from imgxlate.images.inputs import Source
from imgxlate.images.limits import Limits
from imgxlate.inference.provenance import ImageRecord, file_beside, to_json
from imgxlate.methods.spec import MethodSpec
from imgxlate.threads import AUTO, VARIABLE, AdaptiveThreads

if TYPE_CHECKING:
    import torch

    from imgxlate.images.image_array import Depth, ImageArray
    from imgxlate.images.metadata import Metadata

Made = TypeVar("Made", bound=ImageRecord)
RequireSame = Callable[[Made, Made], None]

_PANEL = "Records and metadata"

Record = Annotated[
    bool,
    typer.Option(
        "--record",
        help="Record in each output how it was made, without names of files or users. A PNG file holds the record; "
        "for other formats, it is in a .json file beside the image.",
        rich_help_panel=_PANEL,
    ),
]
Like = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Repeat the settings recorded in FILE, an output of --record. The same input gives the same file again.",
        rich_help_panel=_PANEL,
    ),
]
KeepMetadata = Annotated[
    bool,
    typer.Option(
        "--keep-metadata",
        help="Keep EXIF, XMP and the ICC profile of the input, without its GPS location. By default, outputs have "
        "none.",
        rich_help_panel=_PANEL,
    ),
]
KeepGps = Annotated[
    bool,
    typer.Option("--keep-gps", help="With --keep-metadata: also keep the GPS location.", rich_help_panel=_PANEL),
]


@dataclass(frozen=True, slots=True)
class Input:
    """An image that was read, and what its outputs may hold of its file."""

    image: "ImageArray"
    sha256: str = ""  # of the file; empty if nothing is recorded
    metadata: "Metadata | None" = None


@dataclass(frozen=True, slots=True)
class Recording:
    """What the outputs of a command hold beside their pixels."""

    keep_metadata: bool = False
    keep_gps: bool = False
    record: ImageRecord | None = None  # all but what differs between outputs; None: nothing is recorded

    def read(self, out: Output, source: Source, limits: Limits, depth: "Depth" = 8) -> Input:
        """Read an image, with what outputs keep of its file.

        Raises:
            ImageError: the image cannot be read.
        """
        hashed = self.record is not None
        return read_input(out, source, limits, depth, hashed=hashed, metadata=self.keep_metadata, gps=self.keep_gps)

    def write(self, out: Output, image: "ImageArray", path: Path | None, given: Input, **facts: Any) -> None:
        """Write the output of an input. `facts` are those of the record that only this output has.

        Raises:
            OutputError: the file cannot be written.
        """
        from imgxlate.images.metadata import NONE, left_out_notes

        metadata = given.metadata or NONE
        for note in left_out_notes(metadata, path.suffix) if path else ():
            out.note(f"{path}: {note}")
        if self.record is None:
            return write_image(out, image, path, metadata)
        text = to_json(replace(self.record, input_sha256=given.sha256, **facts))
        if path and (beside := file_beside(path)):
            return write_image(out, image, path, metadata, (beside, text.encode()))
        return write_image(out, image, path, replace(metadata, text=text))


def read_input(
    out: Output,
    source: Source,
    limits: Limits,
    depth: "Depth" = 8,
    *,
    hashed: bool,
    metadata: bool = False,
    gps: bool = False,
) -> Input:
    """Read an image; with the sha256 of its file if `hashed`, and with its metadata on demand.

    Raises:
        ImageError: the image cannot be read.
    """
    if not (hashed or metadata):
        return Input(read_image(out, source, limits, depth))
    from imgxlate.images.decode import decode, read_metadata, read_source

    data = read_source(source, limits)
    image = decode(data, name=source.name, limits=limits, depth=depth)
    note_reading(out, source, image)
    kept = read_metadata(data, name=source.name, gps=gps, limits=limits) if metadata else None
    return Input(image, hashlib.sha256(data).hexdigest(), kept)


def require_metadata(kept: Recording) -> None:
    """Refuse `--keep-gps` alone.

    Raises:
        UsageError: it is alone.
    """
    if kept.keep_gps and not kept.keep_metadata:
        raise UsageError("--keep-gps needs --keep-metadata", hint="Type both.")


def refuse_for_values(kept: Recording, record: bool, model: str) -> None:
    """Refuse records and metadata for a model of images that are not in color.

    Raises:
        UsageError: one is wanted.
    """
    if record or kept.keep_metadata:
        option = "--record" if record else "--keep-metadata"
        raise UsageError(f"{option} is for images in color; those of {model} are not", hint="Leave it out.")


def require_alone(like: Path, made: ImageRecord, spec: MethodSpec, others: Mapping[str, Any]) -> None:
    """Refuse options that the record of `--like` sets, and records of other methods.

    Raises:
        UsageError: `others` has an option with a value, by its name, or the method is another one.
    """
    for name, value in others.items():
        if value:
            raise UsageError(f"--like and {name} exclude each other", hint=f"The record of {like} sets it.")
    if made.method != spec.name:
        raise UsageError(f"{like}: was made with {shown(made.method)}, not with {spec.name}")


def settings_like(settings: Settings, made: ImageRecord) -> Settings:
    """The settings of a record. A device and a memory limit that are given stay.

    Raises:
        UsageError: a precision, a seed, a number of threads or a value of white is given. The variable
            IMGXLATE_THREADS does not count: it is meant for all commands.
    """
    chosen = {
        "--seed": settings.seed != 0,
        "--precision": settings.precision != AUTO,
        "--threads": settings.threads not in (AUTO, os.environ.get(VARIABLE)),
        "--white": settings.white != AUTO,
    }
    for name, given in chosen.items():
        if given:
            raise UsageError(f"--like and {name} exclude each other", hint="The record sets it.")
    return replace(
        settings,
        seed=made.seed,
        precision=made.precision,
        threads=str(made.threads),
        device=made.device if settings.device == "auto" else settings.device,
        memory=settings.memory or made.memory,
        white=made.white,
    )


def common_facts(settings: Settings, device: "torch.device", threads: AdaptiveThreads) -> dict[str, Any]:
    """The facts of all records of a run. The number of threads is fixed, because results depend on it."""
    import torch

    from imgxlate.inference.device import find_precision

    if threads.fixed is None:
        threads.fix(torch.get_num_threads())
    return {
        "device": device.type,
        "precision": find_precision(settings.precision, device),
        "threads": threads.fixed,
        "memory": settings.memory,
        "seed": settings.seed,
        "white": settings.white,
    }


def with_record(
    out: Output, kept: Recording, record: Made, like: Path | None, made: Made | None, require_same: RequireSame[Made]
) -> Recording:
    """What outputs hold, with the record of all of them. With `--like`, `made` is the record of that file.

    Raises:
        UsageError: `require_same` finds that the model or another file is not that of `made`.
    """
    if like and made:
        require_same(record, made)
        _note_differences(out, like, made)
    return replace(kept, record=record)


def _note_differences(out: Output, like: Path, made: ImageRecord) -> None:
    """Note that another version made the image, so that the result may differ."""
    from imgxlate import __version__

    if made.imgxlate != __version__:
        out.note(f"{like} was made by imgxlate {shown(made.imgxlate)}, this is {__version__}: the result may differ")

"""Reads inputs and writes outputs, including standard input and standard output."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imgxlate.cli.output import Output
from imgxlate.errors import UsageError
from imgxlate.images.inputs import STDIO, Source
from imgxlate.images.limits import Limits
from imgxlate.images.outputs import Target
from imgxlate.images.sizes import Size
from imgxlate.paths import RUN_BEST, RUN_MODEL, is_folder
from imgxlate.torchrun import Rank, find_rank

if TYPE_CHECKING:
    from imgxlate.images.image_array import Depth, ImageArray
    from imgxlate.images.metadata import Metadata
    from imgxlate.inference.model import Model
    from imgxlate.methods.spec import Domain


def read_image(out: Output, source: Source, limits: Limits, depth: "Depth" = 8) -> "ImageArray":
    """`decode_source`, imported late. Prints each note on how files are read once.

    Raises:
        ImageError: the image cannot be read.
    """
    from imgxlate.images.decode import decode_source

    image = decode_source(source, limits, depth)
    note_reading(out, source, image)
    return image


def note_reading(out: Output, source: Source, image: "ImageArray") -> None:
    """Print each note on how a file was read once."""
    for note in image.notes:
        out.note_once(source.name, note)


def read_for_model(out: Output, model: "Model", source: Source, domain: "Domain", depth: "Depth" = 8) -> "ImageArray":
    """An input of a command as the model takes images of `domain`.

    Raises:
        ImageError: the image cannot be read, or has other channels than the model takes.
    """
    if model.format_of(domain).is_color:
        return read_image(out, source, model.limits, depth)
    from imgxlate.images.decode import read_source

    return model.read(source.path or read_source(source, model.limits), domain)


def write_values(output: Output, image: "ImageArray", path: Path | None) -> None:
    """Write an image that is not in color in the format of the path's suffix, or to standard output as PNG or TIFF.

    Raises:
        UsageError: the format does not hold these values.
        OutputError: the file cannot be written.
    """
    from imgxlate.images.value_files import encode_values, save_values, suffix_for
    from imgxlate.images.values import restored

    values = restored(image)
    if path is None:
        output.image(encode_values(values, suffix_for(values)))
    else:
        save_values(values, path)


def write_image(output: Output, image: "ImageArray", path: Path | None, metadata: "Metadata | None" = None) -> None:
    """Write an image in the format of the path's suffix, or as PNG to standard output if there is no path.

    Raises:
        OutputError: the file cannot be written.
    """
    from imgxlate.images.encode import encode, save
    from imgxlate.images.metadata import NONE

    if path is None:
        output.image(encode(image, ".png", metadata=metadata or NONE))
    else:
        save(image, path, metadata or NONE)


def require_size(targets: Sequence[Target], size: Size) -> None:
    """Check that images of `size` can be written to the targets, before they are computed.

    Raises:
        FormatError: the format of a target cannot hold them.
    """
    from imgxlate.images import encode

    for target in targets:
        encode.require_size(size, target.path.suffix if target.path else ".png")


def model_sources(checkpoint: Path | None, config: Path | None) -> list[Source]:
    """The files that `--checkpoint` and `--config` name, which no output may overwrite."""
    files = [path for path in (checkpoint, config) if path]
    return [
        Source(file) for path in files for file in ([path / RUN_BEST, path / RUN_MODEL] if is_folder(path) else [path])
    ]


@dataclass(slots=True)
class SizeAdvice:
    """Gives advice, once, if an input is far larger than the model's training images."""

    out: Output
    model: "Model"
    size: int | None  # of --size or --work-size
    with_work_size: bool = False  # whether the command has --work-size
    given: bool = False

    def consider(self, source: Source, image: "ImageArray") -> None:
        """Note the advice if this input is the first that is too large."""
        from imgxlate.inference.translation import size_advice

        advice = size_advice(image, self.model.name, self.model.trained_size, with_work_size=self.with_work_size)
        if advice and not (self.given or self.size):
            self.given = True
            self.out.note(f"{source.name}: {advice}")


def find_share(out: Output, inputs: int, output: str | None, extras: list[Path]) -> Rank:
    """The rank of this process under torchrun, where each process works on its share of the inputs.

    Raises:
        UsageError: there are several processes, but one of the outputs needs the results of all.
    """
    rank = find_rank()
    if rank.size > 1:
        if extras or output == STDIO:
            shared = extras[0] if extras else "standard output"
            raise UsageError(
                f"each of the {rank.size} processes translates part of the files, so none can write {shared} for all",
                hint="Write it in a run of one process.",
            )
        share = len(range(inputs)[rank.share])
        out.note(f"process {rank.rank} of {rank.size} (RANK and WORLD_SIZE): {share} of {inputs} inputs")
    return rank

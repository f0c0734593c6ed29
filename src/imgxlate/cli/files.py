"""Reads inputs and writes outputs, including standard input and standard output."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from imgxlate.cli.output import Output
from imgxlate.images.inputs import Source
from imgxlate.images.limits import Limits
from imgxlate.images.outputs import Target
from imgxlate.images.sizes import Size
from imgxlate.paths import RUN_BEST, RUN_MODEL, is_folder

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


def write_image(
    output: Output,
    image: "ImageArray",
    path: Path | None,
    metadata: "Metadata | None" = None,
    record: tuple[Path, bytes] | None = None,
) -> None:
    """Write an image in the format of the path's suffix, or as PNG to standard output if there is no path.

    `record` is a file that appears together with the image, and its content.

    Raises:
        OutputError: the file cannot be written.
    """
    from imgxlate.images.encode import encode, save
    from imgxlate.images.metadata import NONE

    if path is None:
        output.image(encode(image, ".png", metadata=metadata or NONE))
    else:
        save(image, path, metadata or NONE, record)


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

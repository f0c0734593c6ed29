"""The tensors of a model in a file: of a network that is chosen by its name, of averaged weights, of a training."""

import dataclasses
from collections.abc import Iterator, Sequence

from imgxlate.callbacks import Notify, ignore
from imgxlate.checkpoint import TRAINING, Checkpoint
from imgxlate.errors import CheckpointError
from imgxlate.methods import registry, tensor_names
from imgxlate.methods.protocol import Inspectable, Noting, Translator
from imgxlate.methods.spec import MethodSpec

_SHOWN = 4  # names in a message


def readable(
    spec: MethodSpec, opened: Checkpoint, generators: Sequence[str] = (), notify: Notify = ignore
) -> Checkpoint:
    """The tensors of a method's generators, under names that the method knows.

    Raises:
        CheckpointError: there is no network of a name in `generators`, or a training checkpoint holds no average.
        UsageError: `generators` are given for a file of ours, or are more than two.
    """
    if opened.header.get("kind") == TRAINING:
        return _averaged_part(opened)
    if generators:
        opened = tensor_names.chosen(opened, generators)
    if opened.header or not isinstance(registry.implementation(spec), Inspectable):
        return opened  # A plug-in may have names of its own.
    opened, averages = tensor_names.averaged(tensor_names.unwrapped(opened))
    if averages:
        notify(
            f"{opened.path}: holds averaged weights beside the trained ones ({', '.join(averages[:_SHOWN])}); "
            "the averaged ones are taken"
        )
    return opened


def notes(translator: Translator, opened: Checkpoint) -> Iterator[str]:
    """Facts about the file that the user should know."""
    if isinstance(translator, Noting):
        yield from translator.notes
    if not opened.header and isinstance(translator, Inspectable) and not _has_known_names(translator, opened):
        yield (
            f"{opened.path}: has other names than the original's file, and was read by its layers; padding and "
            "activations, which weights do not show, are the original's"
        )


def _averaged_part(opened: Checkpoint) -> Checkpoint:
    """The model in a checkpoint that training resumes from.

    Raises:
        CheckpointError: it holds no averaged weights.
    """
    tensors = opened.part("average")
    if not tensors:
        raise CheckpointError(
            f"{opened.path}: is not a model but a checkpoint to resume a training from, without averaged weights",
            hint="Give the run's folder, or the model.safetensors in it.",
        )
    header = {key: value for key, value in opened.header.items() if key != "kind"}
    return dataclasses.replace(opened, tensors=tensors, header=header)


def _has_known_names(translator: Translator, opened: Checkpoint) -> bool:
    """Whether most tensors of a model have their names in the file, too, but for the name of the network."""
    ours = {name.partition(".")[2] for name in translator.tensors()}
    words = [name.split(".") for name in opened.tensors]
    given = {".".join(each[place:]) for each in words for place in range(len(each))}
    return 2 * len(ours & given) > len(ours)

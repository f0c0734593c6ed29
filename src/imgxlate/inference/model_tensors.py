"""The tensors of a model in a file: of a network that is chosen by its name, of averaged weights, of a training."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from imgxlate.callbacks import Notify, ignore
from imgxlate.checkpoint import TRAINING, Checkpoint
from imgxlate.errors import CheckpointError, ImgxlateError
from imgxlate.methods import registry, tensor_names
from imgxlate.methods.file_kinds import recognize
from imgxlate.methods.protocol import Inspectable, NetworkReading, Noting, Translator
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


def find_networks(
    opened: Checkpoint, methods: Iterable[str]
) -> tuple[str | None, Sequence[NetworkReading], dict[str, str]]:
    """The first of `methods` whose generators a file holds, these generators, and for the methods before why not."""
    specs, _ = registry.discover()
    departures: dict[str, str] = {}
    for spec in (specs[name] for name in methods if name in specs):
        try:
            implementation = registry.implementation(spec)
            if isinstance(implementation, Inspectable):
                return spec.name, implementation.networks(readable(spec, opened)), departures
        except ImgxlateError as error:
            departures[spec.name] = str(error).removeprefix(f"{opened.path}: ")
    return None, (), departures


def other_method(spec: MethodSpec, opened: Checkpoint) -> CheckpointError | None:
    """The error for a file with generators of another method under other names, which gives the command for it."""
    if opened.header or recognize(opened.tensors):
        return None
    specs, _ = registry.discover()
    method, _, _ = find_networks(opened, [name for name in specs if name != spec.name])
    if method is None:
        return None
    return CheckpointError(
        f"{opened.path}: this file holds generators of {specs[method].title}, under other names",
        hint=f"Type `imgxlate translate {method} ... --checkpoint {opened.path}`.",
    )


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

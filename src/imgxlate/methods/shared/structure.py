"""Finds networks in files by their layers, whatever the modules are called.

A network is recognized by its convolutions, fully connected layers and norms, in order and with their shapes. The order
is that of the file, if the names do not contradict it. If they do, as in a file that sorts its tensors by name, numbers
in the names and the shapes decide. An order that they leave open is an error.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from imgxlate.checkpoint import Checkpoint
from imgxlate.errors import CheckpointError
from imgxlate.methods.file_kinds import recognize, refusal
from imgxlate.methods.shared.layer_order import Pairs, UnclearOrderError, in_order, ways
from imgxlate.methods.shared.layers import STREAMS, Layer, Node, Stream, layers_of, parts_of

Design = Callable[[Sequence[Layer]], nn.Module]
"""Makes the network of a method whose sizes are those of some layers of a file, as far as these are the network's."""

_LEAST = 6  # convolutions of the smallest network of a method


@dataclass(frozen=True, slots=True)
class _Attempt:
    """How well a part of a file fits."""

    matched: int  # layers
    departure: str  # the first layer that does not fit, in words
    unclear: tuple[str, str] | None = None  # two modules that may be in either order


def networks_by_structure(
    checkpoint: Checkpoint, design: Design, *, method: str, title: str
) -> dict[str, dict[str, Tensor]]:
    """The networks in a file that have the layers of a method's, by their names in the file, under our names.

    A bias that a convolution of the file does not have is zero. `title` is the method's, for messages.

    Raises:
        CheckpointError: there is none; says which file it is, or at which layer it departs from the method's network.
    """
    kind = recognize(checkpoint.tensors)
    if checkpoint.header.get("method", method) != method or (kind and kind.method != method):
        raise refusal(checkpoint, method)
    root = parts_of(checkpoint.tensors)
    attempts: list[_Attempt] = []
    networks = dict(_search(root, checkpoint.tensors, design, title, attempts))
    if networks:
        return networks
    best = max(reversed(attempts), key=lambda attempt: (attempt.unclear is not None, attempt.matched))
    if best.unclear:
        raise CheckpointError(
            f"{checkpoint.path}: holds the layers of {title}, but not their order: {' and '.join(best.unclear)} have "
            "the same shapes, and their names and places in the file do not settle which comes first",
            hint="Save the state dict as the network has it: torch.save(model.state_dict(), FILE).",
        )
    raise refusal(checkpoint, method, best.departure if best.matched else "")


def _search(
    node: Node, tensors: Mapping[str, Tensor], design: Design, title: str, attempts: list[_Attempt]
) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """The networks in a part of a file: the part itself, or else those in its parts."""
    layers = node.layers()
    if len(_convolutions(layers)) < _LEAST:
        attempts.append(_Attempt(0, ""))
        return
    with torch.device("meta"):
        network = design(layers)
    result = _match(node, layers_of(network), title)
    if isinstance(result, _Attempt):
        attempts.append(result)
        for child in node.children.values():
            yield from _search(child, tensors, design, title, attempts)
    else:
        while len(node.children) == 1 and not node.layer:
            [node] = node.children.values()  # The names on the way, such as "netG_A.module", may show a direction.
        yield f"{node.name}." if node.name else "", _renamed(result, network, tensors)


def _match(node: Node, wanted: Sequence[Layer], title: str) -> Pairs | _Attempt:
    """The layer of the file for each layer of a network; or how far they agree, if they do not."""
    given = in_order(node)
    matched = _agreeing(given, wanted)
    if any(each.others for each in node.walk()) or _counts(given) != _counts(wanted):
        return _Attempt(matched, _departure(given, wanted, title) or _surplus(node, title))
    try:
        found = ways(node, wanted)
    except UnclearOrderError:
        return _Attempt(matched, "", _alike(given))
    if len(found) > 1:
        return _Attempt(matched, "", _difference(*found))
    return found[0] if found else _Attempt(len(given), f"it has the layers of {title}, but in another order")


def _counts(layers: Sequence[Layer]) -> Counter[tuple[Stream, tuple[int, ...]]]:
    return Counter((layer.stream, layer.shape) for layer in layers)


def _renamed(found: Pairs, network: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors under the names of the network, in its order."""
    taken = {
        wanted.names[role]: tensors[name]
        for wanted, given in found
        for role, name in given.names.items()
        if role in wanted.names
    }
    # Under the originals' names, the originals' rule holds: without biases and norms, there was no norm.
    is_original = all(given.module.endswith(wanted.module) for wanted, given in found)
    missing = (
        {}
        if is_original
        else {
            wanted.names["bias"]: torch.zeros(wanted.channels[1])
            for wanted, given in found
            if "bias" in wanted.names and "bias" not in given.names and wanted.stream in ("convolution", "linear")
        }
    )
    return {name: (taken | missing)[name] for name in network.state_dict() if name in taken or name in missing}


def _alike(layers: Sequence[Layer]) -> tuple[str, str] | None:
    """Two modules of a file that have the same shapes."""
    pairs = itertools.combinations(layers, 2)
    return next(((one.module, other.module) for one, other in pairs if one.shape == other.shape), None)


def _difference(one: Pairs, other: Pairs) -> tuple[str, str]:
    """Two modules of a file that may be in either order."""
    first, second = dict(one), dict(other)
    unlike = min((wanted for wanted in first if first[wanted] is not second[wanted]), key=lambda wanted: wanted.module)
    one_module, other_module = sorted((first[unlike].module, second[unlike].module))
    return one_module, other_module


def _agreeing(given: Sequence[Layer], wanted: Sequence[Layer]) -> int:
    """How many convolutions agree before the first that does not."""
    pairs = zip(_convolutions(given), _convolutions(wanted), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0].shape == pair[1].shape, pairs))


def _convolutions(layers: Sequence[Layer]) -> list[Layer]:
    return [layer for layer in layers if layer.stream == "convolution"]


def _departure(given: Sequence[Layer], wanted: Sequence[Layer], title: str) -> str:
    """The first layer at which a file departs from a network, in words; empty if there is none."""
    for stream in STREAMS:
        ours, theirs = ([layer for layer in layers if layer.stream == stream] for layers in (wanted, given))
        for number, (own, other) in enumerate(itertools.zip_longest(ours, theirs), 1):
            if other is None:
                return f"it lacks {own}, which {title} has as number {number} of its layers of this kind"
            if own is None:
                return f"{other.module} is {other}, where {title} has none"
            if own.shape != other.shape:
                return f"{other.module} is {_in_words(other, own)}, where {title} has {_contrasted(own, other)}"
    return ""


def _in_words(given: Layer, wanted: Layer) -> str:
    """A layer of a file in the place of `wanted`, whose channels say in which direction it must be read."""
    return str(_directed(given, wanted))


def _directed(given: Layer, wanted: Layer) -> Layer:
    """A convolution of a file, transposed if its first channels are those of `wanted`'s input."""
    if given.stream != "convolution":
        return given
    channels = wanted.channels[0]
    transposed = given.shape[1] != channels and given.shape[0] == channels
    return Layer(given.module, given.stream, given.shape, given.names, transposed)


def _contrasted(wanted: Layer, given: Layer) -> str:
    """A layer of a network, in words that say how `given` differs."""
    given = _directed(given, wanted)
    if wanted.stream == "convolution" and (wanted.channels, wanted.shape[2:]) == (given.channels, given.shape[2:]):
        return "a transposed one" if wanted.transposed else "one that is not transposed"
    return str(wanted)


def _surplus(node: Node, title: str) -> str:
    """The first tensor that belongs to no layer, in words; empty if there is none."""
    return next((f"{name} is in no layer that {title} has" for part in node.walk() for name in part.others), "")

"""Layers with weights: those that a network has, in order, and those that a file holds, by the modules in its names."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor, nn

from imgxlate.checkpoint import Checkpoint
from imgxlate.methods.protocol import LayerReading, NetworkReading

Stream = Literal["convolution", "linear", "norm", "filter"]
"""A kind of layers. The order of layers is compared within a stream, because programs define norms here or there."""

STREAMS: tuple[Stream, ...] = ("convolution", "linear", "norm", "filter")

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
"""The last parts of the names of a norm's running statistics."""

MAX_BLOCKS = 100
"""Residual blocks of a network that is looked for in a file, at most."""

_ROLES = {"gamma": "weight", "scale": "weight", "beta": "bias", "shift": "bias"}
_DEEPEST = 50  # words in the name of a module


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A layer: of a network, or in a file."""

    module: str  # its name: "model.10.conv_block.1"
    stream: Stream
    shape: tuple[int, ...]  # of its weight
    names: Mapping[str, str]  # by role (weight, bias, running_mean, ...): the names of its tensors
    transposed: bool = False  # known of a network's convolutions, but not of a file's

    @property
    def channels(self) -> tuple[int, int]:
        """The channels of the input and of the output, of a convolution or a fully connected layer."""
        second, first = self.shape[:2]
        return (second, first) if self.transposed else (first, second)

    @property
    def has_statistics(self) -> bool:
        """Whether it is a norm with running statistics."""
        return "running_mean" in self.names

    def __str__(self) -> str:
        if self.stream == "norm":
            return f"a norm of {self.shape[0]} channels"
        if self.stream == "filter":
            return f"a filter of {self.shape[0]} channels, {_sides(self.shape)}"
        first, second = self.channels
        if self.stream == "linear":
            return f"a fully connected layer {first} -> {second}"
        kind = "a transposed convolution" if self.transposed else "a convolution"
        return f"{kind} {first} -> {second}, {_sides(self.shape)}"


@dataclass(slots=True)
class Node:
    """A part of a file: the tensors whose names begin with the same words, in the order of the file."""

    name: str = ""  # "" for the whole file
    layer: Layer | None = None
    children: "dict[str, Node]" = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)  # its own tensors, and where each stands in the file
    others: list[str] = field(default_factory=list)  # the names of tensors that are no layer's

    def walk(self) -> "Iterator[Node]":
        """Yield this part and all parts in it."""
        yield self
        for child in self.children.values():
            yield from child.walk()

    def layers(self) -> list[Layer]:
        """The layers in it, in the order of the file."""
        return [node.layer for node in self.walk() if node.layer]


def read_network(
    name: str, network: nn.Module, tensors: Mapping[str, Tensor], checkpoint: Checkpoint
) -> NetworkReading:
    """The layers of a network, with the tensors of the file that `tensors` has under the network's names."""
    given = {id(tensor): stored for stored, tensor in checkpoint.tensors.items()}
    stored = {ours: given[id(tensor)] for ours, tensor in tensors.items() if id(tensor) in given}

    def reading(module: str, layer: str, names: Iterable[str]) -> LayerReading:
        return LayerReading(module, layer, {stored[ours]: ours for ours in names if ours in stored})

    layers = [reading(layer.module, str(layer), layer.names.values()) for layer in layers_of(network)]
    taken = {ours for layer in layers for ours in layer.tensors.values()}
    others = [ours for ours in network.state_dict() if ours in stored and ours not in taken]
    statistics: dict[str, list[str]] = {}
    for ours in others:
        statistics.setdefault(ours.rpartition(".")[0], []).append(ours)
    unused = [reading(module, "statistics of a norm, unused", names) for module, names in statistics.items()]
    return NetworkReading(name, [*layers, *unused])


def layers_of(network: nn.Module) -> list[Layer]:
    """The layers of a network that have weights, in the order in which it computes."""
    found = []
    for name, module in network.named_modules():
        tensors = dict(module.named_parameters(recurse=False)) | dict(module.named_buffers(recurse=False))
        prefix = f"{name}." if name else ""
        layer = _layer(name, {f"{prefix}{leaf}": tensor for leaf, tensor in tensors.items()})
        if layer:
            transposed = isinstance(module, nn.ConvTranspose2d)
            found.append(Layer(layer.module, layer.stream, layer.shape, layer.names, transposed))
    return found


def parts_of(tensors: Mapping[str, Tensor]) -> Node:
    """The parts of a file."""
    root = Node()
    places = {name: place for place, name in enumerate(tensors) if not name.endswith(".num_batches_tracked")}
    for module, members in _by_module(tensors).items():
        words = module.split(".") if module else []
        if len(words) > _DEEPEST:
            root.others += members
            continue
        node = root
        for word in words:
            name = f"{node.name}.{word}" if node.name else word
            node = node.children.setdefault(word, Node(name))
        node.layer = _layer(module, members)
        node.places = {name: places[name] for name in members if name in places}
        used = set(node.layer.names.values()) if node.layer else set()
        # Statistics without weights are of norms that do not use them; numbers without axes are counts.
        node.others = [
            name
            for name, tensor in members.items()
            if name not in used and tensor.dim() and name.rpartition(".")[2] not in STATISTICS
        ]
    return root


def width_of_stem(shapes: Collection[tuple[int, ...]], wider: Callable[[int], tuple[int, ...]]) -> int:
    """The channels after a network's first convolution: those of a 7x7 convolution that `wider` is a shape for."""
    ends = [shape for shape in shapes if shape[2:] == (7, 7)] or list(shapes)[:1]
    widths = sorted({max(width, 1) for shape in ends for width in shape[:2]}, reverse=True)
    return next((width for width in widths if wider(width) in shapes), widths[0])


def _by_module(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    modules: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        modules.setdefault(name.rpartition(".")[0], {})[name] = tensor
    return modules


def _layer(module: str, tensors: Mapping[str, Tensor]) -> Layer | None:
    """The layer that the tensors of a module make up, if they do."""
    leaves = {name.rpartition(".")[2]: name for name in tensors}
    names = {_ROLES.get(leaf, leaf): name for leaf, name in leaves.items() if leaf in _ROLES or leaf in STATISTICS}
    names |= {leaf: leaves[leaf] for leaf in ("weight", "bias") if leaf in leaves}
    if "filt" in leaves:  # a fixed filter, as CUT's generators have
        return Layer(module, "filter", tuple(tensors[leaves["filt"]].shape), {"weight": leaves["filt"]})
    if "weight" not in names:
        return None
    shape = tuple(tensors[names["weight"]].shape)
    streams: dict[int, Stream] = {1: "norm", 2: "linear", 4: "convolution"}
    stream = streams.get(len(shape))
    return Layer(module, stream, shape, names) if stream else None


def _sides(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape[2:]))

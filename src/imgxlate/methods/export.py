"""What a method says of its model for other programs: the original's files, and graphs to be written as ONNX."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from torch import nn

PICTURES = ("batch", 3, "height", "width")
"""The axes of images, as `Graph.inputs` has them."""


@dataclass(frozen=True, slots=True)
class Graph:
    """A part of a model that computes one thing from its inputs."""

    name: str  # "a2b"; part of the name of the file
    does: str  # what it gives of what: completes "the graph ..."
    module: nn.Module  # takes the inputs in order
    inputs: Mapping[str, tuple[int | str, ...]]  # axes by name of the input: a length, or a name where it may be any
    output: str
    multiples: Mapping[str, int] = field(default_factory=dict)  # of what the length of an axis must be, by its name


@runtime_checkable
class Exportable(Protocol):
    """A translator whose model can be written for other programs."""

    def original_files(self, step: int | None) -> Mapping[str, Mapping[str, Any]]:
        """What the original would save, by the name it would give the file after `step` steps, where that is known."""

    def graphs(self) -> Sequence[Graph]:
        """The parts that together do what the model does."""

"""What a method says of itself. Nothing here, or in a module that holds a spec, imports torch."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from imgxlate.methods.training import TrainingSpec

Domain = Literal["A", "B"]
"""One of the two kinds of images that a translation model knows."""

DOMAINS: tuple[Domain, Domain] = ("A", "B")
OTHER: Mapping[Domain, Domain] = {"A": "B", "B": "A"}
"""The domain that images of each domain are translated to."""


class Capability(StrEnum):
    """What a method can be asked to do."""

    TRANSLATE = "translate"  # Turn images of one domain into the other's.
    SAMPLE_STYLES = "sample-styles"  # Give many outputs for one input, by style codes.
    GUIDE_STYLE = "guide-style"  # Take the style code from an image.
    STYLIZE = "stylize"  # Paint a content image in the style of others.
    TRAIN = "train"  # Learn from two folders of images.


@dataclass(frozen=True, slots=True)
class Citation:
    """The paper that a method comes from."""

    title: str
    authors: str
    year: int
    arxiv: str


@dataclass(frozen=True, slots=True)
class MethodConfig:
    """Base of every method's configuration: a frozen dataclass whose fields carry their documentation."""


@dataclass(frozen=True, slots=True)
class MethodSpec:
    """A method, as the registry finds it. The implementation is imported on first use."""

    name: str  # "munit", as typed on the command line
    summary: str  # one line for `imgxlate methods`
    citation: Citation
    capabilities: frozenset[Capability]
    config: type[MethodConfig]  # every field documented, with its source
    implementation: str  # "imgxlate.methods.munit.method:Munit"
    presets: Mapping[str, MethodConfig] = field(default_factory=dict)  # named configurations, the default first
    training: TrainingSpec | None = None  # None: it cannot be trained
    sheets: tuple[str, ...] = ()  # the words that its sheets carry in their names, such as "sweep"
    title: str = ""  # "CycleGAN", as headings have it; empty: the name

    @property
    def label(self) -> str:
        """The title as one word, which the command line takes for the name too: "neural-style"."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-") or self.name

"""Entrants at work: what makes pictures of an input, whichever way its method does it."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from imgxlate.callbacks import ignore
from imgxlate.errors import DivergedError
from imgxlate.evaluate.entrants import Entry
from imgxlate.images.image_array import ImageArray
from imgxlate.inference.loading import ModelFile, load_model
from imgxlate.inference.style_codes import Code
from imgxlate.inference.stylization import load_stylizer, painted, stylize
from imgxlate.methods.protocol import Iterate, StyleSampler, Stylizer

Watch = Callable[[Iterate], None]
"""Is told of each iteration of an optimisation."""

_SMALL = 64  # pixels


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What all entrants of a comparison share."""

    device: torch.device
    dtype: torch.dtype
    to: str | None  # the domain to translate to; None: each model's default
    style_images: Sequence[ImageArray]  # to paint in the style of
    seed: int


@dataclass(frozen=True, slots=True)
class Painter:
    """A loaded entrant."""

    model: str
    settings: Mapping[str, str]  # what decides its pictures beside its weights, by name
    trained: int | None  # shorter side of the pictures that it learnt from; None: not known, or it learnt from none
    style_dim: int | None  # length of its style codes; None: it has none
    paint: Callable[[ImageArray, Sequence[Code], Watch], Iterator[ImageArray]]
    """Makes a picture of the input with each of the codes; one, and takes no codes, where it has no styles."""


def load(entry: Entry, file: ModelFile, common: Circumstances) -> Painter:
    """Read an entrant's weights and place them.

    Raises:
        CheckpointError: the file is damaged, or holds something else.
        UsageError: the model does not translate to that domain, or the configuration asks for what the network lacks.
    """
    if entry.config is None:
        return _translator(entry, file, common)
    stylizer = load_stylizer(entry.spec, entry.config, file.path, common.device, common.dtype)
    return _stylizer(stylizer, file.name, common)


def warm_up(painter: Painter) -> None:
    """Make a small grey picture, so that the first one that is timed does not pay for what a library sets up once."""
    grey = ImageArray(np.full((_SMALL, _SMALL, 3), 128, np.uint8))
    with contextlib.suppress(DivergedError):  # It is told of the inputs that it happens with.
        for _ in painter.paint(grey, [(0.0,) * painter.style_dim] if painter.style_dim else [], ignore):
            pass


def _translator(entry: Entry, file: ModelFile, common: Circumstances) -> Painter:
    model = load_model(entry.spec, file, common.device, common.dtype)
    to = model.target(common.to)
    style_dim = model.translator.style_dim if isinstance(model.translator, StyleSampler) else None

    def paint(picture: ImageArray, codes: Sequence[Code], watch: Watch) -> Iterator[ImageArray]:
        return model.translate_array(picture, to, torch.tensor(codes) if style_dim else None)

    return Painter(model.name, {"to": model.name_of(to)}, model.trained_size, style_dim, paint)


def _stylizer(stylizer: Stylizer, features: str, common: Circumstances) -> Painter:
    def paint(picture: ImageArray, codes: Sequence[Code], watch: Watch) -> Iterator[ImageArray]:
        for iterate in stylize(stylizer, picture, common.style_images, None, common.seed):
            watch(iterate)
        yield painted(picture, iterate)

    return Painter(features, {}, None, None, paint)

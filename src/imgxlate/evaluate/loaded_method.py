"""A chosen method with its weights: finds them, loads them, and computes images."""

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from imgxlate import paths
from imgxlate.callbacks import Notify, ignore
from imgxlate.errors import DivergedError, ImageError, UsageError, WeightsError
from imgxlate.evaluate.choices import Fetch, MethodChoice
from imgxlate.images.image_array import ImageArray
from imgxlate.images.limits import DEFAULT, Limits
from imgxlate.inference.device import Arithmetic
from imgxlate.inference.fast_style import encode_styles, tensor_on_white
from imgxlate.inference.loading import ModelFile, find_model, load_model
from imgxlate.inference.model import Model
from imgxlate.inference.style_codes import Code
from imgxlate.inference.stylization import load_stylizer, painted, stylize
from imgxlate.methods.protocol import Iterate
from imgxlate.methods.spec import OTHER, Domain, MethodConfig
from imgxlate.weights.cards import Card
from imgxlate.weights.store import Store, find_features

OnIteration = Callable[[Iterate], None]

_GRAY = ImageArray(np.full((64, 64, 3), 128, np.uint8))  # a small image in color


@dataclass(frozen=True, slots=True)
class SharedSettings:
    """The settings that all methods of a comparison share."""

    device: torch.device
    arithmetic: Arithmetic
    to: str | None  # the target domain; None: each model's default
    style_images: Sequence[ImageArray]  # for methods that take the style from an image
    n_styles: int  # output images of an input, for methods with styles
    size: int | None  # shorter side of the inputs, in pixels; None: their own size
    seed: int
    limits: Limits = DEFAULT  # of the files that are read
    memory: int | None = None  # the most bytes for the process, on the device; None: half of what is free


@dataclass(frozen=True, slots=True)
class LoadedMethod:
    """A method that is ready to compute images."""

    model: str
    settings: Mapping[str, str]  # further values that determine its images, by name
    trained_size: int | None  # shorter side of its training images, in pixels; None: unknown, or not trained
    style_dim: int | None  # length of the style codes that it samples; None: it samples none
    step: int | None  # training steps done; None: unknown, or not trained
    make: Callable[[ImageArray, Sequence[Code], OnIteration], Iterator[ImageArray]]
    """Yields an image of the input for each code; one image and no codes for a method without styles."""


def find_file(choice: MethodChoice, fetch: Fetch, to: str | None) -> ModelFile:
    """The file of the method's model or feature network. `to` is the target domain.

    Raises:
        WeightsError: there is no model of that name, or it cannot be downloaded.
        CheckpointError: the model is a folder, but not a training run's with a model.
    """
    store, model = Store(), choice.model

    def download(card: Card) -> Path:
        return fetch(card, store)

    if choice.config is not None:
        return ModelFile(str(model), find_features(str(model), download))
    path = Path(model) if model and _is_path(model, store) else None
    found = find_model(choice.spec, None if path else model, path, None, store, download, to=to)
    return dataclasses.replace(found, generators=choice.generators)


def load(choice: MethodChoice, file: ModelFile, settings: SharedSettings, notify: Notify = ignore) -> LoadedMethod:
    """Read the method's weights and move them to the device. `notify` gets the notes about the file.

    Raises:
        CheckpointError: the file is damaged, or holds something else.
        UsageError: the model has no such target domain, or takes images of other channels or values than a comparison
            has; or the network lacks a layer of the configuration.
    """
    if choice.config is None:
        return _load_translator(choice, file, settings, notify)
    return _load_stylizer(choice, choice.config, file, settings)


def warm_up(method: LoadedMethod) -> None:
    """Compute a small image, so that the time of the first input does not include the setup of libraries."""
    with contextlib.suppress(DivergedError):  # If it happens for an input, that input reports it.
        for _ in method.make(_GRAY, [(0.0,) * method.style_dim] if method.style_dim else [], ignore):
            pass


def card_of(file: ModelFile) -> str | None:
    """The card of a bundled or stored model, in Markdown; None for a file of the user's, even with such a name."""
    if not any(file.path.is_relative_to(folder) for folder in (paths.assets_dir(), Store().root)):
        return None
    try:
        card = Store().find(file.name)
    except WeightsError:
        return None
    if card.document:
        return card.document.read_text(encoding="utf-8")
    facts = {"License": card.license, "Source": card.page, "Paper": card.citation}
    lines = "".join(f"- {name}: {value}\n" for name, value in facts.items() if value)
    return f"# {card.name}\n\n{card.summary}\n\n{lines}"


def _is_path(model: str, store: Store) -> bool:
    """Whether a model is given by its path: with a slash, or as an existing file that has no known model's name."""
    if "/" in model or os.sep in model:
        return True
    return model not in store.cards() and paths.exists(model)


def _load_translator(choice: MethodChoice, file: ModelFile, settings: SharedSettings, notify: Notify) -> LoadedMethod:
    loaded = load_model(choice.spec, file, settings.device, settings.arithmetic, notify)
    model = dataclasses.replace(loaded, memory=settings.memory)
    to = model.target(settings.to)
    _require_color(model, OTHER[to])

    guided = model.spec.needs_style_image

    def style_for(image: ImageArray) -> Tensor:
        """The style images, as large as the image as in neural style, and mixed in equal shares."""
        return encode_styles(model, [tensor_on_white(style, max(image.size)) for style in settings.style_images])

    def make(image: ImageArray, codes: Sequence[Code], on_iteration: OnIteration) -> Iterator[ImageArray]:
        return model.translate_array(image, to, style_for(image) if guided else torch.tensor(codes) if codes else None)

    style_dim = None if guided else model.style_dim
    facts = {"to": model.name_of(to)}
    if choice.generators:
        facts["generators"] = ", ".join(choice.generators)
    return LoadedMethod(model.name, facts, model.trained_size, style_dim, model.step, make)


def _require_color(model: Model, source: Domain) -> None:
    """Check that a model takes images in color, or gray ones of 8 bits.

    Raises:
        UsageError: it takes others.
    """
    try:
        model.read(_GRAY, source)
    except (ImageError, UsageError):
        raise UsageError(
            f"{model.name} takes images of {model.format_of(source)}, not images in color",
            hint="Leave the method out, or give it another model.",
        ) from None


def _load_stylizer(
    choice: MethodChoice, config: MethodConfig, file: ModelFile, settings: SharedSettings
) -> LoadedMethod:
    stylizer = load_stylizer(choice.spec, config, file.path, settings.device, settings.arithmetic)

    def make(image: ImageArray, codes: Sequence[Code], on_iteration: OnIteration) -> Iterator[ImageArray]:
        iterates = stylize(
            stylizer,
            settings.device,
            image,
            settings.style_images,
            None,
            settings.seed,
            limit=settings.memory,
            fast=settings.arithmetic.fast,
        )
        for iterate in iterates:
            on_iteration(iterate)
        yield painted(image, iterate)

    return LoadedMethod(file.name, dict(choice.settings), None, None, None, make)

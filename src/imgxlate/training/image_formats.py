"""The channels, the range and the type of the training images, where the configuration does not state them."""

import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from imgxlate.callbacks import Notify
from imgxlate.config import flattened
from imgxlate.data.config import DataConfig
from imgxlate.data.folders import Folders
from imgxlate.errors import ImageError, UsageError
from imgxlate.images.pixel_format import PixelFormat, Range, own_range, shown_channels
from imgxlate.images.value_files import mode_of, read_values
from imgxlate.images.values import percentiles
from imgxlate.methods.spec import DOMAINS, RGB, Domain, TrainingConfig, TranslatorConfig
from imgxlate.training.recipes import Recipe

_SAMPLED = 48  # images of a domain that are looked at
_DARK = 8  # If all values are below this part of the range, it is probably not theirs.
_GRAY, _GRAY_16, _COLOR = (1, "uint8"), (1, "uint16"), (RGB, "uint8")  # kinds of images: channels and type
_READ_IN_COLOR = {_GRAY, _GRAY_16, _COLOR}
_CHANGES_OF_COLOR = ("brightness", "contrast", "saturation", "hue")


@dataclass(frozen=True, slots=True)
class _Sample:
    """Some of the images of a domain."""

    domain: Domain
    files: tuple[Path, ...]
    kinds: Counter[tuple[int, str]]

    @property
    def key(self) -> str:
        """The end of the names of the options for the domain."""
        return self.domain.lower()


def settle(recipe: Recipe, images: Folders, *, resumed: bool, notify: Notify) -> Recipe:
    """The recipe with the formats of the images: as it states them, or as the images have them.

    A resumed run keeps its formats.

    Raises:
        UsageError: the images of a domain differ, their range is unknown, or the method takes images in color only.
    """
    data = recipe.config.data
    if resumed and data.channels_a is None and data.channels_b is None:
        return recipe
    formats: dict[str, Any] = {}
    for domain, files in zip(DOMAINS, (images.train_a, images.train_b), strict=True):
        formats |= _measured(_look_at(domain, files), data, _of_model(recipe, domain), notify)
    candidates = tuple(
        replace(each, recipe=replace(each.recipe, config=_formatted(each.recipe.config, formats)))
        for each in recipe.candidates
    )
    settled = replace(recipe, config=_formatted(recipe.config, formats), candidates=candidates)
    _require_channels(recipe, settled.config)
    _announce(settled.config, images.names, notify)
    return settled


def _of_model(recipe: Recipe, domain: Domain) -> int | None:
    """The channels that gray images keep: those of the model that the run begins from, or the only ones of a method.

    None: the images decide.
    """
    name = _generators_key(recipe.config)
    if name is None:
        return RGB
    channels: int = getattr(recipe.config, name).channels(domain)
    return channels if recipe.start else None


def _require_channels(recipe: Recipe, settled: TrainingConfig) -> None:
    """Check that the user does not state other channels for the generators than those of the images.

    Raises:
        UsageError: that is the case.
    """
    before, after = flattened(recipe.config), flattened(settled)
    for letter in "ab":
        key = f"{_generators_key(settled)}.channels_{letter}"
        by_user = not recipe.origins.get(key, "preset").startswith(("preset", "architecture of", "--hours"))
        if by_user and before[key] != after[key]:
            raise UsageError(
                f"{recipe.origins[key]}: {key} is {before[key]}, but images of {letter.upper()} have {after[key]}",
                hint=f"Type `--set data.channels_{letter}={before[key]}` instead, if the images can be read so.",
            )


def _look_at(domain: Domain, files: Sequence[Path]) -> _Sample:
    """Evenly spaced images among `files`, without those that cannot be read."""
    kinds: Counter[tuple[int, str]] = Counter()
    readable = []
    for file in files[:: -(-len(files) // _SAMPLED)]:
        with contextlib.suppress(ImageError):  # Training reports them.
            kinds[_kind(file)] += 1
            readable.append(file)
    return _Sample(domain, tuple(readable), kinds)


def _kind(file: Path) -> tuple[int, str]:
    """Channels and type of an image. Images that Pillow opens in color have 3 channels of uint8."""
    if mode := mode_of(file):
        return _GRAY if mode in ("1", "L", "LA", "La") else _COLOR
    values = read_values(file)
    return values.shape[2], values.dtype.name


def _measured(sample: _Sample, data: DataConfig, of_model: int | None, notify: Notify) -> dict[str, Any]:
    """The options that state the format of a domain; none if its images are in color and nothing is stated.

    `of_model` are the channels that gray images have; None: one.
    """
    pixels, stated = data.format(sample.domain), getattr(data, f"channels_{sample.key}")
    if not sample.kinds:
        return {}
    channels = stated or _channels(sample, of_model)
    if channels == RGB and pixels.is_color and {*sample.kinds} <= _READ_IN_COLOR:
        return {f"channels_{sample.key}": stated} if stated else {}
    kind = pixels.type or _type(sample)
    pixels = replace(pixels, channels=channels)
    if pixels.shown and max(pixels.shown) >= channels:
        raise UsageError(
            f"data.shown_{sample.key} is {list(pixels.shown)}, but images of {sample.domain} have {channels} channels",
            hint=f"Channels count from 0: the last one is {channels - 1}.",
        )
    found = pixels.range or _range(sample, pixels, kind, notify)
    if pixels.range and not pixels.percentiles:
        _note_clipping(sample, pixels, notify)
    return {f"channels_{sample.key}": channels, f"range_{sample.key}": found, f"type_{sample.key}": kind}


def _channels(sample: _Sample, of_model: int | None) -> int:
    if {*sample.kinds} <= _READ_IN_COLOR:
        return of_model or 1 if {*sample.kinds} in ({_GRAY}, {_GRAY_16}) else RGB
    found = {channels for channels, _ in sample.kinds}
    if len(found) > 1:
        raise UsageError(
            f"images of {sample.domain} differ: {_listed(sample)}",
            hint=f"Convert them to one kind, or type `--set data.channels_{sample.key}=1` to skip those with others.",
        )
    return found.pop()


def _type(sample: _Sample) -> str:
    found = {kind for _, kind in sample.kinds}
    if len(found) > 1:
        raise UsageError(
            f"images of {sample.domain} differ: {_listed(sample)}",
            hint=f"Convert them to one type, or state it: `--set data.type_{sample.key}=uint16`.",
        )
    return found.pop()


def _listed(sample: _Sample) -> str:
    return ", ".join(f"{count} have {channels} x {kind}" for (channels, kind), count in sample.kinds.most_common())


def _range(sample: _Sample, pixels: PixelFormat, kind: str, notify: Notify) -> Range:
    """The range of the values: the mean percentiles of the images, or all values of their type."""
    if pixels.percentiles:
        low, high = np.mean([percentiles(read_values(file)) for file in sample.files], axis=0).tolist()
        return low, high
    own = own_range(kind)
    if own == own_range("uint8"):
        return 0, 255
    extremes = [(values.min(), values.max()) for values in map(read_values, sample.files)]
    low, high = float(min(low for low, _ in extremes)), float(max(high for _, high in extremes))
    option = f"`--set 'data.range_{sample.key}=[{low:g}, {high:g}]'`"
    if own is None or low < own[0] or high > own[1]:
        raise UsageError(
            f"the range of the values of {sample.domain}, {kind}, is unknown; in {len(sample.files)} images "
            f"they are from {low:g} to {high:g}",
            hint=f"State it: {option}, or `--set data.percentiles_{sample.key}=true` for values without a unit.",
        )
    if high * _DARK < own[1]:
        notify(f"values of {sample.domain} reach {high:g} of {own[1]:g} only; state their range, such as {option}")
    return own


def _note_clipping(sample: _Sample, pixels: PixelFormat, notify: Notify) -> None:
    """Tell the user if values are outside of the stated range."""
    low, high = pixels.range or (0, 0)
    shares = [((values < low) | (values > high)).mean() for values in map(read_values, sample.files)]
    if any(shares):
        share = f"{np.mean(shares):.2%} of the values of {sample.domain}"
        notify(f"{share} are outside of {low:g} to {high:g}, and are clipped")


def _formatted(config: TrainingConfig, formats: dict[str, Any]) -> TrainingConfig:
    """The configuration with these options of `data`, and with generators for so many channels."""
    data = replace(config.data, **formats)
    channels = {f"channels_{domain.lower()}": data.format(domain).channels for domain in DOMAINS}
    changed = [domain for domain in DOMAINS if not data.format(domain).is_color]
    colored = [name for name in _CHANGES_OF_COLOR if getattr(data, name)]
    if changed and colored:
        raise UsageError(
            f"data.{colored[0]} changes images in color, but those of {changed[0]} are not",
            hint=f"Type `--set data.{colored[0]}=0`.",
        )
    name = _generators_key(config)
    if name is None:
        if changed:
            raise UsageError(f"this method takes images in color, but those of {changed[0]} are not")
        return replace(config, data=data)
    return replace(config, data=data, **{name: replace(getattr(config, name), **channels)})


def _generators_key(config: TrainingConfig) -> str | None:
    """The name of the field that holds the architecture of generators for any number of channels."""
    return next(
        (field.name for field in fields(config) if isinstance(getattr(config, field.name), TranslatorConfig)), None
    )


def _numbers(pixels: PixelFormat) -> str:
    """The channels in false colors, as text."""
    return ", ".join(map(str, pixels.shown or shown_channels(pixels.channels)))


def _announce(config: TrainingConfig, names: tuple[str, str], notify: Notify) -> None:
    for domain, name in zip(DOMAINS, names, strict=True):
        pixels = config.data.format(domain)
        if not pixels.is_color:
            view = "in gray" if pixels.channels == 1 else f"in false colors, by its channels {_numbers(pixels)}"
            notify(f"{name} is {pixels}; samples, evaluations and losses of VGG features see it {view}")

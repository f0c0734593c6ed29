"""The choices that define a comparison: methods with their models and settings, pairs and metrics. Imports no torch."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from imgxlate.config import did_you_mean, flattened, overridden
from imgxlate.errors import UsageError
from imgxlate.methods import registry
from imgxlate.methods.spec import Capability, MethodConfig, MethodSpec
from imgxlate.weights.cards import Card, bundled_model
from imgxlate.weights.store import Store

PairProtocol = Literal["all", "munit"]
"""Which outputs are compared for diversity; see `diversity.PROTOCOLS`."""

Models = Mapping[str, str | PathLike[str] | Sequence[str | PathLike[str]]]
"""For each method the name of a model, a checkpoint file, the folder of a training run, or several of these."""

Generators = Mapping[str, str | Sequence[str]]
"""For each method the network to take of its model's file, by its name in the file; of two, A's comes first."""

Fetch = Callable[[Card, Store], Path]
"""Returns the file of a card's weights in a store, and downloads it if it is missing."""

_CHECKPOINTS = (".safetensors", ".pt", ".pth")
_FEATURES = "vgg19"  # the default feature network of methods that stylize


@dataclass(frozen=True, slots=True)
class MethodChoice:
    """A method with a model and a configuration, before anything is loaded."""

    key: str  # "munit", or "munit-2" for its second model; unique, and part of the names of its images
    title: str  # "MUNIT", or "MUNIT (outline2color)" if several of its models are compared
    spec: MethodSpec
    model: str | None  # a model's name, a file or a run's folder; None: the bundled model
    generators: tuple[str, ...]  # the networks to take, by their names in the file; none: those that are found
    config: MethodConfig | None  # of a method that stylizes; None: the configuration is in the weights

    @property
    def has_styles(self) -> bool:
        """Whether style codes give several images of one input."""
        return self.config is None and Capability.SAMPLE_STYLES in self.spec.capabilities

    @property
    def settings(self) -> Mapping[str, str]:
        """The values that differ from the method's default configuration, by key."""
        if self.config is None:
            return {}
        default = flattened(_default_config(self.spec))
        return {key: str(value) for key, value in flattened(self.config).items() if value != default[key]}


def choose_methods(
    methods: Sequence[str] | None,
    models: Models,
    settings: Mapping[str, Mapping[str, Any]],
    generators: Generators,
    *,
    has_style_images: bool,
) -> tuple[MethodChoice, ...]:
    """The methods to compare, in the order of their columns. A method with several models is listed once for each.

    Args:
        methods: names or labels; None: all that have a bundled model or one in `models`, and those that take the style
            from an image only if there are style images.
        models: the models of each method.
        settings: configuration values of each method that stylizes.
        generators: the networks to take of the model's file, by their names in it, for each method.
        has_style_images: whether there are images to take the style from.

    Raises:
        UsageError: a method is unknown, listed twice, or lacks a model or style image; or a model, a setting or a
            generator is for a method that is not compared; or a generator is for a method that has none, or without
            the file of one model.
    """
    models_of: dict[str, list[str]] = {}
    for method, given in models.items():
        listed = [given] if isinstance(given, str | PathLike) else given
        models_of.setdefault(_find(method).name, []).extend(map(str, listed))
    settings_of: dict[str, dict[str, Any]] = {}
    for method, values in settings.items():
        settings_of.setdefault(_find(method).name, {}).update(values)
    generators_of: dict[str, tuple[str, ...]] = {}
    for method, chosen in generators.items():
        generators_of[_find(method).name] = (chosen,) if isinstance(chosen, str) else tuple(chosen)
    specs = _available(models_of, has_style_images) if methods is None else _named(methods)
    for option, names in (("--model", models_of), ("--set", settings_of), ("--generator", generators_of)):
        _require_compared(specs, option, names)
    for spec in specs:
        if spec.needs_style_image and not has_style_images:
            raise UsageError(f"{spec.label} needs a style image", hint="Give one: `--style painting.jpg`.")
        if spec.name in generators_of and Capability.TRANSLATE not in spec.capabilities:
            raise UsageError(
                f"--generator {spec.label}={generators_of[spec.name][0]}: {spec.label} has no generators",
                hint="Leave it out.",
            )
        if spec.name in generators_of and len(models_of.get(spec.name, ())) != 1:
            raise UsageError(
                f"--generator {spec.label}={generators_of[spec.name][0]}: names a network in one file",
                hint=f"Give that file, and no other one of this method: --model {spec.label}=FILE.",
            )
    return tuple(
        choice
        for spec in specs
        for choice in _choices(
            spec,
            models_of.get(spec.name, ()),
            settings_of.get(spec.name, {}),
            generators_of.get(spec.name, ()),
        )
    )


def _find(name: str) -> MethodSpec:
    specs = _comparable()
    for spec in specs:
        if name in (spec.name, spec.label):
            return spec
    labels = [spec.label for spec in specs]
    raise UsageError(
        f"there is no method {name!r} to compare",
        hint=did_you_mean(name, [*labels, *(spec.name for spec in specs)]) or f"Methods: {', '.join(labels)}.",
    )


def _comparable() -> list[MethodSpec]:
    """The methods that translate or stylize."""
    specs, _ = registry.discover()
    return [spec for spec in specs.values() if {Capability.TRANSLATE, Capability.STYLIZE} & spec.capabilities]


def _named(names: Sequence[str]) -> list[MethodSpec]:
    if not names:
        raise UsageError("--methods names no method", hint="For example: --methods munit,unit.")
    specs: list[MethodSpec] = []
    for name in names:
        spec = _find(name)
        if spec in specs:
            raise UsageError(
                f"{spec.label} is among --methods twice",
                hint=f"To compare two of its models, give --model {spec.label}= twice.",
            )
        specs.append(spec)
    return specs


def _available(models_of: Mapping[str, Sequence[str]], has_style_images: bool) -> list[MethodSpec]:
    specs = [spec for spec in _comparable() if spec.name in models_of or _is_ready(spec, has_style_images)]
    if not specs:
        raise UsageError(
            "no method has a model",
            hint="Add a model, such as `--model munit=FILE`, or a style image for neural style: `--style IMAGE`.",
        )
    return specs


def _is_ready(spec: MethodSpec, has_style_images: bool) -> bool:
    """Whether a method needs no more than what is there: a bundled model, style images."""
    has_model = not _translates(spec) or bundled_model(spec.name) is not None
    return has_model and (has_style_images or not spec.needs_style_image)


def _translates(spec: MethodSpec) -> bool:
    return Capability.TRANSLATE in spec.capabilities


def _require_compared(specs: Sequence[MethodSpec], option: str, names: Iterable[str]) -> None:
    for name in names:
        if name not in [spec.name for spec in specs]:
            label = _find(name).label
            raise UsageError(f"{option} is for {label}, which is not compared", hint=f"Add {label} to --methods.")


def _choices(
    spec: MethodSpec, models: Sequence[str], settings: Mapping[str, Any], generators: tuple[str, ...]
) -> Iterator[MethodChoice]:
    config = _configured(spec, settings)
    names = _distinct_names(models, spec)
    for index, model in enumerate(models or [None if config is None else _FEATURES]):
        yield MethodChoice(
            key=spec.label if index == 0 else f"{spec.label}-{index + 1}",
            title=(spec.title or spec.name) + (f" ({names[index]})" if len(models) > 1 else ""),
            spec=spec,
            model=model,
            generators=generators,
            config=config,
        )


def _configured(spec: MethodSpec, settings: Mapping[str, Any]) -> MethodConfig | None:
    if not _translates(spec):
        return overridden(_default_config(spec), settings)
    for key in settings:
        raise UsageError(f"--set {spec.label}.{key}: a model's configuration is in its weights")
    return None


def _default_config(spec: MethodSpec) -> MethodConfig:
    return next(iter(spec.presets.values()), None) or spec.config()


def _distinct_names(models: Sequence[str], spec: MethodSpec) -> Sequence[str]:
    """Short names of the models, or the models as given if two short names are equal."""
    names = [_short_name(model, spec) for model in models]
    return names if len(set(names)) == len(names) else models


def _short_name(model: str, spec: MethodSpec) -> str:
    file = Path(model)
    return (file.stem if file.suffix in _CHECKPOINTS else file.name).removeprefix(f"{spec.name}-") or model

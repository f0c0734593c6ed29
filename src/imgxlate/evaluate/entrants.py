"""Who takes part in a comparison, and with which models and settings, as it was asked for. Imports no torch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from imgxlate.config import did_you_mean, flattened, overridden
from imgxlate.errors import UsageError
from imgxlate.methods import registry
from imgxlate.methods.spec import Capability, MethodConfig, MethodSpec
from imgxlate.weights.cards import bundled_model

_CHECKPOINTS = (".safetensors", ".pt", ".pth")
_FEATURES = "vgg19"  # the network that looks at pictures where a method paints in the style of images


@dataclass(frozen=True, slots=True)
class Entry:
    """A method that takes part, before anything is loaded."""

    key: str  # "munit", or "munit-2" for its second model; unique, and fit for the names of files
    title: str  # "MUNIT", or "MUNIT (outline2color)" where several models of it take part
    spec: MethodSpec
    model: str | None  # a model's name, a file or a run's folder; None: the model that ships with the package
    config: MethodConfig | None  # of a method that paints in the style of images; others have theirs in the weights

    @property
    def has_styles(self) -> bool:
        """Whether it makes many pictures of one input, by style codes."""
        return self.config is None and Capability.SAMPLE_STYLES in self.spec.capabilities

    @property
    def settings(self) -> Mapping[str, str]:
        """What differs from the method's default configuration, by key."""
        if self.config is None:
            return {}
        usual = flattened(_default(self.spec))
        return {key: str(value) for key, value in flattened(self.config).items() if value != usual[key]}


def choose(
    methods: Sequence[str] | None, models: Sequence[str], assignments: Sequence[str], *, painted: bool
) -> tuple[Entry, ...]:
    """The entrants, in the order in which they stand in the comparison.

    Args:
        methods: names or labels of methods; None: all that have a model at hand, and those that paint if `painted`.
        models: METHOD=NAME: a model's name, a file or a run's folder; each of several of one method is an entrant.
        assignments: METHOD.KEY=VALUE, for the configuration of a method that paints in the style of images.
        painted: whether there are images to paint in the style of.

    Raises:
        UsageError: no method is named, or one that is unknown, named twice or lacks what it needs; an option is of none
            that takes part.
    """
    named = _by_method("--model", models, "=", "METHOD=NAME")
    settings = _by_method("--set", assignments, ".", "METHOD.KEY=VALUE")
    specs = _at_hand(named, painted) if methods is None else _distinct(methods)
    for option, given in (("--model", named), ("--set", settings)):
        _require_among(specs, option, given)
    for spec in specs:
        if not _translates(spec) and not painted:
            raise UsageError(f"{spec.label} paints in the style of images", hint="Give one: `--style painting.jpg`.")
    return tuple(entry for spec in specs for entry in _entries(spec, named.get(spec.name), settings.get(spec.name, ())))


def _by_method(option: str, texts: Iterable[str], separator: str, form: str) -> dict[str, list[str]]:
    """What is given for each method, by the method's name."""
    given: dict[str, list[str]] = {}
    for text in texts:
        method, found, value = text.partition(separator)
        if not (found and value.strip()):
            raise UsageError(f"{option} {text}: must be {form}", hint=f"Such as {option} {_EXAMPLES[option]}.")
        given.setdefault(_find(method.strip()).name, []).append(value.strip())
    return given


_EXAMPLES = {"--model": "munit=runs/mine", "--set": "neural-style.iterations=100"}


def _able() -> list[MethodSpec]:
    """The methods that make pictures of pictures."""
    specs, _ = registry.discover()
    return [spec for spec in specs.values() if {Capability.TRANSLATE, Capability.STYLIZE} & spec.capabilities]


def _find(name: str) -> MethodSpec:
    able = _able()
    for spec in able:
        if name in (spec.name, spec.label):
            return spec
    labels = [spec.label for spec in able]
    known = [*labels, *(spec.name for spec in able)]
    raise UsageError(
        f"there is no method {name!r} to compare",
        hint=did_you_mean(name, known) or f"Methods: {', '.join(labels)}.",
    )


def _distinct(names: Sequence[str]) -> list[MethodSpec]:
    if not names:
        raise UsageError("--methods names no method", hint="Such as --methods munit,unit.")
    specs: list[MethodSpec] = []
    for name in names:
        spec = _find(name)
        if spec in specs:
            raise UsageError(
                f"{spec.label} is among --methods twice",
                hint=f"For two models of it, give --model {spec.label}= twice.",
            )
        specs.append(spec)
    return specs


def _at_hand(named: Mapping[str, Sequence[str]], painted: bool) -> list[MethodSpec]:
    specs = [
        spec
        for spec in _able()
        if (spec.name in named or bundled_model(spec.name) if _translates(spec) else painted or spec.name in named)
    ]
    if not specs:
        raise UsageError(
            "no method has a model at hand", hint="Give one, as `--model munit=FILE`, or a `--style IMAGE` to paint in."
        )
    return specs


def _translates(spec: MethodSpec) -> bool:
    return Capability.TRANSLATE in spec.capabilities


def _require_among(specs: Sequence[MethodSpec], option: str, given: Iterable[str]) -> None:
    for name in given:
        if name not in [spec.name for spec in specs]:
            label = _find(name).label
            raise UsageError(f"{option} is for {label}, which takes no part", hint=f"Add {label} to --methods.")


def _entries(spec: MethodSpec, models: Sequence[str] | None, assignments: Sequence[str]) -> list[Entry]:
    config = _configure(spec, assignments)
    if not models:
        return [Entry(spec.label, spec.title or spec.name, spec, None if config is None else _FEATURES, config)]
    names = _told_apart(models, spec)
    return [
        Entry(
            key=spec.label if number == 1 else f"{spec.label}-{number}",
            title=(spec.title or spec.name) + (f" ({name})" if len(models) > 1 else ""),
            spec=spec,
            model=model,
            config=config,
        )
        for number, (model, name) in enumerate(zip(models, names, strict=True), 1)
    ]


def _configure(spec: MethodSpec, assignments: Sequence[str]) -> MethodConfig | None:
    if not _translates(spec):
        return overridden(_default(spec), {}, assignments)
    if assignments:
        raise UsageError(f"--set {spec.label}.{assignments[0]}: a model's configuration is in its weights")
    return None


def _default(spec: MethodSpec) -> MethodConfig:
    return next(iter(spec.presets.values()), None) or spec.config()


def _told_apart(models: Sequence[str], spec: MethodSpec) -> Sequence[str]:
    """Short names of models, or what was given for each where two would have the same one."""
    names = [_short(model, spec) for model in models]
    return names if len(set(names)) == len(names) else models


def _short(model: str, spec: MethodSpec) -> str:
    file = Path(model)
    return (file.stem if file.suffix in _CHECKPOINTS else file.name).removeprefix(f"{spec.name}-") or model

"""The configuration of a run: layers of values, each with its origin. Imports no torch."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from imgxlate import config
from imgxlate.errors import UsageError
from imgxlate.methods.spec import MethodSpec, Scale, TrainingConfig
from imgxlate.training import config_files
from imgxlate.training import start as starts
from imgxlate.training.config_files import Document
from imgxlate.training.start import Start

NONE = "none"
"""The word for a value that is absent, since TOML has no null."""

OnNan = Literal["stop", "rollback"]
"""What a run does after a loss is NaN: it stops, or goes back to the last checkpoint and takes other images."""

_MOST_HOURS = 100_000  # eleven years


@dataclass(frozen=True, slots=True)
class Recipe:
    """The configuration of a run, with the origin of each value."""

    method: str
    preset: str
    config: TrainingConfig
    origins: Mapping[str, str]  # by the keys of the configuration: "preset small", "recipe.toml", "--set", "--lr"
    folders: tuple[Path, ...] = ()  # of the training images: two, one that holds both, or none if not given yet
    start: str | None = None  # the model that the run begins from: its name, or an absolute path
    hours: float | None = None  # the time to fill; one of `candidates` will be chosen
    candidates: "tuple[Candidate, ...]" = ()  # the smallest first


@dataclass(frozen=True, slots=True)
class Candidate:
    """A configuration that `--hours` may choose."""

    name: str  # "96 px, width 24"
    least_steps: int  # that are worth it; 0: not stated
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class _Layer:
    """Values by dotted keys, from one origin. They override the values of earlier layers."""

    origin: str
    values: Mapping[str, Any]


def resolve(
    spec: MethodSpec,
    *,
    preset: str | None = None,
    file: Path | None = None,
    assignments: Sequence[str] = (),
    options: Mapping[str, tuple[str, Any]] | None = None,
    resumed: Path | None = None,
    start: str | None = None,
    open_start: Callable[[MethodSpec, str], Start] = starts.find,
    hours: float | None = None,
) -> Recipe:
    """The configuration of a preset, changed by a file, then by KEY=VALUE assignments, then by options.

    A run that begins from a model has the model's architecture, unless the file, an assignment or an option sets it.

    Args:
        spec: The method to train.
        preset: The preset to start from; None: the one that `file` names, or the default.
        file: TOML, or the configuration file of an original. The suffix decides, or else the content.
        assignments: Values of `--set`: a key, `=`, and a TOML value or a word.
        options: For the key of each other option its origin, such as "--iterations", and its value.
        resumed: The configuration file of the run to resume. `file` overrides it, but its preset stays.
        start: The model to begin from; None: the one that `file` names, or none.
        open_start: Reads that model.
        hours: The time to fill. A resumed run keeps its number of steps. Size and width are chosen, too, unless a
            preset, a file or a model sets them.

    Raises:
        UsageError: a file cannot be read, a preset or a key is unknown, or a value is invalid; names the origin.
        WeightsError, CheckpointError: the model to begin from is missing or damaged.
    """
    _require_one_length(options or {}, assignments, hours)
    training = config_files.training_of(spec)
    files = [path for path in (resumed, file) if path]
    documents = [config_files.read(path, spec) for path in files]
    start = _choose_start(spec, start, documents, keep=resumed is not None)
    model = open_start(spec, start) if start and resumed is None else None
    free = hours is not None and not (preset or documents or model)  # to choose size and width
    scales = training.scales if free else ()
    preset = training.scaled_preset if scales else preset
    name = _choose_preset(spec, preset, documents, model, keep=resumed is not None)
    first = training.presets[name]

    def compose(scale: Scale | None = None) -> Recipe:
        layers = [
            _Layer(f"preset {name}", config.flattened(first)),
            *([_Layer("--hours", scale.changes)] if scale else ()),
            *([_Layer(f"architecture of {model.label}", _architecture(spec, first, model))] if model else ()),
            *(_Layer(str(path), document.values) for path, document in zip(files, documents, strict=True)),
            _Layer("--set", config.dotted(dict(map(config.assignment, assignments)))),
            *(_Layer(origin, {key: value}) for key, (origin, value) in (options or {}).items()),
        ]
        folders = next((document.folders for document in reversed(documents) if document.folders), ())
        return _composed(spec, name, layers, folders, model.name if model else start)

    recipe = compose(scales[0] if scales else None)
    if hours is None or resumed is not None:
        return recipe
    candidates = [Candidate(scale.name, scale.least_steps, compose(scale)) for scale in scales]
    return dataclasses.replace(
        recipe, hours=hours, candidates=tuple(candidates or [Candidate(f"preset {name}", 0, recipe)])
    )


def _composed(
    spec: MethodSpec, preset: str, layers: list[_Layer], folders: tuple[Path, ...], start: str | None
) -> Recipe:
    first = config_files.training_of(spec).presets[preset]
    layers = [_without_none(type(first), layer) for layer in layers if layer.values]
    layers += _without_older_epochs(layers)
    origins = {key: layer.origin for layer in layers for key in layer.values}
    return Recipe(spec.name, preset, _build(type(first), layers), origins, folders, start)


def without_epochs(recipe: Recipe, images: int) -> Recipe:
    """The recipe with a number of steps in place of the number of epochs, of which each has so many images."""
    setting = recipe.config
    if setting.epochs is None or recipe.hours is not None:
        return recipe
    steps = -(-setting.epochs * images // setting.images_per_step)
    return with_values(recipe, {"iterations": steps, "epochs": None}, origin=recipe.origins["epochs"])


def with_values(recipe: Recipe, values: Mapping[str, Any], *, origin: str) -> Recipe:
    """The recipe with other values of keys without dots; for the time to fill, it chooses nothing any more."""
    return dataclasses.replace(
        recipe,
        config=dataclasses.replace(recipe.config, **values),
        origins={**recipe.origins, **dict.fromkeys(values, origin)},
        hours=None,
        candidates=(),
    )


def to_toml(recipe: Recipe) -> str:
    """The recipe as TOML. It holds every value, so `resolve` returns the same configuration even if presets change."""
    import tomli_w  # Imported late: only a training run needs it.

    head = {"method": recipe.method, "preset": recipe.preset, "folders": list(map(str, recipe.folders))}
    head |= {"from": recipe.start} if recipe.start else {}
    values = {key: NONE if value is None else value for key, value in config.flattened(recipe.config).items()}
    return tomli_w.dumps(head | config.nested(values))


def _require_one_length(
    options: Mapping[str, tuple[str, Any]], assignments: Sequence[str], hours: float | None
) -> None:
    """Check that the length of the run is given once.

    Raises:
        UsageError: it is given twice, or `hours` is not positive or too large.
    """
    assigned = {config.assignment(text)[0] for text in assignments}
    given = [f"--{key}" for key in ("epochs", "iterations") if key in {*options, *(assigned if hours else ())}]
    given += ["--hours"] if hours is not None else []
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} exclude each other", hint="Give one of them.")
    if hours is not None and not (math.isfinite(hours) and hours > 0):
        raise UsageError(f"--hours {hours:g}: must be above 0")
    if hours is not None and hours > _MOST_HOURS:
        raise UsageError(f"--hours {hours:g}: must be at most {_MOST_HOURS:,}")


def _choose_start(spec: MethodSpec, wanted: str | None, documents: Sequence[Document], *, keep: bool) -> str | None:
    """The model to begin from. With `keep`, it must be the one of the first document.

    Raises:
        UsageError: the run began with another one.
    """
    named = [name for name in (wanted, *(document.start for document in reversed(documents))) if name]
    if keep:
        began = documents[0].start
        if named and not starts.is_same(spec, named[0], began):
            raise UsageError(
                f"the run began from {began or 'initial weights'}, not from {named[0]}",
                hint="Leave --from out to continue it, or start another run with another --out.",
            )
        return began
    return named[0] if named else None


def _architecture(spec: MethodSpec, training: TrainingConfig, model: Start) -> Mapping[str, Any]:
    """The architecture of the model, by the keys of the training's configuration."""
    fields = (field.name for field in dataclasses.fields(training))
    key = next((key for key in fields if isinstance(getattr(training, key), spec.config)), None)
    return {f"{key}.{name}": value for name, value in model.architecture.items()} if key else {}


def _choose_preset(
    spec: MethodSpec, wanted: str | None, documents: Sequence[Document], model: Start | None, *, keep: bool
) -> str:
    """The preset to start from. With `keep`, it must be the preset of the first document.

    Raises:
        UsageError: the method has no such preset, or the run began with another one.
    """
    presets = config_files.training_of(spec).presets
    named = [name for name in (wanted, *(document.preset for document in reversed(documents))) if name]
    default = next((preset for preset in presets if model and preset == model.preset), next(iter(presets)))
    name = named[0] if named else default
    if keep and documents[0].preset not in (None, name):
        raise UsageError(
            f"the run began with the preset {documents[0].preset}, not {name}",
            hint="Change single values with --set, or start another run with another --out.",
        )
    if name not in presets:
        hint = config.did_you_mean(name, presets) or f"Presets: {', '.join(presets)}."
        raise UsageError(f"{spec.name} has no preset {name!r}", hint=hint)
    return name


def _without_none(cls: type[TrainingConfig], layer: _Layer) -> _Layer:
    """Check the keys of a layer, and replace the word "none" by None where a value may be absent.

    Raises:
        UsageError: a key is unknown; names the origin.
    """
    config.require_known(cls, layer.values, origin=layer.origin)
    known = config.keys(cls)
    values = {key: None if value == NONE and known[key].optional else value for key, value in layer.values.items()}
    return _Layer(layer.origin, values)


def _without_older_epochs(layers: Sequence[_Layer]) -> list[_Layer]:
    """A layer without epochs, if a number of steps was given after a number of epochs: the last of the two counts.

    Raises:
        UsageError: one origin gives both.
    """
    older = found = None
    for layer in layers:
        if layer.values.get("epochs") is not None:
            if "iterations" in layer.values:
                raise UsageError(f"{layer.origin}: epochs and iterations exclude each other", hint="Give one of them.")
            older, found = layer, None
        elif "iterations" in layer.values:
            found = layer
    return [_Layer(found.origin, {"epochs": None})] if older and found else []


def _build(cls: type[TrainingConfig], layers: Sequence[_Layer]) -> TrainingConfig:
    """Build the configuration from the layers.

    Raises:
        UsageError: a value is invalid; names the origin of the first layer that causes the error.
    """
    try:
        return _merged(cls, layers)
    except UsageError as error:
        reason = _without_origin(error, layers[-1])
        origins = [layers[end - 1].origin for end in range(1, len(layers)) if _fails(cls, layers[:end], reason)]
        raise UsageError(f"{(*origins, layers[-1].origin)[0]}: {reason}", hint=error.hint) from error


def _merged(cls: type[TrainingConfig], layers: Sequence[_Layer]) -> TrainingConfig:
    values = {key: value for layer in layers for key, value in layer.values.items()}
    return config.from_mapping(cls, values, origin=layers[-1].origin)


def _fails(cls: type[TrainingConfig], layers: Sequence[_Layer], reason: str) -> bool:
    try:
        _merged(cls, layers)
    except UsageError as error:
        return _without_origin(error, layers[-1]) == reason
    return False


def _without_origin(error: UsageError, layer: _Layer) -> str:
    return str(error).removeprefix(f"{layer.origin}: ")

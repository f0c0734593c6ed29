"""The model that a run begins from, and what the run takes from it. Imports torch only when a model is read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgxlate import paths
from imgxlate.callbacks import Notify, Progress, ignore
from imgxlate.config import flattened
from imgxlate.errors import CheckpointError, UsageError, WeightsError
from imgxlate.methods.spec import MethodSpec
from imgxlate.weights.store import Store

if TYPE_CHECKING:
    from torch import Tensor

    from imgxlate.checkpoint import Checkpoint
    from imgxlate.methods.protocol import Trainable
    from imgxlate.training.run_folder import RunFolder

_SHOWN = 2  # names of tensors in a message


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """A model to begin a run from."""

    name: str  # a name of `imgxlate weights list`, or an absolute path
    sha256: str  # of the generators' tensors, or of the checkpoint's
    preset: str | None  # that the model was trained with, if it says so
    domains: tuple[str, str]  # the names of A and B
    architecture: Mapping[str, Any]  # of the generators, by the keys of the method's configuration
    generators: Mapping[str, "Tensor"]  # by the names that `Trainable.generators` uses
    state: Mapping[str, "Tensor"]  # of the training that made the model, by the names of `Trainable.state`; or empty

    @property
    def label(self) -> str:
        """The name, for messages and records: of a path its last part."""
        return Path(self.name).name


@dataclass(frozen=True, slots=True)
class Part:
    """A network of the run, and how much of it comes from the model."""

    network: str  # "generator a", "discriminators"
    taken: int  # tensors
    left: tuple[str, ...]  # names of the tensors that keep their initial weights

    def __str__(self) -> str:
        text = f"{self.taken} of {self.taken + len(self.left)} tensors"
        if not self.taken:
            return f"{self.network}: {text}"
        more = ", ..." if len(self.left) > _SHOWN else ""
        return f"{self.network}: {text}" + (f" (not {', '.join(self.left[:_SHOWN])}{more})" if self.left else "")


def locate(spec: MethodSpec, given: str) -> str:
    """The full name of a model, or the absolute path of a file or folder. A name comes before a path, if both exist.

    Raises:
        WeightsError: neither exists, or the model is of another method.
    """
    try:
        return Store().find(given, spec.name).name
    except WeightsError as error:
        if paths.exists(given):
            return str(Path(given).absolute())
        other = Store().cards().get(given)
        if other and other.method != spec.name:
            raise WeightsError(
                f"--from {given}: is a model of {other.method}, not of {spec.name}",
                hint=f"Type `imgxlate train {other.method} ...`, or begin from a model of {spec.name}.",
            ) from error
        raise WeightsError(f"--from {given}: there is no such model, file or folder", hint=error.hint) from error


def is_same(spec: MethodSpec, given: str, name: str | None) -> bool:
    """Whether `given` means the model that was found as `name`. The model may be gone."""
    return name in (given, str(Path(given).absolute())) or locate(spec, given) == name


def find(
    spec: MethodSpec, given: str, *, offline: bool = False, progress: Progress = ignore, notify: Notify = ignore
) -> Start:
    """Read the model of that name, or in that run folder, checkpoint, or file of an original.

    Raises:
        WeightsError: there is none, or it cannot be downloaded.
        CheckpointError: the file is damaged, or holds no model of the method.
    """
    from imgxlate import checkpoint as checkpoints

    name = locate(spec, given)
    path = Path(name)
    if path.is_absolute() and not paths.is_folder(name):
        opened = checkpoints.read(path)
        if opened.header.get("kind") == checkpoints.TRAINING:
            return _from_training(spec, name, opened)
    return _from_model(spec, name, offline=offline, progress=progress, notify=notify)


def take(start: Start, trainable: "Trainable") -> tuple[Part, ...]:
    """Copy the weights of `start` into the networks of `trainable`, where name and shape agree.

    Weights of discriminators are copied if `start` has them; what optimizers remember is not.

    Raises:
        UsageError: no tensor of the generators fits, or they compute weights from others, as by spectral normalization.
    """
    from imgxlate.methods.protocol import Adversarial

    names = _names_in_state(trainable)
    given = start.generators or {name: start.state[stored] for name, stored in names.items() if stored in start.state}
    _copy(given, trainable.generators())
    # Compared afterwards: of weights that two networks share, the last copy holds.
    live = trainable.generators()
    networks = list(dict.fromkeys(name.partition(".")[0] for name in live))
    parts = [_compare(f"generator {network}", given, _under(live, network)) for network in networks]
    if not any(part.taken for part in parts):
        raise UsageError(
            f"no tensor of {start.label} fits the generators of this run",
            hint="Leave the architecture out of --set and --config: it then comes from the model.",
        )
    if isinstance(trainable, Adversarial):
        _copy(start.state, trainable.discriminators())
        parts.append(_compare("discriminators", start.state, trainable.discriminators()))
    return tuple(parts)


def record(start: Start, parts: tuple[Part, ...], warm_up: int) -> dict[str, Any]:
    """What a run keeps about its beginning, as JSON. `warm_up` counts steps of fresh discriminators.

    Its model is named by its label: models and checkpoints are passed on, and others need not know where files lie.
    """
    fresh = any(part.network == "discriminators" and part.left for part in parts)
    return {
        "model": start.label,
        "sha256": start.sha256,
        "taken": {part.network: f"{part.taken} of {part.taken + len(part.left)} tensors" for part in parts},
        "warm_up": warm_up if fresh else 0,
    }


def messages(
    start: Start,
    parts: tuple[Part, ...],
    trainable: "Trainable",
    domains: tuple[str, str],
    warm_up: int,
    iterations: int,
) -> Iterator[str]:
    """What the run took from the model and what not, for the user. `domains` are the names of the run's."""
    alone = f"; the discriminators are trained alone until step {warm_up}" if warm_up else ""
    yield f"from {start.label}: {'; '.join(map(str, parts))}{alone}"
    if warm_up >= iterations:
        yield (
            f"the run ends after {iterations} steps, before the generators learn: "
            f"give more --iterations, or --warm-up below {iterations}"
        )
    own = flattened(trainable.architecture())
    changed = [key for key, value in start.architecture.items() if key in own and own[key] != value]
    if changed:
        values = "; ".join(f"{key} is {own[key]}, not {start.architecture[key]}" for key in changed)
        yield f"the architecture is not that of {start.label}: {values}"
    if start.domains[0] != start.domains[1] and domains == start.domains[::-1]:
        names = " and ".join(start.domains)
        yield f"A and B of {start.label} are {names}: exchange the folders, or the run begins the wrong way round"


def _from_training(spec: MethodSpec, name: str, opened: "Checkpoint") -> Start:
    _require_method(spec, opened)
    header = opened.header
    return Start(
        name=name,
        sha256=_sha256(opened.tensors),
        preset=_preset(header),
        domains=(header["domains"][0], header["domains"][1]),
        architecture=header["architecture"],
        generators=opened.part("average"),
        state=opened.part("training"),
    )


def _from_model(spec: MethodSpec, name: str, *, offline: bool, progress: Progress, notify: Notify) -> Start:
    import torch

    from imgxlate import checkpoint as checkpoints
    from imgxlate.inference import loading
    from imgxlate.inference.device import find_arithmetic
    from imgxlate.training.run_folder import RunFolder

    store, path, cpu = Store(), Path(name), torch.device("cpu")
    download = partial(store.path, offline=offline, progress=progress, notify=notify)
    known = None if path.is_absolute() else name
    file = loading.find_model(spec, known, None if known else path, None, store, download)
    opened = checkpoints.read(file.path)
    _require_method(spec, opened)
    model = loading.load_model(spec, file, cpu, find_arithmetic("fp32", cpu), notify)
    generators = model.translator.tensors()
    return Start(
        name=name,
        sha256=_sha256(generators),
        preset=_preset(opened.header),
        domains=model.domains,
        architecture=flattened(model.translator.config),
        generators=generators,
        state=_newest_state(RunFolder(path), notify) if path.is_absolute() and paths.is_folder(path) else {},
    )


def _preset(header: Mapping[str, Any]) -> str | None:
    card = header.get("card")
    return card.get("preset") if isinstance(card, dict) else None


def _newest_state(run: "RunFolder", notify: Notify) -> dict[str, "Tensor"]:
    """The state of the training in the newest intact checkpoint of a run; nothing if there is none.

    Raises:
        CheckpointError: a file cannot be read, which may be temporary.
    """
    try:
        newest = run.latest(notify)
    except CheckpointError as error:
        if isinstance(error.__cause__, OSError):
            raise
        notify(f"{error}: only the generators come from {run.path.name}")
        return {}
    return newest.part("training") if newest else {}


def _require_method(spec: MethodSpec, opened: "Checkpoint") -> None:
    """Check that a file of ours belongs to the method. Files of originals do not say to which they belong.

    Raises:
        CheckpointError: it belongs to another one.
    """
    method = opened.header.get("method", spec.name)
    if method != spec.name:
        kind = "checkpoint" if opened.header.get("kind") else "model"
        raise CheckpointError(
            f"{opened.path}: is a {kind} of {method}, not of {spec.name}",
            hint=f"Type `imgxlate train {method} ...`, or begin from a model of {spec.name}.",
        )


def _names_in_state(trainable: "Trainable") -> dict[str, str]:
    """For each tensor of the generators, by its name in `Trainable.generators`: its name in `Trainable.state`.

    Raises:
        UsageError: a weight is not in the state, because it is computed from others.
    """
    own = {tensor.data_ptr(): name for name, tensor in trainable.state().items()}
    pointers = {name: tensor.data_ptr() for name, tensor in trainable.generators().items()}
    computed = next((name for name, pointer in pointers.items() if pointer not in own), None)
    if computed:
        raise UsageError(
            f"the generators of this run compute {computed} from other weights, so they cannot begin from a model",
            hint="Train without spectral normalization of the generators, or without --from.",
        )
    return {name: own[pointer] for name, pointer in pointers.items()}


def _copy(given: Mapping[str, "Tensor"], live: Mapping[str, "Tensor"]) -> None:
    for name, tensor in live.items():
        if name in given and given[name].shape == tensor.shape:
            tensor.detach().copy_(given[name])


def _compare(network: str, given: Mapping[str, "Tensor"], live: Mapping[str, "Tensor"]) -> Part:
    left = [name for name, tensor in live.items() if name not in given or not _equal(given[name], tensor)]
    return Part(network, len(live) - len(left), tuple(left))


def _equal(given: "Tensor", live: "Tensor") -> bool:
    return given.shape == live.shape and bool((given.to(live) == live).all())


def _under(tensors: Mapping[str, "Tensor"], network: str) -> dict[str, "Tensor"]:
    return {name: tensor for name, tensor in tensors.items() if name.partition(".")[0] == network}


def _sha256(tensors: Mapping[str, "Tensor"]) -> str:
    from imgxlate.checkpoint import payload_sha256

    return payload_sha256(tensors)

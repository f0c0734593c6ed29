"""Reads the yaml files that MUNIT and UNIT are trained with, by the originals' own names. Imports no torch."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from imgxlate.config import did_you_mean, dotted, shown
from imgxlate.errors import UsageError

_RENAMED = {
    "max_iter": "iterations",
    "snapshot_save_iter": "checkpoint_every",
    "image_save_iter": "sample_every",
    "new_size": "data.new_size",
    "crop_image_height": "data.crop_height",
    "crop_image_width": "data.crop_width",
    "num_workers": "data.workers",
}
_SAME = (
    "batch_size",
    "weight_decay",
    "beta1",
    "beta2",
    "init",
    "lr",
    "lr_policy",
    "step_size",
    "gamma",
    "display_size",
)
_GENERATOR = ("dim", "activ", "n_downsample", "n_res", "pad_type")
_DISCRIMINATOR = ("dim", "norm", "activ", "n_layer", "gan_type", "num_scales", "pad_type")
_DISCRIMINATOR_NORMS = {"none": "none", "in": "instance", "ln": "layer"}

# Where pictures lie is said on the command line; what is shown and logged when, nothing here depends on.
_LEFT_OUT = (
    "image_display_iter",
    "log_iter",
    "data_root",
    *(f"data_{what}_{part}_{domain}" for what in ("folder", "list") for part in ("train", "test") for domain in "ab"),
)
_CHECKED = ("input_dim_a", "input_dim_b", "new_size_a", "new_size_b")


def reader(
    *, weights: Iterable[str], generator: Iterable[str] = (), unused: Iterable[str] = ()
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """What turns the yaml of one of the originals into keys of ours with dots.

    `weights` are the weights of its losses; `generator` what its generators have beside what those of both have;
    `unused` keys with dots that its files hold and its code reads not.
    """
    same = (
        *_SAME,
        *weights,
        *(f"gen.{key}" for key in (*_GENERATOR, *generator)),
        *(f"dis.{k}" for k in _DISCRIMINATOR),
    )
    renamed = dict(zip(same, same, strict=True)) | _RENAMED
    known = {*renamed, *_LEFT_OUT, *_CHECKED, *unused}

    def read(options: Mapping[str, Any]) -> dict[str, Any]:
        given = dotted(options)
        _require_known(given, known)
        _require_rgb(given)
        values = {ours: given[theirs] for theirs, ours in renamed.items() if theirs in given}
        # Without a policy, the originals have no schedule.
        return {"lr_policy": "constant"} | values | _size(given) | _norm(given)

    return read


def _require_known(given: Mapping[str, Any], known: Iterable[str]) -> None:
    for key in given:
        if key not in known:
            hint = did_you_mean(str(key), sorted(known)) or "Give the yaml that the original's train.py takes."
            raise UsageError(f"unknown key {key!r}", hint=hint)


def _require_rgb(given: Mapping[str, Any]) -> None:
    for key in ("input_dim_a", "input_dim_b"):
        if given.get(key, 3) != 3:
            raise UsageError(f"{key} is {shown(given[key])}; pictures here have 3 channels, grey ones too")


def _size(given: Mapping[str, Any]) -> dict[str, Any]:
    """The size of both domains: `new_size`, or what `new_size_a` and `new_size_b` agree on."""
    sizes = [given[key] for key in ("new_size_a", "new_size_b") if key in given]
    if "new_size" in given or not sizes:
        return {}
    if sizes[0] != sizes[-1]:
        raise UsageError(
            f"new_size_a is {shown(sizes[0])} and new_size_b {shown(sizes[-1])}; both domains have one size here",
            hint="Say it with `new_size`; the smaller pictures can be enlarged beforehand.",
        )
    return {"data.new_size": sizes[0]}


def _norm(given: Mapping[str, Any]) -> dict[str, Any]:
    """The discriminators' normalisation by our names."""
    if "dis.norm" not in given:
        return {}
    norm = given["dis.norm"]
    if not isinstance(norm, str) or norm not in _DISCRIMINATOR_NORMS:
        raise UsageError(
            f"dis.norm is {shown(norm)}, which is not done here",
            hint=f"Known here: {', '.join(_DISCRIMINATOR_NORMS)}; all published files have none.",
        )
    return {"dis.norm": _DISCRIMINATOR_NORMS[norm]}

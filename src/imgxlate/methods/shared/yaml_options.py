"""Translates the yaml of MUNIT and UNIT into keys of ours. Imports no torch."""

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
    "input_dim_a": "data.channels_a",
    "input_dim_b": "data.channels_b",
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

# The command line names the folders of images. Results do not depend on how often progress is displayed and logged.
_LEFT_OUT = (
    "image_display_iter",
    "log_iter",
    "data_root",
    *(f"data_{kind}_{part}_{domain}" for kind in ("folder", "list") for part in ("train", "test") for domain in "ab"),
)
_OWN = {"munit": ("recon_s_w", "recon_c_w"), "unit": ("recon_kl_w", "recon_kl_cyc_w")}  # keys of one method alone
_CHECKED = ("new_size_a", "new_size_b")


def yaml_reader(
    *, weights: Iterable[str], generator: Iterable[str] = (), unused: Iterable[str] = ()
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """A function that turns the yaml of MUNIT or UNIT into our keys with dots.

    Args:
        weights: The weights of the method's losses.
        generator: Keys of its generators, beyond those that both methods have.
        unused: Keys with dots that its files contain but its code does not read.
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
        values = {ours: given[theirs] for theirs, ours in renamed.items() if theirs in given}
        # Without a policy, the originals have no schedule.
        return {"lr_policy": "constant"} | values | _size(given) | _norm(given)

    return read


def _require_known(given: Mapping[str, Any], known: Iterable[str]) -> None:
    for key in given:
        if key in known:
            continue
        for method, keys in _OWN.items():
            if key in keys:
                raise UsageError(
                    f"{key!r} is a key of {method.upper()}'s yaml",
                    hint=f"Type `imgxlate train {method} ...`, or give this method's own yaml.",
                )
        missing = sorted(set(known) - given.keys())
        hint = did_you_mean(str(key), missing) or "Give the yaml that the original's train.py takes."
        raise UsageError(f"unknown key {key!r}", hint=hint)


def _size(given: Mapping[str, Any]) -> dict[str, Any]:
    """The size of both domains: `new_size`, or the common value of `new_size_a` and `new_size_b`."""
    sizes = [given[key] for key in ("new_size_a", "new_size_b") if key in given]
    if "new_size" in given or not sizes:
        return {}
    if sizes[0] != sizes[-1]:
        raise UsageError(
            f"new_size_a is {shown(sizes[0])} and new_size_b {shown(sizes[-1])}; both domains have one size here",
            hint="Set `new_size` instead; the smaller images can be enlarged beforehand.",
        )
    return {"data.new_size": sizes[0]}


def _norm(given: Mapping[str, Any]) -> dict[str, Any]:
    """The discriminators' normalization by our names."""
    if "dis.norm" not in given:
        return {}
    norm = given["dis.norm"]
    if not isinstance(norm, str) or norm not in _DISCRIMINATOR_NORMS:
        raise UsageError(
            f"dis.norm is {shown(norm)}, which is not available here",
            hint=f"Known here: {', '.join(_DISCRIMINATOR_NORMS)}; all published files have none.",
        )
    return {"dis.norm": _DISCRIMINATOR_NORMS[norm]}

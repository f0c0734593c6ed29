"""Reads the original's training options by their own names. Imports no torch."""

import math
import re
from collections.abc import Mapping
from typing import Any

from imgxlate.config import did_you_mean, shown
from imgxlate.errors import UsageError
from imgxlate.methods.cyclegan.config import EPOCH

_SAME = {
    "ngf": "gen.ngf",
    "ndf": "ndf",
    "lambda_A": "lambda_a",
    "lambda_B": "lambda_b",
    "lambda_identity": "lambda_identity",
    "pool_size": "pool_size",
    "lr": "lr",
    "beta1": "beta1",
    "batch_size": "batch_size",
    "load_size": "data.new_size",
}

_WORDS: dict[str, dict[Any, dict[str, Any]]] = {
    "gan_mode": {"lsgan": {"gan_mode": "lsgan"}, "vanilla": {"gan_mode": "nsgan"}},
    "norm": {
        "instance": {"gen.norm": "instance", "gen.bias": True},
        "batch": {"gen.norm": "batch", "gen.bias": False},
        "none": {"gen.norm": "none", "gen.bias": False},
    },
    "preprocess": {
        "resize_and_crop": {"data.resize": "square"},
        "scale_width_and_crop": {"data.resize": "width"},
        "crop": {"data.resize": "none"},
    },
    "no_flip": {True: {"data.flip": False}, False: {"data.flip": True}},
    "no_dropout": {True: {"gen.dropout": False}, False: {"gen.dropout": True}},
    # Where one way is done here.
    "model": {"cycle_gan": {}},
    "dataset_mode": {"unaligned": {}},
    "direction": {"AtoB": {}},
    "input_nc": {3: {}},
    "output_nc": {3: {}},
    "init_type": {"normal": {"init": "gaussian"}},
    "init_gain": {0.02: {}},
    "lr_policy": {"linear": {}},
    "serial_batches": {False: {}},
    "max_dataset_size": {"inf": {}, math.inf: {}},
}

_EPOCHS = {"n_epochs": 100, "n_epochs_decay": 100}
_LEFT_OUT = frozenset(
    {
        *("name", "suffix", "dataroot", "checkpoints_dir", "gpu_ids", "num_threads", "phase", "isTrain"),
        *("continue_train", "epoch", "epoch_count", "load_iter", "lr_decay_iters", "print_freq", "verbose"),
        *("save_latest_freq", "save_epoch_freq", "save_by_iter", "display_freq", "display_ncols", "display_id"),
        *("display_server", "display_env", "display_port", "display_winsize", "update_html_freq", "no_html"),
        *("use_wandb", "wandb_project_name"),
    }
)
_COMPUTED = frozenset({"netG", "netD", "n_layers_D", "crop_size", *_EPOCHS})
_KNOWN = _LEFT_OUT | _COMPUTED | _SAME.keys() | _WORDS.keys()


def from_original(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the original's `train.py`, by names such as `n_layers_D`, as keys of ours with dots.

    What says where files lie, and what is shown when, is left out. Epochs become steps as if each had `EPOCH` pictures.

    Raises:
        UsageError: the original has no such option, or its value means what is not done here.
    """
    for key in options:
        if key not in _KNOWN:
            hint = did_you_mean(str(key), sorted(_KNOWN)) or "Give the options of the original's train.py."
            raise UsageError(f"unknown key {key!r}", hint=hint)
    values = {ours: options[theirs] for theirs, ours in _SAME.items() if theirs in options}
    for key in _WORDS:
        if key in options:
            values |= _choice(key, options[key], _WORDS[key])
    if "netG" in options:
        values["gen.n_blocks"] = blocks(options["netG"])
    if "crop_size" in options:
        values |= dict.fromkeys(("data.crop_height", "data.crop_width"), options["crop_size"])
    return values | _patches(options) | _steps(options)


def blocks(name: Any) -> int:
    """The number of residual blocks that `netG` names.

    Raises:
        UsageError: it names another kind of generator.
    """
    found = re.fullmatch(r"resnet_(\d{1,4})blocks", name) if isinstance(name, str) else None
    if found is None:
        raise UsageError(f"netG is {shown(name)}; CycleGAN runs here with resnet_9blocks and the like")
    return int(found[1])


def _choice(key: str, value: Any, meanings: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    for word, meaning in meanings.items():
        if word == value:
            return meaning
    known = " or ".join(str(word) for word in meanings)
    raise UsageError(f"{key} is {shown(value)}, which is not done here", hint=f"Known here: {known}.")


def _patches(options: Mapping[str, Any]) -> dict[str, Any]:
    """The depth of the discriminators: the original heeds `n_layers_D` only where `netD` says n_layers."""
    if not options.keys() & {"netD", "n_layers_D"}:
        return {}
    basic = {"n_layers": 3}
    deeper = {"n_layers": options.get("n_layers_D", 3)}
    return _choice("netD", options.get("netD", "basic"), {"basic": basic, "n_layers": deeper})


def _steps(options: Mapping[str, Any]) -> dict[str, Any]:
    if not options.keys() & _EPOCHS.keys():
        return {}
    constant, decay = (_number(key, options.get(key, default)) for key, default in _EPOCHS.items())
    if constant + decay <= 0:
        raise UsageError("n_epochs and n_epochs_decay are 0 together")
    steps = round((constant + decay) * EPOCH / max(1, _number("batch_size", options.get("batch_size", 1))))
    return {"iterations": steps, "lr_decay_share": decay / (constant + decay)}


def _number(key: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**9:
        raise UsageError(f"{key} is {shown(value)}; it is a whole number, and not below 0")
    return value

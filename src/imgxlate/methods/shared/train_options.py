"""Translates the options of CycleGAN's and CUT's `train.py` into keys of ours. Imports no torch.

CUT's program began as a copy of CycleGAN's, and most of its options are the same.
"""

import math
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from imgxlate.config import did_you_mean, shown
from imgxlate.errors import UsageError

EPOCH = 1334
"""Images in an epoch of the presets: the number in the larger folder of horse2zebra."""

Words = Mapping[str, Mapping[Any, Mapping[str, Any]]]
"""For each option whose values are words: the known values, and the keys and values of ours that each stands for."""

NORMS = {
    "instance": {"gen.norm": "instance", "gen.bias": True},
    "batch": {"gen.norm": "batch", "gen.bias": False},
    "none": {"gen.norm": "none", "gen.bias": False},
}

_SAME = {
    "ngf": "gen.ngf",
    "ndf": "ndf",
    "lr": "lr",
    "beta1": "beta1",
    "batch_size": "batch_size",
    "load_size": "data.new_size",
    "input_nc": "data.channels_a",
    "output_nc": "data.channels_b",
}

_WORDS: Words = {
    "gan_mode": {"lsgan": {"gan_mode": "lsgan"}, "vanilla": {"gan_mode": "nsgan"}},
    "preprocess": {
        "resize_and_crop": {"data.resize": "square"},
        "scale_width_and_crop": {"data.resize": "width"},
        "crop": {"data.resize": "none"},
    },
    "no_flip": {True: {"data.flip": False}, False: {"data.flip": True}},
    "no_dropout": {True: {"gen.dropout": False}, False: {"gen.dropout": True}},
    # Only one value is available here.
    "dataset_mode": {"unaligned": {}},
    "direction": {"AtoB": {}},
    "init_gain": {0.02: {}},
    "lr_policy": {"linear": {}},
    "serial_batches": {False: {}},
    "max_dataset_size": {"inf": {}, math.inf: {}},
}

_LEFT_OUT = frozenset(
    {
        *("name", "suffix", "dataroot", "checkpoints_dir", "gpu_ids", "num_threads", "phase", "isTrain"),
        *("continue_train", "epoch", "epoch_count", "load_iter", "lr_decay_iters", "print_freq", "verbose"),
        *("save_latest_freq", "save_epoch_freq", "save_by_iter", "display_freq", "display_ncols", "display_id"),
        *("display_server", "display_env", "display_port", "display_winsize", "update_html_freq", "no_html"),
    }
)
_COMPUTED = frozenset({"netG", "netD", "n_layers_D", "crop_size", "n_epochs", "n_epochs_decay"})

# What files of options hold besides, with no meaning for translation.
_TEST_PROGRAM = ("results_dir", "aspect_ratio", "eval", "num_test", "ntest", "how_many", "model_suffix")
_EARLIER_VERSIONS = (
    *("which_model_netG", "which_model_netD", "which_direction", "which_epoch", "nThreads", "batchSize", "loadSize"),
    *("fineSize", "resize_or_crop", "niter", "niter_decay", "no_lsgan", "identity", "display_single_pane_ncols"),
)
_TRANSLATION_ONLY = frozenset({*_TEST_PROGRAM, *_EARLIER_VERSIONS, "lambda_L1"})  # lambda_L1 is pix2pix's


class TrainOptions:
    """The options of a `train.py`, by names such as `n_layers_D`."""

    def __init__(
        self,
        *,
        norm: str,  # the name of the option for the generators' normalization
        same: Mapping[str, str],  # the method's own options whose values are ours, by the original's name
        words: Words,  # the method's own options whose values are words
        unused: Iterable[str],  # the method's own options that have no meaning here, or that the caller reads
        epochs: tuple[int, int],  # at the full rate, and of its decay, that the original takes by default
    ) -> None:
        self._norm = norm
        self._same = {**_SAME, **same}
        self._words = {**_WORDS, norm: NORMS, **words}
        self._epochs = epochs
        self._known = _LEFT_OUT | _COMPUTED | self._same.keys() | self._words.keys() | set(unused)

    def training(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Our keys with dots for the configuration of a training. Options about files and display are left out.

        Raises:
            UsageError: the original has no such option, or its value is not available here.
        """
        _require_known(options, self._known)
        values = {ours: options[theirs] for theirs, ours in self._same.items() if theirs in options}
        for key, meanings in self._words.items():
            if key in options:
                values |= choice(key, options[key], meanings)
        if "netG" in options:
            values["gen.n_blocks"] = blocks(options["netG"])
        if "crop_size" in options:
            values |= dict.fromkeys(("data.crop_height", "data.crop_width"), options["crop_size"])
        return values | _patches(options) | _length(options, self._epochs)

    def generator(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of the generators' configuration, for translation. Options that do not matter there are left out.

        Raises:
            UsageError: the original has no such option, or its value is not available here.
        """
        _require_known(options, self._known | _TRANSLATION_ONLY)
        names = {"input_nc": "channels_a", "output_nc": "channels_b", "ngf": "ngf", self._norm: "norm"}
        found = {ours: options[theirs] for theirs, ours in names.items() if theirs in options}
        if "netG" in options:
            found["n_blocks"] = blocks(options["netG"])
        if "no_dropout" in options:
            found |= choice("no_dropout", options["no_dropout"], {True: {"dropout": False}, False: {"dropout": True}})
        return found


def blocks(name: Any) -> int:
    """The number of residual blocks that `netG` names.

    Raises:
        UsageError: it names another kind of generator.
    """
    found = re.fullmatch(r"resnet_(\d{1,4})blocks", name) if isinstance(name, str) else None
    if found is None:
        raise UsageError(f"netG is {shown(name)}; the generators here are resnet_9blocks and the like")
    return int(found[1])


def choice(key: str, value: Any, meanings: Mapping[Any, Mapping[str, Any]]) -> Mapping[str, Any]:
    """The meaning of a value among `meanings`.

    Raises:
        UsageError: it is not among them.
    """
    for word, meaning in meanings.items():
        if word == value:
            return meaning
    known = " or ".join(str(word) for word in meanings)
    raise UsageError(f"{key} is {shown(value)}, which is not available here", hint=f"Known here: {known}.")


def _require_known(options: Mapping[str, Any], known: Collection[str]) -> None:
    for key in options:
        if key not in known:
            hint = did_you_mean(str(key), sorted(known)) or "Give the options of the original's train.py."
            raise UsageError(f"unknown key {key!r}", hint=hint)


def _patches(options: Mapping[str, Any]) -> dict[str, Any]:
    """The depth of the discriminator: the originals use `n_layers_D` only if `netD` is n_layers."""
    if not options.keys() & {"netD", "n_layers_D"}:
        return {}
    basic = {"n_layers": 3}
    deeper = {"n_layers": options["n_layers_D"]} if "n_layers_D" in options else basic
    return dict(choice("netD", options.get("netD", "basic"), {"basic": basic, "n_layers": deeper}))


def _length(options: Mapping[str, Any], defaults: tuple[int, int]) -> dict[str, Any]:
    names = ("n_epochs", "n_epochs_decay")
    if not options.keys() & set(names):
        return {}
    constant, decay = (_number(key, options.get(key, default)) for key, default in zip(names, defaults, strict=True))
    if constant + decay <= 0:
        raise UsageError("n_epochs and n_epochs_decay are 0 together")
    return {"epochs": constant + decay, "lr_decay_share": decay / (constant + decay)}


def _number(key: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**9:
        raise UsageError(f"{key} is {shown(value)}; it must be a whole number of 0 or more")
    return value

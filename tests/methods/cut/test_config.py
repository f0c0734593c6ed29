"""The original's options, read by their own names."""

import json

import pytest

from imgxlate.config import overridden
from imgxlate.errors import UsageError
from imgxlate.methods.cut.config import PRESETS, CutTrainingConfig, from_original
from imgxlate.methods.shared.train_options import EPOCH

IN_COLOR = {"data.channels_a": 3, "data.channels_b": 3}

# What the original's train.py takes by default in the mode CUT, with all that it writes down.
DEFAULTS = {
    "CUT_mode": "CUT",
    "batch_size": 1,
    "beta1": 0.5,
    "beta2": 0.999,
    "crop_size": 256,
    "dataset_mode": "unaligned",
    "direction": "AtoB",
    "easy_label": "experiment_name",
    "evaluation_freq": 5000,
    "flip_equivariance": False,
    "gan_mode": "lsgan",
    "init_gain": 0.02,
    "init_type": "xavier",
    "input_nc": 3,
    "lambda_GAN": 1.0,
    "lambda_NCE": 1.0,
    "load_size": 286,
    "lr": 0.0002,
    "lr_policy": "linear",
    "max_dataset_size": "inf",
    "model": "cut",
    "n_epochs": 200,
    "n_epochs_decay": 200,
    "n_layers_D": 3,
    "nce_T": 0.07,
    "nce_idt": True,
    "nce_includes_all_negatives_from_minibatch": False,
    "nce_layers": "0,4,8,12,16",
    "ndf": 64,
    "netD": "basic",
    "netF": "mlp_sample",
    "netF_nc": 256,
    "netG": "resnet_9blocks",
    "ngf": 64,
    "no_antialias": False,
    "no_antialias_up": False,
    "no_dropout": True,
    "no_flip": False,
    "normD": "instance",
    "normG": "instance",
    "num_patches": 256,
    "output_nc": 3,
    "pool_size": 0,
    "preprocess": "resize_and_crop",
    "pretrained_name": None,
    "serial_batches": False,
}


def configured(options):
    return overridden(PRESETS["default"], from_original(options))


def test_the_default_preset_has_the_defaults_of_the_original():
    assert configured(DEFAULTS) == overridden(PRESETS["default"], IN_COLOR | {"epochs": 400})
    assert PRESETS["default"] == CutTrainingConfig()
    assert PRESETS["default"].iterations == 400 * EPOCH


def test_the_preset_fastcut_has_the_defaults_of_the_originals_second_mode():
    fast = {"CUT_mode": "FastCUT", "lambda_NCE": 10.0, "nce_idt": False, "flip_equivariance": True}
    epochs = {"n_epochs": 150, "n_epochs_decay": 50}
    fastcut = overridden(PRESETS["fastcut"], {"iterations": PRESETS["default"].iterations, "epochs": 200})
    assert configured(DEFAULTS | fast | epochs) == overridden(fastcut, IN_COLOR)
    assert configured({"CUT_mode": "fastcut"}) == fastcut
    assert PRESETS["fastcut"].iterations == 200 * EPOCH


@pytest.mark.parametrize("method", ["cut", "fastcut"])
def test_the_golden_options_are_read(golden, method):
    config = configured(json.loads((golden / method / "options.json").read_text()))
    assert (config.gen.ngf, config.gen.n_blocks, config.ndf, config.nce_dim, config.n_patches) == (4, 9, 4, 16, 32)
    assert config.flip_equivariance == (method == "fastcut")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"no_antialias": True}, {"gen.antialias": False}),
        ({"no_antialias_up": True}, {"gen.antialias_up": False}),
        ({"normG": "none", "normD": "none"}, {"gen.norm": "none", "gen.bias": False}),
        ({"nce_layers": "4,8"}, {"nce_layers": (4, 8)}),
        ({"nce_layers": 0}, {"nce_layers": (0,)}),
        ({"init_type": "normal"}, {"init": "gaussian"}),
        ({"n_epochs": 30, "n_epochs_decay": 10}, {"epochs": 40, "lr_decay_share": 0.25}),
        ({"lambda_GAN": 0.5, "nce_T": 0.1}, {"lambda_gan": 0.5, "temperature": 0.1}),
    ],
)
def test_each_option_becomes_a_key_of_ours(options, expected):
    assert from_original(options) == expected
    assert configured(options)


def test_an_option_of_its_own_overrules_the_mode():
    assert configured({"CUT_mode": "FastCUT", "lambda_NCE": 3.0, "n_epochs": 50}).lambda_nce == 3.0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"CUT_mode": "slow"}, "CUT_mode is 'slow'"),
        ({"netG": "stylegan2"}, "netG is 'stylegan2'"),
        ({"netD": "patch"}, "netD is 'patch'"),
        ({"netF": "sample"}, "netF is 'sample'"),
        ({"normD": "batch"}, "normD is 'batch'"),
        ({"normD": ["instance"]}, "normD is"),
        ({"normG": ["instance"]}, "normG is"),
        ({"normG": {"instance": 1}}, "normG is"),
        ({"CUT_mode": ["CUT"]}, "CUT_mode is"),
        ({"netG": ["resnet_9blocks"]}, "netG is"),
        ({"n_epochs": [1]}, "n_epochs is"),
        ({"nce_layers": [0, 4]}, "nce_layers is"),
        ({"nce_layers": "0;4"}, "nce_layers is '0;4'"),
        ({"nce_includes_all_negatives_from_minibatch": True}, "is True"),
        ({"norm": "instance"}, "unknown key 'norm'"),
    ],
)
def test_unsupported_options_are_refused_by_name(options, said):
    with pytest.raises(UsageError, match=said):
        from_original(options)

"""The original's options, read by their own names."""

import json

import pytest

from imgxlate.config import overridden
from imgxlate.errors import UsageError
from imgxlate.methods import registry
from imgxlate.methods.cyclegan.config import PRESETS, CycleganTrainingConfig, from_original
from imgxlate.training import recipes

IN_COLOR = {"data.channels_a": 3, "data.channels_b": 3}

# What the original's train.py takes by default, with all that it writes down.
DEFAULTS = {
    "batch_size": 1,
    "beta1": 0.5,
    "checkpoints_dir": "./checkpoints",
    "crop_size": 256,
    "dataroot": "./datasets/horse2zebra",
    "dataset_mode": "unaligned",
    "direction": "AtoB",
    "epoch_count": 1,
    "gan_mode": "lsgan",
    "gpu_ids": 0,
    "init_gain": 0.02,
    "init_type": "normal",
    "input_nc": 3,
    "lambda_A": 10.0,
    "lambda_B": 10.0,
    "lambda_identity": 0.5,
    "load_size": 286,
    "lr": 0.0002,
    "lr_policy": "linear",
    "max_dataset_size": "inf",
    "model": "cycle_gan",
    "n_epochs": 100,
    "n_epochs_decay": 100,
    "n_layers_D": 3,
    "ndf": 64,
    "netD": "basic",
    "netG": "resnet_9blocks",
    "ngf": 64,
    "no_dropout": True,
    "no_flip": False,
    "norm": "instance",
    "output_nc": 3,
    "pool_size": 50,
    "preprocess": "resize_and_crop",
    "serial_batches": False,
}


def configured(options):
    return overridden(PRESETS["default"], from_original(options))


def test_the_default_preset_has_the_defaults_of_the_original():
    assert configured(DEFAULTS) == overridden(CycleganTrainingConfig(), IN_COLOR | {"epochs": 200})


def test_the_golden_options_are_read(golden):
    config = configured(json.loads((golden / "cyclegan" / "options.json").read_text()))
    assert (config.gen.ngf, config.gen.n_blocks, config.ndf, config.pool_size) == (4, 9, 4, 0)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"gan_mode": "vanilla"}, {"gan_mode": "nsgan"}),
        ({"netG": "resnet_6blocks"}, {"gen.n_blocks": 6}),
        ({"norm": "none"}, {"gen.norm": "none", "gen.bias": False}),
        ({"no_flip": True}, {"data.flip": False}),
        ({"no_dropout": False}, {"gen.dropout": True}),
        ({"load_size": 143, "crop_size": 128}, {"data.new_size": 143, "data.crop_height": 128, "data.crop_width": 128}),
        ({"preprocess": "scale_width_and_crop"}, {"data.resize": "width"}),
        ({"preprocess": "crop"}, {"data.resize": "none"}),
        ({"netD": "n_layers", "n_layers_D": 4}, {"n_layers": 4}),
        ({"n_layers_D": 4}, {"n_layers": 3}),
        ({"n_epochs": 30, "n_epochs_decay": 10}, {"epochs": 40, "lr_decay_share": 0.25}),
        ({"n_epochs_decay": 0, "batch_size": 4}, {"epochs": 100, "lr_decay_share": 0, "batch_size": 4}),
        ({"input_nc": 1, "output_nc": 2}, {"data.channels_a": 1, "data.channels_b": 2}),
        ({"verbose": True, "name": "maps"}, {}),
    ],
)
def test_each_option_becomes_a_key_of_ours(options, expected):
    assert from_original(options) == expected
    assert configured(options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"netG": "unet_256"}, "netG is 'unet_256'"),
        ({"netD": "pixel"}, "netD is 'pixel'"),
        ({"gan_mode": "wgangp"}, "gan_mode is 'wgangp'"),
        ({"norm": ["instance"]}, "norm is"),
        ({"lr_policy": "step"}, "lr_policy is 'step'"),
        ({"init_type": "xavier"}, "init_type is 'xavier'"),
        ({"preprocess": "none"}, "preprocess is 'none'"),
        ({"direction": "BtoA"}, "direction is 'BtoA'"),
        ({"n_epochs": "many"}, "n_epochs is 'many'"),
        ({"n_epochs": -1}, "n_epochs is -1"),
        ({"n_epochs": 0, "n_epochs_decay": 0}, "are 0 together"),
        ({3: 3}, "unknown key 3"),
    ],
)
def test_unsupported_options_are_refused_by_name(options, said):
    with pytest.raises(UsageError, match=said):
        from_original(options)


def test_an_unknown_option_gets_the_nearest_one():
    with pytest.raises(UsageError, match="unknown key 'lambda_identty'") as caught:
        from_original({"lambda_identty": 1})
    assert "lambda_identity" in caught.value.hint


def test_the_epochs_of_an_options_file_are_those_of_the_folders(tmp_path):
    file = tmp_path / "options.json"
    file.write_text(json.dumps({"n_epochs": 100, "n_epochs_decay": 100, "batch_size": 2}))
    recipe = recipes.resolve(registry.find("cyclegan"), file=file)
    assert recipes.without_epochs(recipe, 400).config.iterations == 200 * 400 / 2

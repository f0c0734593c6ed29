"""The originals' configuration files, and MUNIT's and UNIT's presets."""

import dataclasses

import pytest

from imgxlate.config import from_mapping, keys
from imgxlate.errors import UsageError
from imgxlate.methods import registry
from imgxlate.methods.munit.config import MunitTrainingConfig
from imgxlate.methods.unit.config import UnitTrainingConfig

both = pytest.mark.parametrize("method", ["munit", "unit"])
CONFIGS = {"munit": MunitTrainingConfig, "unit": UnitTrainingConfig}
STEP = {"lr_policy": "step"}


def training(method):
    return registry.find(method).training


def read(method, options):
    values = training(method).from_original(options)
    return from_mapping(CONFIGS[method], values, origin="yaml")


@both
def test_the_golden_yaml_is_read(options, method):
    config = read(method, options(method))
    given = options(method)
    assert (config.gen.dim, config.dis.num_scales, config.display_size) == (4, 2, 2)
    assert (config.lr, config.weight_decay, config.step_size) == (given["lr"], given["weight_decay"], 100_000)
    assert config.recon_x_cyc_w == 10


@both
def test_names_that_differ_are_translated(method):
    theirs = {
        "max_iter": 5,
        "snapshot_save_iter": 6,
        "image_save_iter": 7,
        "new_size": 80,
        "crop_image_height": 64,
        "crop_image_width": 48,
        "num_workers": 3,
        "dis": {"norm": "in"},
    }
    config = read(method, theirs)
    assert (config.iterations, config.checkpoint_every, config.sample_every) == (5, 6, 7)
    assert (config.data.new_size, config.data.crop_height, config.data.crop_width) == (80, 64, 48)
    assert (config.data.workers, config.dis.norm) == (3, "instance")


@both
def test_both_spellings_of_the_size_are_read(method):
    assert training(method).from_original({"new_size_a": 512, "new_size_b": 512})["data.new_size"] == 512
    assert training(method).from_original({"new_size": 256, "new_size_a": 9})["data.new_size"] == 256


@both
def test_without_a_policy_the_learning_rate_is_constant(options, method):
    without = {key: value for key, value in options(method).items() if key != "lr_policy"}
    assert read(method, without).lr_policy == "constant"
    assert read(method, without | {"lr_policy": "step"}).lr_policy == "step"


@both
def test_options_without_a_counterpart_are_left_out(method):
    ignored = {"data_root": "./datasets", "log_iter": 1, "image_display_iter": 1, "data_list_train_a": "a.txt"}
    assert training(method).from_original(ignored | STEP) == STEP


@both
def test_the_channels_of_each_domain_are_read(method):
    config = read(method, {"input_dim_a": 1, "input_dim_b": 4})
    assert (config.data.channels_a, config.data.channels_b) == (1, 4)


def test_options_that_the_code_of_unit_does_not_read_are_left_out():
    options = {"recon_h_w": 0, "gen": {"style_dim": 8, "mlp_dim": 256, "dim": 3}}
    assert training("unit").from_original(options | STEP) == {"gen.dim": 3} | STEP


@both
@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ({"recon_x_ww": 1}, "'recon_x_ww'", "recon_x_w"),
        ({"gen": {"dimm": 1}}, "'gen.dimm'", "gen.dim"),
        ({1: 2}, "unknown key", "train.py"),
        ({"new_size_a": 1, "new_size_b": 2}, "new_size_b 2", "new_size"),
        ({"dis": {"norm": "sn"}}, "'sn'", "none, in, ln"),
        ({"dis": {"norm": ["none"]}}, "dis.norm", "none, in, ln"),
    ],
)
def test_invalid_options_are_refused_by_name(method, options, message, hint):
    with pytest.raises(UsageError) as caught:
        training(method).from_original(options)
    assert message in str(caught.value)
    assert hint is None or hint in caught.value.hint


def test_munits_presets_have_the_values_of_its_files():
    presets = training("munit").presets
    assert list(presets) == [
        *("summer2winter_yosemite256", "edges2shoes", "edges2handbags", "demo_edges2handbags_folder"),
        *("demo_edges2handbags_list", "synthia2cityscape", "imaginaire_summer2winter_hd", "small", "tiny"),
    ]
    found = {
        name: (c.recon_x_cyc_w, c.vgg_w, c.data.new_size, c.data.crop_width, c.display_size)
        for name, c in presets.items()
    }
    assert found["summer2winter_yosemite256"] == (10, 0, 256, 256, 16)
    assert found["edges2shoes"] == found["edges2handbags"] == (0, 0, 256, 256, 16)
    assert found["demo_edges2handbags_folder"] == found["demo_edges2handbags_list"] == (0, 0, 256, 256, 8)
    assert found["synthia2cityscape"] == (10, 1, 512, 512, 16)


def test_units_presets_have_the_values_of_its_files():
    presets = training("unit").presets
    assert list(presets) == [
        *("summer2winter_yosemite256", "edges2shoes", "edges2handbags", "gta2city_folder", "gta2city_list"),
        *("small", "tiny"),
    ]
    found = {name: (c.vgg_w, c.data.new_size, c.data.crop_width, c.display_size) for name, c in presets.items()}
    assert found["summer2winter_yosemite256"] == found["edges2shoes"] == found["edges2handbags"] == (0, 256, 256, 16)
    assert found["gta2city_folder"] == (1, 256, 256, 4)
    assert found["gta2city_list"] == (1, 512, 512, 4)


@both
def test_values_that_all_files_of_the_original_share_are_the_same_in_all_its_presets(method):
    for name, config in training(method).presets.items():
        if name not in ("imaginaire_summer2winter_hd", "small", "tiny"):
            assert (config.iterations, config.batch_size, config.lr, config.weight_decay) == (1_000_000, 1, 1e-4, 1e-4)
            assert (config.beta1, config.beta2, config.init, config.lr_policy) == (0.5, 0.999, "kaiming", "step")
            assert (config.step_size, config.gamma, config.gan_w, config.recon_x_w) == (100_000, 0.5, 1, 10)
            assert (config.gen.dim, config.dis.dim, config.dis.n_layer, config.dis.num_scales) == (64, 64, 4, 3)
            assert (config.checkpoint_every, config.dis.gan_type, config.dis.norm) == (10_000, "lsgan", "none")


@both
def test_the_perceptual_loss_needs_a_network_only_if_it_has_a_weight(method):
    config = CONFIGS[method]()
    assert config.features is None
    assert dataclasses.replace(config, vgg_w=1.0).features == "vgg19"


@both
@pytest.mark.parametrize("preset", ["small", "tiny"])
def test_small_models_are_small(begin, method, preset):
    config = training(method).presets[preset]
    generators = registry.trainable(registry.find(method)).create(config, None).generators()
    size = sum(tensor.numel() * 4 for tensor in generators.values())
    assert size < {"small": 10e6, "tiny": 1e6}[preset]
    assert max(config.data.crop_height, config.data.crop_width) <= {"small": 128, "tiny": 64}[preset]


@both
def test_every_value_has_a_meaning_and_a_source(method):
    told = keys(CONFIGS[method])
    assert all(about.doc and about.source for name, about in told.items())
    fixed = {name for name, about in told.items() if about.fixed}
    assert {"gen.dim", "dis.dim", "init"} <= fixed
    assert not {"gan_w", "dis.r1_w", "step_size", "iterations"} & fixed


@pytest.mark.parametrize(
    ("method", "key", "owner"),
    [("unit", "recon_s_w", "munit"), ("unit", "recon_c_w", "munit"), ("munit", "recon_kl_w", "unit")],
)
def test_the_yaml_of_the_other_method_is_recognized(method, key, owner):
    with pytest.raises(UsageError, match=f"'{key}' is a key of {owner.upper()}'s yaml") as caught:
        training(method).from_original({"recon_x_w": 10, key: 1})
    assert f"imgxlate train {owner}" in caught.value.hint


@both
def test_a_key_that_is_there_is_never_proposed(method):
    with pytest.raises(UsageError, match="recon_x_ww") as caught:
        training(method).from_original({"recon_x_w": 10, "recon_x_ww": 1})
    assert "'recon_x_w'" not in caught.value.hint

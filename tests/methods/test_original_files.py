"""The originals' files: configurations, and models that they cannot hold."""

import pytest

from imgxlate.errors import UsageError
from imgxlate.methods.cut.config import CutConfig
from imgxlate.methods.cut.method import Cut
from imgxlate.methods.cut.networks import Generator as CutGenerator
from imgxlate.methods.cyclegan.config import CycleganConfig
from imgxlate.methods.cyclegan.method import Cyclegan
from imgxlate.methods.cyclegan.networks import make_generator
from imgxlate.methods.munit.config import MunitConfig
from imgxlate.methods.munit.method import Munit
from imgxlate.methods.munit.networks import Generator as MunitGenerator
from imgxlate.methods.original_files import read_options
from imgxlate.methods.spec import DOMAINS
from imgxlate.methods.unit.config import UnitConfig
from imgxlate.methods.unit.method import Unit
from imgxlate.methods.unit.networks import Generator as UnitGenerator

WRITTEN = {
    "batch_size": "4 [default: 1]",
    "beta1": "0.5",
    "checkpoints_dir": "./checkpoints",
    "gpu_ids": "-1 [default: 0]",
    "max_dataset_size": "inf",
    "name": "horse2zebra [default: experiment_name]",
    "no_dropout": "True",
    "suffix": "",
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_train_opt_txt_of_cyclegan_is_read(tmp_path, newline):
    lines = ["----------------- Options ---------------"]
    for key, text in WRITTEN.items():
        value, bracket, default = text.partition("[")
        lines.append(f"{key:>25}: {value.strip():<30}\t{bracket}{default}")
    lines.append("----------------- End -------------------")
    path = tmp_path / "train_opt.txt"
    path.write_bytes("".join(f"{line}{newline}" for line in lines).encode())
    assert read_options(path) == {
        "batch_size": 4,
        "beta1": 0.5,
        "checkpoints_dir": "./checkpoints",
        "gpu_ids": -1,
        "max_dataset_size": "inf",
        "name": "horse2zebra",
        "no_dropout": True,
        "suffix": None,
    }


def test_without_a_file_there_are_no_options():
    assert read_options(None) == {}


def munit(**changes):
    config = MunitConfig(dim=2, mlp_dim=4, n_res=1, **changes)
    return Munit(config, {domain: MunitGenerator(config, domain) for domain in DOMAINS})


def unit(**changes):
    config = UnitConfig(dim=2, n_res=1, **changes)
    return Unit(config, {domain: UnitGenerator(config, domain) for domain in DOMAINS})


def cyclegan(**changes):
    config = CycleganConfig(**{"ngf": 2, "n_blocks": 6, **changes})
    return Cyclegan(config, {"A": make_generator(config)})


def cut(**changes):
    return Cut(CutGenerator(CutConfig(**{"ngf": 2, "n_blocks": 6, **changes})))


@pytest.mark.parametrize(
    ("model", "changes", "said"),
    [
        *((build, {"norm": norm}, f"norm = {norm}") for build in (munit, unit) for norm in ("instance_affine", "none")),
        *((build, {"norm": "instance_affine"}, "norm = instance_affine") for build in (cyclegan, cut)),
        *((build, {"norm": "none"}, "bias = True") for build in (cyclegan, cut)),
        *((build, {"norm": "batch"}, "bias = True") for build in (cyclegan, cut)),
        *((build, {"n_blocks": 5}, "n_blocks = 5, only with 9 or 6") for build in (cyclegan, cut)),
        (cyclegan, {"upsampling": "nearest"}, "upsampling = nearest"),
        (cyclegan, {"network": "unet", "n_downsampling": 5}, "n_downsampling = 5, only with 7 or 8"),
        (cyclegan, {"network": "unet", "n_downsampling": 7, "norm": "instance_affine"}, "norm = instance_affine"),
    ],
)
def test_a_model_that_the_original_cannot_load_is_not_written_as_its_file(model, changes, said):
    with pytest.raises(UsageError, match=said) as caught:
        model(**changes).original_files(None)
    assert "--format onnx" in caught.value.hint


@pytest.mark.parametrize(
    ("model", "changes"),
    [
        (munit, {"activ": "lrelu", "pad_type": "zero", "n_downsample": 1}),
        (unit, {}),
        *((build, {"norm": norm, "bias": False}) for build in (cyclegan, cut) for norm in ("batch", "none")),
        (cyclegan, {"dropout": True}),
        (cyclegan, {"network": "unet", "n_downsampling": 8, "norm": "batch", "bias": False}),
        (cut, {"antialias": False, "antialias_up": False}),
    ],
)
def test_a_model_with_options_of_the_original_is_written_as_its_file(model, changes):
    assert len(model(**changes).original_files(None)) == 1

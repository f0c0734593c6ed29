"""The specs of the translation methods, as `imgxlate methods` and the other rooms see them."""

import dataclasses
import subprocess
import sys

import pytest

from imgxlate import checkpoint
from imgxlate.config import overridden
from imgxlate.errors import CheckpointError, UsageError
from imgxlate.methods import registry
from imgxlate.methods.spec import Capability

TRANSLATE, SAMPLE, GUIDE = Capability.TRANSLATE, Capability.SAMPLE_STYLES, Capability.GUIDE_STYLE
TRAIN = Capability.TRAIN
TRAINED = [name for name in registry.BUILT_IN if registry.find(name).training]


@pytest.mark.parametrize(
    ("name", "capabilities"),
    [
        ("munit", {TRANSLATE, SAMPLE, GUIDE, TRAIN}),
        *((name, {TRANSLATE, TRAIN}) for name in ("unit", "cyclegan", "cut")),
        ("adain", {TRANSLATE, GUIDE, Capability.MIX_STYLES, TRAIN}),
    ],
)
def test_each_method_states_its_capabilities(name, capabilities):
    assert registry.find(name).capabilities == capabilities


@pytest.mark.parametrize("name", TRAINED)
def test_every_option_has_documentation_and_a_source(name):
    fields = dataclasses.fields(registry.find(name).config)
    assert fields
    assert all(field.metadata["doc"] and field.metadata["source"] for field in fields)


@pytest.mark.parametrize(
    ("name", "key", "least"),
    [
        *(("munit", key, 1) for key in ("dim", "mlp_dim", "style_dim", "n_res")),
        *(("unit", key, 1) for key in ("dim", "n_res")),
        *((name, "n_downsample", 0) for name in ("munit", "unit")),
        *((name, key, 1) for name in ("cyclegan", "cut") for key in ("ngf", "n_blocks")),
    ],
)
def test_an_impossible_size_of_a_network_is_refused_by_name(name, key, least):
    preset = registry.find(name).training.presets["tiny"]
    assert getattr(overridden(preset, {f"gen.{key}": least}).gen, key) == least
    for value in (least - 1, -7, *([9] if key == "n_downsample" else [])):
        with pytest.raises(UsageError, match=rf"gen\.{key} = {value}: must be (at least {least}|below 9)"):
            overridden(preset, {f"gen.{key}": value})


def test_weights_of_an_impossible_size_are_refused(golden):
    found = checkpoint.read(golden / "munit" / "gen_00000001.pt")
    name = "a.enc_style.model.6.weight"
    odd = dataclasses.replace(found, tensors={**found.tensors, name: found.tensors[name][:0]})
    with pytest.raises(CheckpointError, match=r"gen_00000001\.pt: its weights: style_dim = 0"):
        registry.implementation(registry.find("munit")).from_checkpoint(odd, {})


@pytest.mark.parametrize("name", TRAINED)
def test_a_spec_imports_nothing_heavy(name):
    heavy = "{'torch', 'numpy', 'PIL', 'pydantic'}"
    code = f"import sys, imgxlate.methods.{name}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""The specs of the translation methods, as `imgxlate methods` and the engine see them."""

import dataclasses
import subprocess
import sys

import pytest

from imgxlate.methods import registry
from imgxlate.methods.spec import Capability

TRANSLATE, SAMPLE, GUIDE = Capability.TRANSLATE, Capability.SAMPLE_STYLES, Capability.GUIDE_STYLE
TRAIN = Capability.TRAIN


@pytest.mark.parametrize(
    ("name", "capabilities"),
    [("munit", {TRANSLATE, SAMPLE, GUIDE, TRAIN}), ("unit", {TRANSLATE, TRAIN}), ("cyclegan", {TRANSLATE, TRAIN})],
)
def test_each_method_says_what_it_can_do(name, capabilities):
    assert registry.find(name).capabilities == capabilities


@pytest.mark.parametrize("name", ["munit", "unit", "cyclegan"])
def test_every_option_says_what_it_is_and_where_its_default_comes_from(name):
    fields = dataclasses.fields(registry.find(name).config)
    assert fields
    assert all(field.metadata["doc"] and field.metadata["source"] for field in fields)


@pytest.mark.parametrize("name", ["munit", "unit", "cyclegan"])
def test_a_spec_imports_nothing_heavy(name):
    heavy = "{'torch', 'numpy', 'PIL', 'pydantic'}"
    code = f"import sys, imgxlate.methods.{name}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

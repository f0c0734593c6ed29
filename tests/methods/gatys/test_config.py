import dataclasses
import math
import subprocess
import sys

import pytest

from imgxlate.config import from_mapping
from imgxlate.errors import UsageError
from imgxlate.methods import registry
from imgxlate.methods.gatys import SPEC
from imgxlate.methods.gatys.config import GatysConfig
from imgxlate.methods.spec import Capability


def test_the_spec_is_found_by_its_name_and_offers_the_published_variants() -> None:
    assert registry.find("gatys", Capability.STYLIZE) is SPEC
    assert list(SPEC.presets) == ["default", "author", "johnson", "paper", "print"]
    assert registry.implementation(SPEC).__name__ == "Gatys"


def test_the_spec_imports_no_torch() -> None:
    code = "import sys, imgxlate.methods.gatys; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_option_is_documented() -> None:
    for field in dataclasses.fields(GatysConfig):
        assert field.metadata["doc"], field.name
        assert field.metadata["source"], field.name


@pytest.mark.parametrize("preset", SPEC.presets)
def test_each_preset_can_be_rebuilt_from_its_values(preset: str) -> None:
    config = SPEC.presets[preset]
    assert from_mapping(GatysConfig, dataclasses.asdict(config), origin=preset) == config


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("size", 0),
        ("iterations", 0),
        ("history_size", 0),
        ("scales", 0),
        ("scale_factor", 1.0000001),
        ("learning_rate", 0.0),
        ("style_scale", 0.0),
        ("content_weight", -1.0),
        ("style_layer_factors", (1.0, 2.0)),
        ("style_layer_factors", (1.0, 1.0, 1.0, 1.0, -1.0)),
        ("style_layer_factors", (1.0, 1.0, 1.0, 1.0, math.nan)),
        ("style_layer_factors", (1.0, 1.0, 1.0, 1.0, math.inf)),
        ("style_layers", ("relu1_1", "relu2_1", "relu1_1")),
        ("content_layers", ("relu1_1", "relu1_1")),
        ("style_weights", (0.0, 0.0)),
        ("style_weights", (2.0, -1.0)),
    ],
)
def test_invalid_values_are_refused_by_name(key: str, value: object) -> None:
    with pytest.raises(UsageError, match=key):
        from_mapping(GatysConfig, {key: value}, origin="options")

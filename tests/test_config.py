"""Mappings into dataclasses."""

import contextlib
import dataclasses
import math
from dataclasses import dataclass
from typing import Annotated, Literal

import pytest
from annotated_types import Ge, Gt, Lt
from hypothesis import given
from hypothesis import strategies as st

from imgxlate.config import (
    NonNegativeFloat,
    PositiveInt,
    did_you_mean,
    flattened,
    from_mapping,
    keys,
    option,
    overridden,
    style_shares,
)
from imgxlate.errors import UsageError


@dataclass(frozen=True, slots=True)
class Config:
    size: int = option(512, "longer side", "here")
    weight: float = option(1.0, "weight")
    pooling: Literal["max", "average"] = option("max", "pooling")
    layers: tuple[str, ...] = option(("relu4_2",), "layers")
    scales: int | None = option(None, "scales")


configs = st.builds(
    Config,
    size=st.integers(-(2**53), 2**53),
    weight=st.floats(allow_nan=False),
    pooling=st.sampled_from(["max", "average"]),
    layers=st.lists(st.text()).map(tuple),
    scales=st.none() | st.integers(-(2**53), 2**53),
)


@given(configs)
def test_a_configuration_survives_the_way_through_a_mapping(config):
    assert from_mapping(Config, dataclasses.asdict(config), origin="test") == config


@given(configs, st.integers(-(2**53), 2**53))
def test_an_assignment_changes_one_key_and_no_other(config, size):
    assert overridden(config, {}, [f"size={size}"]) == dataclasses.replace(config, size=size)


@given(st.dictionaries(st.sampled_from(["size", "weight", "pooling", "layers", "szie"]), st.text() | st.none()))
def test_anything_else_is_a_usage_error(values):
    with contextlib.suppress(UsageError):
        assert isinstance(from_mapping(Config, values, origin="file.toml"), Config)


def test_an_unknown_key_is_named_and_the_nearest_one_proposed():
    with pytest.raises(UsageError, match=r"file\.toml: unknown key 'sizee'") as caught:
        from_mapping(Config, {"sizee": 1}, origin="file.toml")
    assert "'size'" in caught.value.hint


def test_a_key_that_is_like_no_other_gets_the_list():
    with pytest.raises(UsageError) as caught:
        from_mapping(Config, {"qqq": 1}, origin="file.toml")
    assert "size, weight, pooling, layers, scales" in caught.value.hint


def test_a_key_that_is_no_word_is_unknown():
    with pytest.raises(UsageError, match=r"file.yaml: unknown key 1$"):
        from_mapping(Config, {1: 2}, origin="file.yaml")


def test_a_value_of_the_wrong_type_is_named_with_its_key():
    with pytest.raises(UsageError, match="pooling = 'median'"):
        from_mapping(Config, {"pooling": "median"}, origin="file.toml")


def test_a_value_that_unfolds_to_gigabytes_is_cut_short_in_the_message():
    value = ["lol"] * 10
    for _ in range(12):
        value = [value] * 10
    with pytest.raises(UsageError, match="pooling = ") as caught:
        from_mapping(Config, {"pooling": value}, origin="file.yaml")
    assert len(str(caught.value)) < 1000


def test_a_number_that_python_does_not_write_is_shown_by_its_size():
    with pytest.raises(UsageError, match="pooling = a number of thousands of digits"):
        from_mapping(Config, {"pooling": 16**6000}, origin="file.yaml")


def test_assignments_take_toml_values_and_plain_words():
    config = overridden(Config(), {"size": 64}, ['layers=["a", "b"]', "pooling=average", "weight=1e3"])
    assert config == Config(size=64, layers=("a", "b"), pooling="average", weight=1000.0)


def test_an_assignment_without_a_value_says_how_to_write_it():
    with pytest.raises(UsageError) as caught:
        overridden(Config(), {}, ["size"])
    assert caught.value.hint == "Type `--set size=VALUE`."


def test_did_you_mean_stays_silent_where_nothing_is_near():
    assert did_you_mean("zebra", ["munit", "unit"]) is None
    assert did_you_mean("munti", ["munit", "unit"]) == "Did you mean 'munit'?"


def test_an_option_carries_its_documentation_and_source():
    metadata = dataclasses.fields(Config)[0].metadata
    assert (metadata["doc"], metadata["source"]) == ("longer side", "here")


@dataclass(frozen=True, slots=True)
class Bounded:
    count: PositiveInt | None = option(1, "how many")
    weights: tuple[NonNegativeFloat, ...] = option((), "weights")
    share: Annotated[NonNegativeFloat, Lt(1)] = option(0.5, "share")
    rate: Annotated[float, Gt(0)] | None = option(None, "rate")
    seed: Annotated[int, Ge(0), Lt(2**63)] = option(0, "seed")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("count", 0, "count = 0: must be at least 1"),
        ("weights", [1, -0.5], r"weights\.1 = -0\.5: must be at least 0"),
        ("weights", [math.inf], r"weights\.0 = inf: must be finite"),
        ("share", 1, "share = 1: must be below 1"),
        ("share", -1, "share = -1: must be at least 0"),
        ("share", math.nan, "share = nan: must be finite"),
        ("rate", 0, "rate = 0: must be above 0"),
        ("seed", 2**63, r"seed = 9223372036854775808: must be below 9\.22337e\+18"),
    ],
)
def test_a_number_out_of_bounds_is_named_with_the_bound(key, value, said):
    with pytest.raises(UsageError, match=rf"^file\.toml: {said}$"):
        from_mapping(Bounded, {key: value}, origin="file.toml")


def test_a_number_out_of_bounds_that_python_does_not_write_is_shown_by_its_size():
    with pytest.raises(UsageError, match="seed = a number of thousands of digits: must be at least 0"):
        from_mapping(Bounded, {"seed": -(16**6000)}, origin="file.toml")


def test_the_bounds_themselves_are_in_bounds_where_they_are_included():
    values = {"count": 1, "weights": [0, 1e300], "share": 0, "rate": 1e-300, "seed": 2**63 - 1}
    assert flattened(from_mapping(Bounded, values, origin="here")) == values | {"weights": (0, 1e300)}


def test_a_key_knows_its_type_without_and_with_its_constraints():
    about = keys(Bounded)["count"]
    assert (about.type, about.constraints, about.default, about.optional) == (int | None, (Ge(1),), 1, True)


@dataclass(frozen=True, slots=True)
class Outer:
    inner: Config = option(Config(), "what is within")
    count: int = option(1, "how many")


def test_a_configuration_within_another_has_keys_with_a_dot():
    changed = overridden(Outer(), {"inner": {"size": 7}}, ["inner.weight=2"])
    assert changed == Outer(Config(size=7, weight=2.0))
    assert flattened(changed)["inner.size"] == 7
    assert from_mapping(Outer, flattened(changed), origin="test") == changed


def test_an_unknown_key_within_a_configuration_is_named_whole():
    with pytest.raises(UsageError, match=r"unknown key 'inner\.sizee'") as caught:
        overridden(Outer(), {}, ["inner.sizee=1"])
    assert "'inner.size'" in caught.value.hint


def test_a_configuration_in_the_place_of_a_value_is_an_error_and_the_opposite_too():
    with pytest.raises(UsageError, match=r"unknown key 'count\.size'"):
        from_mapping(Outer, {"count": {"size": 1}}, origin="file.toml")
    with pytest.raises(UsageError, match="unknown key 'inner'"):
        from_mapping(Outer, {"inner": 1}, origin="file.toml")


def test_what_a_field_says_of_resuming_counts_more_than_the_field_that_holds_it():
    @dataclass(frozen=True)
    class Network:
        width: int = option(8, "channels")
        penalty: float = option(0.0, "weight of a loss", fixed=False)

    @dataclass(frozen=True)
    class Training:
        network: Network = option(Network(), "a network")
        data: Network = option(Network(), "another", fixed=False)
        rate: float = option(1.0, "learning rate")

    fixed = {name for name, key in keys(Training).items() if key.fixed}
    assert fixed == {"network.width"}


def test_metadata_of_a_plug_in_do_not_matter():
    @dataclass(frozen=True)
    class Marked:
        margin: int = dataclasses.field(default=3, metadata={"unit": "px", "default": "auto", "doc": "a margin"})

    key = keys(Marked)["margin"]
    assert (key.doc, key.default, key.type) == ("a margin", 3, int)


def test_shares_of_styles_have_the_sum_one_and_are_equal_without_weights():
    assert style_shares((3, 1), 2) == [0.75, 0.25]
    assert style_shares((), 4) == [0.25] * 4


@pytest.mark.parametrize("weights", [(0, 0), (2, -1), (float("inf"), 1), (float("nan"), 1)])
def test_weights_of_styles_that_are_no_shares_are_refused(weights):
    with pytest.raises(UsageError, match="finite and at least 0, and not all 0"):
        style_shares(weights, 2)


def test_each_style_needs_a_weight():
    with pytest.raises(UsageError, match="3 style weights for 2 style images"):
        style_shares((1, 1, 1), 2)

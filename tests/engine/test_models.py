"""Finding and loading models, and the originals' configuration files."""

import pytest

from imgxlate.engine.models import Model, find_model, read_options
from imgxlate.errors import UsageError, WeightsError
from imgxlate.methods import registry
from imgxlate.weights.store import Store


class OneWay:
    targets = ("B",)


def never(card):
    raise AssertionError(f"{card.name} was downloaded")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: [", "is not plain YAML"),
        (b"!!python/object/apply:os.system ['true']", "is not plain YAML"),
        (b"- 1", "holds no configuration"),
        (b"\xff\xfe\x00", "is not plain YAML"),
    ],
)
def test_a_configuration_that_is_no_plain_mapping_is_refused(tmp_path, content, message):
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_options(path)


def test_a_configuration_may_be_yaml_or_json(tmp_path):
    path = tmp_path / "config"
    for text in ("gen:\n  activ: relu\n", '{"gen": {"activ": "relu"}}'):
        path.write_text(text)
        assert read_options(path) == {"gen": {"activ": "relu"}}
    assert read_options(None) == {}


def test_a_domain_goes_by_its_letter_or_its_name_in_any_case():
    model = Model("horse2zebra", OneWay(), ("horse", "zebra"), None)
    assert {model.target(name) for name in (None, "B", "b", "zebra", "Zebra")} == {"B"}
    assert model.name_of("B") == "zebra"


def test_a_domain_that_the_model_does_not_translate_to_is_refused():
    model = Model("horse2zebra", OneWay(), ("horse", "zebra"), None)
    with pytest.raises(UsageError, match="translates to zebra only, not to horse"):
        model.target("horse")


def test_an_unknown_domain_gets_the_nearest_one_or_both():
    model = Model("horse2zebra", OneWay(), ("horse", "zebra"), None)
    for name, hint in (("zebras", "'zebra'"), ("cow", "horse and zebra")):
        with pytest.raises(UsageError) as caught:
            model.target(name)
        assert hint in caught.value.hint


def test_a_model_of_another_method_is_not_taken():
    with pytest.raises(WeightsError, match="horse2zebra"):
        find_model(registry.find("munit"), "horse2zebra", None, None, Store(), never)


def test_a_checkpoint_is_taken_by_its_path(tmp_path):
    found = find_model(registry.find("munit"), None, tmp_path / "gen.pt", tmp_path / "config.yaml", Store(), never)
    assert (found.name, found.path, found.config) == ("gen.pt", tmp_path / "gen.pt", tmp_path / "config.yaml")

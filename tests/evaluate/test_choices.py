"""Which methods are compared, with which models and settings."""

from pathlib import Path

import pytest

from imgxlate.errors import UsageError
from imgxlate.evaluate.choices import choose_methods
from imgxlate.methods import registry
from imgxlate.weights import cards
from imgxlate.weights.cards import Card

FOUR = ("munit", "unit", "cyclegan", "neural-style")


def choose(methods, models=None, settings=None, generators=None, *, has_style_images=False):
    return choose_methods(methods, models or {}, settings or {}, generators or {}, has_style_images=has_style_images)


def keys(*arguments, **options):
    return [choice.key for choice in choose(*arguments, **options)]


def test_methods_have_names_and_labels_and_keep_their_order():
    choices = choose(["neural-style", "cyclegan", "munit"], has_style_images=True)
    assert [choice.title for choice in choices] == ["Neural style", "CycleGAN", "MUNIT"]
    assert [choice.spec.name for choice in choices] == ["gatys", "cyclegan", "munit"]
    assert keys(["gatys"], has_style_images=True) == ["neural-style"]


def test_only_methods_with_style_codes_make_several_images_of_an_input():
    assert [choice.has_styles for choice in choose(FOUR, has_style_images=True)] == [True, False, False, False]


def test_models_of_one_method_are_compared_under_the_names_of_the_models():
    models = {"munit": ["munit-edges2shoes", "runs/mine", Path("a/gen_1.pt")], "unit": "x"}
    choices = choose(["munit", "unit"], models)
    assert [(choice.key, choice.title, choice.model) for choice in choices] == [
        ("munit", "MUNIT (edges2shoes)", "munit-edges2shoes"),
        ("munit-2", "MUNIT (mine)", "runs/mine"),
        ("munit-3", "MUNIT (gen_1)", "a/gen_1.pt"),
        ("unit", "UNIT", "x"),
    ]


def test_models_with_equal_file_names_are_named_by_their_paths():
    choices = choose(["unit"], {"unit": ["before/gen.pt", "after/gen.pt"]})
    assert [choice.title for choice in choices] == ["UNIT (before/gen.pt)", "UNIT (after/gen.pt)"]


def test_models_for_a_name_and_a_label_of_one_method_are_both_compared():
    choices = choose(["gatys"], {"gatys": "vgg19", "neural-style": "vgg19-caffe"}, has_style_images=True)
    assert [choice.model for choice in choices] == ["vgg19", "vgg19-caffe"]


def test_by_default_all_methods_that_have_a_model_are_compared(monkeypatch):
    bundled = Card(
        name="unit-bundled",
        kind="generator",
        method="unit",
        summary="",
        filename="unit.safetensors",
        license="",
        citation="",
        page="",
        bundled="unit.safetensors",
    )
    monkeypatch.setattr(cards, "cards", lambda: {bundled.name: bundled})
    assert keys(None) == ["unit"]
    assert keys(None, {"cyclegan": "mine.pth"}, has_style_images=True) == ["unit", "cyclegan", "neural-style"]


def test_without_any_model_the_error_says_how_to_give_one(monkeypatch):
    monkeypatch.setattr(cards, "cards", dict)
    with pytest.raises(UsageError, match="no method has a model") as caught:
        choose(None)
    assert "--model munit=FILE" in caught.value.hint


def test_a_method_that_stylizes_is_configured_and_reports_what_differs_from_its_default():
    settings = {"neural-style": {"size": 128}, "gatys": {"optimizer": "adam"}}
    (choice,) = choose(["neural-style"], settings=settings, has_style_images=True)
    assert (choice.config.size, choice.config.optimizer) == (128, "adam")
    assert choice.settings == {"size": "128", "optimizer": "adam"}
    assert choice.model == "vgg19"


def test_a_method_that_stylizes_can_have_another_feature_network():
    (choice,) = choose(["neural-style"], {"neural-style": "vgg19-caffe"}, has_style_images=True)
    assert (choice.key, choice.model, choice.settings) == ("neural-style", "vgg19-caffe", {})


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        ((["munti"],), "no method 'munti' to compare", "Did you mean 'munit'?"),
        ((["zzz"],), "no method 'zzz'", "Methods: munit, unit, cyclegan, cut, adain, neural-style"),
        (([],), "--methods names no method", "--methods munit,unit"),
        ((["munit", "munit"],), "munit is among --methods twice", "--model munit="),
        ((["neural-style"],), "neural-style needs a style image", "--style"),
        ((["unit"], {"munit": "a"}), "--model is for munit, which is not compared", "Add munit to --methods"),
        (
            (["unit"], {}, {"gatys": {"size": 8}}),
            "--set is for neural-style, which is not compared",
            "Add neural-style",
        ),
        ((["unit"], {"nuit": "x"}), "no method 'nuit'", "Did you mean 'unit'?"),
        ((["unit"], {}, {"unit": {"dim": 8}}), "--set unit.dim: a model's configuration is in its weights", ""),
    ],
)
def test_an_invalid_choice_is_refused_with_what_to_do(arguments, message, hint):
    with pytest.raises(UsageError) as caught:
        choose(*arguments)
    assert message in str(caught.value)
    assert hint in (caught.value.hint or "")


def test_an_unknown_setting_is_refused_by_its_key():
    with pytest.raises(UsageError, match="unknown key 'sizes'"):
        choose(["neural-style"], settings={"neural-style": {"sizes": 8}}, has_style_images=True)


def test_every_method_has_a_label_that_is_valid_in_a_file_name():
    specs, _ = registry.discover()
    assert all(set(spec.label) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for spec in specs.values())


def test_a_generator_is_of_the_one_file_of_its_method():
    [choice] = choose(["cyclegan"], {"cyclegan": "both.pth"}, generators={"cyclegan": "painter"})
    assert choice.generators == ("painter",)
    [choice] = choose(["munit"], {"munit": "both.pth"}, generators={"munit": ["apples", "pears"]})
    assert choice.generators == ("apples", "pears")


@pytest.mark.parametrize(
    ("models", "generators", "message"),
    [
        ({}, {"munit": "a"}, "--generator munit=a: names a network in one file"),
        ({"munit": ["a.pt", "b.pt"]}, {"munit": ["a"]}, "--generator munit=a: names a network in one file"),
        ({}, {"unit": "a"}, "--generator is for unit, which is not compared"),
        (
            {"neural-style": "vgg19"},
            {"neural-style": "a"},
            "--generator neural-style=a: neural-style has no generators",
        ),
        ({}, {"munti": "a"}, "there is no method 'munti' to compare"),
    ],
)
def test_a_generator_without_one_file_is_an_error(models, generators, message):
    with pytest.raises(UsageError, match=message):
        choose(["munit", "neural-style"], models, generators=generators, has_style_images=True)

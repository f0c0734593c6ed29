"""Who takes part in a comparison."""

import pytest

from imgxlate.errors import UsageError
from imgxlate.evaluate.entrants import choose
from imgxlate.methods import registry
from imgxlate.weights import cards
from imgxlate.weights.cards import Card

FOUR = ("munit", "unit", "cyclegan", "neural-style")


def keys(*arguments, **options):
    return [entry.key for entry in choose(*arguments, **options)]


def test_methods_go_by_their_name_or_their_label_in_the_order_in_which_they_are_named():
    entries = choose(["neural-style", "cyclegan", "munit"], [], [], painted=True)
    assert [entry.title for entry in entries] == ["Neural style", "CycleGAN", "MUNIT"]
    assert [entry.spec.name for entry in entries] == ["gatys", "cyclegan", "munit"]
    assert keys(["gatys"], [], [], painted=True) == ["neural-style"]


def test_only_methods_with_styles_have_several_pictures_of_an_input():
    assert [entry.has_styles for entry in choose(FOUR, [], [], painted=True)] == [True, False, False, False]


def test_two_models_of_a_method_are_two_entrants_named_after_the_models():
    models = ["munit=munit-edges2shoes", "munit=runs/mine", "munit=a/gen_1.pt", "unit=x"]
    entries = choose(["munit", "unit"], models, [], painted=False)
    assert [(entry.key, entry.title, entry.model) for entry in entries] == [
        ("munit", "MUNIT (edges2shoes)", "munit-edges2shoes"),
        ("munit-2", "MUNIT (mine)", "runs/mine"),
        ("munit-3", "MUNIT (gen_1)", "a/gen_1.pt"),
        ("unit", "UNIT", "x"),
    ]


def test_models_whose_files_have_the_same_name_are_told_apart_by_their_folders():
    entries = choose(["unit"], ["unit=before/gen.pt", "unit=after/gen.pt"], [], painted=False)
    assert [entry.title for entry in entries] == ["UNIT (before/gen.pt)", "UNIT (after/gen.pt)"]


def test_by_default_those_take_part_that_have_a_model_at_hand(monkeypatch):
    ships = Card(
        name="unit-shipped",
        kind="generator",
        method="unit",
        summary="",
        filename="unit.safetensors",
        licence="",
        citation="",
        page="",
        bundled="unit.safetensors",
    )
    monkeypatch.setattr(cards, "cards", lambda: {ships.name: ships})
    assert keys(None, [], [], painted=False) == ["unit"]
    assert keys(None, ["cyclegan=mine.pth"], [], painted=True) == ["unit", "cyclegan", "neural-style"]


def test_with_nothing_at_hand_it_says_what_to_give(monkeypatch):
    monkeypatch.setattr(cards, "cards", dict)
    with pytest.raises(UsageError, match="no method has a model at hand") as caught:
        choose(None, [], [], painted=False)
    assert "--model munit=FILE" in caught.value.hint


def test_a_method_that_paints_is_configured_and_says_what_differs_from_its_default():
    (entry,) = choose(["neural-style"], [], ["neural-style.size=128", "gatys.optimizer=adam"], painted=True)
    assert (entry.config.size, entry.config.optimizer) == (128, "adam")
    assert entry.settings == {"size": "128", "optimizer": "adam"}
    assert entry.model == "vgg19"


def test_a_method_that_paints_may_look_through_another_network():
    (entry,) = choose(["neural-style"], ["neural-style=vgg19-caffe"], [], painted=True)
    assert (entry.key, entry.model, entry.settings) == ("neural-style", "vgg19-caffe", {})


@pytest.mark.parametrize(
    ("arguments", "said", "hint"),
    [
        ((["munti"], [], []), "no method 'munti' to compare", "Did you mean 'munit'?"),
        ((["zzz"], [], []), "no method 'zzz'", "Methods: munit, unit, cyclegan, neural-style"),
        (([], [], []), "--methods names no method", "--methods munit,unit"),
        ((["munit", "munit"], [], []), "munit is among --methods twice", "--model munit="),
        ((["neural-style"], [], []), "neural-style paints in the style of images", "--style"),
        ((["unit"], ["munit=a"], []), "--model is for munit, which takes no part", "Add munit to --methods"),
        ((["unit"], [], ["gatys.size=8"]), "--set is for neural-style, which takes no part", "Add neural-style"),
        ((["unit"], ["unit"], []), "--model unit: must be METHOD=NAME", "--model munit=runs/mine"),
        ((["unit"], ["unit="], []), "must be METHOD=NAME", "Such as"),
        ((["unit"], ["nuit=x"], []), "no method 'nuit'", "Did you mean 'unit'?"),
        ((["unit"], [], ["size=8"]), "--set size=8: must be METHOD.KEY=VALUE", "neural-style.iterations"),
        ((["unit"], [], ["unit.dim=8"]), "--set unit.dim=8: a model's configuration is in its weights", ""),
    ],
)
def test_what_cannot_take_part_is_refused(arguments, said, hint):
    with pytest.raises(UsageError) as caught:
        choose(*arguments, painted=False)
    assert said in str(caught.value)
    assert hint in (caught.value.hint or "")


def test_a_configuration_that_cannot_be_is_refused_by_its_key():
    with pytest.raises(UsageError, match="unknown key 'sizes'"):
        choose(["neural-style"], [], ["neural-style.sizes=8"], painted=True)


def test_every_method_has_a_label_that_can_stand_in_a_files_name():
    specs, _ = registry.discover()
    assert all(set(spec.label) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for spec in specs.values())

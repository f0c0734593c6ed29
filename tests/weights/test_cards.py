import re
import subprocess
import sys

import pytest

from imgxlate import paths
from imgxlate.errors import WeightsError
from imgxlate.weights.cards import bundled_model, cards, find
from imgxlate.weights.store import Store


@pytest.mark.parametrize("card", cards().values(), ids=lambda card: card.name)
def test_a_card_says_where_weights_come_from_and_on_what_terms(card):
    assert card.licence
    assert card.citation
    assert card.page.startswith("https://")
    assert bool(card.urls) + bool(card.bundled) + bool(card.manual) == 1
    assert (card.kind == "features") == (card.convention is not None)
    assert (card.kind == "generator") == (card.domains is not None)


@pytest.mark.parametrize("card", cards().values(), ids=lambda card: card.name)
def test_names_are_safe_as_file_names(card):
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*", card.name)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", card.filename)


@pytest.mark.parametrize("card", cards().values(), ids=lambda card: card.name)
def test_https_is_tried_before_http_and_a_prefix_is_the_one_in_the_file_name(card):
    assert list(card.urls) == sorted(card.urls, key=lambda url: not url.startswith("https://"))
    assert all(url.startswith("https://") or f"https{url.removeprefix('http')}" in card.urls for url in card.urls)
    assert card.prefix is None or re.fullmatch(r"[0-9a-f]{8}", card.prefix)
    assert (card.prefix or "") in card.filename


def test_names_without_their_method_are_unique_among_the_methods():
    assert len({(card.method, card.short) for card in cards().values()}) == len(cards())


def test_bundled_weights_are_those_that_their_cards_describe():
    bundled = [name for name, card in cards().items() if card.bundled and card.sha256]
    assert bundled
    assert [found.fault for found in Store().verify(bundled)] == [None] * len(bundled)
    assert [Store().path(cards()[name]).stat().st_size for name in bundled] == [cards()[name].size for name in bundled]


def test_all_eighteen_models_of_cyclegan_are_there():
    assert sum(card.method == "cyclegan" and not card.bundled for card in cards().values()) == 18


def test_non_commercial_weights_say_so():
    theirs = [card for card in cards().values() if card.method in ("munit", "unit") and not card.bundled]
    assert theirs
    assert all("non-commercial" in card.licence for card in theirs)


@pytest.mark.parametrize("method", ["munit", "unit", "cyclegan"])
def test_each_translating_method_has_a_model_in_the_package_for_landscapes(method):
    card = bundled_model(method)
    assert (card.name, card.domains) == (f"{method}-summer2winter", ("summer", "winter"))


def test_bundled_models_are_small_and_tell_of_themselves_on_a_page():
    models = [card for card in cards().values() if card.bundled and card.kind == "generator"]
    assert all(card.size <= 10_000_000 for card in models)
    for card in cards().values():
        if card.bundled:
            assert (paths.assets_dir() / card.bundled).with_suffix(".md").read_text().startswith(f"# {card.bundled}")


def test_a_method_of_which_nothing_ships_has_no_default():
    assert bundled_model("gatys") is None


def test_a_model_is_found_by_its_full_name_and_without_its_method():
    assert find("cyclegan-horse2zebra") is find("horse2zebra") is find("horse2zebra", "cyclegan")


def test_another_methods_model_is_not_found():
    with pytest.raises(WeightsError, match=r"'horse2zebra' for munit"):
        find("horse2zebra", "munit")


def test_a_misspelt_name_gets_a_proposal():
    with pytest.raises(WeightsError) as caught:
        find("horse2zebr")
    assert "horse2zebra" in caught.value.hint


def test_a_name_near_nothing_leads_to_the_list():
    with pytest.raises(WeightsError) as caught:
        find("qqqqqq")
    assert "weights list" in caught.value.hint


def test_a_short_name_of_two_methods_must_be_told_apart(make_card):
    known = {card.name: card for card in (make_card(name="munit-toy", method="munit"), make_card(name="cyclegan-toy"))}
    with pytest.raises(WeightsError) as caught:
        find("toy", known=known)
    assert "munit-toy" in caught.value.hint
    assert find("toy", "munit", known).name == "munit-toy"


def test_listing_weights_imports_nothing_heavy():
    heavy = ["torch", "numpy", "PIL", "requests", "urllib3", "filelock"]
    script = (
        "import sys; from imgxlate.weights.store import Store; from imgxlate.weights.imports import import_file;"
        f"Store().records(); Store().find('vgg19'); print(sorted(set({heavy}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

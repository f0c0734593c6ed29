import re
import subprocess
import sys
from dataclasses import asdict

import pytest
from pydantic import TypeAdapter

from imgxlate import paths
from imgxlate.errors import WeightsError
from imgxlate.weights.cards import Card, bundled_model, cards, find, read_catalogue
from imgxlate.weights.store import Store

CATALOGUE = """
[[group]]
kind = "generator"
method = "cyclegan"
license = "CC0"
citation = "none"
page = "https://example.org"
urls = ["https://example.org/{filename}", "http://example.org/{filename}"]

[[group.weights]]
name = "cyclegan-a2b"
summary = "a to b"
filename = "a2b.pth"
domains = ["a", "b"]

[[group.weights]]
name = "cyclegan-b2a"
summary = "b to a"
filename = "b2a.pth"
domains = ["b", "a"]
license = "MIT"
"""


@pytest.fixture
def catalogue(tmp_path):
    def write(text):
        (tmp_path / "catalogue.toml").write_text(text)
        return list(read_catalogue(tmp_path / "catalogue.toml"))

    return write


def test_weights_take_over_what_their_group_shares_unless_they_say_otherwise(catalogue):
    first, second = catalogue(CATALOGUE)
    assert (first.name, first.method, first.license, first.domains) == ("cyclegan-a2b", "cyclegan", "CC0", ("a", "b"))
    assert (second.license, second.domains) == ("MIT", ("b", "a"))


def test_the_name_of_the_file_is_filled_in(catalogue):
    assert [card.urls for card in catalogue(CATALOGUE)] == [
        ("https://example.org/a2b.pth", "http://example.org/a2b.pth"),
        ("https://example.org/b2a.pth", "http://example.org/b2a.pth"),
    ]


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (("license =", "licence ="), "licence"),
        (('page = "https://example.org"', ""), "page"),
        (('filename = "a2b.pth"', ""), "filename"),
    ],
)
def test_an_entry_with_a_wrong_or_missing_key_is_named(catalogue, change, key):
    with pytest.raises(ValueError, match=rf"catalogue\.toml: cyclegan-a2b: .*'{key}'"):
        catalogue(CATALOGUE.replace(*change, 1))


@pytest.mark.parametrize("card", cards().values(), ids=lambda card: card.name)
def test_the_fields_of_a_card_have_the_types_that_it_declares(card):
    assert TypeAdapter(Card).validate_python(asdict(card)) == card


@pytest.mark.parametrize("card", cards().values(), ids=lambda card: card.name)
def test_checksums_are_hex_digits_and_those_of_bundled_weights_are_whole(card):
    assert card.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", card.sha256)
    assert not (card.sha256 and card.prefix)
    assert not card.bundled or (card.sha256 and card.size)


@pytest.mark.parametrize("card", cards().values(), ids=lambda card: card.name)
def test_a_card_names_source_license_and_paper(card):
    assert card.license
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


def test_short_names_are_unique_within_a_method():
    assert len({(card.method, card.short) for card in cards().values()}) == len(cards())


def test_bundled_weights_are_those_that_their_cards_describe():
    bundled = [name for name, card in cards().items() if card.bundled and card.sha256]
    assert bundled
    assert [found.fault for found in Store().verify(bundled)] == [None] * len(bundled)
    assert [Store().path(cards()[name]).stat().st_size for name in bundled] == [cards()[name].size for name in bundled]


def test_all_eighteen_models_of_cyclegan_are_listed():
    assert sum(card.method == "cyclegan" and not card.bundled for card in cards().values()) == 18


def test_non_commercial_weights_say_so():
    theirs = [card for card in cards().values() if card.method in ("munit", "unit") and not card.bundled]
    assert theirs
    assert all("non-commercial" in card.license for card in theirs)


@pytest.mark.parametrize("method", ["munit", "unit", "cyclegan", "cut"])
def test_each_translating_method_has_a_model_in_the_package_for_landscapes(method):
    card = bundled_model(method)
    assert (card.name, card.domains) == (f"{method}-summer2winter", ("summer", "winter"))


@pytest.mark.parametrize(
    ("to", "name"),
    [
        ("winter", "summer2winter"),
        ("summer", "summer2winter"),
        ("Color", "outline2color"),
        ("outline", "outline2color"),
    ],
)
def test_a_target_domain_chooses_among_the_bundled_models(to, name):
    assert bundled_model("munit", to).name == f"munit-{name}"


@pytest.mark.parametrize("to", ["A", "BtoA", "zebra"])
def test_a_target_domain_that_no_bundled_model_has_leaves_the_default(to):
    assert bundled_model("munit", to) == bundled_model("munit")


def test_bundled_models_are_small_and_have_a_page():
    models = [card for card in cards().values() if card.bundled and card.kind == "generator"]
    assert all(card.size <= 10_000_000 for card in models)
    for card in cards().values():
        if card.bundled:
            assert (paths.assets_dir() / card.bundled).with_suffix(".md").read_text().startswith(f"# {card.bundled}")


def test_a_method_without_bundled_models_has_no_default_model():
    assert bundled_model("gatys") is None


def test_a_model_is_found_by_its_full_name_and_without_its_method():
    assert find("cyclegan-horse2zebra") is find("horse2zebra") is find("horse2zebra", "cyclegan")


def test_another_methods_model_is_not_found():
    with pytest.raises(WeightsError, match=r"'horse2zebra' for munit"):
        find("horse2zebra", "munit")


def test_a_misspelled_name_gets_a_suggestion():
    with pytest.raises(WeightsError) as caught:
        find("horse2zebr")
    assert "horse2zebra" in caught.value.hint


def test_a_name_like_no_other_gets_the_hint_to_list_all():
    with pytest.raises(WeightsError) as caught:
        find("qqqqqq")
    assert "weights list" in caught.value.hint


def test_a_short_name_that_two_methods_share_is_refused(make_card):
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

import re
import subprocess
import sys
from dataclasses import asdict

import pytest
from pydantic import TypeAdapter

from imgxlate.data.public_sets import PARTS, PublicSet, find, public_sets
from imgxlate.errors import UsageError

each_card = pytest.mark.parametrize("card", public_sets().values(), ids=lambda card: card.name)


@each_card
def test_the_fields_of_a_card_have_the_types_that_it_declares(card):
    assert TypeAdapter(PublicSet).validate_python(asdict(card)) == card


@each_card
def test_a_card_names_source_license_and_paper(card):
    assert card.license
    assert "arXiv" in card.citation
    assert card.page.startswith("https://")
    assert card.size > 1e7
    assert card.counts is None or min(card.counts) > 0


@each_card
def test_https_is_tried_first_and_names_are_safe(card):
    assert card.urls[0].startswith("https://")
    assert all(url.startswith("https://") or f"https{url.removeprefix('http')}" in card.urls for url in card.urls)
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]*", card.name)
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]*\.(zip|tar\.gz)", card.filename)


@each_card
def test_each_part_has_a_folder_in_the_archive(card):
    assert tuple(card.folders) == (("train", "test") if card.paired else PARTS)
    assert len(set(card.folders.values())) == len(card.folders)


def test_a_folder_in_the_archive_has_its_name_unless_the_card_says_otherwise():
    assert find("maps").folders["testB"] == "maps/testB"
    assert find("afhq-cat2dog").folders["testB"] == "afhq/val/dog"


def test_a_misspelled_name_gets_a_suggestion():
    with pytest.raises(UsageError) as caught:
        find("horse2zebr")
    assert "horse2zebra" in caught.value.hint
    with pytest.raises(UsageError) as caught:
        find("qqqq")
    assert "imgxlate data list" in caught.value.hint


def test_listing_sets_imports_nothing_heavy():
    heavy = ["torch", "numpy", "PIL", "requests", "urllib3", "filelock"]
    script = (
        "import sys; from imgxlate.data.download import describe; from imgxlate.data.public_sets import public_sets;"
        f"[describe(card) for card in public_sets().values()]; print(sorted(set({heavy}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

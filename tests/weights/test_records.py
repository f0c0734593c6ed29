"""Records on the disk."""

import json

import pytest

from imgxlate.weights.cards import cards
from imgxlate.weights.records import Record, own_card

OF_VERSION_0_1 = """{
  "name": "mine",
  "kind": "generator",
  "method": "munit",
  "filename": "mine.safetensors",
  "sha256": "8d5580c2a5ab3b9087f4189266a433c782d21ca5ed5844c623559be6196d8999",
  "source": "/home/ada/gen_00100000.pt",
  "date": "2026-03-01T09:30:00+00:00",
  "trust": "imported",
  "domains": [
    "summer",
    "winter"
  ],
  "convention": null,
  "config": "mine.yaml",
  "size": 4125076,
  "mtime_ns": 1772357400000000000
}"""


@pytest.fixture
def written(tmp_path):
    """Writes the record above, with changes, and reads it."""

    def write(**changes):
        (tmp_path / "record.json").write_text(json.dumps(json.loads(OF_VERSION_0_1) | changes))
        return Record.read(tmp_path / "record.json")

    return write


def test_a_record_of_version_0_1_is_read(written):
    record = written()
    card = record.card
    assert (card.name, card.kind, card.method, card.filename) == ("mine", "generator", "munit", "mine.safetensors")
    assert (card.domains, card.size, card.sha256) == (("summer", "winter"), 4125076, record.sha256)
    assert card.summary == "imported from /home/ada/gen_00100000.pt"
    assert (record.trust, record.config, record.mtime_ns) == ("imported", "mine.yaml", 1772357400000000000)
    assert record.date == "2026-03-01T09:30:00+00:00"


def test_a_record_is_written_in_the_form_of_version_0_1(written, tmp_path):
    written().write(tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text()) == json.loads(OF_VERSION_0_1)


def test_a_record_under_the_name_of_a_card_keeps_its_own_file_name_and_domains(written):
    record = written(name="munit-edges2shoes", filename="renamed.pt", domains=["outline", "boot"])
    published = cards()["munit-edges2shoes"]
    assert (record.card.filename, record.card.domains) == ("renamed.pt", ("outline", "boot"))
    assert (record.card.license, record.card.summary) == (published.license, published.summary)


def test_a_record_comes_back_as_it_was_written(tmp_path):
    card = own_card(name="mine", method="unit", filename="mine.pt")
    record = Record(card=card, sha256="0" * 64, source="a/b.pt", trust="imported")
    record.write(tmp_path / "record.json")
    again = Record.read(tmp_path / "record.json")
    assert (again.card.name, again.card.method, again.card.domains) == ("mine", "unit", None)
    assert (again.sha256, again.source, again.date, again.config) == (record.sha256, "a/b.pt", record.date, None)

import hashlib
import os
from pathlib import Path

import pytest

from imgxlate.errors import UsageError, WeightsError
from imgxlate.weights.imports import find_card, import_file


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "gen_00100000.pt"
    path.write_bytes(b"a user's weights")
    return path


def test_an_imported_model_keeps_all_that_loading_it_needs(store, file, tmp_path):
    config = tmp_path / "mountains.yaml"
    config.write_text("gen: {dim: 64}")
    notes = []
    import_file(
        store, "mountains", file, method="munit", domains=("summer", "winter"), config=config, notify=notes.append
    )
    file.unlink()
    config.unlink()
    card = store.find("mountains", "munit")
    assert (card.kind, card.method, card.domains) == ("generator", "munit", ("summer", "winter"))
    path = store.path(card, offline=True)
    assert path.suffix == ".pt"
    assert path.read_bytes() == b"a user's weights"
    assert store.config("mountains").read_text() == "gen: {dim: 64}"
    assert hashlib.sha256(b"a user's weights").hexdigest() in notes[0]


def test_an_import_without_a_config_has_none(store, file):
    import_file(store, "mine", file, method="unit")
    assert store.config("mine") is None
    assert store.config("never-imported") is None


def test_a_file_fetched_by_hand_is_stored_under_its_card(store, file):
    record = import_file(store, "edges2shoes", file)
    assert (record.card.name, record.card.method, record.card.domains) == (
        "munit-edges2shoes",
        "munit",
        ("edges", "shoes"),
    )
    assert store.path(store.find("munit-edges2shoes")).name == "edges2shoes.pt"


@pytest.mark.parametrize(("name", "method"), [("horse2zebra", "cyclegan"), ("horse2zebra", None)])
def test_a_short_name_means_the_card(store, file, name, method):
    assert find_card(name, method).name == "cyclegan-horse2zebra"
    assert import_file(store, name, file, method=method).card.name == "cyclegan-horse2zebra"


@pytest.mark.parametrize(("name", "method"), [("mine", None), ("mine", "unit"), ("horse2zebra", "unit")])
def test_a_name_that_no_card_of_the_method_has_is_free(name, method):
    assert find_card(name, method) is None


def test_the_yaml_is_written_before_the_record(store, file, tmp_path):
    (tmp_path / "config.yaml").write_text("gen: {}")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    (store.root / digest / "mine.yaml").mkdir(parents=True)
    with pytest.raises(WeightsError, match=r"mine.yaml: cannot be written"):
        import_file(store, "mine", file, method="unit", config=tmp_path / "config.yaml")
    assert store.record("mine") is None


def test_the_origin_of_a_converted_file_is_recorded(store, file, tmp_path):
    assert import_file(store, "mine", file, method="unit", source=tmp_path / "a.pth").source == str(tmp_path / "a.pth")


def test_non_commercial_terms_are_reported(store, file):
    notes = []
    import_file(store, "munit-edges2shoes", file, notify=notes.append)
    assert "non-commercial" in notes[0]


def test_another_model_of_the_name_is_replaced_only_with_overwrite(store, file):
    first = import_file(store, "mine", file, method="unit")
    assert import_file(store, "mine", file, method="unit").sha256 == first.sha256
    file.write_bytes(b"better weights")
    with pytest.raises(UsageError, match="mine is the name of another model") as caught:
        import_file(store, "mine", file, method="unit")
    assert "--overwrite" in caught.value.hint
    assert store.path(store.find("mine")).read_bytes() == b"a user's weights"
    second = import_file(store, "mine", file, method="unit", overwrite=True)
    assert first.sha256 != second.sha256
    assert store.path(store.find("mine")).read_bytes() == b"better weights"


def test_a_model_whose_record_cannot_be_read_is_not_replaced(store, file, monkeypatch):
    import_file(store, "mine", file, method="unit")
    file.write_bytes(b"other weights")
    read = Path.read_bytes

    def fail(path):
        if path.name == "mine.json":
            raise OSError(5, "Input/output error")
        return read(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", fail)
        with pytest.raises(UsageError, match="whose record cannot be read"):
            import_file(store, "mine", file, method="unit")
    assert store.path(store.find("mine"), offline=True).read_bytes() == b"a user's weights"
    assert import_file(store, "mine", file, method="unit", overwrite=True)


def test_a_name_whose_file_is_gone_is_free(store, file):
    store.file(import_file(store, "mine", file, method="unit")).unlink()
    file.write_bytes(b"better weights")
    import_file(store, "mine", file, method="unit")
    assert store.path(store.find("mine")).read_bytes() == b"better weights"


def test_a_deleted_import_gets_the_hint_to_import_it_again(store, file):
    store.file(import_file(store, "mine", file, method="unit")).unlink()
    with pytest.raises(WeightsError, match="gone") as caught:
        store.path(store.find("mine"))
    assert "imgxlate weights import mine FILE" in caught.value.hint


def test_a_downloaded_file_can_take_an_imported_ones_place(store, server, make_card, body, file, monkeypatch):
    card = make_card(server.offer("/a", body))
    store.file(import_file(store, "toy", file, method="cyclegan")).unlink()
    assert store.path(card).read_bytes() == body


def test_a_file_that_is_not_the_published_one_is_refused(store, file):
    with pytest.raises(WeightsError, match=r"not dcbb9e9d\.\.\."):
        import_file(store, "vgg19-torchvision", file)
    assert store.records() == ()
    assert list(store.root.iterdir()) == []


def test_a_web_page_is_refused(store, file):
    file.write_bytes(b"<!DOCTYPE html><html>Google Drive - Virus scan warning")
    with pytest.raises(WeightsError, match="web page"):
        import_file(store, "edges2shoes", file)


@pytest.mark.parametrize("name", ["edges2shoes", "lpips-alexnet"])
def test_a_git_lfs_pointer_is_refused_with_the_command_that_fetches_the_file(store, file, name):
    file.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    with pytest.raises(WeightsError, match="is a Git LFS pointer, not weights") as caught:
        import_file(store, name, file)
    assert "`git lfs pull`" in caught.value.hint
    assert store.records() == ()


@pytest.mark.parametrize("which", ["file", "config"])
def test_a_file_that_cannot_be_read_is_named(store, file, tmp_path, which):
    absent = tmp_path / "absent"
    files = {"file": file, "config": None} | {which: absent}
    with pytest.raises(WeightsError, match="absent: cannot be read: No such file"):
        import_file(store, "mine", files["file"], method="unit", config=files["config"])


def test_a_folder_is_refused(store, tmp_path):
    with pytest.raises(WeightsError, match="Is a directory"):
        import_file(store, "mine", tmp_path, method="unit")


def test_a_name_without_a_card_needs_a_method(store, file):
    with pytest.raises(UsageError) as caught:
        import_file(store, "horse2zebr", file)
    assert "horse2zebra" in caught.value.hint
    assert "--method" in caught.value.hint


def test_a_cards_name_with_another_method_is_refused(store, file):
    with pytest.raises(UsageError, match="for unit"):
        import_file(store, "munit-edges2shoes", file, method="unit")


def test_bundled_weights_cannot_be_replaced(store, file):
    with pytest.raises(UsageError, match="part of the package"):
        import_file(store, "vgg19", file)


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a" * 65, "grün"])
def test_a_name_that_is_unsafe_as_a_file_name_is_refused(store, file, name):
    with pytest.raises(UsageError, match="is not a valid name"):
        import_file(store, name, file, method="unit")


def test_a_full_disk_leaves_nothing_behind(store, file, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WeightsError, match="No space left") as caught:
        import_file(store, "mine", file, method="unit")
    assert "IMGXLATE_CACHE" in caught.value.hint
    assert list(store.root.iterdir()) == []

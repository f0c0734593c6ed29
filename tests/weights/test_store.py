import ctypes
import hashlib
import json
import os
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from imgxlate import paths
from imgxlate.errors import NetworkError, WeightsError
from imgxlate.weights import cards as cards_module
from imgxlate.weights.cards import cards
from imgxlate.weights.imports import import_file
from imgxlate.weights.store import Store, find_features


@pytest.fixture
def card(server, make_card, body):
    return make_card(server.offer("/a", body))


def age(path):
    """Give a file another modification time."""
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))


def flip_a_bit(path):
    """Damage a file as a disk does: same size, same time."""
    status = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_the_store_is_in_the_cache_folder():
    assert Store().root == paths.cache_dir() / "weights"


def test_a_file_is_kept_by_its_hash_under_the_cards_file_name(store, card, body):
    path = store.path(card)
    assert path == store.root / hashlib.sha256(body).hexdigest() / "toy.pth"
    assert path.read_bytes() == body


def test_a_present_file_is_not_downloaded_again(store, card, server):
    assert store.path(card) == store.path(card)
    assert len(server.seen) == 1


def test_a_download_leaves_no_partial_file(store, card):
    store.path(card)
    assert list(store.root.glob("partial/*/*")) == []


@pytest.mark.parametrize(
    ("facts", "trust", "words"),
    [
        (lambda digest: {}, "first-use", "publishes no hash"),
        (lambda digest: {"prefix": digest[:8]}, "prefix", "begins as the source publishes"),
        (lambda digest: {"sha256": digest}, "published", "is the one that the source publishes"),
    ],
)
def test_a_download_reports_where_its_hash_comes_from(store, server, make_card, body, facts, trust, words):
    digest = hashlib.sha256(body).hexdigest()
    notes = []
    store.path(make_card(server.offer("/a", body), **facts(digest)), notify=notes.append)
    assert words in notes[-1]
    assert any("CC0" in line for line in notes)
    record = store.record("toy")
    assert (record.trust, record.sha256, record.source) == (trust, digest, server.url("/a"))


def test_plain_http_without_a_published_hash_is_reported(store, server, make_card, body):
    digest = hashlib.sha256(body).hexdigest()
    for name, facts, plain in (("first", {}, True), ("second", {"sha256": digest}, False)):
        notes = []
        store.path(make_card(server.offer("/a", body), name=name, **facts), notify=notes.append)
        assert any("plain http" in line for line in notes) == plain


@pytest.mark.parametrize(
    ("name", "method", "mend"),
    [
        ("mine", "unit", "imgxlate weights import mine FILE --method unit"),
        ("munit-edges2shoes", None, "imgxlate weights import munit-edges2shoes FILE"),
        ("cyclegan-horse2zebra", None, "imgxlate weights download cyclegan-horse2zebra"),
    ],
)
def test_damaged_weights_come_with_the_command_that_repairs_them(store, tmp_path, name, method, mend):
    (tmp_path / "gen.pt").write_bytes(b"weights")
    flip_a_bit(store.file(import_file(store, name, tmp_path / "gen.pt", method=method)))
    (found,) = store.verify([name])
    assert found.mend == mend


def test_without_a_published_hash_later_downloads_must_match_the_first(store, card, server, body):
    path = store.path(card)
    path.unlink()
    server.offer("/a", body[::-1])
    with pytest.raises(NetworkError, match="not the expected one"):
        store.path(card)
    server.offer("/a", body)
    assert store.path(card) == path


def test_weights_are_downloaded_again_when_the_published_hash_changes(store, server, make_card, body):
    store.path(make_card(server.offer("/a", body)))
    other = body[::-1]
    card = make_card(server.offer("/a", other), sha256=hashlib.sha256(other).hexdigest())
    assert store.path(card).read_bytes() == other


def test_verify_finds_a_flipped_bit_and_the_next_use_repairs_it(store, card, body):
    path = store.path(card)
    assert [(found.name, found.fault, found.mend) for found in store.verify(["toy"])] == [("toy", None, None)]
    flip_a_bit(path)
    (found,) = store.verify(["toy"])
    assert "damaged" in found.fault
    assert store.path(card).read_bytes() == body


def test_verify_recognizes_a_git_lfs_pointer_in_the_package(store, make_card, tmp_path, monkeypatch):
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    (tmp_path / "toy.safetensors").write_bytes(pointer)
    card = make_card(bundled=str(tmp_path / "toy.safetensors"), sha256="0" * 64)
    monkeypatch.setattr(cards_module, "cards", lambda: {"toy": card})
    (found,) = store.verify()
    assert "is a Git LFS pointer" in found.fault
    assert found.mend == "git lfs pull"


def test_a_flipped_bit_is_found_on_use_if_the_modification_time_changed(store, card, body):
    path = store.path(card)
    flip_a_bit(path)
    age(path)
    notes = []
    assert store.path(card, notify=notes.append).read_bytes() == body
    assert any("is damaged" in line for line in notes)


def test_a_damaged_file_is_not_used_offline(store, card):
    path = store.path(card)
    flip_a_bit(path)
    age(path)
    with pytest.raises(NetworkError, match="damaged or gone"):
        store.path(card, offline=True)


def test_a_changed_modification_time_alone_costs_one_hash(store, card, server):
    path = store.path(card)
    age(path)
    assert store.path(card) == path
    assert store.record("toy").mtime_ns == path.stat().st_mtime_ns
    assert len(server.seen) == 1


def test_verify_without_names_checks_all_present_weights(store, card):
    store.path(card)
    bundled = {name for name, other in cards().items() if other.bundled}
    assert {found.name for found in store.verify()} == {"toy", *bundled}


def test_verify_reports_missing_files(store, card):
    store.path(card).unlink()
    gone, never = store.verify(["toy", "cyclegan-horse2zebra"])
    assert "missing" in gone.fault
    assert gone.path is None
    assert never.fault == "is not here"


def test_a_damaged_record_is_ignored(store, card, body):
    store.path(card)
    for text in ("{", "[]", '{"name": "toy"}'):
        (store.root / "records" / "toy.json").write_text(text)
        assert store.record("toy") is None
        assert store.records() == ()
        assert store.path(card).read_bytes() == body


@pytest.mark.parametrize("switch", ["argument", "variable"])
def test_offline_says_what_is_missing_and_how_to_get_it(store, card, server, switch, monkeypatch):
    def forbidden(*_, **__):
        raise AssertionError("a socket was opened")

    if switch == "variable":
        monkeypatch.setenv("IMGXLATE_OFFLINE", "1")
    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, forbidden)
    with pytest.raises(NetworkError, match="toy is not here") as caught:
        store.path(card, offline=switch == "argument")
    assert "imgxlate weights download toy" in caught.value.hint
    assert "imgxlate weights import toy FILE" in caught.value.hint
    assert server.seen == []


def test_an_offline_process_opens_no_socket_and_needs_none(fetching, card, monkeypatch):
    monkeypatch.setenv("IMGXLATE_OFFLINE", "1")
    _, refusal = fetching(*card.urls, "--no-sockets").communicate()
    assert "toy is not here" in refusal
    monkeypatch.delenv("IMGXLATE_OFFLINE")
    path, _ = fetching(*card.urls).communicate()
    monkeypatch.setenv("IMGXLATE_OFFLINE", "1")
    assert fetching(*card.urls, "--no-sockets").communicate()[0] == path


def test_weights_for_manual_download_come_with_their_address(store):
    card = cards()["munit-edges2shoes"]
    with pytest.raises(WeightsError) as caught:
        store.path(card)
    assert "https://drive.google.com/" in caught.value.hint
    assert "`imgxlate weights import munit-edges2shoes FILE`" in caught.value.hint


def test_a_bundled_file_is_used_in_place(store, make_card):
    card = make_card(bundled="vgg19.safetensors")
    assert store.path(card) == paths.assets_dir() / "vgg19.safetensors"
    assert not store.root.exists()


def test_a_missing_bundled_file_gets_the_hint_to_reinstall(store, make_card):
    with pytest.raises(WeightsError) as caught:
        store.path(make_card(bundled="absent.safetensors"))
    assert "pip install" in caught.value.hint


def test_records_can_be_read_by_other_programs(store, card):
    store.path(card)
    record = json.loads((store.root / "records" / "toy.json").read_bytes())
    assert (record["name"], record["method"], record["filename"]) == ("toy", "cyclegan", "toy.pth")


def give_up_roots_rights():
    """Run in a child: permissions count for it even if it is root."""
    if os.geteuid() == 0:
        pr_capbset_drop, cap_dac_override = 24, 1
        ctypes.CDLL(None).prctl(pr_capbset_drop, cap_dac_override, 0, 0, 0)


@pytest.fixture
def read_only(store):
    """Makes the store read-only until the test ends."""

    def make_read_only():
        for path in (store.root, *store.root.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)

    yield make_read_only
    for path in (store.root, *store.root.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def test_a_read_only_store_serves_what_it_has(store, card, fetching, read_only):
    path = store.path(card)
    age(path)  # As after a copy: the hash must be computed, and cannot be noted.
    read_only()
    out, error = fetching(*card.urls, preexec_fn=give_up_roots_rights).communicate()
    assert out.strip() == str(path), error


def test_a_read_only_store_without_the_file_gets_a_hint(store, card, fetching, read_only):
    store.root.mkdir(parents=True)
    read_only()
    process = fetching(*card.urls, preexec_fn=give_up_roots_rights)
    _, error = process.communicate()
    assert process.returncode == WeightsError.exit_code
    assert "cannot be written: Permission denied" in error
    assert "IMGXLATE_CACHE" in error


def test_verify_works_in_a_read_only_store(store, card, read_only):
    path = store.path(card)
    flip_a_bit(path)
    read_only()
    script = (
        "import sys; from pathlib import Path; from imgxlate.weights.store import Store;"
        "print(Store(Path(sys.argv[1])).verify(['toy'])[0].fault)"
    )
    command = [sys.executable, "-c", script, str(store.root)]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=give_up_roots_rights)
    assert "is damaged" in done.stdout, done.stderr


def test_a_full_disk_is_reported_and_loses_nothing(store, card, server, body, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(WeightsError, match="No space left on device"):
            store.path(card)
    assert store.path(card).read_bytes() == body
    assert len(server.seen) == 1


def test_a_feature_network_is_found_by_its_name_and_by_its_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.pth").write_bytes(b"weights")
    assert find_features("mine.pth", Store().path) == Path("mine.pth")
    (tmp_path / "vgg19").write_bytes(b"weights")
    assert find_features("vgg19", Store().path) == paths.assets_dir() / "vgg19.safetensors"
    with pytest.raises(WeightsError, match="'vgg18'"):
        find_features("vgg18", Store().path)
    with pytest.raises(NetworkError, match="vgg19-caffe is not here"):
        find_features("vgg19-caffe", partial(Store().path, offline=True))


def test_an_imported_files_domains_are_found_with_its_card(store, tmp_path):
    file = tmp_path / "mine.pt"
    file.write_bytes(b"weights")
    import_file(store, "munit-edges2shoes", file, domains=("outlines", "boots"))
    assert store.find("edges2shoes", "munit").domains == ("outlines", "boots")
    assert store.find("edges2handbags").domains == ("edges", "handbags")

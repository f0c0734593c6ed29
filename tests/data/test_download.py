"""Public data sets from a web server on loopback."""

import hashlib
import io
import json
import random
import threading
import zipfile

import pytest
from web_server import CERTIFICATE, QUICK

from imgxlate import check_data, download_data
from imgxlate.data import download, public_sets
from imgxlate.data.public_sets import PublicSet
from imgxlate.errors import NetworkError, OutputError, UsageError

PARTS = ("trainA", "trainB", "testA", "testB")


@pytest.fixture
def archive(photo):
    """The bytes of a zip archive with two images in each part, and a large script."""

    def build(seed=0):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as opened:
            for number, part in enumerate(PARTS):
                for index in range(2):
                    image = photo("drawn.png", seed=seed + 10 * number + index, size=(64, 80))
                    opened.writestr(f"toy/{part}/{index}.png", image.read_bytes())
            opened.writestr("toy/install.sh", random.Random(0).randbytes(300_000))
        return file.getvalue()

    return build


@pytest.fixture
def offer(server, archive, monkeypatch):
    """Offers an archive as the public data set "toy"."""
    monkeypatch.setattr(download, "PATIENCE", QUICK)

    def start(data=None, on=server, facts=None, **how):
        data = archive() if data is None else data
        terms = {"license": "CC0", "citation": "none", "page": "https://example.org", "summary": "a toy"}
        place = {"name": "toy", "filename": "toy.zip", "urls": (on.offer("/toy.zip", data, **how),), "size": len(data)}
        card = PublicSet(**place, **terms, **(facts or {}))
        monkeypatch.setattr(public_sets, "public_sets", lambda: {"toy": card})
        return data

    return start


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def cached(tmp_path, pattern):
    return list((tmp_path / "cache" / "data").glob(pattern))


def test_a_set_is_downloaded_unpacked_and_ready_to_train(offer, tmp_path):
    notes, steps = [], []
    data = offer()
    folder = download_data("toy", out=tmp_path / "toy", notify=notes.append, progress=lambda *s: steps.append(s))
    assert folder == tmp_path / "toy"
    assert files(folder) == sorted(f"{part}/{index}.png" for part in PARTS for index in range(2))
    assert check_data(folder).bad == ()
    assert steps[-1] == (len(data), len(data))
    assert any("license: CC0" in line for line in notes)
    assert any(hashlib.sha256(data).hexdigest() in line for line in notes)
    assert cached(tmp_path, "partial/*/*") == []


def test_a_set_of_pairs_becomes_two_domains(offer, photo, tmp_path):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as opened:
        for name in ("pairs/train/1.png", "pairs/train/2.png", "pairs/val/3.png"):
            opened.writestr(name, photo("drawn.png", seed=int(name[-5]), size=(64, 128)).read_bytes())
    offer(file.getvalue(), facts={"parts": {"train": "pairs/train", "test": "pairs/val"}, "paired": True})
    folder = download_data("toy", out=tmp_path / "toy")
    assert files(folder) == [
        "testA/3.png",
        "testB/3.png",
        "trainA/1.png",
        "trainA/2.png",
        "trainB/1.png",
        "trainB/2.png",
    ]
    assert {folder.widths for folder in check_data(folder).folders} == {(64, 64, 64)}


def test_without_out_it_is_in_the_data_folder(offer, tmp_path, monkeypatch):
    monkeypatch.setenv("IMGXLATE_DATA", str(tmp_path / "data"))
    offer()
    assert download_data("toy") == tmp_path / "data" / "toy"


def test_it_comes_over_https(offer, secure_server, tmp_path, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))
    offer(on=secure_server)
    assert download_data("toy", out=tmp_path / "toy")


def test_a_set_that_is_here_is_not_downloaded_again_nor_needs_the_network(offer, server, tmp_path):
    offer()
    first = download_data("toy", out=tmp_path / "toy")
    assert download_data("toy", out=tmp_path / "toy", offline=True) == first
    assert len(server.seen) == 1


def test_offline_nothing_is_downloaded(offer, server, tmp_path, monkeypatch):
    offer()
    with pytest.raises(NetworkError, match="switched off") as caught:
        download_data("toy", out=tmp_path / "toy", offline=True)
    assert "imgxlate data download toy" in caught.value.hint
    monkeypatch.setenv("IMGXLATE_OFFLINE", "1")
    with pytest.raises(NetworkError, match="switched off"):
        download_data("toy", out=tmp_path / "toy")
    assert server.seen == []


def test_an_interrupted_download_is_continued(offer, server, tmp_path):
    data = offer(fault="breaks off", pause_at=100_000)
    with pytest.raises(NetworkError) as caught:
        download_data("toy", out=tmp_path / "toy")
    assert "give its folder to `imgxlate train`" in caught.value.hint
    assert not (tmp_path / "toy").exists()
    server.offer("/toy.zip", data)
    download_data("toy", out=tmp_path / "toy")
    assert int(server.seen[-1][1].removeprefix("bytes=").rstrip("-")) > 100_000
    assert check_data(tmp_path / "toy").files == 8


def test_a_later_download_must_be_the_same_archive(offer, archive, tmp_path):
    offer()
    download_data("toy", out=tmp_path / "first")
    offer(archive(seed=100))
    with pytest.raises(NetworkError, match="not the expected one"):
        download_data("toy", out=tmp_path / "second")
    assert not (tmp_path / "second").exists()


def test_a_folder_with_files_is_not_touched_nor_anything_downloaded(offer, server, tmp_path):
    offer()
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "mine").touch()
    with pytest.raises(OutputError, match="not an empty folder"):
        download_data("toy", out=tmp_path / "toy")
    assert server.seen == []


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"toy/trainA/1.jpg": b"1", "toy/trainB/../../../../evil.jpg": b"1"}, "unsafe path"),
        ({"toy/trainA/1.jpg": b"1"}, "does not hold images in all of toy/trainA, toy/trainB"),
        (None, "neither a zip nor a tar.gz archive"),
    ],
)
def test_an_unusable_archive_leaves_nothing(offer, tmp_path, members, said):
    file = io.BytesIO(b"no archive" * 100)
    if members:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as opened:
            for name, data in members.items():
                opened.writestr(name, data)
    offer(file.getvalue())
    with pytest.raises(NetworkError, match=said):
        download_data("toy", out=tmp_path / "deep" / "toy")
    assert list((tmp_path / "deep").iterdir()) == []
    assert cached(tmp_path, "partial/*/*") == []
    assert cached(tmp_path, "records/*") == []


def test_a_full_disk_keeps_the_archive_for_the_next_try(offer, server, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    offer()
    with monkeypatch.context() as patch:
        patch.setattr("imgxlate.data.archives.shutil.copyfileobj", fail)
        with pytest.raises(OutputError, match="No space left"):
            download_data("toy", out=tmp_path / "toy")
    assert not (tmp_path / "toy").exists()
    download_data("toy", out=tmp_path / "toy")
    assert len(server.seen) == 1


def test_two_threads_that_want_the_same_set_download_it_once(offer, server, tmp_path):
    offer()
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(download_data("toy", out=tmp_path / "toy"))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert found == [tmp_path / "toy"] * 2
    assert len(server.seen) == 1


def test_the_description_tells_what_is_here(offer, tmp_path):
    offer()
    card = public_sets.public_sets()["toy"]
    assert download.describe(card)["status"] == "downloadable"
    download_data("toy", out=tmp_path / "toy")
    facts = json.loads(json.dumps(download.describe(card)))
    assert (facts["status"], facts["path"], facts["licence"]) == ("here", str(tmp_path / "toy"), "CC0")
    assert len(facts["sha256"]) == 64
    (tmp_path / "toy").rename(tmp_path / "moved")
    assert download.describe(card)["status"] == "downloadable"


def test_a_damaged_record_is_no_record(offer, tmp_path):
    offer()
    download_data("toy", out=tmp_path / "toy")
    [record] = cached(tmp_path, "records/*")
    record.write_text("{")
    with pytest.raises(OutputError, match="not an empty folder"):
        download_data("toy", out=tmp_path / "toy")


def test_an_unknown_name_is_a_usage_error(offer):
    offer()
    with pytest.raises(UsageError, match="no public data set"):
        download_data("other")

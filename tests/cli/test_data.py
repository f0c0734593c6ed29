"""`imgxlate data`: check, split, download, list."""

import io
import json
import shutil
import zipfile
from dataclasses import replace

import pytest
from web_server import environment, server  # noqa: F401 (fixtures)

from imgxlate.data import public_sets


@pytest.fixture
def data(tmp_path, photo):
    """A small training set with test images."""
    for part, count, seed in (("trainA", 4, 0), ("trainB", 4, 10), ("testA", 2, 20), ("testB", 2, 30)):
        for index in range(count):
            photo(f"data/{part}/{index}.png", seed=seed + index, size=(64, 80))
    return tmp_path / "data"


def test_check_shows_counts_and_the_next_command(run, data):
    result = run("data", "check", data)
    assert result.exit_code == 0, result.stderr
    assert "12 distinct images among 12 files" in result.stdout
    assert "80 / 80 / 80" in result.stdout
    assert "DUPLICATES" not in result.stdout
    assert f"imgxlate train METHOD {data} --out RUN" in result.stderr


def test_check_names_leaks_and_leads_to_split(run, data):
    shutil.copy(data / "trainA" / "1.png", data / "testB" / "leak.png")
    shutil.copy(data / "trainA" / "2.png", data / "trainB" / "both.png")
    result = run("data", "check", data)
    assert result.exit_code == 0, result.stderr
    assert "test images that are also trained on: 1" in result.stdout
    assert "distinct images that are in both training folders: 1" in result.stdout
    assert result.stdout.index("testB/leak.png") < result.stdout.index("trainB/both.png")
    assert "imgxlate data split" in result.stderr


def test_check_exits_with_4_and_the_reason_if_a_file_is_bad(run, data):
    (data / "trainA" / "broken.jpg").write_bytes(b"\xff\xd8 no image")
    result = run("data", "check", data)
    assert result.exit_code == 4
    assert "broken.jpg" in result.stdout
    assert "files that cannot be used: 1 of 13" in result.stderr
    assert json.loads(run("data", "check", data, "--json").stdout)["folders"][0]["bad"][0]["reason"]


def test_check_lists_ten_groups_and_with_verbose_all(run, data):
    for index in range(12):
        shutil.copy(data / "trainA" / "1.png", data / "trainA" / f"copy{index}.png")
        shutil.copy(data / "trainB" / "1.png", data / "trainB" / f"copy{index}.png")
    result = run("data", "check", data, "--json")
    document = json.loads(result.stdout)
    assert [group["kind"] for group in document["duplicates"]] == ["exact", "exact"]
    assert document["distinct"] == 12
    for index in range(12):
        (data / "trainA" / f"bad{index}.png").write_bytes(b"bad")
    assert "and 2 more" in run("data", "check", data).stderr
    assert "bad11.png" in run("data", "check", data, "-v").stdout


def test_split_writes_a_set_for_train(run, data, tmp_path):
    result = run("data", "split", data, "--test", "50%", "--out", tmp_path / "out", "--seed", 3)
    assert result.exit_code == 0, result.stderr
    assert f"imgxlate train METHOD {tmp_path / 'out'} --out RUN" in result.stderr
    assert {len(list((tmp_path / "out" / part).iterdir())) for part in ("trainA", "trainB", "testA", "testB")} == {3}
    again = run("data", "split", data, "--test", "3", "-o", tmp_path / "again", "--seed", 3, "--link", "--json")
    assert json.loads(again.stdout)["images"] == {"trainA": 3, "trainB": 3, "testA": 3, "testB": 3}
    assert run("data", "split", data, "--test", "3", "-o", tmp_path / "again").exit_code == 9


def test_split_leaves_bad_files_out_and_exits_with_4(run, data, tmp_path):
    (data / "trainA" / "broken.jpg").write_bytes(b"\xff\xd8 no image")
    result = run("data", "split", data, "--test", "2", "--out", tmp_path / "out")
    assert result.exit_code == 4
    assert "broken.jpg" in result.stdout
    assert (tmp_path / "out" / "trainA").is_dir()


def test_results_beside_their_inputs_are_neither_checked_nor_split(run, data, tmp_path):
    shutil.copy(data / "trainB" / "0.png", data / "trainA" / "0.cyclegan.png")
    checked = run("data", "check", data, "--json")
    assert json.loads(checked.stdout)["files"] == 12
    assert "0.cyclegan.png" in checked.stderr
    divided = run("data", "split", data, "--test", "2", "--out", tmp_path / "out", "--json")
    assert json.loads(divided.stdout)["images"] == {"trainA": 4, "trainB": 4, "testA": 2, "testB": 2}
    assert "0.cyclegan.png" in divided.stderr


def test_split_needs_test_and_out(run, data):
    assert run("data", "split", data, "--test", "2").exit_code == 2
    assert run("data", "split", data, "--out", "out").exit_code == 2


def test_the_list_shows_size_license_and_status(run):
    rows = {row["name"]: row for row in json.loads(run("data", "list", "--json").stdout)["sets"]}
    assert rows["horse2zebra"]["status"] == "downloadable"
    assert rows["afhq-cat2dog"]["licence"].startswith("CC BY-NC")
    table = run("data", "list").stdout
    assert all(name in table for name in rows)
    assert "117 MB" in table


@pytest.fixture
def toy(data, server, monkeypatch):  # noqa: F811 (a fixture)
    """The small training set as the public data set "toy"."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for image in data.rglob("*.png"):
            archive.write(image, f"toy/{image.relative_to(data)}")
    url = server.offer("/toy.zip", file.getvalue())
    card = replace(public_sets.find("maps"), name="toy", filename="toy.zip", urls=(url,), size=len(file.getvalue()))
    monkeypatch.setattr(public_sets, "public_sets", lambda: {"toy": card})


def test_a_download_prints_the_folder_and_the_next_command(run, toy, tmp_path):
    result = run("data", "download", "toy", "--out", tmp_path / "toy")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.strip() == str(tmp_path / "toy")
    assert "publishes no hash" in result.stderr
    assert f"imgxlate data check {tmp_path / 'toy'}" in result.stderr
    assert run("data", "check", tmp_path / "toy").exit_code == 0
    again = run("data", "download", "toy", "--out", tmp_path / "toy", "--json", "--offline")
    assert json.loads(again.stdout)["path"] == str(tmp_path / "toy")
    assert str(tmp_path / "toy") in run("data", "list").stdout


def test_offline_a_download_ends_with_5_and_what_to_type(run):
    result = run("data", "download", "horse2zebra", "--offline")
    assert result.exit_code == 5
    assert "imgxlate data download horse2zebra" in result.stderr
    assert run("data", "download", "horse2zebr").exit_code == 2

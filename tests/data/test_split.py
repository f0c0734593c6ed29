import os
import re
import shutil

import pytest
from PIL import Image, ImageOps

from imgxlate import check_data, split_data
from imgxlate.errors import OutputError, UsageError


@pytest.fixture
def data(tmp_path, photo):
    """Two folders of 8 different images each."""
    for folder, seed in (("summer", 0), ("winter", 100)):
        for index in range(8):
            photo(f"{folder}/{'deep/' if index % 2 else ''}{index}.png", seed=seed + index, size=(64, 80))
    return tmp_path / "summer", tmp_path / "winter"


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def contents(folder, *parts):
    return {data for name, data in files(folder).items() if name.startswith(parts)}


@pytest.mark.parametrize("test", [2, "2", "25%", 0.25, "0.25"])
def test_images_are_shared_out_whole(data, tmp_path, test):
    before = [files(folder) for folder in data]
    split = split_data(*data, test=test, out=tmp_path / "out")
    assert split.images == {"trainA": 6, "trainB": 6, "testA": 2, "testB": 2}
    assert contents(tmp_path / "out", "trainA", "testA") == set(before[0].values())
    assert contents(tmp_path / "out", "trainB", "testB") == set(before[1].values())
    assert [files(folder) for folder in data] == before


def test_the_seed_and_the_images_decide_and_not_their_names(data, tmp_path):
    first = split_data(*data, test=2, out=tmp_path / "first").folder
    again = split_data(*data, test=2, out=tmp_path / "again").folder
    assert files(first) == files(again)
    other = split_data(*data, test=2, out=tmp_path / "other", seed=1).folder
    assert contents(other, "testA") != contents(first, "testA")
    (data[0] / "0.png").rename(data[0] / "renamed.png")
    renamed = split_data(*data, test=2, out=tmp_path / "renamed").folder
    assert contents(renamed, "testA") == contents(first, "testA")


@pytest.mark.parametrize("seed", range(4))
def test_near_duplicates_stay_together_also_across_domains(data, tmp_path, seed):
    summer, winter = data
    for index in (0, 2, 4):
        with Image.open(summer / f"{index}.png") as image:
            ImageOps.mirror(image).save(summer / f"mirrored{index}.png")
            image.save(winter / f"copy{index}.webp", quality=95)
    split_data(*data, test=3, out=tmp_path / "out", seed=seed)
    report = check_data(tmp_path / "out")
    assert len(report.duplicates) == 3
    assert report.trained_tests == ()


def test_a_set_with_leaks_is_split_again_without_them(data, tmp_path):
    leaky = split_data(*data, test=2, out=tmp_path / "leaky").folder
    for file in (leaky / "testA").rglob("*.png"):
        shutil.copy(file, leaky / "trainA" / f"copy-{file.name}")
    assert len(check_data(leaky).trained_tests) == 2
    split = split_data(leaky, test=3, out=tmp_path / "out")
    assert split.images == {"trainA": 7, "trainB": 5, "testA": 3, "testB": 3}
    assert check_data(split.folder).trained_tests == ()


def test_files_of_the_same_name_are_all_kept(data, tmp_path, photo):
    first = split_data(*data, test=2, out=tmp_path / "first").folder
    for part in ("trainA", "testA"):
        photo(f"first/{part}/same.png", seed=50 + len(part), size=(64, 80))
    split = split_data(first, test=5, out=tmp_path / "out")
    assert split.images["trainA"] + split.images["testA"] == 10
    assert len(contents(tmp_path / "out", "trainA", "testA")) == 10


def test_bad_files_are_left_out_and_named(data, tmp_path, add_unusable):
    added = add_unusable(data[0])
    split = split_data(*data, test=2, out=tmp_path / "out")
    assert {file.path for file in split.bad} == added
    assert split.images["trainA"] == 6


def test_links_take_no_space(data, tmp_path):
    split_data(*data, test=2, out=tmp_path / "out", link=True)
    names = {path.stat().st_ino for path in (tmp_path / "out").rglob("*.png")}
    assert names == {path.stat().st_ino for folder in data for path in folder.rglob("*.png")}


def test_a_failing_link_leaves_nothing_and_leads_to_copies(data, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", fail)  # Another disk.
    with pytest.raises(OutputError, match="cross-device") as caught:
        split_data(*data, test=2, out=tmp_path / "out", link=True)
    assert "--link" in caught.value.hint
    assert not (tmp_path / "out").exists()


def test_a_full_disk_leaves_nothing(data, tmp_path, monkeypatch):
    copyfile, copied = shutil.copyfile, []

    def fail_at_last(source, target):
        copied.append(source)
        if len(copied) == 9:
            raise OSError(28, "No space left on device")
        return copyfile(source, target)

    monkeypatch.setattr(shutil, "copyfile", fail_at_last)
    with pytest.raises(OutputError, match="No space left"):
        split_data(*data, test=2, out=tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} - {"cache"} == {"summer", "winter"}


def test_a_folder_with_files_is_not_replaced(data, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "kept").touch()
    with pytest.raises(OutputError, match="exists"):
        split_data(*data, test=2, out=tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["kept"]


def test_the_new_folder_may_not_be_inside_a_source(data):
    with pytest.raises(UsageError, match="is inside"):
        split_data(*data, test=2, out=data[0] / "out")


@pytest.mark.parametrize(
    ("test", "said"),
    [
        (0, "must be a number"),
        (-1, "must be a number"),
        (1.5, "must be a number"),
        ("100%", "must be a number"),
        ("many", "must be a number"),
        ("nan", "must be a number"),
        (8, "leave none for training"),
        ("99%", "leave none for training"),
    ],
)
def test_an_invalid_number_of_test_images_is_refused(data, tmp_path, test, said):
    with pytest.raises(UsageError, match=said):
        split_data(*data, test=test, out=tmp_path / "out")


def test_the_error_for_too_few_images_names_a_bad_file(data, tmp_path):
    bad = data[0] / "bad.png"
    bad.write_bytes(b"no image")
    with pytest.raises(UsageError, match=rf"and 1 that cannot be used, such as {re.escape(str(bad))}: ") as raised:
        split_data(*data, test=8, out=tmp_path / "out")
    assert "imgxlate data check" in raised.value.hint

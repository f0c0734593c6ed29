import shutil

import pytest
from PIL import Image, ImageOps

from imgxlate import check_data
from imgxlate.data import leaks
from imgxlate.data.folders import find


@pytest.fixture
def data(tmp_path, photo):
    """A training set with test images and no leak."""
    for part, seed in (("trainA", 0), ("trainB", 10), ("testA", 20), ("testB", 30)):
        for index in range(4):
            photo(f"data/{part}/{index}.png", seed=seed + index, size=(64, 80))
    return tmp_path / "data"


def warnings(data, **how):
    said = []
    leaks.warn(find(data, None), said.append, **how)
    return said


def test_a_set_without_leaks_gets_no_warning(data):
    assert warnings(data) == []


def test_a_warning_counts_copies_in_any_form_and_names_the_command(data):
    shutil.copy(data / "trainA" / "0.png", data / "testB" / "copy.png")
    with Image.open(data / "trainB" / "1.png") as image:
        ImageOps.mirror(image).save(data / "testB" / "mirrored.webp", quality=95)
    [line] = warnings(data)
    assert "2 of 10 test images are also trained on" in line
    assert f"`imgxlate data check {data}`" in line


def test_the_command_names_both_folders_if_they_have_other_names_and_quotes_them(data, tmp_path):
    for part, name in (("trainA", "in summer"), ("trainB", "winter")):
        (data / part).rename(data / name)
    said = []
    shutil.copy(data / "winter" / "0.png", data / "testB" / "copy.png")
    tests = ("", str(data / "testB"))
    leaks.warn(find(data / "in summer", data / "winter", tests=tests), said.append)
    assert f"`imgxlate data check '{data}/in summer' {data}/winter`" in said[0]


def test_copied_files_are_found_even_without_time(data):
    shutil.copy(data / "trainA" / "0.png", data / "testB" / "copy.png")
    [line] = warnings(data, seconds=0)
    assert "1 of 9 test images" in line


def test_the_look_ends_when_its_time_is_over(data, monkeypatch):
    read = []

    def examine(files):
        for file in files:
            read.append(file)
            yield None

    monkeypatch.setattr(leaks, "examine", examine)
    assert warnings(data, seconds=0) == []
    assert len(read) == 1  # of the tests; without tests, no training image is read


def test_without_test_images_nothing_is_read(data, monkeypatch):
    shutil.rmtree(data / "testA")
    shutil.rmtree(data / "testB")
    monkeypatch.setattr(leaks, "sha256_of", lambda _: pytest.fail("a file was read"))
    shutil.copy(data / "trainA" / "0.png", data / "trainB" / "copy.png")
    assert warnings(data) == []


def test_bad_files_do_not_stop_the_look(data, add_unusable):
    add_unusable(data / "testA")
    add_unusable(data / "trainB")
    shutil.copy(data / "trainA" / "0.png", data / "testB" / "copy.png")
    [line] = warnings(data)
    assert "of 12 test images are also trained on" in line


def test_the_next_look_continues_where_the_last_one_ended(data):
    with Image.open(data / "trainA" / "0.png") as image:
        image.resize((160, 128)).save(data / "testA" / "large.png")
    lines = [warnings(data, seconds=0) for _ in range(20)]
    assert lines[0] == []
    assert "1 of 9 test images" in lines[-1][0]


def test_after_a_check_no_image_is_read(data, monkeypatch):
    with Image.open(data / "trainA" / "0.png") as image:
        image.resize((160, 128)).save(data / "testA" / "large.png")
    check_data(data)
    read = []

    def examine(files):
        read.extend(files)
        yield from ()

    monkeypatch.setattr(leaks, "examine", examine)
    assert "1 of 9 test images" in warnings(data)[0]
    assert read == []

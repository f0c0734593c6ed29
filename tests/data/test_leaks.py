import shutil

import pytest
from PIL import Image, ImageOps

from imgxlate import check_data
from imgxlate.data import copies, leaks
from imgxlate.data.folders import find
from imgxlate.data.hold_out import hold_out


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
    assert f"`imgxlate data check {data}` lists them" in line
    assert f"{data}/testB/copy.png resembles {data}/trainA/0.png" in line


def test_the_warning_names_a_few_files_and_how_many_more(data):
    for index in range(4):
        shutil.copy(data / "trainA" / f"{index}.png", data / "testB" / f"copy{index}.png")
    [line] = warnings(data)
    assert line.count(" resembles ") == 3
    assert ", and 1 more" in line


def test_no_command_is_named_for_test_folders_that_it_does_not_know(data):
    (data / "testB").rename(data / "mine")
    shutil.copy(data / "trainA" / "0.png", data / "mine" / "copy.png")
    said = []
    leaks.warn(find(data, None, tests=("", str(data / "mine"))), said.append)
    assert f"{data}/mine/copy.png resembles" in said[0]
    assert "imgxlate data" not in said[0]


def test_for_images_that_are_set_aside_the_command_that_keeps_copies_together_is_named_and_quoted(photo, tmp_path):
    for name, seed in (("in summer", 0), ("winter", 100)):
        for index in range(40):
            photo(f"data/{name}/{index}.png", seed=seed + index, size=(40, 40))
    first, second = tmp_path / "data" / "in summer", tmp_path / "data" / "winter"
    chosen = hold_out(find(first, second), 0.2).test_a[0]
    with Image.open(chosen) as image:
        ImageOps.mirror(image).save(second / "mirrored.png")
    said = []
    leaks.warn(hold_out(find(first, second), 0.2), said.append)
    assert f"{chosen} resembles {second}/mirrored.png" in said[0]
    assert f"`imgxlate data split '{first}' {second} --test 10% --out FOLDER`" in said[0]


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
    monkeypatch.setattr(copies, "sha256_of", lambda _: pytest.fail("a file was read"))
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

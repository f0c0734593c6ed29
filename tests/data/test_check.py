import shutil

import numpy as np
import pytest
from PIL import Image, ImageOps

from imgxlate import check_data
from imgxlate.errors import UsageError


@pytest.fixture
def data(tmp_path, photo):
    """A training set with nothing wrong: 4 images in each training folder, 2 in each test folder."""
    for part, count, seed in (("trainA", 4, 0), ("trainB", 4, 10), ("testA", 2, 20), ("testB", 2, 30)):
        for index in range(count):
            photo(f"data/{part}/{index}.png", seed=seed + index, size=(64, 80))
    return tmp_path / "data"


def by_part(report):
    return {folder.part: folder for folder in report.folders}


def test_a_set_without_faults_has_none(data):
    report = check_data(data)
    assert (report.files, report.distinct, report.bad, report.duplicates) == (12, 12, (), ())
    assert (report.in_both_domains, report.trained_tests) == (0, ())


def test_sizes_and_modes_are_counted(data):
    Image.open(data / "trainA" / "0.png").convert("L").resize((200, 100)).save(data / "trainA" / "wide.png")
    report = check_data(data, crop=70)
    folder = by_part(report)["trainA"]
    assert folder.widths == (80, 80, 200)
    assert folder.heights == (64, 64, 100)
    assert folder.small == 4
    assert folder.modes == {"RGB": 4, "L": 1}


def test_results_beside_their_inputs_are_left_out(data):
    shutil.copy(data / "trainA" / "0.png", data / "trainA" / "0.munit.png")
    messages = []
    report = check_data(data, notify=messages.append)
    assert (report.files, report.duplicates) == (12, ())
    assert "0.munit.png (a result of imgxlate)" in messages[0]


def test_the_size_is_the_upright_one(data, photo):
    exif = Image.Exif()
    exif[274] = 6  # Turn it by 90 degrees.
    photo("data/testA/turned.jpg", seed=99, size=(30, 90), exif=exif)
    assert by_part(check_data(data))["testA"].heights == (64, 64, 90)


def test_files_that_training_skips_are_bad(data, add_unusable):
    added = add_unusable(data / "trainB")
    report = check_data(data)
    assert {file.path for file in report.bad} == added
    assert all(file.reason for file in report.bad)
    assert by_part(report)["trainB"].bad == report.bad
    assert (by_part(report)["trainB"].files, by_part(report)["trainB"].distinct) == (7, 4)


def test_a_folder_of_bad_files_alone_has_no_sizes(data):
    for file in (data / "testA").iterdir():
        file.write_bytes(b"no image")
    assert by_part(check_data(data))["testA"].widths is None


def test_a_copied_file_is_an_exact_duplicate(data):
    shutil.copy(data / "trainA" / "1.png", data / "trainA" / "again.png")
    report = check_data(data)
    [duplicates] = report.duplicates
    assert duplicates.is_exact
    assert {file.name for file in duplicates.files} == {"1.png", "again.png"}
    assert (report.files, report.distinct, by_part(report)["trainA"].distinct) == (13, 12, 4)
    assert (report.in_both_domains, report.trained_tests) == (0, ())


def test_a_test_image_that_is_also_trained_on_is_found_in_any_encoding(data):
    with Image.open(data / "trainA" / "1.png") as image:
        image.resize((160, 128)).save(data / "testA" / "large.webp", quality=95)
        ImageOps.mirror(image).save(data / "testB" / "mirrored.png")
    report = check_data(data)
    assert {file.name for file in report.trained_tests} == {"large.webp", "mirrored.png"}
    [duplicates] = report.duplicates
    assert not duplicates.is_exact
    assert duplicates.has_mirrored
    assert report.in_both_domains == 0


def test_an_image_of_both_domains_is_counted_once(data):
    for name in ("one.png", "two.png"):
        shutil.copy(data / "trainA" / "1.png", data / "trainB" / name)
    report = check_data(data)
    assert report.in_both_domains == 1
    assert report.distinct == 12


def test_duplicates_among_tests_are_no_leak(data):
    shutil.copy(data / "testA" / "1.png", data / "testB" / "again.png")
    report = check_data(data)
    assert len(report.duplicates) == 1
    assert report.trained_tests == ()


def test_two_folders_have_no_test_images(data):
    report = check_data(data / "testA", data / "testB")
    assert [folder.part for folder in report.folders] == ["trainA", "trainB"]
    assert [folder.path for folder in report.folders] == [data / "testA", data / "testB"]


def test_progress_counts_files(data):
    steps = []
    check_data(data, progress=lambda *step: steps.append(step))
    assert steps == [(done, 12) for done in range(1, 13)]


def test_the_order_and_the_number_of_threads_do_not_matter(data, monkeypatch):
    several = check_data(data).to_json()
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert check_data(data).to_json() == several


def test_unusable_arguments_are_refused(data):
    with pytest.raises(UsageError, match="crop"):
        check_data(data, crop=0)
    with pytest.raises(UsageError, match="no such folder"):
        check_data(data / "absent")


def test_almost_flat_images_are_no_duplicates_of_each_other(data):
    rng = np.random.default_rng(0)
    for index in range(4):
        noise = rng.integers(120, 126, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(noise).save(data / "trainA" / f"gray{index}.png")
    assert check_data(data).duplicates == ()


def test_images_that_are_not_in_color_are_examined_in_false_colors(tmp_path):
    rng = np.random.default_rng(0)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        for index in range(3):
            smooth = np.asarray(Image.fromarray(rng.integers(0, 255, (6, 6), np.uint8)).resize((64, 64)))
            np.save(tmp_path / folder / f"{index}.npy", smooth.astype(np.float32) * 10 - 1000)
    np.save(tmp_path / "b" / "copy.npy", np.load(tmp_path / "b" / "0.npy") + 1)
    report = check_data(tmp_path / "a", tmp_path / "b", crop=64)
    assert not report.bad
    assert report.folders[0].modes == {"1 x float32": 3}
    assert [sorted(file.name for file in group.files) for group in report.duplicates] == [["0.npy", "copy.npy"]]

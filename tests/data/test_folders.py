import os
import subprocess
import sys
from pathlib import Path

import pytest

from imgxlate.data.folders import find
from imgxlate.errors import ImageError, UsageError


@pytest.fixture
def put(tmp_path):
    """Write files, and return the folder that holds them."""

    def make(*names, content=b"x"):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content)
        return tmp_path

    return make


def below(folder, paths):
    return [path.relative_to(folder).as_posix() for path in paths]


def test_two_folders_are_searched_recursively_in_an_order_of_their_own(put):
    root = put("x/b.png", "x/a/z.JPG", "x/a.webp", "x/B.png", "y/1.tif", "y/notes.txt")
    folders = find(root / "x", root / "y")
    assert below(root / "x", folders.train_a) == ["B.png", "a.webp", "a/z.JPG", "b.png"]
    assert below(root / "y", folders.train_b) == ["1.tif"]
    assert folders.names == ("x", "y")


def test_hidden_files_and_folders_and_pipes_are_left_out(put):
    root = put("x/a.png", "x/._a.png", "x/.thumbnails/a.png", "y/a.png")
    (root / "x" / "folder.png").mkdir()
    os.mkfifo(root / "x" / "pipe.png")
    (root / "x" / "nowhere.png").symlink_to(root / "absent.png")
    assert below(root / "x", find(root / "x", root / "y").train_a) == ["a.png"]


def test_links_are_followed_and_circles_are_harmless(put):
    root = put("x/one/a.png", "elsewhere/b.png", "y/a.png")
    (root / "x" / "linked").symlink_to(root / "elsewhere")
    (root / "x" / "one" / "up").symlink_to(root / "x")
    (root / "elsewhere" / "back").symlink_to(root / "x" / "one")
    assert {path.name for path in find(root / "x", root / "y").train_a} == {"a.png", "b.png"}
    assert len(find(root / "x", root / "y").train_a) == 2


def test_one_folder_gives_training_and_test_images(put):
    root = put("trainA/a.png", "trainB/b.png", "testA/c.png", "testB/deep/d.png")
    folders = find(root, None)
    assert [below(root, paths) for paths in (folders.train_a, folders.train_b)] == [["trainA/a.png"], ["trainB/b.png"]]
    assert [below(root, paths) for paths in (folders.test_a, folders.test_b)] == [["testA/c.png"], ["testB/deep/d.png"]]
    assert folders.names == ("A", "B")


def test_two_folders_named_for_training_have_their_test_images_beside_them(put):
    root = put("trainA/a.png", "trainB/b.png", "testA/c.png", "testB/d.png")
    folders = find(root / "trainB", root / "trainA")
    assert below(root, folders.test_a) == ["testB/d.png"]
    assert below(root, folders.test_b) == ["testA/c.png"]
    assert folders.names == ("A", "B")


@pytest.mark.parametrize("test_folder", [None, "testA/notes.txt"])
def test_without_test_images_the_training_images_are_used(put, test_folder):
    root = put("trainA/a.png", "trainB/b.png", *filter(None, [test_folder]))
    folders = find(root, None)
    assert (folders.test_a, folders.test_b) == (folders.train_a, folders.train_b)


def test_domains_have_different_names(put, monkeypatch):
    root = put("one/photos/a.png", "two/Photos/b.png")
    photos = root / "one" / "photos", root / "two" / "Photos"
    assert find(*photos).names == ("A", "B")
    assert find(*photos, names=("", "paintings")).names == ("photos", "paintings")
    with pytest.raises(UsageError, match="both domains would be called"):
        find(*photos, names=("photos", ""))
    monkeypatch.chdir(photos[0])
    assert find(Path(), photos[1].parent).names == ("photos", "two")


def test_the_digest_tells_that_the_data_changed(put):
    root = put("x/a.png", "x/b.png", "y/a.png")
    before = find(root / "x", root / "y")
    assert find(root / "x", root / "y", names=("p", "q")).digest == before.digest
    assert find(root / "y", root / "x").digest != before.digest
    put("x/b.png", content=b"longer")
    longer = find(root / "x", root / "y")
    (root / "x" / "b.png").rename(root / "x" / "c.png")
    renamed = find(root / "x", root / "y")
    assert len({before.digest, longer.digest, renamed.digest}) == 3


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("absent", "y"), "absent: no such folder"),
        (("y", "y/a.png"), "a.png: not a folder"),
        (("y", "empty"), "the folder holds no image"),
        (("empty", None), "does not hold both trainA and trainB: it holds no folders"),
        (("only", None), "does not hold both trainA and trainB: it holds the folders trainA, validation"),
        (("y/a.png", None), "not a folder"),
    ],
)
def test_an_unusable_folder_is_an_error_with_a_reason(put, names, message):
    root = put("y/a.png", "empty/notes.txt", "only/trainA/a.png", "only/validation/a.png")
    first, second = names
    with pytest.raises(UsageError, match=message):
        find(root / first, second and root / second)


def test_a_folder_without_images_leads_to_the_suffixes_that_are_read(put):
    root = put("x/a.psd", "y/a.png")
    with pytest.raises(UsageError) as error:
        find(root / "x", root / "y")
    assert ".png" in error.value.hint
    assert ".tiff" in error.value.hint


def test_an_unreadable_subfolder_is_an_error_that_names_it(put, monkeypatch):
    root = put("x/a.png", "x/locked/b.png", "y/a.png")
    scandir = os.scandir

    def refusing(path):
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)  # Permissions do not stop a test that runs as root.
    with pytest.raises(ImageError, match="locked: cannot be read: Permission denied"):
        find(root / "x", root / "y")


@pytest.mark.parametrize("pair", [True, False])
def test_a_folder_that_may_not_be_entered_is_an_error_that_names_it(put, monkeypatch, pair):
    root = put("trainA/a.png", "trainB/b.png")
    locked, is_dir = root / "trainA", Path.is_dir

    def refusing(path):
        if path == locked:
            raise PermissionError(13, "Permission denied", str(path))
        return is_dir(path)

    monkeypatch.setattr(Path, "is_dir", refusing)
    with pytest.raises(ImageError, match="trainA: cannot be read: Permission denied"):
        find(*((locked, root / "trainB") if pair else (root, None)))


def test_finding_folders_imports_neither_torch_nor_numpy():
    program = "import sys, imgxlate.data.folders; sys.exit(bool({'torch', 'numpy', 'PIL'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_given_test_folders_take_precedence_and_must_hold_images(put):
    root = put("trainA/a.png", "trainB/b.png", "testA/c.png", "mine/d.png", "mine/e.png")
    folders = find(root, None, tests=(str(root / "mine"), ""))
    assert [below(root, paths) for paths in (folders.test_a, folders.test_b)] == [
        ["mine/d.png", "mine/e.png"],
        ["trainB/b.png"],
    ]
    assert (folders.a.source, folders.b.source) == ("folder", "training")
    assert [(part.name, part.folder) for part in folders.parts if part.is_test] == [("testA", root / "mine")]
    with pytest.raises(UsageError, match="no such folder"):
        find(root, None, tests=("", str(root / "absent")))


def test_training_names_the_files_that_look_like_images_and_are_not_read(tmp_path):
    said = []
    for name in ("trainA/a.png", "trainA/a.psd", "trainB/b.png", "testA/c.png", "testA/c.dcm"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    find(tmp_path, None, notify=said.append)
    assert len(said) == 2
    assert "a.psd" in said[0]
    assert "c.dcm" in said[1]


def test_two_folders_of_other_names_are_proposed(tmp_path):
    for name in ("horses/a.png", "zebras/b.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    with pytest.raises(UsageError, match="holds the folders horses, zebras") as caught:
        find(tmp_path, None)
    assert f"{tmp_path / 'horses'} {tmp_path / 'zebras'}" in caught.value.hint


def test_a_data_set_one_folder_below_is_proposed(tmp_path):
    for name in ("maps/trainA", "maps/trainB", "maps/testA"):
        (tmp_path / name).mkdir(parents=True)
    with pytest.raises(UsageError, match="holds the folders maps") as caught:
        find(tmp_path, None)
    assert caught.value.hint == f"Give {tmp_path / 'maps'}, which holds both."


def test_results_beside_their_inputs_are_not_trained_on(tmp_path):
    said = []
    for name in ("trainA/a.png", "trainA/a.munit.00.png", "trainA/other.munit.png", "trainB/b.png", "testB/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = find(tmp_path, None, notify=said.append, labels=("munit", "unit"))
    assert [path.name for path in found.train_a] == ["a.png", "other.munit.png"]
    assert said == [
        f"{tmp_path / 'trainA'}: left out 1 file that looks like an image: a.munit.00.png (a result of imgxlate)"
    ]
    assert found.digest != find(tmp_path, None).digest

"""Finding input images."""

import os
from pathlib import Path

import pytest

from imgxlate.errors import ImageError, UsageError
from imgxlate.images.inputs import Source, expand, walk

LABELS = ("munit", "unit", "neural-style")


def test_a_folder_gives_its_images_recursively_in_order(photos):
    assert [source.name for source in expand(["photos"])] == ["photos/a.png", "photos/b.JPG", "photos/trip/c.webp"]


def test_outputs_inside_the_input_folder_are_not_read_again(photos):
    (photos / "photos" / "out").mkdir()
    (photos / "photos" / "out" / "a.munit.png").write_bytes(b"")
    assert len(expand(["photos"], "photos/out")) == 3


def test_the_error_for_a_folder_without_images_lists_the_suffixes(photos):
    (photos / "empty").mkdir()
    with pytest.raises(ImageError, match="holds no image") as caught:
        expand(["empty"])
    assert ".png" in caught.value.hint


def test_a_file_is_taken_as_given_whether_or_not_it_exists(photos):
    assert expand(["nowhere.xyz"]) == [Source(Path("nowhere.xyz"))]


def test_standard_input_is_read_once(photos):
    assert expand(["-"])[0].stem == "stdin"
    with pytest.raises(UsageError, match="only once"):
        expand(["-", "-"])


@pytest.mark.parametrize("output", [".", "..", "photos"])
def test_an_output_folder_above_or_at_the_input_leaves_nothing_out(photos, output):
    assert len(expand(["photos"], output)) == 3


def test_results_beside_their_inputs_are_not_read_again(photos):
    for name in ("a.unit.png", "b.unit.00.png", "other.unit.png"):
        (photos / "photos" / name).write_bytes(b"")
    read = [source.name for source in expand(["photos"], "photos", LABELS)]
    assert read == ["photos/a.png", "photos/b.JPG", "photos/other.unit.png", "photos/trip/c.webp"]


def test_an_empty_folder_among_other_inputs_is_kept(photos):
    (photos / "empty").mkdir()
    assert [source.name for source in expand(["photos/a.png", "empty"])] == ["photos/a.png", "empty"]


def test_a_name_that_is_too_long_is_an_input_like_any_other(photos):
    name = "x" * 300 + ".png"
    assert expand([name]) == [Source(Path(name))]


def test_results_of_namesakes_are_not_read_again(photos):
    """Two inputs whose names differ by their suffix keep it in the names of their outputs."""
    (photos / "photos" / "a.jpg").write_bytes(b"")
    for name in ("a.jpg.unit.png", "a.png.unit.00.png", "a.png.unit.123.png", "gone.jpg.unit.png"):
        (photos / "photos" / name).write_bytes(b"")
    read = [source.path.name for source in expand(["photos"], None, LABELS)]
    assert read == ["a.jpg", "a.png", "b.JPG", "gone.jpg.unit.png", "c.webp"]


@pytest.mark.parametrize(
    "result",
    [
        "a.munit.00.png",
        "b.munit.jpg",
        "a.neural-style.png",
        "trip/c.munit.png",
        "out/a.png.munit.00.png",
        "winter/2024/trip/c.munit.001.webp",
        "munit.styles.png",
        "munit.styles.jpg",
        "a.neural-style.steps/00001.png",
        "a.munit-2.01.png",  # of `compare` with two models
        "b.munit-3.png",
    ],
)
def test_results_of_every_method_are_not_read_again(photos, result):
    (photos / "photos" / result).parent.mkdir(parents=True, exist_ok=True)
    (photos / "photos" / result).write_bytes(b"")
    assert len(expand(["photos"], None, LABELS)) == 3
    assert len(expand([f"photos/{result}"], None, LABELS)) == 1


def test_a_folder_with_nothing_but_results_is_an_error_that_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("sheets").mkdir()
    with pytest.raises(ImageError, match="sheets: the folder holds no image"):
        expand(["sheets"], None, LABELS)
    Path("sheets/munit.styles.png").write_bytes(b"")
    with pytest.raises(ImageError, match="sheets: the folder holds only results of imgxlate"):
        expand(["sheets"], None, LABELS)


@pytest.mark.parametrize("name", ["a.munit.5.png", "a.munit.gif", "c.munit.png", "a.painting.png"])
def test_other_names_are_inputs(photos, name):
    """One digit, a format that is not written, an original in another folder, no method."""
    (photos / "photos" / name).write_bytes(b"")
    assert Source(Path("photos", name)) in expand(["photos"], None, LABELS)


def test_hidden_folders_are_left_out_and_links_are_followed_once(photos):
    (photos / "photos" / ".cache").mkdir()
    (photos / "photos" / ".cache" / "d.png").write_bytes(b"")
    (photos / "elsewhere").mkdir()
    (photos / "elsewhere" / "e.png").write_bytes(b"")
    (photos / "photos" / "linked").symlink_to(photos / "elsewhere")
    (photos / "photos" / "again").symlink_to(photos / "elsewhere")
    (photos / "elsewhere" / "circle").symlink_to(photos / "photos")
    (photos / "photos" / "dangling").symlink_to(photos / "nowhere")
    names = [source.path.name for source in expand(["photos"])]
    assert sorted(names) == ["a.png", "b.JPG", "c.webp", "e.png"]
    assert sorted(path.name for path in walk(photos / "photos")) == sorted(names)


def test_a_folder_that_cannot_be_read_is_an_error_that_names_it(photos, monkeypatch):
    scandir = os.scandir

    def refuse(path):
        if Path(path).name == "trip":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)  # Permissions do not stop a test that runs as root.
    with pytest.raises(ImageError, match="trip: cannot be read: Permission denied"):
        expand(["photos", "other.png"])


def test_a_folder_that_can_be_listed_and_not_entered_is_an_error(photos, monkeypatch):
    status = Path.stat

    def refuse(path, **options):
        if path.parent.name == "trip":
            raise PermissionError(13, "Permission denied", str(path))
        return status(path, **options)

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(ImageError, match=r"trip/c\.webp: cannot be read: Permission denied"):
        expand(["photos"])


def test_files_that_look_like_images_and_are_not_read_are_named(photos):
    said: list[str] = []
    folder = photos / "photos"
    contents = {
        "IMG_2.PSD": b"",
        "trip/ct.dcm": b"",
        "clip.mp4": b"",
        "nosuffix": b"\x89PNG\r\n\x1a\n",
        "README": b"text",
        "data.json": b"{}",
        "._a.png": b"",
        ".thumbs/a.png": b"",
        ".git/config": b"",
    }
    for name, content in contents.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "lost.png").symlink_to(photos / "nowhere.png")
    assert len(expand(["photos"], None, LABELS, said.append)) == 3
    assert said == [
        "photos: left out 7 files that look like images: .hidden.png, .thumbs (hidden); "
        "IMG_2.PSD, clip.mp4, ct.dcm (a format that is not read); "
        "lost.png (a link to nothing, or no file); nosuffix (no suffix)"
    ]


def test_a_folder_of_unread_files_is_an_error_that_names_them(tmp_path):
    for number in range(5):
        (tmp_path / f"{number}.dcm").touch()
    with pytest.raises(ImageError, match=r"5 files that look like images: 0.dcm, 1.dcm, 2.dcm and 2 more \(a format"):
        expand([str(tmp_path)])


def test_patterns_that_no_shell_has_expanded_are_expanded(photos):
    assert [source.name for source in expand(["photos/*.png", "photos/**/*.webp"])] == [
        "photos/a.png",
        "photos/trip/c.webp",
    ]
    (photos / "[x].png").touch()
    assert expand(["[x].png"]) == [Source(Path("[x].png"))]
    assert expand(["none/*.png"]) == [Source(Path("none/*.png"))]

"""Setting training images aside as test images."""

from pathlib import Path

import pytest

from imgxlate.data.folders import find
from imgxlate.data.hold_out import choose, hold_out


@pytest.fixture
def put(tmp_path):
    """Write files with different bytes, or with the bytes `content`, and return the folder that holds them."""

    def make(*names, content=None):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(name.encode() if content is None else content)
        return tmp_path

    return make


@pytest.fixture
def hundred(put):
    """A folder with 100 training images of A and 79 of B."""
    return put(*(f"trainA/{n}.png" for n in range(100)), *(f"trainB/{n}.png" for n in range(79)))


def test_a_tenth_of_the_training_images_is_set_aside_unless_that_is_too_few(hundred):
    found = hold_out(find(hundred, None), 0.1)
    assert (len(found.train_a), len(found.test_a)) == (90, 10)
    assert sorted([*found.train_a, *found.test_a]) == sorted(find(hundred, None).train_a)
    assert (len(found.train_b), found.test_b) == (79, found.train_b)
    assert (found.a.source, found.b.source) == ("set aside", "training")
    assert found.set_aside == 10


def test_at_most_a_hundred_images_are_set_aside(put):
    root = put(*(f"trainA/{n}.png" for n in range(250)), *(f"trainB/{n}.png" for n in range(40)))
    found = hold_out(find(root, None), 0.5)
    assert (len(found.test_a), len(found.test_b)) == (100, 20)
    assert (found.a.source, found.b.source) == ("set aside", "set aside")


def test_nothing_is_set_aside_in_a_domain_with_test_images(hundred, put):
    put("testA/a.png")
    found = hold_out(find(hundred, None), 0.5)
    assert (len(found.train_a), len(found.test_a)) == (100, 1)
    assert len(found.test_b) == found.set_aside == 39


def test_the_choice_follows_from_the_names_alone_and_hardly_changes_with_more_files(tmp_path):
    files = [tmp_path / f"{n}.png" for n in range(50)]
    chosen = choose(files, 10)
    assert list(chosen) == sorted(chosen, key=files.index)
    assert chosen != tuple(files[:10])
    moved = choose([Path("elsewhere") / file.name for file in files], 10)
    assert [file.name for file in moved] == [file.name for file in chosen]
    more = choose([*files, tmp_path / "more.png"], 10)
    assert len(set(more) & set(chosen)) >= 9
    assert choose(files, 99) == tuple(files)


def test_files_with_the_same_bytes_stay_together_also_across_domains(put):
    root = put(*(f"trainA/{n}.png" for n in range(60)), *(f"trainB/{n}.png" for n in range(90)))
    for n in range(40):
        put(f"trainA/twin{n}.png", f"trainA/more/{n}.png", f"trainB/copy{n}.png", content=b"the same" + bytes([n]))
    found = hold_out(find(root, None), 0.2)
    trained = {file.read_bytes() for file in (*found.train_a, *found.train_b)}
    tested = {file.read_bytes() for file in (*found.test_a, *found.test_b)}
    assert trained.isdisjoint(tested)
    assert (len(found.test_a), len(found.test_b)) == (28, 26)
    assert any(file.name.startswith("copy") for file in found.test_b)


def test_without_copies_the_choice_is_that_of_the_names(hundred):
    found = find(hundred, None)
    assert hold_out(found, 0.2).test_a == choose(found.train_a, 20)
    assert hold_out(found, 0.2).test_b == choose(found.train_b, 15)
    assert hold_out(found, 0.2, keep_copies_together=False) == hold_out(found, 0.2)


def test_a_copy_in_a_domain_with_test_images_of_its_own_stays_in_training(put):
    root = put(*(f"trainA/{n}.png" for n in range(100)), "trainB/b.png", "testB/c.png")
    first = hold_out(find(root, None), 0.1).test_a[0]
    put("trainB/copy.png", content=first.read_bytes())
    found = hold_out(find(root, None), 0.1)
    assert first in found.train_a
    assert len(found.test_a) == 10


def test_nothing_is_set_aside_if_nearly_all_files_are_copies_of_each_other(put):
    root = put(*(f"trainA/{n}.png" for n in range(100)), content=b"x")
    put(*(f"trainB/{n}.png" for n in range(100)))
    found = hold_out(find(root, None), 0.1)
    assert (found.a.source, found.b.source) == ("training", "set aside")
    assert len(found.train_a) == 100


def test_the_images_set_aside_lie_in_the_folder_of_their_part(hundred):
    parts = {part.name: part for part in hold_out(find(hundred, None), 0.1).parts}
    assert parts.keys() == {"trainA", "trainB", "testA"}
    assert all(file.is_relative_to(part.folder) for part in parts.values() for file in part.files)

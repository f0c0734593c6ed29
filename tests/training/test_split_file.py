"""`split.json`: a resumed run keeps its test images, and does not train on those that it set aside."""

import shutil

import pytest

import imgxlate
from imgxlate.data.folders import find
from imgxlate.data.hold_out import hold_out
from imgxlate.errors import CheckpointError, UsageError
from imgxlate.training import split_file

TINY = {"iterations": 1, "data.workers": 0, "display_size": 1, "gen.ngf": 2, "gen.n_blocks": 1, "ndf": 2, "n_layers": 2}
TINY |= {"data.crop_height": 32, "data.crop_width": 32, "data.new_size": 36, "held_out": 0.5}


@pytest.fixture
def data(tmp_path):
    """A folder with 20 training images of A and 10 of B. They are never decoded."""
    for folder, count in (("trainA", 20), ("trainB", 10)):
        (tmp_path / "data" / folder).mkdir(parents=True)
        for number in range(count):
            (tmp_path / "data" / folder / f"{number}.png").write_bytes(f"{folder}/{number}".encode())
    return tmp_path / "data"


@pytest.fixture
def add(data):
    """Write test images to a folder of `data`."""

    def write(folder, *names):
        (data / folder).mkdir(exist_ok=True)
        for name in names:
            (data / folder / name).write_bytes(name.encode())

    return write


@pytest.fixture
def resumed(tmp_path):
    """The images of a run that began with `before` and finds `after` when it is resumed, and its messages."""

    def resume(before, after, tests=("", "")):
        messages = []
        split_file.write(tmp_path / "split.json", before)
        split = split_file.read(tmp_path / "split.json")
        return split_file.restored(after, split, tests, messages.append), messages

    return resume


def names(files):
    return {file.name for file in files}


def test_the_split_of_a_run_comes_back(data, add, resumed):
    add("testB", "x.png")
    before = hold_out(find(data, None), 0.5)
    assert resumed(before, find(data, None)) == (before, [])


def test_images_that_were_set_aside_stay_so_if_test_images_appear(data, add, resumed):
    before = hold_out(find(data, None), 0.5)
    add("testA", "x.png")
    images, messages = resumed(before, find(data, None))
    assert images == before
    assert messages == [f"{data}/testA is not used: the run tests on images that it set aside of A since it began"]


def test_images_that_were_set_aside_stay_so_if_training_images_are_added_or_moved(data, resumed, tmp_path):
    before = hold_out(find(data, None), 0.5)
    for number in range(100, 140):
        (data / "trainA" / f"{number}.png").write_bytes(b"%d" % number)
    data.rename(tmp_path / "moved")
    images, _ = resumed(before, find(tmp_path / "moved", None))
    assert names(images.test_a) == names(before.test_a)
    assert len(images.train_a) == 50
    assert names(images.train_a).isdisjoint(names(before.test_a))


def test_a_run_without_test_images_of_its_own_keeps_testing_on_training_images(data, add, resumed):
    before = find(data, None)
    add("testB", "x.png")
    images, messages = resumed(before, find(data, None))
    assert images == before
    assert "testB is not used: the run tests on its training images of B" in messages[0]


def test_test_images_that_are_new_are_left_out_and_those_that_are_gone_are_told(data, add, resumed):
    add("testA", "x.png", "y.png")
    before = find(data, None)
    add("testA", "z.png")
    images, messages = resumed(before, find(data, None))
    assert names(images.test_a) == {"x.png", "y.png"}
    assert messages == [f"{data}/testA holds new images: the run goes on with the 2 that it began with"]
    (data / "testA" / "x.png").unlink()
    images, messages = resumed(before, find(data, None))
    assert names(images.test_a) == {"y.png"}
    assert messages == ["1 test images of A are gone: evaluations compare fewer than before"]


def test_other_test_images_are_refused(data, add, resumed):
    add("testA", "x.png")
    add("others", "y.png")
    with_tests = find(data, None)
    others = str(data / "others")
    given = find(data, None, tests=(others, ""))
    with pytest.raises(UsageError, match="others holds none of the 1 test images of A that the run began with"):
        resumed(with_tests, given, (others, ""))
    shutil.rmtree(data / "testA")
    with pytest.raises(UsageError, match="began with test images of A, and there are none beside") as caught:
        resumed(with_tests, find(data, None))
    assert "--test-a FOLDER" in caught.value.hint
    with pytest.raises(UsageError, match="--test-a: the run tests on images that it set aside of A"):
        resumed(hold_out(find(data, None), 0.5), given, (others, ""))


def test_moved_test_images_are_found_in_the_folder_that_is_given(data, add, resumed):
    add("testA", "x.png", "y.png")
    before = find(data, None)
    (data / "testA").rename(data / "elsewhere")
    tests = (str(data / "elsewhere"), "")
    images, messages = resumed(before, find(data, None, tests=tests), tests)
    assert (names(images.test_a), images.a.test_folder, messages) == ({"x.png", "y.png"}, data / "elsewhere", [])


def test_a_run_of_an_older_version_has_no_split_and_a_damaged_one_is_an_error(tmp_path):
    path = tmp_path / "split.json"
    assert split_file.read(path) is None
    for damage in (b"", b"[]", b'{"A": {}}', b'{"A": {"source": "x", "test": []}, "B": {}}', b"\xff"):
        path.write_bytes(damage)
        with pytest.raises(CheckpointError, match=r"split\.json: is damaged"):
            split_file.read(path)


@pytest.fixture
def train(photo, tmp_path):
    """Train for a step, or for one more with `resume`. Returns the messages. Half of the 16 images are set aside."""
    for number in range(16):
        for domain in "AB":
            photo(f"photos/train{domain}/{number}.png", size=(40, 40), seed=2 * number + (domain == "B"))

    def run(**changes):
        messages = []
        resume, settings = changes.pop("resume", False), TINY | changes
        options = {"preset": "tiny", "settings": settings, "device": "cpu", "notify": messages.append}
        imgxlate.train("cyclegan", tmp_path / "photos", out=tmp_path / "run", resume=resume, **options)
        return messages

    return run


def test_with_one_test_image_of_a_domain_the_run_says_that_there_are_no_evaluations(train, photo, tmp_path):
    for domain in "AB":
        photo(f"photos/test{domain}/x.png", size=(40, 40), seed=90)
    photo("photos/testB/y.png", size=(40, 40), seed=91)
    messages = train(evaluate_every=1, patience=1)
    assert messages[1] == "no evaluations, so --patience has no effect: they need 2 test images of each domain"
    assert not (tmp_path / "run" / "quality.jsonl").exists()


def test_a_resumed_run_does_not_train_on_images_that_it_set_aside(train, photo):
    messages = train()
    assert "8 images of A, 8 of B; 16 others are set aside" in messages[0]
    assert messages[1] == "no evaluations: --evaluate-every is 2000, --iterations 1"
    photo("photos/testA/x.png", size=(40, 40), seed=99)
    messages = train(resume=True, iterations=2)
    assert "testA is not used" in messages[0]
    assert "8 images of A, 8 of B; 16 others are set aside" in messages[1]


def test_a_run_of_an_older_version_is_resumed_with_the_images_that_it_set_aside_and_keeps_them(train, photo, tmp_path):
    train()
    (tmp_path / "run" / "split.json").unlink()
    assert "8 images of A, 8 of B; 16 others are set aside" in train(resume=True, iterations=2)[0]
    photo("photos/testA/x.png", size=(40, 40), seed=99)
    assert "testA is not used" in train(resume=True, iterations=3)[0]

"""Training runs in processes of their own, and images to train on."""

import functools

import pytest
from commands import draw

from imgxlate import checkpoint


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder with trainA, trainB, testA and testB that hold images of several sizes."""
    folder = tmp_path_factory.mktemp("data")
    for domain, count in {"trainA": 5, "trainB": 4, "testA": 1, "testB": 1}.items():
        for index in range(count):
            draw(folder / f"{domain}/{index}.png", seed_of(domain, index), size=(80 + 8 * index, 96))
    return folder


def seed_of(domain, index):
    return sum(map(ord, domain)) * 100 + index


@pytest.fixture(scope="module")
def train(launcher, data, tmp_path_factory):
    """Start the training of a small model in a folder, and return the process with kill(), wait() and its errors."""

    def start(method, run, *more, workers=0, steps):
        intervals = ("--checkpoint-every", 2, "--set", "sample_every=100", "--set", "display_size=1")
        where = ("--device", "cpu", "--precision", "fp32", "--workers", workers, "--iterations", steps)
        if method == "cyclegan":
            more += ("--set", "pool_size=3")  # It is full, and exchanges images, long before the end.
        words = ("train", method, data, "--out", run, "--preset", "tiny", *intervals, *where, *more)
        return launcher.start(words, tmp_path_factory.mktemp("log") / "stderr.txt")

    return start


@pytest.fixture(scope="module")
def whole(train, tmp_path_factory):
    """The folder of a run that nothing interrupts, with these arguments of `train`."""

    @functools.cache
    def run(method, *more, steps):
        folder = tmp_path_factory.mktemp("whole")
        process = train(method, folder, *more, steps=steps)
        assert process.wait() == 0, process.errors
        return folder

    return run


@pytest.fixture
def payload():
    """A function that returns the checksum of a checkpoint's tensors."""
    return lambda path: checkpoint.payload_sha256(checkpoint.read(path).tensors)

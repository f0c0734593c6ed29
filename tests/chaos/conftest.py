"""Training runs in real processes, and images to train on."""

import pytest

from imgxlate import checkpoint


@pytest.fixture
def launch(launcher, tmp_path):
    """Start a command line, and return the process with kill(), wait() and its errors."""
    count = 0

    def start(*arguments):
        nonlocal count
        count += 1
        return launcher.start(arguments, tmp_path / f"stderr-{count}.txt")

    return start


@pytest.fixture
def data(photo, tmp_path):
    """A folder with trainA, trainB, testA and testB that hold images of several sizes."""
    for domain, count in {"trainA": 5, "trainB": 4, "testA": 1, "testB": 1}.items():
        for index in range(count):
            photo(f"data/{domain}/{index}.png", seed=hash_of(domain, index), size=(80 + 8 * index, 96))
    return tmp_path / "data"


def hash_of(domain, index):
    return sum(map(ord, domain)) * 100 + index


@pytest.fixture
def payload():
    """A function that returns the checksum of a checkpoint's tensors."""
    return lambda path: checkpoint.payload_sha256(checkpoint.read(path).tensors)

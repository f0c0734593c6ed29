import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def images(photo, tmp_path):
    """Draws `count` smooth random images of various sizes into a folder, and gives it."""

    def draw(folder, count, seed=0):
        for index in range(count):
            photo(f"{folder}/{index:02d}.png", seed=seed + index, size=(20 + 3 * index, 31 - 2 * index))
        return tmp_path / folder

    return draw


@pytest.fixture
def spoil():
    """Puts files that are of no use beside the images of a folder, and gives their paths."""

    def add(folder):
        (folder / "broken.jpg").write_bytes(b"\xff\xd8 no image")
        (folder / "empty.png").touch()
        Image.fromarray(np.full((30, 30, 3), 255, np.uint8)).save(folder / "white.png")
        return {folder / name for name in ("broken.jpg", "empty.png", "white.png")}

    return add

import numpy as np
import pytest
from PIL import Image
from web_server import environment, secure_server, server  # noqa: F401 (fixtures)


@pytest.fixture
def images(photo, tmp_path):
    """Write `count` smooth random images of various sizes to a folder, and return it."""

    def draw(folder, count, seed=0):
        for index in range(count):
            photo(f"{folder}/{index:02d}.png", seed=seed + index, size=(20 + 3 * index, 31 - 2 * index))
        return tmp_path / folder

    return draw


@pytest.fixture
def add_unusable():
    """Write unusable files to a folder, and return their paths."""

    def add(folder):
        (folder / "broken.jpg").write_bytes(b"\xff\xd8 no image")
        (folder / "empty.png").touch()
        Image.fromarray(np.full((30, 30, 3), 255, np.uint8)).save(folder / "white.png")
        return {folder / name for name in ("broken.jpg", "empty.png", "white.png")}

    return add

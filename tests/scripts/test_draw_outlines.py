import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
OUTLINES = ROOT / "examples" / "outlines"
NAMES = sorted(path.name for path in OUTLINES.glob("*.png"))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the script leaves."""
    folder = tmp_path_factory.mktemp("drawn") / "not yet there"
    subprocess.run([sys.executable, ROOT / "scripts" / "draw_outlines.py", folder], check=True, capture_output=True)
    return folder


def levels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("L"), np.float32)


def test_the_repository_holds_the_outlines_that_the_script_draws(drawn: Path) -> None:
    assert sorted(path.name for path in drawn.iterdir()) == NAMES
    for name in NAMES:
        assert np.abs(levels(drawn / name) - levels(OUTLINES / name)).mean() < 2


@pytest.mark.parametrize("name", NAMES)
def test_an_outline_is_thin_black_lines_on_white(name: str) -> None:
    image = levels(OUTLINES / name)
    assert image.min() == 0
    assert 0.03 < (image < 128).mean() < 0.3
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    assert (border == 255).all()


def test_every_outline_is_in_the_list_of_sources() -> None:
    assert re.findall(r"^\| `([\w-]+\.png)`", (OUTLINES / "SOURCES.md").read_text("utf-8"), re.MULTILINE) == NAMES

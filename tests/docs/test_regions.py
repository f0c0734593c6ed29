"""The commands of docs/regions.md run, on small images."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "regions.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^imgxlate (.*)$", PAGE.replace("\\\n", " "), re.MULTILINE)
QUICK = ("--size", 48, "--iterations", 2, "--coarse-iterations", 1, "--style-layers", "relu1_1")


@pytest.fixture
def files(tmp_path, photo, monkeypatch):
    """The files that the page speaks of."""
    for name in ("photo.jpg", "painting.jpg", "other.jpg", "photos/a.jpg"):
        photo(name)
    half = np.repeat(np.arange(64) > 31, 48).reshape(64, 48).T
    for name in ("sky.png", "tower.png", "painting-sky.png", "skies/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(half).save(tmp_path / name)
    for name in ("labels.png", "painting-labels.png"):
        Image.fromarray(np.where(half[:, :, None], (0, 0, 255), (255, 0, 0)).astype(np.uint8)).save(tmp_path / name)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("command", COMMANDS, ids=range(len(COMMANDS)))
def test_the_command_runs(run, files, command):
    result = run(*shlex.split(command), *QUICK)
    assert result.exit_code == 0, result.stderr
    assert len([*Path().glob("*.neural-style.png"), *Path("painted").glob("*.png")]) == 1

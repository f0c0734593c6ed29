"""The commands of docs/film.md: each is run, in order, where the files are that the page speaks of."""

import re
import shlex
from pathlib import Path

import pytest
from films import clip, drawn, opened  # noqa: F401 (fixtures)
from PIL import Image

from imgxlate.weights import cards

# ruff: noqa: F811 (fixtures)

PAGE = (Path(__file__).parents[2] / "docs" / "film.md").read_text()
LINES = [
    line for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL) for line in block.splitlines()
]
PAINTED = ("--size", 32, "--iterations", 1, "--scales", 1, "--every", 12)  # in place of the options for minutes of work


@pytest.fixture
def folder(tmp_path, monkeypatch, clip, photo, golden):
    """A folder with the files that the page names. The clip is large enough for H.265, and MUNIT's model is small."""
    small = cards.Card(
        name="munit-tiny",
        kind="generator",
        method="munit",
        summary="",
        filename="tiny.pt",
        license="",
        citation="",
        page="",
        domains=("summer", "winter"),
        bundled=str(golden / "munit" / "gen_00000001.pt"),
    )
    known = {small.name: small, **cards.cards()}
    monkeypatch.setattr(cards, "cards", lambda: known)
    clip(sound="aac", size=(64, 96))
    numbered = [f"{place}/{number}.png" for place in ("masks", "frames") for number in range(12)]
    for number, name in enumerate(("snow.jpg", "painting.jpg", "mask.png", *numbered)):
        photo(name, size=(64, 96), seed=number)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_command_of_the_page_runs(run, folder, opened):
    for line in LINES:
        words = shlex.split(line)
        assert words[0] == "imgxlate", line
        result = run(*words[1:], *(PAINTED if words[1] == "neural-style" else ()))
        assert result.exit_code == 0, f"{line}\n{result.stderr}"
    names = {path.name for path in folder.iterdir()}
    written = re.findall(r"-o ([\w-]+\.\w+|[\w-]+)", " ".join(LINES))
    assert {"clip.munit.mp4", "loop.munit.gif", *written} <= names
    assert [len(opened(folder / name)[0]) for name in ("winter.mp4", "part.mp4", "half.mp4")] == [12, 5, 6]
    with Image.open(folder / "loop.gif") as gif:
        assert gif.n_frames == 5
    assert not [name for name in names if name.startswith(".")]


def test_the_python_of_the_page_runs(folder, capsys):
    [block] = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    exec(
        block.replace('size=256, settings={"iterations": 100}', 'size=32, settings={"iterations": 1, "scales": 1}'), {}
    )
    assert capsys.readouterr().out == "from-python.mp4 8 (64, 96)\n"
    assert (folder / "painted.gif").exists()

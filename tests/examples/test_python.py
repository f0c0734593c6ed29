"""The example scripts run as a user runs them, and write what they say."""

import shutil
from pathlib import Path

import pytest
from films import clip, drawn  # noqa: F401 (fixtures)

# ruff: noqa: F811 (fixtures)

SCRIPTS = Path(__file__).parents[2] / "examples" / "python"


@pytest.fixture
def script(tmp_path, photo, launcher):
    """Run a script in a folder with photos and two folders of training images."""
    for name in ("a.png", "b.png", *(f"{domain}/{n}.png" for domain in ("summer", "winter") for n in range(2))):
        photo(name, size=(80, 80), seed=len(name))

    def run(name, *arguments):
        files, where = (tmp_path / "stderr.txt", tmp_path / "stdout.txt"), {"folder": str(tmp_path)}
        program = str(SCRIPTS / name)
        process = launcher.start(arguments, *files, {"IMGXLATE_OFFLINE": "1"}, program=program, **where)
        assert process.wait() == 0, process.errors
        return process.output

    return run


def test_every_script_is_in_the_table():
    listed = (SCRIPTS / "README.md").read_text()
    assert all(f"`{path.name}`" in listed for path in SCRIPTS.glob("*.py"))


def test_the_scripts_that_translate_run(script, tmp_path):
    script("translate.py", "a.png", "b.png", "out")
    names = [path.name for path in sorted((tmp_path / "out").iterdir())]
    assert names == ["guided.png", *(f"sampled-{number}.png" for number in range(4))]


def test_the_scripts_that_stylize_run(script, tmp_path, pixels):
    assert "scale 1 of 1: loss" in script("stylize.py", "a.png", "b.png", "painted.png", "48")
    assert pixels(tmp_path / "painted.png").shape == (48, 48, 3)


def test_the_script_that_makes_a_film_runs(script, clip):
    clip()
    assert script("film.py", "clip.mp4", "out.mp4", "0.2").splitlines() == ["0 of 5 frames", "out.mp4: 5 frames"]


def test_the_script_that_prepares_runs(script, tmp_path, photo):
    for domain in ("summer", "winter"):
        for index in range(4):
            photo(f"data/{domain}/{index}.png", size=(80, 80), seed=index + (10 if domain == "winter" else 0))
    printed = script("prepare.py", "data/summer", "data/winter", "split", "1")
    assert printed.startswith("8 distinct images among 8 files")
    assert len(list((tmp_path / "split" / "trainA").iterdir())) == 3


def test_the_script_that_trains_runs(script, tmp_path, pixels):
    printed = script("train.py", "summer", "winter", "run", "2")
    assert printed.startswith("2 {")
    assert pixels(tmp_path / "run" / "example.png").shape == (80, 80, 3)


def test_the_script_that_compares_runs(script, tmp_path):
    shutil.copy(tmp_path / "a.png", tmp_path / "c.png")
    script("compare.py", "a.png", "c.png", "out")
    assert {"grid.png", "metrics.json", "metrics.csv", "report.html"} <= {
        path.name for path in (tmp_path / "out").iterdir()
    }

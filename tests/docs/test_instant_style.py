"""The commands and the Python code of docs/methods/adain.md run, with a small decoder in the place of a trained one."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from films import clip, drawn  # noqa: F401 (fixtures)

import imgxlate

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall((DOCS / "methods" / "adain.md").read_text(encoding="utf-8"))
PAINTING = [
    *(line for language, block in BLOCKS if not language for line in block.splitlines()),
    *(
        line
        for page in ("compare.md", "methods/neural-style.md")
        for line in (DOCS / page).read_text(encoding="utf-8").splitlines()
        if line.startswith("imgxlate") and "runs/paint" in line
    ),
]
CODE = [
    block
    for page in ("methods/adain.md", "python.md")
    for language, block in BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))
    if language == "python" and "runs/paint" in block
]
IMAGES = ("photo.jpg", "painting.jpg", "one.jpg", "two.jpg", "mask.png", "photos/a.jpg", "sky.png", "other.jpg")
QUICK = {
    "--fast": ("--size", "48"),
    "--init": ("--size", "48", "--iterations", "2"),
    "compare": ("--metrics", "none", "--set", "neural-style.size=48", "--set", "neural-style.iterations=2"),
}


@pytest.fixture
def folder(tmp_path, monkeypatch, photo, adain, clip):  # noqa: F811
    """A folder with the files that the page speaks of."""
    for seed, name in enumerate(IMAGES):
        photo(name, seed=seed, size=(36, 48))
    (tmp_path / "runs" / "paint").mkdir(parents=True)
    shutil.copy(adain, tmp_path / "runs" / "paint" / "model.safetensors")
    clip()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("line", dict.fromkeys(line for line in PAINTING if re.match(r"imgxlate (?!train)", line)))
def test_the_commands_that_paint_run(run, folder, line):
    words = shlex.split(line)[1:]
    quick = [option for word, options in QUICK.items() if word in words for option in options]
    result = run(*words, *quick)
    assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize("block", CODE)
def test_the_python_code_runs(folder, block):
    exec(block.replace("size=512", "size=48"), {"imgxlate": imgxlate})


def test_the_benchmark_has_the_options_that_the_page_names():
    text = (DOCS.parent / "benchmarks" / "instant_style.py").read_text(encoding="utf-8")
    used = {option for line in PAINTING if "benchmarks/" in line for option in re.findall(r"--[a-z-]+", line)}
    assert used
    assert all(f'"{option}"' in text for option in used)

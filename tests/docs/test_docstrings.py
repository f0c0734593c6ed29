"""The examples in the docstrings of public names run, and give what they say."""

import doctest
import shutil
from pathlib import Path

import pytest
from films import clip, drawn  # noqa: F401 (fixtures)

import imgxlate
from imgxlate.inference.provenance import TranslationRecord, to_json

RECORD = TranslationRecord(
    method="munit",
    weights="munit-summer2winter",
    weights_sha256="0" * 64,
    input_sha256="0" * 64,
    device="cpu",
    precision="fp32",
    threads=1,
    seed=0,
    depth=8,
    to="B",
    style=(0.5,) * 8,
)
PHOTOS = Path(__file__).parents[2] / "examples" / "photos"


def _examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    for name in imgxlate.__all__:
        public = getattr(imgxlate, name)
        if isinstance(public, type) or callable(public):
            yield from (test for test in finder.find(public, name, globs={"imgxlate": imgxlate}) if test.examples)


@pytest.fixture
def folder(tmp_path, monkeypatch, adain, clip):  # noqa: F811
    """A folder with the files that the examples name."""
    files = dict.fromkeys(("photo.jpg", "snow.jpg", "mask.png", "painting.jpg", "summer/1.jpg"), "lake-sherburne.jpg")
    files |= {"summer/2.jpg": "tea-gardens.jpg", "winter/1.jpg": "picos-de-europa.jpg", "winter/2.jpg": "aitzgorri.jpg"}
    for name, photo in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(PHOTOS / photo, tmp_path / name)
    shutil.copy(adain, tmp_path / "decoder.safetensors")
    (tmp_path / "recorded.jpg.json").write_text(to_json(RECORD))
    clip()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("example", list(_examples()), ids=lambda example: example.name)
def test_the_examples_in_docstrings_run(example, folder):
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    said = []
    runner.run(example, out=said.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)


def test_every_public_function_has_an_example():
    functions = {name for name in imgxlate.__all__ if name.islower() and callable(getattr(imgxlate, name))}
    shown = {example.name.partition(".")[0] for example in _examples()}
    assert functions - shown <= {"option"}

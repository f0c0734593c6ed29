"""docs/study.md: its images and tables are what its commands make, and its photos have authors."""

import re
import shlex
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from imgxlate.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "study.md"
FOLDER = ROOT / "docs" / "study"
TEXT = PAGE.read_text(encoding="utf-8")
IMAGES = {"styles.jpg", "winter.jpg", "summer.jpg"}
COMMAND = re.compile(r"^imgxlate ((?:sample-styles|compare) .*examples/.*)", re.MULTILINE)
BRACES = re.compile(r"(\S*)\{([^}]*)\}(\S*)")
SOURCE = re.compile(r"^\| `([\w-]+)\.\w+` \|[^|]*\| \[?([^]|]*)\S* \| \[([^]]*)\]", re.MULTILINE)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    monkeypatch.delitem(sys.modules, "study", raising=False)
    import study

    return study


def shown_commands() -> list[list[str]]:
    """The words of the page's commands on the example photos, with their braces expanded as by a shell."""

    def expanded(found: re.Match[str]) -> str:
        return " ".join(f"{found[1]}{name}{found[3]}" for name in found[2].split(","))

    lines = COMMAND.findall(TEXT.replace("\\\n", " "))
    return [shlex.split(BRACES.sub(expanded, line)) for line in lines]


def without_output(words: list[str]) -> list[str]:
    """The words of a command without `-o` and `-q`, paths as below the repository."""
    output = words.index("-o")
    kept = [word for word in words[:output] + words[output + 2 :] if word != "-q"]
    return [str(Path(word).resolve().relative_to(ROOT)) if Path(word).is_file() else word for word in kept]


def test_the_page_shows_the_commands_that_the_script_runs(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: list[list[str]] = []
    monkeypatch.setattr(script.gallery, "imgxlate", lambda *words: run.append(list(words)))
    monkeypatch.setattr(script, "decode", lambda path: None)
    script.styles(tmp_path)
    for direction in script.DIRECTIONS:
        script.compare(direction, tmp_path)
    monkeypatch.chdir(ROOT)
    expected = [without_output(words) for words in shown_commands()]
    assert [sorted(without_output(words)) for words in run] == [sorted(words) for words in expected]
    assert len(run) == 3


def test_the_commands_make_the_images_and_the_tables_of_the_page(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def command(*words: str) -> None:
        result = CliRunner().invoke(app, list(words))
        assert result.exit_code == 0, result.output

    monkeypatch.setattr(script.gallery, "imgxlate", command)
    monkeypatch.setattr(script, "SIZE", ("--size", "32"))
    monkeypatch.setattr(script, "STYLES", ("--n-styles", "2", "--cell", "64"))
    monkeypatch.setattr(script, "PAINTED", ())
    monkeypatch.setattr(script, "SUMMER_PHOTOS", script.SUMMER_PHOTOS[:1])
    quick = [
        script.Direction(each.season, each.photos[:1], each.style, ("munit", "unit")) for each in script.DIRECTIONS
    ]
    monkeypatch.setattr(script, "DIRECTIONS", quick)
    page = tmp_path / "page.md"
    page.write_text(TEXT, encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["study.py", "--outdir", str(tmp_path / "made"), "--page", str(page)])
    script.main()
    assert {path.name for path in (tmp_path / "made").iterdir()} == IMAGES
    for name in IMAGES:
        with Image.open(tmp_path / "made" / name) as sheet:
            assert np.asarray(sheet).std() > 10
    cells = [re.findall(r"-?\d+\.\d{3}", row) for row in re.findall(r"^\| (?:MUNIT|UNIT) .*", page.read_text(), re.M)]
    assert [len(numbers) for numbers in cells] == [4, 4, 4, 4]
    assert all(float(numbers[0]) == 0 for numbers in cells[1::2])  # UNIT has no styles.
    assert all(float(numbers[0]) > 0 for numbers in cells[::2])


def test_the_images_are_on_the_page_and_small() -> None:
    assert {path.name for path in FOLDER.iterdir()} == IMAGES
    assert set(re.findall(r"!\[[^]]+\]\(study/([^)]+)\)", TEXT)) == IMAGES
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 600_000


def test_both_tables_of_the_page_are_filled() -> None:
    tables = re.findall(r"<!-- table: (\w+) -->\n(.*?)<!-- end -->", TEXT, re.DOTALL)
    assert [name for name, _ in tables] == ["winter", "summer"]
    assert all(len(table.splitlines()) == 7 for _, table in tables)  # a head, a rule and five methods


def test_the_author_of_each_photo_is_named_with_the_license(script: ModuleType) -> None:
    sources = [(ROOT / "examples" / name / "SOURCES.md").read_text("utf-8") for name in ("photos", "landscapes")]
    photos = {path for direction in script.DIRECTIONS for path in (*direction.photos, direction.style)}
    authors = {name: (author, terms) for text in sources for name, author, terms in SOURCE.findall(text)}
    assert len(photos) == 8
    credit = TEXT[TEXT.rindex("*Photos by") :].replace("\n", " ")
    for path in photos:
        author, terms = authors[path.stem]
        assert re.search(rf"{re.escape(author)} \([^)]*\b{path.stem}\b.*?{terms.removesuffix(' 1.0')}", credit), path

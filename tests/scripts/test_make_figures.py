"""The figures of README and docs: which there are, where they are shown, and whose photographs are in them."""

import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from imgxlate.training import history

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT / "docs" / "figures"
README = ROOT / "README.md"
PAGES = [README, *sorted(ROOT.glob("docs/**/*.md"))]
SHOWN = re.compile(r"!\[[^]]+\]\(([^)]+)\)")
ROW = re.compile(r"^\| `([\w-]+\.\w+)` \|[^|]*\|([^|]*)\|$", re.MULTILINE)  # of the table of figures
SOURCE = re.compile(r"^\| `([\w-]+\.\w+)` \|[^|]*\| ([^|]*) \| ([^|]*) \|", re.MULTILINE)  # of that of photographs
LISTED = dict(ROW.findall((FIGURES / "SOURCES.md").read_text(encoding="utf-8")))


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    monkeypatch.delitem(sys.modules, "make_figures", raising=False)
    import make_figures

    return make_figures


def run(script: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["make_figures.py", *arguments])
    script.main()


def linked(text: str) -> str:
    """A name without the link around it."""
    return re.sub(r"\[(.*?)\]\(.*?\)", r"\1", text)


def photographers() -> dict[str, tuple[str, str]]:
    """Author and license of each photograph."""
    table = SOURCE.findall((ROOT / "examples" / "photos" / "SOURCES.md").read_text(encoding="utf-8"))
    return {name: (linked(author), linked(terms)) for name, author, terms in table}


def pages_with(figure: str) -> list[Path]:
    return [page for page in PAGES if any(Path(link).name == figure for link in SHOWN.findall(page.read_text("utf-8")))]


def test_every_figure_is_made_by_the_script_and_listed(script: ModuleType) -> None:
    assert {path.name for path in FIGURES.iterdir()} - {"SOURCES.md"} <= script.MAKERS.keys()
    assert LISTED.keys() == script.MAKERS.keys()


def test_every_figure_is_shown_on_a_page(script: ModuleType) -> None:
    assert [figure for figure in script.MAKERS if not pages_with(figure)] == []


def test_the_readme_shows_what_is_made_before_how_it_is_trained() -> None:
    shown = [Path(link).name for link in SHOWN.findall(README.read_text(encoding="utf-8"))]
    made = ["munit-styles.jpg", "comparison.jpg", "neural-style.jpg", "regions.jpg", "steady-film.jpg"]
    assert shown == [*made, "training-curve.png"]


@pytest.fixture
def used(script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of the photographs that commands were given; these are noted, not run, and leave empty images."""
    names: set[str] = set()

    def note(command: str, *arguments: str) -> None:
        inputs = [Path(word) for word in arguments if Path(word).is_file()]
        names.update(path.name for path in inputs if path.parent.name == "photos")
        output = Path(arguments[arguments.index("-o") + 1])
        outputs = {
            "translate": [output / f"{path.stem}.munit.{index:02d}.png" for path in inputs for index in range(8)],
            "compare": [output / "grid.png"],
        }.get(command, [output])
        for path in outputs:
            path.parent.mkdir(exist_ok=True)
            Image.new("RGB", (6, 4)).save(path)

    def note_benchmark(name: str, *arguments: str) -> None:
        folder = Path(arguments[arguments.index("--outputs") + 1])
        names.add(Path(arguments[arguments.index("--photo") + 1]).name)
        clips = ["pan", *(f"pan-{method}-{way}" for method in script.FILMED for way in ("frames", "steady"))]
        outputs = {
            "large": [folder / "munit-2" / f"{name}.png" for name in ("bands", "patches")],
            "film": [folder / clip / f"{index:02d}.png" for clip in clips for index in range(8)],
        }
        for path in outputs[name]:
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (6, 4)).save(path)

    with history.History(tmp_path / "history.jsonl") as losses:
        losses.append(history.Entry(1, {"gen_total": 1.0, "dis_a": 2.0, "dis_b": 2.5}, seconds=0.5))
    monkeypatch.setattr(script, "HISTORY", tmp_path / "history.jsonl")
    monkeypatch.setattr(script.gallery, "imgxlate", note)
    monkeypatch.setattr(script.gallery, "benchmark", note_benchmark)
    return names


@pytest.mark.parametrize("figure", sorted(LISTED.keys() - {"report.jpg"}))
def test_the_authors_of_its_photographs_are_named_wherever_a_figure_is_shown(
    script: ModuleType, used: set[str], figure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(script, monkeypatch, Path(figure).stem, "--outdir", str(tmp_path / "made"))
    assert [path.name for path in (tmp_path / "made").iterdir()] == [figure]
    authors = {photographers()[name] for name in used}
    assert set(filter(None, LISTED[figure].strip().split(", "))) == {author for author, _ in authors}
    named = [author for author, terms in authors if terms.startswith("CC BY")]
    for page in pages_with(figure):
        assert [author for author in named if author not in page.read_text(encoding="utf-8")] == []


def test_the_report_shows_the_same_photographs_as_the_comparison() -> None:
    assert LISTED["report.jpg"] == LISTED["comparison.jpg"]


def test_the_report_is_photographed_where_there_is_a_browser(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not any(map(script.shutil.which, script.BROWSERS)):
        pytest.skip("no Chromium on this machine")
    (tmp_path / "comparison").mkdir()
    (tmp_path / "comparison" / "report.html").write_text("<body style='margin: 0; background: #0000ff'>")
    script.make("report.jpg", tmp_path, tmp_path)
    with Image.open(tmp_path / "report.jpg") as shot:
        assert shot.width == 1280
        assert np.abs(np.asarray(shot, np.int16) - (0, 0, 255)).max() < 5
    monkeypatch.setattr(script, "BROWSERS", ("no-such-browser",))
    script.make("report.jpg", tmp_path, tmp_path / "left out")
    assert not (tmp_path / "left out").exists()
    assert "report.jpg is left out" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["munit-styles", "guided", "interpolation", "outline2color"])
def test_the_models_in_the_package_make_a_figure(
    script: ModuleType, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, outlines = script.gallery.photo, script.gallery.outlines()[:2]

    def small(photograph: str) -> Path:
        path = tmp_path / photograph
        with Image.open(photo(photograph)) as image:
            image.reduce(12).save(path)
        return path

    monkeypatch.setattr(script.gallery, "photo", small)
    monkeypatch.setattr(script.gallery, "outlines", lambda: outlines)
    run(script, monkeypatch, name, "--outdir", str(tmp_path / "made"))
    with Image.open(tmp_path / "made" / f"{name}.jpg") as sheet:
        assert np.asarray(sheet).std() > 10


@pytest.mark.parametrize("name", ["reconstruct-content", "reconstruct-style", "sweep"])
def test_a_figure_of_the_paper_can_be_made_alone(
    script: ModuleType, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = ("--size", "32", "--iterations", "1", "--style-layers", "conv1_1", "--content-layers", "conv1_1")
    monkeypatch.setattr(script, "RECONSTRUCTED", quick)
    monkeypatch.setattr(script, "SWEPT", quick)
    run(script, monkeypatch, name, "--outdir", str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.jpg"]


def test_an_unknown_figure_is_an_error(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(script, monkeypatch, "sweeps")
    assert "'sweeps'" in capsys.readouterr().err

import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
QUICK = ("--size", "32", "--scales", "1", "--iterations", "1", "--device", "cpu")


@pytest.fixture
def gallery(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import gallery

    return gallery


def test_photographs_times_styles_are_painted_and_laid_out_in_a_sheet(gallery: ModuleType, tmp_path: Path) -> None:
    photos, styles = [gallery.photo("chelsea.png")], [gallery.style("wave"), gallery.style("facets")]
    outputs = gallery.paint_all(photos, styles, tmp_path, *QUICK)
    assert [path.name for path in outputs[0]] == ["chelsea.wave.png", "chelsea.facets.png"]
    assert all(path.is_file() for path in outputs[0])
    height, width = gallery.sheet(photos, styles, outputs, cell=40).size
    assert width > 3 * 40
    assert height > 2 * 20


def test_a_command_that_fails_ends_the_script_with_its_exit_code(gallery: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as failure:
        gallery.paint(gallery.photo("chelsea.png"), tmp_path / "missing.jpg", tmp_path / "out.png", *QUICK)
    assert failure.value.code == 3


@pytest.mark.parametrize("script", ["demo", "make_figures"])
def test_the_pictures_that_a_script_shows_are_in_the_repository(
    gallery: ModuleType, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = __import__(script)
    monkeypatch.delitem(sys.modules, script)
    assert all(gallery.photo(name).is_file() for name in module.PHOTOS)
    assert all(gallery.style(name).is_file() for name in module.STYLES)


@pytest.mark.parametrize("name", ["reconstruct-content", "reconstruct-style", "sweep"])
def test_one_figure_can_be_made_alone(
    gallery: ModuleType, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = __import__("make_figures")
    monkeypatch.delitem(sys.modules, "make_figures")
    quick = ("--size", "32", "--iterations", "1", "--style-layers", "conv1_1", "--content-layers", "conv1_1")
    monkeypatch.setattr(module, "RECONSTRUCTED", quick)
    monkeypatch.setattr(module, "SWEPT", quick)
    monkeypatch.setattr(sys, "argv", ["make_figures.py", name, "--outdir", str(tmp_path)])
    module.main()
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.jpg"]


def test_a_figure_that_is_not_there_is_an_error(
    gallery: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = __import__("make_figures")
    monkeypatch.delitem(sys.modules, "make_figures")
    monkeypatch.setattr(sys, "argv", ["make_figures.py", "sweeps"])
    with pytest.raises(SystemExit):
        module.main()
    assert "'sweeps'" in capsys.readouterr().err

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


def test_each_photo_is_painted_in_each_style_and_shown_on_the_sheet(gallery: ModuleType, tmp_path: Path) -> None:
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
def test_the_images_that_scripts_use_are_in_the_repository(
    gallery: ModuleType, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = __import__(script)
    monkeypatch.delitem(sys.modules, script)
    assert all(gallery.photo(name).is_file() for name in module.PHOTOS)
    assert all(gallery.style(name).is_file() for name in module.STYLES)

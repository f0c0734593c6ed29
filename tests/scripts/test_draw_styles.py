import hashlib
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "draw_styles.py"
STYLES = ROOT / "examples" / "styles"
PHOTOS = ROOT / "examples" / "photos"
LANDSCAPES = ROOT / "examples" / "landscapes"
NAMES = sorted(path.stem for path in STYLES.glob("*.jpg"))


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import draw_styles

    return draw_styles


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image, np.float32)


@pytest.mark.parametrize("name", NAMES)
def test_a_style_drawn_twice_is_the_same_image(script: ModuleType, name: str) -> None:
    assert script.draw(name, 96).tobytes() == script.draw(name, 96).tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_the_style_image_in_the_repository_is_the_one_that_the_script_draws(script: ModuleType, name: str) -> None:
    committed = opened(STYLES / f"{name}.jpg")
    drawn = script.draw(name, max(committed.size))
    assert drawn.size == committed.size
    assert np.abs(pixels(drawn) - pixels(committed)).mean() < 8


@pytest.mark.parametrize("name", NAMES)
def test_a_style_image_is_large_and_has_contrast_colors_and_strokes(name: str) -> None:
    committed = opened(STYLES / f"{name}.jpg")
    image = pixels(committed)
    gray = image.mean(axis=-1)
    assert max(committed.size) >= 768
    assert gray.std() > 40
    assert np.ptp(image, axis=-1).max() > 120
    assert np.abs(np.diff(gray, axis=0)).mean() + np.abs(np.diff(gray, axis=1)).mean() > 8


def test_the_repository_holds_every_style_that_the_script_knows(script: ModuleType) -> None:
    assert sorted(script.STYLES) == NAMES


def test_the_command_draws_one_style_at_the_given_size(tmp_path: Path) -> None:
    folder = tmp_path / "not yet there"
    command = [sys.executable, str(SCRIPT), str(folder), "--only", "stained-glass", "--size", "100"]
    subprocess.run(command, check=True, capture_output=True)
    assert [path.name for path in folder.iterdir()] == ["stained-glass.jpg"]
    assert opened(folder / "stained-glass.jpg").size == (100, 100)


def test_variants_differ_and_are_drawn_again_the_same(script: ModuleType) -> None:
    first, again, second = (np.asarray(script.draw_variant("facets", 96, number)) for number in (1, 1, 2))
    assert np.array_equal(first, again)
    for other in (second, np.asarray(script.draw("facets", 96))):
        assert np.abs(first.astype(int) - other).mean() > 10


def test_every_example_image_is_listed_in_the_sources_beside_it() -> None:
    for folder in (STYLES, PHOTOS, LANDSCAPES):
        listed = set(re.findall(r"`([\w-]+\.(?:jpg|png))`", (folder / "SOURCES.md").read_text(encoding="utf-8")))
        assert listed == {path.name for path in folder.iterdir()} - {"SOURCES.md"}


@pytest.mark.parametrize("folder", [PHOTOS, LANDSCAPES], ids=lambda folder: folder.name)
def test_photos_have_the_listed_hashes(folder: Path) -> None:
    listed = dict(re.findall(r"`([\w-]+\.\w+)` \|[^|]*\| `([0-9a-f]{64})`", (folder / "SOURCES.md").read_text("utf-8")))
    assert listed == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.suffix != ".md"
    }

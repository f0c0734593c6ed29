"""The plug-ins that docs/plugins.md shows are complete: one trains, goes on and translates, one has stages."""

import importlib
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from imgxlate import checkpoint
from imgxlate.checkpoint import Checkpoint
from imgxlate.images.image_array import ImageArray
from imgxlate.images.tensors import from_tensor, to_tensor
from imgxlate.inference.translation import translate
from imgxlate.methods import registry
from imgxlate.methods.protocol import Staged, Trainable, Translator

PAGE = Path(__file__).parents[2] / "docs" / "plugins.md"
MODULE = re.compile(r"`(imgxlate_\w+/\w+\.py)`.*\n\n```python\n((?:.*\n)*?)^```", re.MULTILINE)
ENTRY = re.compile(r"`(tint = \"imgxlate_tint:SPEC\")`")


@pytest.fixture
def tint(tmp_path, monkeypatch):
    """The page's modules, installed as a package with an entry point."""
    text = PAGE.read_text(encoding="utf-8")
    site = tmp_path / "site"
    for name, code in MODULE.findall(text):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(code)
    info = site / "imgxlate_tint-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: imgxlate-tint\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\n{ENTRY.search(text)[1]}\n".replace('"', ""))
    monkeypatch.syspath_prepend(site)
    importlib.invalidate_caches()
    registry.discover.cache_clear()
    yield
    registry.discover.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] in ("imgxlate_tint", "imgxlate_glow")]:
        del sys.modules[name]


@pytest.fixture
def train(run, tmp_path):
    """Train on dark and bright images; gives the folder of the run."""
    rng = np.random.default_rng(0)
    for domain, values in {"dark": (20, 60), "bright": (120, 180)}.items():
        (tmp_path / domain).mkdir()
        for index in range(3):
            pixels = rng.integers(*values, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / domain / f"{index}.png")

    def start(name, *more):
        size = ("new_size=32", "crop_height=32", "crop_width=32")
        sets = [word for value in size for word in ("--set", f"data.{value}")]
        where = (tmp_path / "dark", tmp_path / "bright", "--out", tmp_path / name)
        result = run("train", "tint", *where, *sets, "--workers", 0, "--set", "display_size=1", *more)
        assert result.exit_code == 0, result.stderr
        return tmp_path / name

    return start


def payload(run_folder):
    return checkpoint.payload_sha256(checkpoint.read(run_folder / "model.safetensors").tensors)


def test_the_plug_in_satisfies_the_protocols(tint):
    spec = registry.find("tint")
    trainable = registry.trainable(spec).create(spec.training.presets["default"], None)
    model = Checkpoint(Path("model"), trainable.generators(), {"method": "tint"})
    translator = registry.implementation(spec).from_checkpoint(model, {})
    assert isinstance(trainable, Trainable)
    assert isinstance(translator, Translator)
    assert translator.config == trainable.architecture()
    assert translator.tensors().keys() == trainable.generators().keys()


def test_the_plug_in_learns_and_translates(tint, train, run, tmp_path):
    folder = train("run", "--iterations", 150, "--set", "sample_every=1000")
    history = [json.loads(line)["losses"] for line in (folder / "history.jsonl").read_text().splitlines()]
    assert history[-1]["total"] < history[0]["total"] / 20
    assert (folder / "samples/latest.png").exists()
    result = run("translate", "tint", tmp_path / "dark/0.png", "--checkpoint", folder, "-o", tmp_path / "made.png")
    assert result.exit_code == 0, result.stderr
    before, after = (np.asarray(Image.open(tmp_path / name)).mean() for name in ("dark/0.png", "made.png"))
    assert after > before + 60


def test_a_resumed_run_ends_with_the_same_weights_as_an_uninterrupted_one(tint, train):
    whole = train("whole", "--iterations", 4)
    train("parted", "--iterations", 2)
    parted = train("parted", "--iterations", 4, "--resume")
    assert payload(parted) == payload(whole)


def test_a_resumed_run_keeps_fixed_options(tint, train, run, tmp_path):
    train("run", "--iterations", 1)
    result = run("train", "tint", "--out", tmp_path / "run", "--resume", "--set", "gain=2.0")
    assert result.exit_code == 2
    assert "gain: 1.0 -> 2.0" in result.stderr


def test_a_large_image_is_computed_as_a_whole_and_a_line_says_so(tint, train, run, photo, tmp_path, monkeypatch):
    folder = train("run", "--iterations", 1)
    monkeypatch.setattr("imgxlate.cli.progress._LARGE", 5000)
    paths = [photo("small.png", size=(50, 100)), photo("large.png", size=(51, 100)), photo("tall.png", size=(900, 80))]
    result = run("translate", "tint", *paths, "--checkpoint", folder, "-o", f"{tmp_path}/out/", "--memory", "1KB")
    assert result.exit_code == 0, result.stderr
    lines = [line for line in result.stderr.splitlines() if "as a whole" in line]
    assert [line.partition(":")[0] for line in lines] == [str(path) for path in paths[1:]]
    assert "because tint does not describe its stages; `--size` takes less memory" in lines[0]
    assert "as a whole" not in run("translate", "tint", paths[1], "--checkpoint", folder, "-o", "-", "-q").stderr


@pytest.mark.parametrize("limit", [1000, 10**12])
def test_the_plug_in_with_stages_gives_the_same_image_in_bands(tint, limit):
    glow = importlib.import_module("imgxlate_glow.method")
    model = Checkpoint(Path("model"), dict(glow.Network().state_dict()), {"method": "glow"})
    translator, cpu, seen = glow.Glow.from_checkpoint(model, {}), torch.device("cpu"), []
    assert isinstance(translator, Staged)
    image = ImageArray(np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8))
    [output] = translate(translator, cpu, image, "B", limit=limit, on_band=seen.append)
    assert bool(seen) == (limit == 1000)
    [whole] = translator.translate(to_tensor(image.rgb), "B", None)
    assert np.abs(output.rgb.astype(int) - from_tensor(whole)).max() <= 1

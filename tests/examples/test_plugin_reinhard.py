"""The example plug-in, installed into an environment of its own and used as a user would."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

PLUGIN = Path(__file__).parents[2] / "examples" / "plugin-reinhard"


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The interpreter of an environment that holds this one's packages and the plug-in."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    site = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    # addsitedir, not a bare path, so that editable installs are seen too.
    (site / "parent.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    interpreter = folder / "bin" / "python"
    install = ["-m", "pip", "--python", interpreter, "install", "--quiet", "--no-deps", "--no-build-isolation", PLUGIN]
    subprocess.run([sys.executable, *install], check=True, env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    return interpreter


def run(python, folder, *arguments):
    result = subprocess.run([python, *arguments], cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture
def folders(tmp_path):
    """A greenish and a bluish folder."""
    rng = np.random.default_rng(0)
    for name, color in (("summer", (60, 120, 40)), ("winter", (160, 170, 200))):
        (tmp_path / name).mkdir()
        for index in range(3):
            pixels = np.clip(rng.normal(color, 25, (24, 32, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{index}.png")
    return tmp_path


def mean_color(path):
    return np.asarray(Image.open(path)).reshape(-1, 3).mean(axis=0)


def test_the_plug_in_is_a_method_like_the_others(python, tmp_path):
    methods = json.loads(run(python, tmp_path, "-m", "imgxlate", "methods", "--json"))["methods"]
    assert "reinhard" in {method["name"] for method in methods}


def test_the_plug_in_is_trained_and_translates_both_ways(python, folders):
    run(python, folders, "-m", "imgxlate_reinhard.fit", "summer", "winter", "-o", "colors.safetensors")
    for source, to in (("summer", "winter"), ("winter", "summer")):
        command = ("translate", "reinhard", f"{source}/0.png", "--checkpoint", "colors.safetensors", "--to", to)
        (line,) = run(python, folders, "-m", "imgxlate", *command, "-o", f"{to}.png", "--json").splitlines()
        assert json.loads(line)["to"] == to
        assert np.abs(mean_color(folders / f"{to}.png") - mean_color(folders / to / "0.png")).max() < 10

"""The source tree runs with nothing installed but what it depends on."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def uninstalled(tmp_path, photo):
    """Run `python -m imgxlate` from src/, where no installed imgxlate can be seen."""
    packages = tmp_path / "packages"
    packages.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "imgxlate" not in entry.name:
            (packages / entry.name).symlink_to(entry)

    def run(*arguments):
        environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{packages}"}
        # Without `site`, nothing is found but what PYTHONPATH names.
        command = [sys.executable, "-S", "-m", "imgxlate", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)

    return run


def test_the_built_in_methods_are_found(uninstalled):
    result = uninstalled("methods", "--json")
    methods = json.loads(result.stdout)["methods"]
    assert {method["name"] for method in methods} >= {"munit", "unit", "cyclegan", "gatys"}
    assert result.stderr == ""


def test_neural_style_paints_with_the_weights_in_the_tree(uninstalled, tmp_path, photo):
    photo("photo.png", seed=1), photo("style.png", seed=2)
    small = ("--size", 40, "--iterations", 1, "--scales", 1)
    result = uninstalled("neural-style", "photo.png", "style.png", *small, "-o", "out.png")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out.png").exists()

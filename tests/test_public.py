"""The public names, the version, and what importing costs."""

import subprocess
import sys
import tomllib
from pathlib import Path

import imgxlate

ROOT = Path(__file__).parent.parent


def test_the_public_names_are_these():
    assert imgxlate.__all__ == [
        "Capability",
        "Citation",
        "DataConfig",
        "ImgxlateError",
        "Iteration",
        "MethodConfig",
        "MethodSpec",
        "Model",
        "Run",
        "StepResult",
        "StyleTransfer",
        "TrainingConfig",
        "TrainingSpec",
        "__version__",
        "load",
        "load_style_transfer",
        "option",
        "stylize",
        "train",
    ]
    assert all(getattr(imgxlate, name) for name in imgxlate.__all__)


def test_a_name_that_does_not_exist_is_an_attribute_error():
    assert not hasattr(imgxlate, "Translatr")


def test_the_changelog_begins_with_the_version():
    headings = [line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")]
    assert headings[0].split()[1] == imgxlate.__version__


def test_importing_imgxlate_imports_nothing_heavy():
    code = "import imgxlate, sys; print({'torch', 'numpy', 'PIL', 'typer'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"


def test_the_built_in_methods_are_the_ones_that_the_package_announces():
    from imgxlate.methods.registry import BUILT_IN, GROUP

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"][GROUP] == BUILT_IN

"""The public names, the version, and what importing costs."""

import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import imgxlate
from imgxlate import plugin

ROOT = Path(__file__).parent.parent


def test_the_public_names_are_these():
    assert imgxlate.__all__ == [
        "Capability",
        "Citation",
        "Comparison",
        "DataConfig",
        "DataReport",
        "DataSplit",
        "Evaluation",
        "FastStyleTransfer",
        "FigureSpec",
        "FilmResult",
        "ImgxlateError",
        "Iteration",
        "MethodConfig",
        "MethodSpec",
        "Model",
        "PixelFormat",
        "Region",
        "Run",
        "Scale",
        "StepResult",
        "StyleTransfer",
        "TrainingConfig",
        "TrainingSpec",
        "TranslatorConfig",
        "__version__",
        "check_data",
        "compare",
        "download_data",
        "load",
        "load_fast_style_transfer",
        "load_style_transfer",
        "option",
        "read_record",
        "split_data",
        "stylize",
        "stylize_video",
        "train",
        "translate_video",
    ]
    assert all(getattr(imgxlate, name) for name in imgxlate.__all__)


def test_the_public_names_for_implementations_are_these():
    assert plugin.__all__ == [
        "Adversarial",
        "Affine",
        "Batch",
        "Checkpoint",
        "CheckpointError",
        "DivergedError",
        "Domain",
        "Exportable",
        "Graph",
        "Iterate",
        "Local",
        "Moments",
        "MovedOutput",
        "Noise",
        "Norm",
        "ProcessGroup",
        "Residual",
        "Stage",
        "Staged",
        "StagedStyleSampler",
        "StepContext",
        "StyleSampler",
        "Stylizer",
        "Trainable",
        "TrainedNetworks",
        "Translator",
        "UsageError",
        "convolution",
        "decode",
        "from_tensor",
        "pointwise",
        "read_checkpoint",
        "to_tensor",
        "walk",
        "write_checkpoint",
    ]
    assert all(hasattr(plugin, name) for name in plugin.__all__)


@pytest.mark.parametrize("path", [ROOT / "docs" / "plugins.md", *ROOT.glob("examples/plugin-*/src/*/*.py")], ids=str)
def test_plug_ins_use_public_names_only(path):
    used = re.findall(r"^(?:from (imgxlate[.\w]*)|import (imgxlate\.\w+))", path.read_text(), re.MULTILINE)
    modules = {name or other for name, other in used}
    assert {module for module in modules if not module.startswith("imgxlate_")} <= {"imgxlate", "imgxlate.plugin"}


def test_a_name_that_does_not_exist_is_an_attribute_error():
    assert not hasattr(imgxlate, "Translatr")


def test_the_public_names_and_the_errors_are_listed():
    assert {*imgxlate.__all__, "errors"} <= set(dir(imgxlate))


def test_the_errors_are_there_after_a_bare_import():
    code = "import imgxlate; print(imgxlate.errors.UsageError.exit_code)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "2"


def test_a_style_transfer_takes_its_configuration_in_one_way():
    assert "config" not in inspect.signature(imgxlate.load_style_transfer).parameters


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

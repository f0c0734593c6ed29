"""What answering quickly asks for: commands that only tell import nothing heavy."""

import os
import subprocess
import sys

import pytest

HEAVY = {"torch", "torchvision", "numpy", "PIL", "requests", "yaml", "safetensors"}
SLOW = {"pydantic", "importlib.metadata", "tomllib"}


def imported(arguments, environment="", names=HEAVY):
    code = f"""
import sys
{environment}
sys.argv = ["imgxlate", *{arguments!r}]
from imgxlate.__main__ import main
try:
    main()
except SystemExit as end:
    print(end.code or 0, *({names!r} & set(sys.modules)), file=sys.stderr)
"""
    # Without coverage, which imports modules of its own.
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    result = subprocess.run([sys.executable, "-c", code], env=unmeasured, capture_output=True, text=True, check=True)
    status, *modules = result.stderr.splitlines()[-1].split()
    return int(status), set(modules), result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["translate", "--help"],
        ["sample-styles", "--help"],
        ["neural-style", "--help"],
        ["train", "--help"],
        ["compare", "--help"],
        ["train", "munit", "--show-config"],
        ["train", "unit", "--preset", "tiny", "--set", "gen.dim=8", "--show-config", "--json"],
        ["weights", "--help"],
        ["methods"],
        ["methods", "--json"],
        ["weights", "list"],
        ["data", "--help"],
        ["data", "check", "--help"],
        ["data", "list"],
        ["weights", "info", "horse2zebra"],
    ],
)
def test_commands_that_only_print_information_import_nothing_heavy(arguments):
    status, modules, stdout = imported(arguments)
    assert status == 0
    assert modules == set()
    assert stdout


def test_the_list_of_commands_needs_no_slow_import_either():
    assert imported(["--help"], names=SLOW)[1] == set()


@pytest.mark.parametrize(
    ("words", "proposed"),
    [
        ("imgxlate translate ", "cyclegan"),
        ("imgxlate translate cyclegan --model cyclegan-horse", "cyclegan-horse2zebra"),
        ("imgxlate weights info vgg", "vgg19"),
        ("imgxlate neu", "neural-style"),
        ("imgxlate data download horse", "horse2zebra"),
        ("imgxlate sample-styles ", "munit"),
        ("imgxlate train c", "cyclegan"),
        ("imgxlate train munit --preset ti", "tiny"),
        ("imgxlate train --preset synth", "synthia2cityscape"),
    ],
)
def test_completion_proposes_names_and_imports_nothing_heavy(words, proposed):
    variables = {
        "_IMGXLATE_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    environment = f"import os; os.environ |= {variables!r}"
    _, modules, stdout = imported([], environment)
    assert proposed in stdout.split()
    assert modules == set()


def test_a_usage_error_is_reported_before_anything_heavy_is_imported(tmp_path):
    status, modules, _ = imported(["translate", "munit", str(tmp_path / "a.png"), "--n-styles", "2", "-o", "b.png"])
    assert status == 2
    assert "torch" not in modules

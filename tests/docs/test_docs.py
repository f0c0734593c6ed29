"""The docs say what is so: links lead somewhere, commands exist, the reference is the help texts."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from imgxlate.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted(ROOT.glob("docs/**/*.md")),
    *sorted(ROOT.glob("examples/**/*.md")),
]
LINK = re.compile(r"\]\(([^)#\s]+)")
HEADING_LINK = re.compile(r"\]\(([^)#\s]*)#([^)\s]+)")
COMMAND = re.compile(r"(?:^|-m |[|;&] *)(imgxlate [^|;&]*)")
BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def named(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_to_files_have_a_target(page):
    targets = [link for link in LINK.findall(page.read_text()) if "://" not in link]
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_to_headings_have_a_target(page):
    for target, heading in HEADING_LINK.findall(page.read_text()):
        if "://" not in target:
            titles = re.findall(r"^#+ (.*)", (page.parent / target if target else page).read_text(), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


def command_lines():
    for page in PAGES:
        for block in BLOCK.findall(page.read_text()):
            for line in block.replace("\\\n", " ").splitlines():
                for command in COMMAND.findall(line.strip().removeprefix("$ ")):
                    words = shlex.split(command, comments=True)
                    if named(page) != "docs/cli.md":
                        yield pytest.param(words[1:], id=f"{named(page)}: {' '.join(words)[:60]}")


@pytest.mark.parametrize("words", list(command_lines()))
def test_the_commands_and_options_that_the_docs_show_exist(words):
    command = typer.main.get_command(app)
    while words and hasattr(command, "commands"):
        name, *words = words
        if name.startswith("-"):
            return
        command = command.commands[name]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)} <= known | {"--help", "-h"}


def test_the_reference_is_made_from_the_help_texts(tmp_path):
    made = tmp_path / "cli.md"
    make = ["-m", "typer", "imgxlate.cli.app", "utils", "docs", "--name", "imgxlate", "--output", made]
    subprocess.run([sys.executable, *make], check=True, capture_output=True)
    assert made.read_text() == (ROOT / "docs" / "cli.md").read_text(), "run `make docs`"


def test_the_exit_codes_in_the_docs_are_those_of_the_errors():
    from imgxlate import errors

    text = (ROOT / "docs" / "tutorial.md").read_text()
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    classes = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    assert documented == {0, 130, 143} | {cls.exit_code for cls in classes}


def test_the_tests_that_the_security_page_names_exist():
    named = re.findall(r"`(tests/[^`]+)`", (ROOT / "docs" / "security.md").read_text())
    assert len(named) > 10
    assert [path for path in named if not (ROOT / path).exists()] == []

"""Commands that get their options from a configuration and from the decorator."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
import typer
from annotated_types import Ge, Gt
from typer.testing import CliRunner

from imgxlate.cli import options
from imgxlate.cli.output import Output
from imgxlate.config import PositiveInt, option
from imgxlate.errors import UsageError


@dataclass(frozen=True, slots=True)
class Inner:
    workers: int = option(2, "processes", panel="Speed")


@dataclass(frozen=True, slots=True)
class Config:
    size: PositiveInt = option(512, "longer side", panel="Options")
    rate: Annotated[float, Gt(0)] | None = option(None, "step length", panel="Speed")
    scale: Annotated[float, Ge(0.01)] = option(1.0, "zoom", panel="Options", metavar="FACTOR")
    pooling: Literal["max", "average"] = option("max", "pooling", panel="Options")
    layers: tuple[str, ...] = option(("a", "b"), "layers", panel="Options", metavar="L,L,...")
    hidden: int = option(1, "set by --set only")
    data: Inner = option(Inner(), "data")


def command(*shared, **arguments):
    """A command line with one command, and what its function gets."""
    app, got = typer.Typer(), {}

    @app.command()
    @options.command(*shared, config=Config, **arguments)
    def run(
        out: Output, name: str, *, given: Mapping[str, Any], loud: bool = False, settings: options.Settings
    ) -> None:
        """Do it."""
        got.update(out=out, name=name, given=given, loud=loud, settings=settings)
        if name == "wrong":
            raise UsageError("that is wrong", hint="Type right.")

    return lambda *words: (CliRunner().invoke(app, words, env={"COLUMNS": "200", "TERM": "dumb"}), got)


def test_only_options_on_the_command_line_are_given_by_key():
    run = command("seed")
    result, got = run("x", "--layers", "c, d", "--workers", "0", "--rate", "0.5", "--pooling", "average", "--seed", "3")
    assert result.exit_code == 0, result.output
    assert got["given"] == {"layers": ("c", "d"), "data.workers": 0, "rate": 0.5, "pooling": "average"}
    assert (got["name"], got["loud"], got["settings"]) == ("x", False, options.Settings(seed=3))
    assert run("x")[1]["given"] == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--size", "0"), "--size"),
        (("--rate", "-1"), "--rate"),
        (("--scale", "0.001"), "--scale"),
        (("--pooling", "median"), "--pooling"),
        (("--hidden", "1"), "--hidden"),
        (("--offline",), "--offline"),
    ],
)
def test_values_out_of_bounds_and_undeclared_options_are_usage_errors(words, said):
    result, _ = command("seed")("x", *words)
    assert result.exit_code == 2
    assert said in result.output


def test_the_bounds_of_a_base_class_are_checked_by_the_derived_configuration():
    assert command(is_base=True)("x", "--size", "0")[1]["given"] == {"size": 0}


def test_help_shows_the_documentation_the_bounds_and_the_defaults():
    text = command("seed")("--help")[0].output
    for shown in (
        "Longer side. Default: 512.",
        "N [x>=1]",
        "Step length. ",
        "FACTOR",
        "Layers. Default: a,b.",
        "Speed",
    ):
        assert shown in text
    assert "Default: 512." not in command(is_base=True)("--help")[0].output


def test_options_are_listed_in_the_order_of_the_signature_except_those_that_follow_another():
    def order(text):
        return [word for line in text.splitlines() for word in line.split() if word in ("--size", "--layers", "--loud")]

    assert order(command()("--help")[0].output) == ["--size", "--layers", "--loud"]
    assert order(command(after={"size": "loud"})("--help")[0].output) == ["--layers", "--loud", "--size"]


def test_a_command_runs_in_a_session():
    result, got = command()("wrong", "--json", "--quiet")
    assert result.exit_code == 2
    assert "error: that is wrong" in result.stderr
    assert "hint:  Type right." in result.stderr
    assert (got["out"].as_json, got["out"].verbosity) == (True, -1)


def test_overwriting_and_skipping_exclude_each_other():
    assert options.Settings().existing.value == "refuse"
    assert options.Settings(skip_existing=True).existing.value == "skip"
    with pytest.raises(UsageError, match="exclude each other"):
        _ = options.Settings(overwrite=True, skip_existing=True).existing

"""Bars on terminals, plain lines in logs."""

import pytest

from imgxlate.cli import progress
from imgxlate.cli.output import Output
from imgxlate.cli.progress import Bar


def test_a_log_gets_a_plain_line_at_intervals(capsys, monkeypatch):
    clock = iter([0.0, 5.0, 11.0, 11.0, 12.0, 22.0, 22.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with Bar(Output(), "paint", 100, "iterations").shown() as bar:
        bar.update(10)
        bar.update(20, text="loss 3")
        bar.update(30)
        bar.update(40)
    assert capsys.readouterr().err.splitlines() == [
        "paint: 20 of 100 iterations, loss 3",
        "paint: 40 of 100 iterations",
    ]


@pytest.mark.parametrize(("total", "said"), [(None, "weights: 1.5 MB\n"), (3e6, "weights: 1.5 MB of 3.0 MB\n")])
def test_bytes_are_shown_in_megabytes(capsys, monkeypatch, total, said):
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.0)
    with Bar(Output(), "weights", None, "bytes").shown() as bar:
        bar.update(1_500_000, total)
    assert capsys.readouterr().err == said


def test_quiet_shows_nothing(capsys, monkeypatch):
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.0)
    with Bar(Output(verbosity=-1), "paint", 2, "images").shown() as bar:
        bar.update(1)
    assert capsys.readouterr() == ("", "")


def test_the_bar_on_a_terminal_is_removed_at_the_end(on_a_terminal):
    code = """
from imgxlate.cli.output import Output
from imgxlate.cli.progress import Bar
out = Output()
with Bar(out, "paint", 2, "images").shown() as bar:
    bar.update(1, text="photo.jpg")
    out.note("a line above the bar")
print("end")
"""
    text = on_a_terminal(code)
    assert "paint" in text
    assert "photo.jpg" in text
    assert "a line above the bar" in text
    assert "\x1b[2K" in text  # The bar's line is wiped.

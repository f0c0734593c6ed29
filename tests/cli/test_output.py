"""Data on stdout, the rest on stderr."""

import io
import json
import sys

import pytest

from imgxlate.cli.output import Output


def test_records_are_lines_of_json_with_the_flag_json(capsys):
    Output().record({"a": 1})
    Output(as_json=True).record({"a": "ü"})
    assert capsys.readouterr().out == '{"a": "\\u00fc"}\n'


def test_a_document_is_one_json_value(capsys):
    Output().document({"a": [1, 2]})
    assert json.loads(capsys.readouterr().out) == {"a": [1, 2]}


def test_a_table_in_a_pipe_is_neither_folded_nor_padded(capsys):
    Output().table(("NAME", "IS"), [("long", "word " * 100), ("[bold]", "as it is")])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[2].split() == ["[bold]", "as", "it", "is"]
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize(
    ("encoding", "errors", "written"),
    [
        ("utf-8", "strict", "ü\\udcff".encode()),
        ("ascii", "strict", rb"\xfc\udcff"),
        ("utf-8", "surrogateescape", "ü".encode() + b"\xff"),
    ],
)
def test_names_that_the_stream_cannot_write_are_escaped(monkeypatch, encoding, errors, written):
    for show in (lambda out, name: out.line(name), lambda out, name: out.table(("NAME",), [(name,)])):
        stream = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(stream, encoding, errors, write_through=True))
        show(Output(), "ü\udcff")
        assert stream.getvalue().splitlines()[-1] == written


def test_messages_depend_on_the_verbosity(capsys):
    for verbosity in (-1, 0, 1):
        out = Output(verbosity=verbosity)
        out.note("note")
        out.detail("detail")
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.split("\n") == ["note", "note", "detail", ""]

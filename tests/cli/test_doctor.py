"""`imgxlate doctor`."""

import json

import torch

from imgxlate import __version__


def test_the_report_shows_versions_device_and_folders(run, tmp_path):
    result = run("doctor", "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert report["imgxlate"] == __version__
    assert report["packages"]["torch"] == torch.__version__
    assert report["problems"] == []
    assert {"device", "fast_bf16", "cpu_capability", "cache", "cache_free_bytes"} <= set(report)


def test_the_table_has_a_row_for_each_fact(run):
    lines = run("doctor").stdout.splitlines()
    assert any(line.startswith("packages") and "torch" in line for line in lines)


def test_an_incompatible_torchvision_is_a_problem_and_exits_with_7(run, monkeypatch):
    from imgxlate import vision
    from imgxlate.errors import ImgxlateError

    def fail():
        raise ImgxlateError("torchvision cannot be used")

    monkeypatch.setattr(vision, "torchvision", fail)
    result = run("doctor", "--json")
    assert result.exit_code == 7
    assert json.loads(result.stdout)["problems"] == ["torchvision cannot be used"]


def test_a_torch_that_cannot_be_imported_is_a_problem(run, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "torch", None)
    result = run("doctor", "--json")
    assert result.exit_code == 7
    assert "torch cannot be imported" in json.loads(result.stdout)["problems"][0]

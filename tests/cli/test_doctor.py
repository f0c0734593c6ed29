"""`imgxlate doctor`."""

import json

import torch

from imgxlate import __version__
from imgxlate.nn.algorithms import choices_file, machine


def test_the_report_shows_versions_device_and_folders(run, tmp_path):
    result = run("doctor", "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert report["imgxlate"] == __version__
    assert report["packages"]["torch"] == torch.__version__
    assert report["problems"] == []
    assert {"device", "fast_bf16", "cpu_capability", "cache", "cache_free_bytes", "data"} <= set(report)
    assert report["precision"] in ("bf16", "fp32-fast")
    assert report["convolutions"] == {"direct": 0, "winograd": 0}


def test_the_remembered_algorithms_of_this_machine_are_counted(run):
    known = {"output a": "winograd", "output b": "direct", "output c": "winograd"}
    choices_file().write_text(json.dumps({machine(): known, "another": {"output a": "direct"}}))
    assert json.loads(run("doctor", "--json").stdout)["convolutions"] == {"direct": 1, "winograd": 2}
    assert "direct 1, winograd 2" in run("doctor").stdout


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

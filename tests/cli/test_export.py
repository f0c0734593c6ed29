"""`imgxlate weights export`."""

import json
from pathlib import Path

import torch


def test_each_written_file_is_named_in_a_line(run, golden, tmp_path):
    source = golden / "cyclegan" / "latest_net_G_A.pth"
    result = run("weights", "export", source, "--format", "originals", "-o", f"{tmp_path}/", "--json", "-q")
    assert result.exit_code == 0, result.stderr
    written = [Path(json.loads(line)["output"]) for line in result.stdout.splitlines()]
    assert [path.name for path in written] == ["latest_net_G_A.pth", "latest_net_G_B.pth"]
    assert all(torch.load(path, weights_only=True) for path in written)
    assert result.stderr == ""


def test_an_exported_model_gives_the_same_translations(run, golden, tmp_path, pixels):
    folder = golden / "unit"
    run("weights", "export", folder / "gen_00000001.pt", "--format", "originals", "-o", tmp_path / "mine.pt")
    base = ("translate", "unit", folder / "a.png", "--checkpoint", tmp_path / "mine.pt", "--precision", "fp32")
    assert run(*base, "-o", tmp_path / "out.png").exit_code == 0
    assert abs(pixels(tmp_path / "out.png") - pixels(folder / "a2b.png")).max() <= 1


def test_a_second_export_is_refused_with_a_hint_to_overwrite(run, golden, tmp_path):
    command = ("weights", "export", golden / "unit" / "gen_00000001.pt", "--format", "originals", "-o", tmp_path)
    assert "wrote" in run(*command).stderr
    result = run(*command)
    assert result.exit_code == 9
    assert "--overwrite" in result.stderr
    assert run(*command, "--overwrite").exit_code == 0


def test_an_export_never_overwrites_its_input(run, golden, tmp_path):
    file = tmp_path / "gen.pt"
    file.write_bytes((golden / "unit" / "gen_00000001.pt").read_bytes())
    before = file.read_bytes()
    result = run("weights", "export", file, "--format", "originals", "-o", tmp_path, "--overwrite")
    assert result.exit_code == 2
    assert f"the output {file} is an input" in result.stderr
    assert file.read_bytes() == before


def test_an_unknown_format_is_refused(run, golden):
    result = run("weights", "export", golden / "unit" / "gen_00000001.pt", "--format", "caffe")
    assert result.exit_code == 2
    assert "originals" in result.stderr

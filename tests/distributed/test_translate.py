"""`imgxlate translate` on a folder, in several processes."""

import json

import pytest


@pytest.fixture
def arguments(golden, photo, tmp_path):
    """The arguments that translate a folder of seven images."""
    for index in range(7):
        photo(f"in/{index}.png", seed=index, size=(32, 32))
    model = golden / "munit" / "gen_00000001.pt"
    return [None, "translate", "munit", tmp_path / "in", "--checkpoint", model, "-q"]


def test_each_process_translates_part_of_the_files(torchrun, outputs, arguments, tmp_path):
    texts = outputs(torchrun(*arguments, "-o", tmp_path / "out", "--json"))
    inputs = [[json.loads(line)["input"] for line in text.splitlines()] for text in texts]
    assert {len(part) for part in inputs} == {3, 4}
    assert sorted(inputs[0] + inputs[1]) == [str(tmp_path / "in" / f"{index}.png") for index in range(7)]
    assert len(list((tmp_path / "out").iterdir())) == 7


def test_a_process_ignores_existing_outputs_of_the_others(torchrun, outputs, arguments, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "0.munit.png").write_bytes(b"another process's")
    first, second = torchrun(*arguments, "-o", tmp_path / "out")
    assert first.wait(timeout=60) == 9, first.errors
    outputs([second])


def test_a_sheet_of_all_files_is_an_error(torchrun, arguments, tmp_path):
    for process in torchrun(*arguments, "-o", tmp_path / "out", "--grid", tmp_path / "grid.png"):
        assert process.wait(timeout=60) == 2
        assert "each of the 2 processes translates part of the files" in process.errors


def test_a_process_without_files_does_not_report_existing_outputs(torchrun, outputs, arguments, tmp_path):
    alone = [str(tmp_path / "in" / "0.png") if argument == tmp_path / "in" else argument for argument in arguments]
    processes = torchrun(*alone[:-1], "-o", f"{tmp_path}/out/")
    outputs(processes)
    assert "process 1 of 2 (RANK and WORLD_SIZE): 0 of 1 inputs" in processes[1].errors
    assert "nothing to do" in processes[1].errors
    assert "exists already" not in processes[1].errors
    assert (tmp_path / "out" / "0.munit.png").exists()

"""`imgxlate translate` on a folder, in several processes."""

import json

import pytest


@pytest.fixture
def arguments(golden, photo, tmp_path):
    """A folder of seven pictures, to be translated."""
    for index in range(7):
        photo(f"in/{index}.png", seed=index, size=(32, 32))
    model = golden / "munit" / "gen_00000001.pt"
    return ["-m", "imgxlate", "translate", "munit", tmp_path / "in", "--checkpoint", model, "-q"]


def test_the_processes_share_the_files_out(torchrun, outputs, arguments, tmp_path):
    texts = outputs(torchrun(*arguments, "-o", tmp_path / "out", "--json"))
    inputs = [[json.loads(line)["input"] for line in text.splitlines()] for text in texts]
    assert {len(part) for part in inputs} == {3, 4}
    assert sorted(inputs[0] + inputs[1]) == [str(tmp_path / "in" / f"{index}.png") for index in range(7)]
    assert len(list((tmp_path / "out").iterdir())) == 7


def test_a_process_that_begins_late_does_not_mind_what_the_others_have_written(torchrun, outputs, arguments, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "0.munit.png").write_bytes(b"another process's")
    first, second = torchrun(*arguments, "-o", tmp_path / "out")
    _, said = first.communicate(timeout=60)
    assert first.returncode == 9, said
    outputs([second])


def test_what_all_would_have_to_write_is_refused(torchrun, arguments, tmp_path):
    for process in torchrun(*arguments, "-o", tmp_path / "out", "--grid", tmp_path / "grid.png"):
        _, said = process.communicate(timeout=60)
        assert process.returncode == 2
        assert "each of the 2 processes translates part of the files" in said


def test_a_process_without_a_file_of_its_own_does_not_say_that_the_outputs_exist(torchrun, arguments, tmp_path):
    alone = [str(tmp_path / "in" / "0.png") if argument == tmp_path / "in" else argument for argument in arguments]
    said = [process.communicate(timeout=120)[1] for process in torchrun(*alone[:-1], "-o", f"{tmp_path}/out/")]
    assert "process 1 of 2 (RANK and WORLD_SIZE): 0 of 1 inputs" in said[1]
    assert "nothing to do" in said[1]
    assert "exists already" not in said[1]
    assert (tmp_path / "out" / "0.munit.png").exists()

"""Exchange between processes over real sockets."""

import json
import signal

import pytest
import torch

from imgxlate.training.distributed import joined

PROGRAM = """
import json, torch
from imgxlate.training.distributed import joined

with joined(torch.device("cpu")) as world:
    ones = [torch.full((2, 3), float(world.rank)), torch.full((4,), 10.0 * world.rank)]
    world.average(ones)
    images = torch.full((2, 1, 2, 2), float(world.rank)).contiguous(memory_format=torch.channels_last)
    print(json.dumps({
        "rank": world.rank, "main": world.is_main,
        "average": [tensor.tolist() for tensor in ones],
        "gathered": world.gather(images).flatten(1).mean(1).tolist(),
        "collected": world.gather_objects({"from": world.rank}),
    }))
"""

HANGING = """
import signal, torch
from imgxlate.training.distributed import joined
from imgxlate.errors import DeviceError

try:
    with joined(torch.device("cpu")) as world:
        print("joined", flush=True)
        if world.rank == 1:
            signal.pause()
        world.average([torch.ones(3)])
except DeviceError as error:
    print(error, error.hint)
"""


OWN_GROUP = """
import torch
from torch import distributed
from imgxlate.training.distributed import joined

distributed.init_process_group("gloo")
with joined(torch.device("cpu")) as world:
    print(world.gather_objects(world.rank))
distributed.barrier()
distributed.destroy_process_group()
"""


@pytest.fixture
def program(tmp_path):
    """Write Python code into a file."""

    def write(code):
        path = tmp_path / "program.py"
        path.write_text(code)
        return path

    return write


@pytest.mark.parametrize("size", [2, 3])
def test_all_processes_get_the_same_values(torchrun, outputs, program, size):
    found = [json.loads(text) for text in outputs(torchrun(program(PROGRAM), size=size))]
    assert [one["rank"] for one in found] == list(range(size))
    assert [one["main"] for one in found] == [True] + [False] * (size - 1)
    middle = (size - 1) / 2
    for one in found:
        assert one["average"] == [[[middle] * 3] * 2, [10 * middle] * 4]
        assert one["gathered"] == [float(rank) for rank in range(size) for _ in range(2)]
        assert one["collected"] == [{"from": rank} for rank in range(size)]


def test_a_process_group_of_the_script_is_used_and_outlasts_the_run(torchrun, outputs, program):
    assert outputs(torchrun(program(OWN_GROUP))) == ["[0, 1]\n"] * 2


def test_the_others_report_the_loss_of_a_process(torchrun, outputs, program):
    first, second = torchrun(program(HANGING))
    for process in (first, second):
        process.wait_for("joined\n")
    second.kill(signal.SIGKILL)
    [output] = outputs([first])
    assert "another process of the run was lost" in output
    assert "--resume" in output


def test_a_single_process_exchanges_nothing():
    with joined(torch.device("cpu")) as world:
        tensor = torch.arange(3.0)
        world.average([tensor])
        assert tensor.tolist() == [0, 1, 2]
        assert world.gather(tensor) is tensor
        assert world.gather_objects(5) == [5]

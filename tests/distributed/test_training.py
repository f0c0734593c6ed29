"""Training in several processes: the same steps as in one process, signals, and the loss of a process."""

import json
import signal
from pathlib import Path

import pytest
import torch

from imgxlate import checkpoint
from imgxlate.methods import registry
from imgxlate.training import history

PROGRAM = Path(__file__).with_name("train.py")
METHODS = [name for name in registry.BUILT_IN if registry.find(name).training]


@pytest.fixture
def data(photo, tmp_path):
    for domain, count in {"trainA": 5, "trainB": 3}.items():
        for index in range(count):
            photo(f"data/{domain}/{index}.png", seed=10 * len(domain) + index, size=(80, 96))
    return tmp_path / "data"


def weights(run, step):
    return checkpoint.read(run / f"checkpoints/step-{step:08d}.safetensors").tensors


def assert_near(one, other):
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        # Sums in another order differ in the last digits. Adam's first steps magnify this ten thousand times.
        torch.testing.assert_close(
            tensor, other[name], rtol=1e-6, atol=1e-7, msg=lambda text, name=name: f"{name}: {text}"
        )


@pytest.mark.parametrize(
    ("method", "options"),
    [
        *((method, []) for method in METHODS),
        ("cyclegan", ["augment=color,translation,cutout"]),
        ("munit", ["dis.norm=spectral", "spectral_gen=true", "dis.gan_type=hinge", "lr_dis=8e-4"]),
    ],
)
def test_two_processes_take_the_same_steps_as_one(torchrun, outputs, data, tmp_path, method, options):
    texts = outputs(torchrun(PROGRAM, method, data, tmp_path / "two", 3, 2, *options, size=2))
    outputs(torchrun(PROGRAM, method, data, tmp_path / "one", 3, 2, *options, size=1))
    assert_near(weights(tmp_path / "one", 3), weights(tmp_path / "two", 3))
    # Only the main process writes checkpoints.
    assert ["True" in text for text in texts] == [True, False]


def test_a_run_can_be_resumed_with_another_number_of_processes(torchrun, outputs, data, tmp_path):
    outputs(torchrun(PROGRAM, "cyclegan", data, tmp_path / "changing", 2, 2, size=2))
    for size, steps in ((1, 3), (2, 4)):
        outputs(torchrun(PROGRAM, "cyclegan", data, tmp_path / "changing", steps, 2, size=size))
    for steps in (2, 3, 4):
        outputs(torchrun(PROGRAM, "cyclegan", data, tmp_path / "alone", steps, 2, size=1))
    assert_near(weights(tmp_path / "changing", 4), weights(tmp_path / "alone", 4))


@pytest.mark.parametrize("victim", [0, 1])
def test_losing_a_process_ends_the_run_with_an_intact_last_checkpoint(torchrun, data, tmp_path, victim):
    processes = torchrun(PROGRAM, "cyclegan", data, tmp_path / "run", 10_000, 2, size=2)
    for process in processes:
        process.wait_for("3 ")
    processes[victim].kill(signal.SIGKILL)
    assert processes[1 - victim].wait(timeout=60) == 1
    assert "another process of the run was lost" in processes[1 - victim].errors
    checkpoints = sorted((tmp_path / "run" / "checkpoints").glob("step-*.safetensors"))
    assert checkpoint.read(checkpoints[-1]).header["step"] >= 2


def test_a_signal_to_one_process_ends_all_of_them_after_the_same_step(torchrun, data, tmp_path):
    processes = torchrun(PROGRAM, "cyclegan", data, tmp_path / "run", 10_000, 2, size=2)
    processes[1].wait_for("3 ")
    processes[1].kill(signal.SIGTERM)
    steps = [0, 0]
    for rank, process in enumerate(processes):
        assert process.wait(timeout=60) == 143, process.errors
        steps[rank] = max(int(line.split()[0]) for line in process.output.splitlines() if line[0].isdigit())
    assert steps[0] == steps[1] >= 3
    assert checkpoint.read(tmp_path / "run" / "model.safetensors").header["step"] == steps[0]


def test_a_script_may_train_several_times_and_every_process_finds_the_finished_run(torchrun, outputs, data, tmp_path):
    main, other = outputs(torchrun(PROGRAM.with_name("runs.py"), data, tmp_path))
    assert other.splitlines() == ["saved 3 3"] * 3
    assert len(main.splitlines()) == 9  # Only this process writes messages.


@pytest.mark.parametrize("method", ["munit", "cyclegan"])
def test_two_processes_that_accumulate_take_the_steps_of_one_large_batch(torchrun, outputs, data, tmp_path, method):
    outputs(torchrun(PROGRAM, method, data, tmp_path / "two", 3, 2, "accumulate=2", size=2))
    outputs(torchrun(PROGRAM, method, data, tmp_path / "one", 3, 4, size=1))
    assert_near(weights(tmp_path / "one", 3), weights(tmp_path / "two", 3))


def test_two_processes_begin_from_a_model_and_warm_up_as_one_does(torchrun, outputs, data, tmp_path):
    command = (None, "train", "cyclegan", data, "--from", "cyclegan-summer2winter", "--warm-up", 1)
    small = [f"--set={key}" for key in ("data.crop_height=32", "data.crop_width=32", "ndf=4", "display_size=1")]
    options = ("--iterations", 2, "--batch-size", 2, "--workers", 0, "--precision", "fp32", "--device", "cpu")
    for size, name in ((2, "two"), (1, "one")):
        outputs(torchrun(*command, *small, *options, "--threads", 1, "--out", tmp_path / name, size=size))
    one, two = (history.read(tmp_path / name / "history.jsonl") for name in ("one", "two"))
    for alone, shared in zip(one, two, strict=True):
        assert shared.losses == pytest.approx(alone.losses, rel=1e-3)
    headers = [checkpoint.read(tmp_path / name / "model.safetensors").header["card"] for name in ("one", "two")]
    assert headers[0]["start"] == headers[1]["start"]


def test_two_processes_agree_on_the_steps_that_fill_a_time(torchrun, outputs, data, tmp_path):
    command = (None, "train", "cyclegan", data, "--preset", "tiny", "--hours", 0.002, "--batch-size", 2)
    options = ("--set", "display_size=1", "--workers", 0, "--device", "cpu", "--out", tmp_path / "run")
    outputs(torchrun(*command, *options, size=2))
    header = checkpoint.read(tmp_path / "run" / "model.safetensors").header
    assert header["step"] == header["card"]["iterations"] >= 1


def test_samples_that_are_not_finite_do_not_stop_one_process_alone(torchrun, data, tmp_path):
    command = [None, "train", "cyclegan", data, "--preset", "tiny", "--iterations", 3, "--batch-size", 2]
    settings = ["--workers", 0, "--set", "lr=1e30", "--set", "display_size=1", "--precision", "fp32"]
    processes = torchrun(*command, *settings, "--out", tmp_path / "run", "--on-nan", "rollback")
    statuses, errors = [process.wait() for process in processes], [process.errors for process in processes]
    assert "no samples after step 1" in errors[0]
    assert "other images" in errors[0]
    assert statuses == [8, 8], errors


def test_two_processes_evaluate_as_one_does_and_end_together(torchrun, outputs, data, tmp_path):
    command = [None, "train", "cyclegan", data, "--preset", "tiny", "--iterations", 9, "--batch-size", 2]
    settings = ["--workers", 0, "--set", "display_size=1", "--set", "lr=0", "--precision", "fp32", "--device", "cpu"]
    # With a rate of 0, the model stays as it is, and no evaluation after the first one is better.
    tests = [
        "--test-a",
        data / "trainA",
        "--test-b",
        data / "trainB",
        "--evaluate-every",
        2,
        "--evaluate-images",
        2,
        "--ema",
        0,
    ]
    for size in (1, 2):
        run = tmp_path / str(size)
        processes = torchrun(*command, *settings, *tests, "--patience", 1, "--out", run, size=size)
        outputs(processes)
        assert "ending the run after step 4" in processes[0].errors
        assert checkpoint.read(run / "model.safetensors").header["step"] == 4
    one, two = (
        [json.loads(line)["quality"] for line in (tmp_path / size / "quality.jsonl").read_text().splitlines()]
        for size in "12"
    )
    assert len(one) == 2
    assert one == two

"""Training that is killed or receives a signal."""

import json
import random
import signal
import time

import pytest

from imgxlate.methods import registry

STEPS = 36
KILLS = 12
METHODS = [name for name in registry.BUILT_IN if registry.find(name).training]


@pytest.fixture
def train(launch, data, tmp_path):
    """Start the training of a small model in tmp_path/NAME."""

    def start(method, name, *more, workers=0, steps=STEPS):
        intervals = ("--checkpoint-every", 2, "--set", "sample_every=100", "--set", "display_size=1")
        where = ("--device", "cpu", "--precision", "fp32", "--workers", workers, "--iterations", steps)
        if method == "cyclegan":
            more += ("--set", "pool_size=3")  # It is full, and exchanges images, long before the end.
        return launch("train", method, data, "--out", tmp_path / name, "--preset", "tiny", *intervals, *where, *more)

    return start


def finished(process):
    """Wait for a process, and check that it succeeded."""
    assert process.wait() == 0, process.errors


def kill_at_random(process, run, generator):
    """Kill -9 after a random number of steps, or as soon as a file is being written. Returns the exit status."""
    wanted = len(steps_of(run)) + generator.randrange(-1, 2)
    while_writing = generator.random() < 0.5
    while process.runs() and len(steps_of(run)) <= wanted:
        if while_writing and any(run.rglob(".*.part")):
            break
        time.sleep(0.002)
    time.sleep(generator.uniform(0, 0.05))
    process.kill(signal.SIGKILL)
    return process.wait()


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("method", METHODS)
def test_a_killed_run_ends_with_the_same_weights_when_resumed(train, payload, tmp_path, method, workers):
    finished(train(method, "whole", workers=workers))
    generator = random.Random(f"{method} {workers}")
    statuses = []
    for _ in range(KILLS):
        process = train(method, "killed", "--resume", workers=workers)
        statuses.append(kill_at_random(process, tmp_path / "killed", generator))
    finished(train(method, "killed", "--resume", workers=workers))

    assert statuses == [-9] * KILLS
    whole, killed = (tmp_path / name for name in ("whole", "killed"))
    last = f"checkpoints/step-{STEPS:08d}.safetensors"
    assert payload(killed / last) == payload(whole / last)
    assert payload(killed / "model.safetensors") == payload(whole / "model.safetensors")
    assert steps_of(killed) == list(range(1, STEPS + 1))
    assert losses_of(killed) == losses_of(whole)
    assert not list(killed.rglob(".*.part"))


def test_a_killed_run_that_began_from_a_model_ends_with_the_same_weights(train, payload, tmp_path):
    model = ("--from", "cyclegan-summer2winter", "--warm-up", 6, "--set", "data.crop_height=32")
    finished(train("cyclegan", "whole", *model, steps=12))
    generator = random.Random("model")
    for _ in range(4):
        kill_at_random(train("cyclegan", "killed", *model, "--resume", steps=12), tmp_path / "killed", generator)
    finished(train("cyclegan", "killed", "--resume", steps=12))
    whole, killed = (tmp_path / name for name in ("whole", "killed"))
    last = "checkpoints/step-00000012.safetensors"
    assert payload(killed / last) == payload(whole / last)
    assert losses_of(killed) == losses_of(whole)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("workers", [0, 2])
def test_a_signal_saves_the_last_step(train, payload, tmp_path, number, code, workers):
    finished(train("munit", "whole", steps=8))
    process = train("munit", "stopped", workers=workers, steps=8)
    while len(steps_of(tmp_path / "stopped")) < 3:
        time.sleep(0.01)
    process.kill(number)
    assert process.wait() == code, process.errors
    assert "Traceback" not in process.errors
    done = steps_of(tmp_path / "stopped")[-1]
    assert (tmp_path / "stopped" / f"checkpoints/step-{done:08d}.safetensors").exists()
    finished(train("munit", "stopped", "--resume", steps=8))
    model = "model.safetensors"
    assert payload(tmp_path / "stopped" / model) == payload(tmp_path / "whole" / model)


def history_of(run):
    path = run / "history.jsonl"
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith(b"\n")]


def steps_of(run):
    return [entry["step"] for entry in history_of(run)]


def losses_of(run):
    return [entry["losses"] for entry in history_of(run)]


def test_a_killed_run_has_the_same_evaluations_and_best_model_when_resumed(train, payload, data, tmp_path):
    tests = ("--test-a", data / "trainA", "--test-b", data / "trainB")
    evaluated = (*tests, "--evaluate-every", 3, "--evaluate-images", 2)
    finished(train("cyclegan", "whole", *evaluated, steps=9))
    generator = random.Random("evaluations")
    for kill in range(3):
        process = train("cyclegan", "killed", "--resume", *evaluated, steps=9)
        if kill == 1:
            kill_in_evaluation(process, tmp_path / "killed")
        else:
            kill_at_random(process, tmp_path / "killed", generator)
    finished(train("cyclegan", "killed", "--resume", *evaluated, steps=9))

    whole, killed = (tmp_path / name for name in ("whole", "killed"))
    assert evaluations_of(killed) == evaluations_of(whole)
    assert [step for step, *_ in evaluations_of(whole)] == [3, 6, 9]
    assert payload(killed / "best.safetensors") == payload(whole / "best.safetensors")
    assert losses_of(killed) == losses_of(whole)


def kill_in_evaluation(process, run):
    """Kill -9 after a checkpoint of an evaluated step is written, which is before the evaluation has ended."""
    done = len(evaluations_of(run))
    checkpoint = run / f"checkpoints/step-{3 * (done + 1):08d}.safetensors"
    while process.runs() and not checkpoint.exists():
        time.sleep(0.002)
    process.kill(signal.SIGKILL)
    assert process.wait() == -9
    assert len(evaluations_of(run)) == done


def evaluations_of(run):
    path = run / "quality.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [(line["step"], line["best"], line["quality"]) for line in lines]

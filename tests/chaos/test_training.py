"""Training that is killed or receives a signal."""

import json
import random
import signal
import time

import pytest
from commands import draw

from imgxlate.methods import registry

STEPS = 36
KILLS = 12
METHODS = [name for name in registry.BUILT_IN if registry.find(name).training]


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


@pytest.mark.parametrize("method", METHODS)
def test_a_killed_run_ends_with_the_same_weights_when_resumed(train, whole, payload, tmp_path, method):
    run, generator = tmp_path / "killed", random.Random(method)
    statuses = []
    for kill in range(KILLS):
        process = train(method, run, "--resume", workers=2 * (kill % 2), steps=STEPS)
        statuses.append(kill_at_random(process, run, generator))
    finished(train(method, run, "--resume", workers=2, steps=STEPS))

    assert statuses == [-9] * KILLS
    expected = whole(method, steps=STEPS)
    for file in (f"checkpoints/step-{STEPS:08d}.safetensors", "model.safetensors"):
        assert payload(run / file) == payload(expected / file)
    assert steps_of(run) == list(range(1, STEPS + 1))
    assert losses_of(run) == losses_of(expected)
    assert not list(run.rglob(".*.part"))


def test_a_killed_run_that_began_from_a_model_ends_with_the_same_weights(train, whole, payload, tmp_path):
    model = ("--from", "cyclegan-summer2winter", "--warm-up", 6, "--set", "data.crop_height=32")
    run, generator = tmp_path / "killed", random.Random("model")
    for _ in range(4):
        kill_at_random(train("cyclegan", run, *model, "--resume", steps=12), run, generator)
    finished(train("cyclegan", run, "--resume", steps=12))
    last, expected = "checkpoints/step-00000012.safetensors", whole("cyclegan", *model, steps=12)
    assert payload(run / last) == payload(expected / last)
    assert losses_of(run) == losses_of(expected)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("workers", [0, 2])
def test_a_signal_saves_the_last_step(train, whole, payload, tmp_path, number, code, workers):
    run = tmp_path / "stopped"
    process = train("munit", run, workers=workers, steps=8)
    while len(steps_of(run)) < 3:
        assert process.runs(), process.errors
        time.sleep(0.01)
    process.kill(number)
    assert process.wait() == code, process.errors
    assert "Traceback" not in process.errors
    done = steps_of(run)[-1]
    assert (run / f"checkpoints/step-{done:08d}.safetensors").exists()
    finished(train("munit", run, "--resume", steps=8))
    assert payload(run / "model.safetensors") == payload(whole("munit", steps=8) / "model.safetensors")


def history_of(run):
    path = run / "history.jsonl"
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith(b"\n")]


def steps_of(run):
    return [entry["step"] for entry in history_of(run)]


def losses_of(run):
    return [entry["losses"] for entry in history_of(run)]


def test_a_killed_run_has_the_same_evaluations_and_best_model_when_resumed(train, whole, payload, tmp_path):
    for index in range(2):
        for domain in ("A", "B"):
            draw(tmp_path / f"test{domain}/{index}.png", ord(domain) + index, size=(32, 32))
    tests = ("--test-a", tmp_path / "testA", "--test-b", tmp_path / "testB", "--evaluate-every", 3)
    run, generator = tmp_path / "killed", random.Random("evaluations")
    for kill in range(3):
        process = train("cyclegan", run, "--resume", *tests, steps=9)
        if kill == 1:
            kill_in_evaluation(process, run)
        else:
            kill_at_random(process, run, generator)
    finished(train("cyclegan", run, "--resume", *tests, steps=9))

    expected = whole("cyclegan", *tests, steps=9)
    assert evaluations_of(run) == evaluations_of(expected)
    assert [step for step, *_ in evaluations_of(expected)] == [3, 6, 9]
    assert payload(run / "best.safetensors") == payload(expected / "best.safetensors")
    assert losses_of(run) == losses_of(expected)


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

"""Evaluations during a run: the best model, patience, and resuming."""

import json
import math
import os
import signal
import time
from dataclasses import replace
from functools import partial

import pytest
import torch

from imgxlate import checkpoint
from imgxlate.config import overridden
from imgxlate.data import folders
from imgxlate.errors import DivergedError, TerminatedError, UsageError
from imgxlate.inference.device import Arithmetic
from imgxlate.methods import registry
from imgxlate.training import evaluations, evaluator, history, plots, start
from imgxlate.training.plan import Plan
from imgxlate.training.run_folder import RunFolder
from imgxlate.training.trainer import open_trainer

SMALL = {
    "iterations": 6,
    "checkpoint_every": 100,
    "sample_every": 100,
    "display_size": 1,
    "evaluate_every": 2,
    "evaluate_images": 2,
    "gen.ngf": 2,
    "gen.n_blocks": 1,
    "ndf": 2,
    "n_layers": 2,
    "data.crop_height": 32,
    "data.crop_width": 32,
    "data.new_size": 36,
    "data.workers": 0,
    "pool_size": 2,
}


@pytest.fixture
def plan(photo, tmp_path):
    """Make the plan of a run in tmp_path/NAME. Its messages go to the list `messages`."""
    for domain in ("trainA", "trainB", "testA", "testB"):
        for index in range(2):
            photo(f"data/{domain}/{domain}{index}.png", seed=index + len(domain), size=(40, 48))
    spec = registry.find("cyclegan")

    def make(name="run", messages=None, **changes):
        return Plan(
            spec=spec,
            config=overridden(spec.training.presets["tiny"], SMALL | changes),
            preset="tiny",
            features=None,
            folders=folders.find(tmp_path / "data", None),
            run=RunFolder(tmp_path / name),
            device=torch.device("cpu"),
            arithmetic=Arithmetic(),
            notify=(messages if messages is not None else []).append,
        )

    return make


@pytest.fixture
def train():
    """Train to the end, or until `steps` steps are done. Returns the steps."""

    def run(plan, *, resume=False, steps=math.inf):
        done = []
        with open_trainer(plan, resume=resume) as opened:
            iterator = opened.run()
            for result in iterator:
                done.append(result.step)
                if len(done) >= steps:
                    iterator.close()
                    break
        return done

    return run


@pytest.fixture
def script(monkeypatch):
    """Let evaluations have the scores that are given, in their order. Training cannot be made to get worse."""

    def scripted(*scores):
        left = list(scores)

        class Scripted:
            features = evaluator.SetFeatures("fd-vgg19", "kd-vgg19", "", 1, torch.zeros)

            def measure(self, model):
                score = left.pop(0)
                yield
                if callable(score):
                    yield from score()
                return {"kd-vgg19_b": score, "kd-vgg19_a": score}

        monkeypatch.setattr(evaluator, "load", lambda *_: Scripted())
        monkeypatch.setattr(plots, "write_quality", lambda *_: None)  # Drawing takes longer than training here.

    return scripted


def evaluated(plan):
    return [(one.step, one.score, one.is_best) for one in evaluations.read(plan.run.quality)]


def best_step(plan):
    return checkpoint.read(plan.run.best).header["step"]


def losses(plan):
    return [entry.losses for entry in history.read(plan.run.history)]


def same(one, other):
    one, other = (checkpoint.read(path).tensors for path in (one, other))
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_evaluations_leave_the_losses_and_the_weights_as_they_are(train, plan):
    with_them, without = plan("with"), plan("without", evaluate_every=0)
    train(with_them)
    train(without)
    assert [step for step, *_ in evaluated(with_them)] == [2, 4, 6]
    assert with_them.run.quality_curves.read_bytes()[:4] == b"\x89PNG"
    assert not without.run.quality.exists()
    assert losses(with_them) == losses(without)
    assert same(with_them.run.model, without.run.model)


def test_the_best_model_is_kept_beside_the_last_with_its_numbers(train, plan, script):
    script(5.0, 3.0, 4.0)
    train(replace(plan(), keep=9))
    assert evaluated(plan()) == [(2, 5.0, True), (4, 3.0, True), (6, 4.0, False)]
    assert best_step(plan()) == 4
    assert checkpoint.read(plan().run.best).header["quality"] == {"kd-vgg19_b": 3.0, "kd-vgg19_a": 3.0}
    saved = checkpoint.read(plan().run.checkpoint_at(4)).tensors
    best = checkpoint.read(plan().run.best).tensors
    assert all(torch.equal(tensor, saved[f"average.{name}"]) for name, tensor in best.items())
    assert not same(plan().run.best, plan().run.model)


def test_each_evaluation_has_a_checkpoint_of_its_step(train, plan, script):
    script(5.0, 3.0, 4.0)
    train(replace(plan(), keep=9))
    assert plan().run.steps() == (2, 4, 6)


def test_patience_ends_the_run_and_a_resumed_one_knows_it(train, plan, script):
    messages = []
    script(3.0, 5.0, 4.0)
    assert train(plan(messages=messages, iterations=20, patience=2))[-1] == 6
    said = (
        "ending the run after step 6: the last 2 evaluations brought no improvement over step 2, whose kd-vgg19 is 3; "
        "to continue, use --resume with another --patience"
    )
    assert messages[-1] == said
    assert checkpoint.read(plan().run.model).header["step"] == 6
    assert plan().run.sample_at(6).exists()
    assert best_step(plan()) == 2

    assert train(plan(messages=messages, iterations=20, patience=2), resume=True) == []
    assert messages[-1] == said

    script(2.0, 5.0, 5.0, 5.0)
    assert train(plan(iterations=20, patience=3), resume=True)[-1] == 14
    assert best_step(plan()) == 8


def test_patience_counts_only_evaluations_after_the_warm_up(train, plan, script):
    model = partial(start.find, registry.find("cyclegan"), "cyclegan-summer2winter")
    waiting = plan(iterations=20, patience=2, warm_up=4, **{"gen.ngf": 24, "gen.n_blocks": 4})
    script(3.0, 3.0, 4.0, 4.0)
    assert train(replace(waiting, start=model))[-1] == 8


@pytest.mark.parametrize("stop", [1, 2, 3, 4, 5])
def test_a_run_that_is_stopped_and_resumed_has_the_same_evaluations_and_the_same_best_model(train, plan, script, stop):
    script(3.0, 5.0, 4.0)
    train(plan("whole"))
    script(3.0, 5.0, 4.0)
    # Step 2 is saved, but not evaluated, when the run is stopped there. So is step 4.
    train(plan(), steps=stop)
    train(plan(), resume=True)
    assert evaluated(plan()) == evaluated(plan("whole"))
    assert same(plan().run.best, plan("whole").run.best)


def test_a_signal_ends_an_evaluation_and_the_resumed_run_repeats_it(train, plan, script):
    def interrupted():
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(12_000):  # Another thread notes the signal. Without it, this is two minutes of images.
            time.sleep(0.01)
            yield

    script(5.0, interrupted)
    with pytest.raises(TerminatedError):
        train(plan())
    assert evaluated(plan()) == [(2, 5.0, True)]
    assert plan().run.latest().header["step"] == 4
    script(3.0, 4.0)
    assert train(plan(), resume=True) == [5, 6]
    assert evaluated(plan()) == [(2, 5.0, True), (4, 3.0, True), (6, 4.0, False)]


def test_the_best_model_of_a_step_whose_checkpoint_is_damaged_is_made_again(train, plan, script):
    script(5.0, 3.0)
    train(plan(), steps=5)
    path = plan().run.checkpoint_at(4)
    path.write_bytes(path.read_bytes()[:-100])
    script(4.0, 6.0)
    train(plan(), steps=1, resume=True)
    assert evaluated(plan()) == [(2, 5.0, True)]
    assert not plan().run.best.exists()
    train(plan(), resume=True)
    assert evaluated(plan()) == [(2, 5.0, True), (4, 4.0, True), (6, 6.0, False)]
    assert best_step(plan()) == 4


def test_a_resumed_run_evaluates_as_many_images_as_before(train, plan, script):
    script(5.0)
    train(plan(), steps=3)
    with pytest.raises(UsageError, match="evaluate_images: 2 -> 3"):
        train(plan(evaluate_images=3), resume=True)


def test_images_that_are_not_finite_are_not_evaluated(train, plan, script):
    def diverge():
        yield
        raise DivergedError("the image is NaN")

    messages = []
    script(diverge, 3.0, 4.0)
    train(plan(messages=messages))
    assert "no evaluation after step 2: the image is NaN" in messages
    assert evaluated(plan()) == [(4, 3.0, True), (6, 4.0, False)]


def test_with_a_single_readable_test_image_there_is_no_evaluation(train, plan):
    messages = []
    started = plan(messages=messages, iterations=2)
    started.folders.test_b[0].write_bytes(b"no image")
    train(started)
    assert "no evaluation: it needs 2 test images of each domain that can be read" in messages
    assert any(message.startswith("skipped (1): ") for message in messages)
    assert not started.run.best.exists()


def test_a_new_run_in_the_folder_removes_evaluations_and_best_model(train, plan, script):
    script(3.0, 5.0, 4.0)
    train(plan())
    plan().run.quality_curves.touch()
    train(plan(evaluate_every=0))
    for path in (plan().run.quality, plan().run.quality_curves, plan().run.best):
        assert not path.exists()


def test_the_numbers_go_to_tensorboard_and_to_the_callback(train, plan, script):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    script(3.0, 5.0, 4.0)
    seen = []
    train(replace(plan(), tensorboard=True, on_evaluation=seen.append))
    assert [one.step for one in seen] == [2, 4, 6]
    events = EventAccumulator(str(plan().run.tensorboard)).Reload()
    assert [(event.step, event.value) for event in events.Scalars("quality/kd-vgg19_b")] == [
        (2, 3.0),
        (4, 5.0),
        (6, 4.0),
    ]


def test_a_line_of_the_file_is_documented_json(train, plan, script):
    script(3.0, 5.0, 4.0)
    train(plan())
    line = json.loads(plan().run.quality.read_text().splitlines()[1])
    assert list(line) == ["step", "time", "seconds", "best", "score", "ranked_by", "quality"]
    assert (line["step"], line["best"], line["ranked_by"]) == (4, False, "kd-vgg19")

"""The training loop: files of a run, resuming, rollback and errors."""

import contextlib
import errno
import itertools
import json
import math
import os
from pathlib import Path

import pytest
import torch

from imgxlate import checkpoint
from imgxlate.config import overridden
from imgxlate.data import folders
from imgxlate.errors import DeviceError, DivergedError, OutputError, UsageError
from imgxlate.inference.device import Arithmetic
from imgxlate.methods import registry
from imgxlate.methods.cyclegan.training import CycleganTraining
from imgxlate.training import trainer
from imgxlate.training.plan import Plan
from imgxlate.training.run_folder import RunFolder
from imgxlate.training.trainer import open_trainer

SMALL = {
    "iterations": 6,
    "checkpoint_every": 2,
    "sample_every": 3,
    "display_size": 1,
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
    for domain in ("trainA", "trainB"):
        for index in range(3):
            photo(f"data/{domain}/{domain}{index}.png", seed=index, size=(40, 48))
    spec = registry.find("cyclegan")

    def make(name="run", messages=None, on_nan="stop", **changes):
        config = overridden(spec.training.presets["tiny"], SMALL | changes)
        return Plan(
            spec=spec,
            config=config,
            preset="tiny",
            features=None,
            folders=folders.find(tmp_path / "data", None),
            run=RunFolder(tmp_path / name),
            device=torch.device("cpu"),
            arithmetic=Arithmetic(),
            notify=(messages if messages is not None else []).append,
            on_nan=on_nan,
        )

    return make


@pytest.fixture
def train():
    """Train to the end, or for some steps. Returns the results of the steps."""

    def run(plan, *, resume=False, steps=math.inf):
        done = []
        with open_trainer(plan, resume=resume) as opened:
            iterator = opened.run()
            for result in iterator:
                done.append(result)
                if len(done) >= steps:
                    iterator.close()
                    break
        return done

    return run


@pytest.fixture
def poison(monkeypatch):
    """Make losses and weights NaN. Takes the steps, and how many times for each."""

    def begin(times):
        class Poisoned(CycleganTraining):
            def train_step(self, batch, context):
                losses = super().train_step(batch, context)
                if times.get(context.step, 0):
                    times[context.step] -= 1
                    losses["G_A"] = losses["G_A"] * math.nan
                    self.generators()["G_A.model.1.weight"].fill_(math.nan)
                return losses

        monkeypatch.setattr(registry, "trainable", lambda spec: Poisoned)

    return begin


def weights(plan):
    return checkpoint.read(plan.run.model).tensors


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_writes_checkpoints_samples_curves_and_a_model(train, plan):
    results = train(plan())
    run = plan().run
    assert [result.step for result in results] == [1, 2, 3, 4, 5, 6]
    assert [bool(result.saved) for result in results] == [False, True, False, True, False, True]
    assert run.steps() == (4, 6)
    assert [run.sample_at(step).exists() for step in range(1, 7)] == [True, True, True, False, True, True]
    assert run.losses.read_bytes()[:4] == b"\x89PNG"
    header = checkpoint.read(run.model).header
    assert (header["method"], header["step"], header["domains"]) == ("cyclegan", 6, ["A", "B"])


@pytest.mark.parametrize("ema", [0.0, 0.9])
@pytest.mark.parametrize("stop", [1, 2, 5])
def test_a_run_that_is_stopped_and_resumed_ends_with_the_same_weights(train, plan, ema, stop):
    whole, parts = plan("whole", ema=ema), plan("parts", ema=ema)
    train(whole)
    train(parts, steps=stop)
    train(parts, resume=True)
    assert same(weights(whole), weights(parts))
    last = (checkpoint.read(one.run.checkpoint_at(6)).tensors for one in (whole, parts))
    assert same(*last)


def test_the_model_holds_the_averaged_weights_if_they_are_averaged(train, plan):
    averaged, live = plan("averaged", ema=0.9), plan("live", ema=0.0)
    train(averaged)
    train(live)
    assert not same(weights(averaged), weights(live))
    saved = checkpoint.read(averaged.run.checkpoint_at(6)).tensors
    assert same(
        weights(averaged), {n.removeprefix("average."): t for n, t in saved.items() if n.startswith("average.")}
    )


def test_a_damaged_last_checkpoint_is_skipped(train, plan):
    whole, damaged = plan("whole"), plan("damaged")
    train(whole)
    train(damaged, steps=5)
    path = damaged.run.checkpoint_at(4)
    path.write_bytes(path.read_bytes()[:-100])
    messages = []
    train(plan("damaged", messages), resume=True)
    assert any("step-00000004" in text for text in messages)
    assert same(weights(whole), weights(damaged))


def test_resuming_with_another_network_names_the_changed_value(train, plan):
    train(plan(), steps=2)
    with pytest.raises(UsageError, match=r"gen\.ngf: 2 -> 3"):
        train(plan(**{"gen.ngf": 3}), resume=True)


def test_a_run_that_is_older_than_an_option_resumes_with_any_value_of_it(train, plan):
    train(plan(), steps=2)
    path = plan().run.checkpoint_at(2)
    saved = checkpoint.read(path)
    config = {key: value for key, value in saved.header["config"].items() if key != "evaluate_images"}
    checkpoint.write(path, saved.tensors, {**saved.header, "config": config})
    messages = []
    train(plan(messages=messages, evaluate_images=7), resume=True)
    assert not any("changed" in text for text in messages)


def test_a_loss_that_is_nan_stops_the_run_before_the_step_is_saved(train, plan, poison):
    poison({3: 1})
    with pytest.raises(DivergedError, match="step 4: the loss G_A is NaN; the batch was") as caught:
        train(plan())
    assert "trainA" in str(caught.value)
    assert "trainB" in str(caught.value)
    assert "rollback" in caught.value.hint
    assert plan().run.steps() == (2,)
    assert torch.isfinite(next(iter(weights(plan()).values()))).all()


def test_rollback_continues_from_the_last_checkpoint_with_other_images(train, plan, poison):
    poison({3: 1})
    messages = []
    train(plan("run", messages, on_nan="rollback"))
    assert any("step 4: the loss G_A is NaN" in text and "from step 2 with other images" in text for text in messages)
    steps = [json.loads(line)["step"] for line in plan().run.history.read_text().splitlines()]
    assert steps == [1, 2, 3, 4, 5, 6]
    poison({})
    train(plan("straight"))
    assert not same(weights(plan()), weights(plan("straight")))


def test_rollback_before_the_first_checkpoint_starts_from_the_beginning(train, plan, poison):
    poison({0: 2})
    train(plan(on_nan="rollback"))
    assert plan().run.steps() == (4, 6)


def test_a_rolled_back_run_resumes_to_the_same_weights(train, plan, poison):
    poison({3: 1})
    train(plan("whole", on_nan="rollback"))
    poison({3: 1})
    train(plan("parts", on_nan="rollback"), steps=5)
    poison({})
    train(plan("parts", on_nan="rollback"), resume=True)
    assert same(weights(plan("whole")), weights(plan("parts")))


def test_rollback_ends_the_run_if_it_does_not_help(train, plan, poison):
    poison({3: 1000})
    with pytest.raises(DivergedError, match="step 4"):
        train(plan(on_nan="rollback"))


@pytest.mark.parametrize("folder", ["checkpoints", "samples", "run"])
def test_a_full_disk_ends_the_run_with_an_intact_last_checkpoint(train, plan, monkeypatch, folder):
    train(plan(), steps=3)

    def flush(descriptor):
        """The disk is full when a file in `folder` is flushed."""
        if Path(f"/proc/self/fd/{descriptor}").readlink().parent.name == folder:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", flush)
        with pytest.raises(OutputError, match="No space left"):
            train(plan(), resume=True)
    assert plan().run.latest().header["step"] == (4 if folder == "run" else 2)
    assert not list(plan().run.path.rglob(".*.part"))
    train(plan("whole"))
    train(plan(), resume=True)
    assert same(weights(plan()), weights(plan("whole")))


def test_the_last_step_is_saved_if_no_more_images_can_be_loaded(train, plan, monkeypatch):
    batches = trainer.open_batches

    @contextlib.contextmanager
    def failing(*arguments, **options):
        with batches(*arguments, **options) as whole:
            yield itertools.chain(itertools.islice(whole, 3), _lost())

    with monkeypatch.context() as patched:
        patched.setattr(trainer, "open_batches", failing)
        with pytest.raises(DeviceError, match="lost"):
            train(plan())
    assert plan().run.steps() == (2, 3)
    train(plan(), resume=True)
    train(plan("whole"))
    assert same(weights(plan()), weights(plan("whole")))


def _lost():
    raise DeviceError("a process was lost")
    yield


def test_an_unreadable_file_is_reported_once_and_does_not_end_the_run(train, plan, tmp_path):
    bad = tmp_path / "data" / "trainA" / "bad.png"
    bad.write_bytes(b"no image")
    messages = []
    train(plan("run", messages, iterations=12))
    assert [text.startswith(f"skipped (1): {bad}: ") for text in messages if str(bad) in text] == [True]

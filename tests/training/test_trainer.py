"""The training loop: what it does when something goes wrong, and that it does not matter how often it is stopped."""

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
from imgxlate.methods import registry
from imgxlate.methods.cyclegan.training import CycleganTraining
from imgxlate.training import trainer
from imgxlate.training.plan import Options, Plan
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
    """A run in tmp_path/NAME; what it says goes to the list `said`."""
    for domain in ("trainA", "trainB"):
        for index in range(3):
            photo(f"data/{domain}/{domain}{index}.png", seed=index, size=(40, 48))
    spec = registry.find("cyclegan")

    def make(name="run", said=None, options=None, **changes):
        config = overridden(spec.training.presets["tiny"], SMALL | changes)
        notify = (said if said is not None else []).append
        return Plan(
            spec,
            config,
            folders.find(tmp_path / "data", None),
            RunFolder(tmp_path / name),
            options or Options(),
            torch.device("cpu"),
            torch.float32,
            None,
            "tiny",
            notify,
        )

    return make


@pytest.fixture
def train():
    """Train to the end, or for some steps; gives what was said of each step."""

    def run(plan, *, resume=False, steps=math.inf):
        done = []
        with open_trainer(plan, resume=resume) as opened:
            iterator = opened.run()
            for progress in iterator:
                done.append(progress)
                if len(done) >= steps:
                    iterator.close()
                    break
        return done

    return run


@pytest.fixture
def poison(monkeypatch):
    """Make the losses and weights of some steps NaN, each so many times."""

    def begin(times):
        class Poisoned(CycleganTraining):
            def train_step(self, batch, turn):
                losses = super().train_step(batch, turn)
                if times.get(turn.step, 0):
                    times[turn.step] -= 1
                    losses["G_A"] = losses["G_A"] * math.nan
                    self.generators()["G_A.model.1.weight"].fill_(math.nan)
                return losses

        monkeypatch.setattr(registry, "trainable", lambda spec: Poisoned)

    return begin


def weights(plan):
    return checkpoint.read(plan.run.model).tensors


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_leaves_what_the_folder_of_a_run_holds(train, plan):
    progress = train(plan())
    run = plan().run
    assert [step.step for step in progress] == [1, 2, 3, 4, 5, 6]
    assert [bool(step.saved) for step in progress] == [False, True, False, True, False, True]
    assert run.steps() == (4, 6)
    assert [run.sample_at(step).exists() for step in range(1, 7)] == [True, True, True, False, True, True]
    assert run.losses.read_bytes()[:4] == b"\x89PNG"
    header = checkpoint.read(run.model).header
    assert (header["method"], header["step"], header["domains"]) == ("cyclegan", 6, ["A", "B"])


@pytest.mark.parametrize("ema", [0.0, 0.9])
@pytest.mark.parametrize("stop", [1, 2, 5])
def test_a_run_that_is_left_and_resumed_ends_with_the_same_weights(train, plan, ema, stop):
    whole, parts = plan("whole", ema=ema), plan("parts", ema=ema)
    train(whole)
    train(parts, steps=stop)
    train(parts, resume=True)
    assert same(weights(whole), weights(parts))
    last = (checkpoint.read(one.run.checkpoint_at(6)).tensors for one in (whole, parts))
    assert same(*last)


def test_the_model_is_the_average_of_the_weights_where_there_is_one(train, plan):
    averaged, live = plan("averaged", ema=0.9), plan("live", ema=0.0)
    train(averaged)
    train(live)
    assert not same(weights(averaged), weights(live))
    kept = checkpoint.read(averaged.run.checkpoint_at(6)).tensors
    assert same(weights(averaged), {n.removeprefix("average."): t for n, t in kept.items() if n.startswith("average.")})


def test_a_damaged_last_checkpoint_is_passed_over(train, plan):
    whole, damaged = plan("whole"), plan("damaged")
    train(whole)
    train(damaged, steps=5)
    path = damaged.run.checkpoint_at(4)
    path.write_bytes(path.read_bytes()[:-100])
    said = []
    train(plan("damaged", said), resume=True)
    assert any("step-00000004" in text for text in said)
    assert same(weights(whole), weights(damaged))


def test_a_checkpoint_of_another_configuration_is_refused_by_name(train, plan):
    train(plan(), steps=2)
    with pytest.raises(UsageError, match=r"gen\.ngf: 2 -> 3"):
        train(plan(**{"gen.ngf": 3}), resume=True)


def test_what_is_not_finite_stops_the_run_within_the_step(train, plan, poison):
    poison({3: 1})
    with pytest.raises(DivergedError, match="step 4: the loss G_A is NaN; the batch was") as caught:
        train(plan())
    assert "trainA" in str(caught.value)
    assert "trainB" in str(caught.value)
    assert "rollback" in caught.value.hint
    assert plan().run.steps() == (2,)
    assert torch.isfinite(next(iter(weights(plan()).values()))).all()


def test_rollback_goes_back_and_on_with_other_pictures(train, plan, poison):
    rollback = Options(on_nan="rollback")
    poison({3: 1})
    said = []
    train(plan("run", said, rollback))
    assert any("step 4: the loss G_A is NaN" in text and "from step 2" in text for text in said)
    steps = [json.loads(line)["step"] for line in plan().run.history.read_text().splitlines()]
    assert steps == [1, 2, 3, 4, 5, 6]
    poison({})
    train(plan("straight"))
    assert not same(weights(plan()), weights(plan("straight")))


def test_rollback_before_the_first_checkpoint_begins_again(train, plan, poison):
    poison({0: 2})
    train(plan(options=Options(on_nan="rollback")))
    assert plan().run.steps() == (4, 6)


def test_a_rolled_back_run_resumes_to_the_same_weights(train, plan, poison):
    rollback = Options(on_nan="rollback")
    poison({3: 1})
    train(plan("whole", options=rollback))
    poison({3: 1})
    train(plan("parts", options=rollback), steps=5)
    poison({})
    train(plan("parts", options=rollback), resume=True)
    assert same(weights(plan("whole")), weights(plan("parts")))


def test_rollback_gives_up_where_it_does_not_help(train, plan, poison):
    poison({3: 1000})
    with pytest.raises(DivergedError, match="step 4"):
        train(plan(options=Options(on_nan="rollback")))


@pytest.mark.parametrize("folder", ["checkpoints", "samples", "run"])
def test_a_full_disk_ends_the_run_with_the_last_checkpoint_whole(train, plan, monkeypatch, folder):
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


def test_what_is_trained_is_kept_where_no_picture_can_be_had_any_more(train, plan, monkeypatch):
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


def test_files_that_cannot_be_read_are_named_once_and_do_not_end_the_run(train, plan, tmp_path):
    bad = tmp_path / "data" / "trainA" / "bad.png"
    bad.write_bytes(b"no image")
    said = []
    train(plan("run", said, iterations=12))
    assert sum(str(bad) in text for text in said) == 1

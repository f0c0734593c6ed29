"""`--hours`: the choice of size, width and number of steps by a measurement of this machine."""

import re
import tomllib

import pytest
import torch

import imgxlate
from imgxlate.config import flattened
from imgxlate.data import folders
from imgxlate.errors import UsageError
from imgxlate.inference.device import Arithmetic
from imgxlate.methods import registry
from imgxlate.training import budget
from imgxlate.training.plan import Plan
from imgxlate.training.recipes import resolve
from imgxlate.training.run_folder import RunFolder

QUICK = {"data.workers": 0, "display_size": 1}
METHODS = ["munit", "unit", "cyclegan", "cut"]


@pytest.fixture
def data(photo, tmp_path):
    """A folder that holds trainA and trainB."""
    for domain in "AB":
        for index in range(2):
            photo(f"data/train{domain}/{index}.png", size=(80, 80), seed=index)
    return tmp_path / "data"


@pytest.fixture
def steps_take(monkeypatch):
    """Let a step of each scale take so many seconds, by the side of its crop."""

    def begin(seconds):
        measured = []

        def measure(plan, limit):
            measured.append(plan.config.data.crop_width)
            return seconds[plan.config.data.crop_width]

        monkeypatch.setattr(budget, "_seconds_per_step", measure)
        return measured

    return begin


@pytest.fixture
def choose(photo, tmp_path):
    """Choose for images whose shorter side is `side`. `messages` gets what is said."""

    def start(hours, messages=None, method="cyclegan", side=256, **options):
        for domain in "AB":
            photo(f"data{side}/train{domain}/0.png", size=(side, side + 40))
        spec = registry.find(method)
        recipe = resolve(spec, hours=hours, **options)
        plan = Plan(
            spec=spec,
            config=recipe.config,
            preset=recipe.preset,
            features=None,
            folders=folders.find(tmp_path / f"data{side}", None),
            run=RunFolder(tmp_path / "run"),
            device=torch.device("cpu"),
            arithmetic=Arithmetic(),
            notify=(messages if messages is not None else []).append,
        )
        return budget.choose(recipe, recipe.hours, plan)

    return start


@pytest.mark.parametrize("method", METHODS)
def test_every_scale_is_a_configuration_that_can_be_trained(method):
    spec = registry.find(method)
    recipe = resolve(spec, hours=1)
    assert [candidate.name for candidate in recipe.candidates] == [scale.name for scale in spec.training.scales]
    sides = [candidate.recipe.config.data.crop_width for candidate in recipe.candidates]
    assert sides == sorted(sides)
    least = [candidate.least_steps for candidate in recipe.candidates]
    assert least == sorted(least)
    for candidate in recipe.candidates[:3]:
        registry.trainable(spec).create(candidate.recipe.config, None)
        assert candidate.recipe.preset == "small"


def test_the_largest_scale_whose_steps_fit_is_chosen_and_larger_ones_are_not_measured(choose, steps_take):
    measured = steps_take({64: 0.1, 96: 0.5, 128: 1.0, 256: 5.0})
    messages = []
    chosen = choose(2, messages)  # 6480 s for steps: 12,960 of them at 96 pixels, 6480 at 128, where 10,000 are needed
    assert (chosen.config.data.crop_width, chosen.config.gen.ngf, chosen.config.iterations) == (96, 24, 12_960)
    assert measured == [64, 96, 128]
    assert "128 px, width 32: 1 s a step, 6,480 steps in the time; it needs at least 10,000" in messages
    assert re.fullmatch(r"chosen: 96 px, width 24, 12,960 steps; the run should end about .*", messages[-1])
    assert (chosen.hours, chosen.candidates) == (None, ())
    assert choose(4).config.data.crop_width == 128


def test_a_short_time_takes_the_smallest_scale_and_says_how_much_is_needed(choose, steps_take):
    steps_take({64: 3.6, 96: 10.0})
    messages = []
    chosen = choose(0.1, messages)
    assert (chosen.config.data.crop_width, chosen.config.iterations) == (64, 90)
    assert (chosen.config.checkpoint_every, chosen.config.sample_every) == (9, 9)
    assert messages[-1] == ("0.1 hours are little for this machine: a useful model takes about 2.2 hours or more")
    with pytest.raises(UsageError, match="too short for one step"):
        choose(0.0001)


def test_crops_are_no_larger_than_the_images(choose, steps_take):
    measured = steps_take({64: 0.01, 96: 0.01, 128: 0.01})
    messages = []
    assert choose(24, messages, side=120).config.data.crop_width == 96
    assert measured == [64, 96]
    assert "128 px, width 32: larger than the images, whose shorter side is 120 px" in messages


@pytest.mark.parametrize("given", ["preset", "start", "file"])
def test_a_preset_a_file_or_a_model_fixes_size_and_width(choose, steps_take, tmp_path, given):
    steps_take({96: 1.0, 64: 1.0})
    file = tmp_path / "mine.toml"
    file.write_text('preset = "small"\n')
    options = {"preset": {"preset": "tiny"}, "start": {"start": "cyclegan-summer2winter"}, "file": {"file": file}}
    expected = resolve(registry.find("cyclegan"), **options[given])
    chosen = choose(1, **options[given])
    assert chosen.config.iterations == 3240
    changed = {key for key, value in flattened(chosen.config).items() if value != flattened(expected.config)[key]}
    assert changed <= {"iterations", "checkpoint_every", "sample_every", "evaluate_every"}
    assert (chosen.preset, chosen.start) == (expected.preset, expected.start)


def test_assignments_and_options_hold_for_every_scale(choose, steps_take):
    steps_take({64: 0.1, 96: 0.5, 128: 1.0})
    chosen = choose(2, assignments=["gen.ngf=10"], options={"checkpoint_every": ("--checkpoint-every", 500)})
    assert (chosen.config.data.crop_width, chosen.config.gen.ngf, chosen.config.checkpoint_every) == (96, 10, 500)


def test_the_rate_of_every_scale_falls_to_the_last_step(choose, steps_take):
    steps_take({64: 1.0, 96: 1.0, 128: 1.0, 256: 1e6})
    for method in ("munit", "unit"):
        assert choose(24, method=method).config.lr_policy == "linear"
    assert choose(24).config.lr_decay_share == 0.5


def test_a_short_run_is_evaluated_nonetheless(choose, steps_take):
    steps_take({64: 1.0, 96: 100.0})
    config = choose(0.25).config
    assert config.evaluate_every == config.iterations // 2 > 0
    assert choose(0.25, options={"evaluate_every": ("--evaluate-every", 999)}).config.evaluate_every == 999


@pytest.mark.parametrize(
    ("times", "seconds", "taken"),
    [
        ([40.0] + 60 * [0.5], 0.5, 4),  # The first step compiles.
        ([1.0, 1.0, 1.0] + 60 * [2.0], 2.0, 10),
        ([400.0, 300.0, 300.0], 300.0, 2),
    ],
)
def test_the_time_of_a_step_is_not_that_of_the_first_one(choose, monkeypatch, times, seconds, taken):
    drawn = []

    class Rehearsal:
        def __init__(self, *_):
            pass

        def build(self, *_, **__):
            pass

        def rehearse(self):
            for time in times:
                drawn.append(time)
                yield time

    monkeypatch.setattr(budget, "Trainer", Rehearsal)
    monkeypatch.setattr(budget, "_LONGEST", 15.0)
    messages = []
    choose(100, messages, preset="small")
    assert f"{seconds:.3g} s a step" in messages[1]
    assert len(drawn) == taken


def test_a_run_fills_the_time_and_its_configuration_gives_the_same_run(data, tmp_path):
    messages = []
    settings = QUICK | {"gen.ngf": 2, "gen.n_blocks": 1, "ndf": 2, "data.crop_height": 32, "data.crop_width": 32}
    options = {"settings": settings, "device": "cpu", "notify": messages.append}
    run = imgxlate.train("cyclegan", data, out=tmp_path / "run", hours=0.001, **options)
    assert run.step == run.recipe.config.iterations >= 1
    assert run.recipe.origins["iterations"] == "--hours"
    assert any(text.startswith("chosen: ") for text in messages)
    written = tomllib.loads((tmp_path / "run/config.toml").read_text())
    assert (written["iterations"], written["preset"], written["folders"]) == (run.step, "small", [str(data)])
    # A resumed run keeps what was chosen.
    again = imgxlate.train("cyclegan", out=tmp_path / "run", resume=True, hours=5, device="cpu")
    assert again.step == run.step
    written = tmp_path / "run/config.toml"
    repeated = imgxlate.train("cyclegan", data, out=tmp_path / "again", config=written, device="cpu")
    assert repeated.step == run.step
    assert [entry.losses for entry in repeated.history] == [entry.losses for entry in run.history]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hours": 0}, "--hours 0: must be above 0"),
        ({"hours": float("nan")}, "--hours nan: must be above 0"),
        ({"hours": 1e8}, r"--hours 1e\+08: must be at most 100,000"),
        ({"hours": 1, "options": {"epochs": ("--epochs", 2)}}, "--epochs and --hours exclude each other"),
        ({"hours": 1, "assignments": ["iterations=4"]}, "--iterations and --hours exclude each other"),
    ],
)
def test_hours_are_in_a_range_and_exclude_another_length(options, message):
    with pytest.raises(UsageError, match=message):
        resolve(registry.find("munit"), **options)

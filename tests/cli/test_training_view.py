"""A run in training, as a terminal and a log see it."""

from types import SimpleNamespace

import pytest

from imgxlate.cli import progress
from imgxlate.cli.output import Output
from imgxlate.cli.training_view import RunningMean, TrainingView, duration_in_units

LOSSES = {"gen_total": 2.0, "dis_total": 1.0, "recon": 0.5, "grad_gen": 3.0}


def after(step, *, iterations=10, losses=LOSSES, saved=None, seconds=0.5, waited=0.125):
    return SimpleNamespace(step=step, iterations=iterations, losses=losses, saved=saved, seconds=seconds, waited=waited)


def logged(capsys):
    return capsys.readouterr().err.splitlines()


def test_a_log_shows_the_first_step_the_last_and_few_between(tmp_path, capsys):
    with TrainingView(Output(), "munit small", 2, tmp_path / "latest.png").shown() as view:
        for step in range(1, 11):
            view.update(after(step))
    assert logged(capsys) == [
        "step 1 of 10: gen_total 2, dis_total 1; 2 steps/s, 8 images/s, 25% waiting for data, 4 s left",
        "step 10 of 10: gen_total 2, dis_total 1; 2 steps/s, 8 images/s, 25% waiting for data, 0 s left",
    ]


def test_a_log_gets_a_line_if_the_last_one_is_long_enough_ago(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.0)
    with TrainingView(Output(), "", 1, tmp_path / "latest.png").shown() as view:
        for step in range(5, 8):
            view.update(after(step, seconds=2.0))
    assert [line.partition(":")[0] for line in logged(capsys)] == [f"step {step} of 10" for step in (5, 6, 7)]


def test_a_log_ends_with_the_last_step_of_an_interrupted_run(tmp_path, capsys):
    def interrupted(view):
        with view.shown():
            view.update(after(1))
            view.update(after(2))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted(TrainingView(Output(), "", 1, tmp_path / "latest.png"))
    assert [line.partition(":")[0] for line in logged(capsys)] == ["step 1 of 10", "step 2 of 10"]


def test_the_log_of_a_method_without_totals_shows_its_losses_but_no_gradients(tmp_path, capsys):
    with TrainingView(Output(), "", 1, tmp_path / "latest.png").shown() as view:
        view.update(after(1, losses={"G_A": 1.0, "D_A": 0.25, "grad_G": 9.0}, seconds=2.0))
    (line,) = logged(capsys)
    assert line.startswith("step 1 of 10: G_A 1, D_A 0.25; 2 s/step, 1 images/s")


def test_quiet_shows_nothing(tmp_path, capsys):
    with TrainingView(Output(verbosity=-1), "", 1, tmp_path / "latest.png").shown() as view:
        view.update(after(1))
    assert capsys.readouterr() == ("", "")


def test_a_run_without_steps_prints_nothing(tmp_path, capsys):
    with TrainingView(Output(), "", 1, tmp_path / "latest.png").shown():
        pass
    assert capsys.readouterr() == ("", "")


def test_a_running_mean_begins_as_the_plain_mean_and_forgets_old_values():
    mean = RunningMean()
    assert mean.value == 0
    mean.add(4.0)
    assert mean.value == 4
    for _ in range(1000):
        mean.add(1.0)
    assert mean.value == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1 min 0 s"), (3661, "1 h 1 min"), (3600, "1 h"), (2e5, "2 d 7 h")],
)
def test_a_time_is_shown_in_its_two_largest_units(seconds, said):
    assert duration_in_units(seconds) == said


ON_A_TERMINAL = """
import sys
from pathlib import Path
from types import SimpleNamespace
from imgxlate.cli.errors import session
from imgxlate.cli.training_view import TrainingView
folder = Path(sys.argv[1])
with session() as out:
    view = TrainingView(out, "munit small", 1, folder / "latest.png")
    with view.shown():
        for step in range(1, 4):
            (folder / f"{step}.safetensors").touch()
            (folder / "latest.png").touch()
            if step == 2:
                out.note("put aside: bad.png")
            view.update(SimpleNamespace(step=step, iterations=1000, seconds=0.5, waited=0.0,
                losses={f"loss_{n}": float(n) for n in range(12)}, saved=folder / f"{step}.safetensors"))
        view.show_evaluation(SimpleNamespace(step=3, quality={"kd-vgg19_b": 4.25}, is_best=True))
        ENDING
"""


@pytest.mark.parametrize("ending", ["pass", "raise KeyboardInterrupt"])
def test_the_last_panel_stays_on_the_terminal_and_the_terminal_is_restored(on_a_terminal, tmp_path, ending):
    text = on_a_terminal(ON_A_TERMINAL.replace("ENDING", ending), tmp_path)
    assert "put aside: bad.png" in text
    last = text[text.rindex("munit small") :]
    for said in ("step 3 of 1000", "2 steps/s", "8 min 18 s left", "loss_11", "3.safetensors", "latest.png"):
        assert said in last
    assert "evaluation after step 3: the best so far" in last
    assert "4.25" in last[last.index("kd-vgg19_b") :]
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # The cursor is to be seen.
    assert ("interrupted" in last) == ("Keyboard" in ending)


def test_a_terminal_shows_that_a_run_is_starting(on_a_terminal, tmp_path):
    text = on_a_terminal(ON_A_TERMINAL.replace("ENDING", "pass"), tmp_path)
    assert "munit small: starting" in text


def test_an_error_before_the_first_step_stands_alone_on_the_terminal(on_a_terminal, tmp_path):
    code = """
with session() as out:
    with TrainingView(out, "munit small", 1, Path("latest.png")).shown():
        raise UsageError("no such folder")
"""
    head = ON_A_TERMINAL[: ON_A_TERMINAL.index("folder = ")] + "from imgxlate.errors import UsageError\n"
    text = on_a_terminal(head + code, tmp_path)
    erased = text[text.index("munit small: starting") : text.index("no such folder")]
    assert "\x1b[1A\x1b[2K" in erased  # one line up, and that line erased


def evaluated(step, quality, *, is_best):
    return SimpleNamespace(step=step, quality=quality, is_best=is_best)


def test_a_log_shows_each_evaluation_and_which_one_is_the_best(tmp_path, capsys):
    view = TrainingView(Output(), "munit small", 2, tmp_path / "latest.png")
    for step, value, is_best in ((20, 5.0, True), (40, 6.5, False)):
        view.show_evaluation(evaluated(step, {"kd-vgg19_b": value}, is_best=is_best))
    assert logged(capsys) == [
        "evaluation after step 20: kd-vgg19_b 5; the best so far",
        "evaluation after step 40: kd-vgg19_b 6.5; no improvement over step 20",
    ]


def test_a_resumed_log_does_not_know_the_step_of_an_earlier_best(tmp_path, capsys):
    view = TrainingView(Output(), "munit small", 2, tmp_path / "latest.png")
    view.show_evaluation(evaluated(40, {"kid_b": 0.05}, is_best=False))
    assert logged(capsys) == ["evaluation after step 40: kid_b 0.05; no improvement over an earlier one"]

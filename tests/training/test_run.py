"""`imgxlate.train` from Python."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

import imgxlate
from imgxlate.errors import DivergedError, OutputError, UsageError

QUICK = {"iterations": 2, "data.workers": 0, "display_size": 1, "checkpoint_every": 1}


@pytest.fixture
def data(photo, tmp_path):
    """A folder that holds trainA and trainB."""
    for domain in "AB":
        for index in range(2):
            photo(f"data/train{domain}/{index}.png", size=(80, 80), seed=index)
    return tmp_path / "data"


@pytest.fixture
def train(data, tmp_path):
    def start(method="cyclegan", folder=data, **options):
        settings = QUICK | options.pop("settings", {})
        return imgxlate.train(method, folder, out=tmp_path / "run", preset="tiny", settings=settings, **options)

    return start


def test_a_run_has_a_folder_a_history_and_a_model_that_translates(train, photo, tmp_path):
    run = train()
    assert (run.folder, run.step) == (tmp_path / "run", 2)
    assert [entry.step for entry in run.history] == [1, 2]
    assert "G_A" in run.history[0].losses
    assert run.model.translate(photo())[0].size == (64, 48)


def test_on_step_is_called_after_each_step(train):
    steps = []
    train(on_step=steps.append)
    assert [(result.step, result.iterations, result.saved is not None) for result in steps] == [
        (1, 2, True),
        (2, 2, True),
    ]


def test_messages_go_to_the_callback_and_nothing_is_printed(train, capfd):
    messages = []
    train(notify=messages.append, device="cpu")
    assert messages[0].startswith("cyclegan (tiny) on cpu")
    assert capfd.readouterr() == ("", "")


def test_a_resumed_run_gives_the_same_model_as_an_uninterrupted_one(train, data, tmp_path):
    # Only a CPU repeats its sums in the same order.
    train("munit", device="cpu")
    resumed = imgxlate.train("munit", out=tmp_path / "run", resume=True, settings={"iterations": 3}, device="cpu")
    settings = QUICK | {"iterations": 3}
    whole = imgxlate.train("munit", data, out=tmp_path / "whole", preset="tiny", settings=settings, device="cpu")
    one, other = (run.model.translator.tensors() for run in (resumed, whole))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_that_was_stopped_before_its_samples_were_written_draws_them_when_it_is_resumed(train, tmp_path):
    samples = tmp_path / "run" / "samples"
    train(device="cpu")
    whole = (samples / "step-00000002.png").read_bytes()
    (samples / "step-00000002.png").unlink()
    (samples / "latest.png").unlink()
    imgxlate.train("cyclegan", out=tmp_path / "run", resume=True, device="cpu")
    assert (samples / "step-00000002.png").read_bytes() == (samples / "latest.png").read_bytes() == whole


def test_a_folder_that_holds_a_run_is_an_error_without_resume_or_overwrite(train):
    train()
    with pytest.raises(OutputError, match="holds a run"):
        train()
    assert train(overwrite=True).step == 2
    with pytest.raises(UsageError, match="exclude"):
        train(resume=True, overwrite=True)


def test_an_invalid_setting_is_named(train):
    with pytest.raises(UsageError, match=r"settings: .*gen\.dmi"):
        train(settings={"gen.dmi": 3})
    with pytest.raises(UsageError, match="cannot be trained"):
        train("gatys")


def test_a_run_outside_the_main_thread_replaces_an_older_one_and_ends(train):
    train()
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(train, overwrite=True).result()
    assert (run.step, run.model.method) == (2, "cyclegan")


def test_a_recipe_excludes_the_values_that_it_includes(train, data, tmp_path):
    recipe = train().recipe
    with pytest.raises(UsageError, match="a recipe includes"):
        imgxlate.train(recipe, data, out=tmp_path / "other", preset="default")
    with pytest.raises(UsageError, match="resume and overwrite exclude each other"):
        imgxlate.train(recipe, data, out=tmp_path / "run", resume=True, overwrite=True)


def test_samples_that_are_not_finite_are_left_out_and_the_next_step_names_the_files(train):
    messages = []
    with pytest.raises(DivergedError, match=r"step 2: the loss .* is NaN.*; the batch was"):
        train(settings={"lr": 1e30, "precision": "fp32"}, notify=messages.append, device="cpu")
    assert any(message.startswith("no samples after step 1: ") for message in messages)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"on_nan": "rolback"}, "on_nan is 'rolback', but must be one of stop, rollback"),
        ({"keep": 0}, "keep is 0, but must be at least 1"),
    ],
)
def test_invalid_arguments_are_refused_before_any_work(train, tmp_path, arguments, message):
    with pytest.raises(UsageError, match=message):
        train(**arguments)
    assert not (tmp_path / "run").exists()


def test_leaks_into_the_test_images_are_told_once(train, data):
    (data / "testA").mkdir()
    shutil.copy(data / "trainA" / "0.png", data / "testA" / "copy.png")
    messages = []
    train(notify=messages.append, device="cpu")
    assert sum("1 of 1 test images are also trained on" in message for message in messages) == 1
    messages.clear()
    train(notify=messages.append, device="cpu", resume=True, settings={"iterations": 3})
    assert not any("also trained on" in message for message in messages)


def test_a_run_that_accumulates_takes_the_steps_of_a_larger_batch(train, data, tmp_path):
    settings = QUICK | {"precision": "fp32", "iterations": 3}
    options = {"preset": "tiny", "device": "cpu"}
    whole = imgxlate.train("cyclegan", data, out=tmp_path / "a", settings=settings | {"batch_size": 2}, **options)
    parts = imgxlate.train("cyclegan", data, out=tmp_path / "b", settings=settings | {"accumulate": 2}, **options)
    for one, other in zip(whole.history, parts.history, strict=True):
        assert other.losses == pytest.approx(one.losses, rel=1e-3)


def test_a_run_without_evaluations_says_that_patience_has_no_effect(data, tmp_path):
    messages = []
    settings = {"data.workers": 0, "display_size": 1, "iterations": 1, "patience": 2}
    imgxlate.train(
        "cyclegan", data, out=tmp_path / "run", preset="tiny", settings=settings, device="cpu", notify=messages.append
    )
    assert any("so --patience has no effect" in text for text in messages)


def test_epochs_become_the_steps_that_go_through_the_larger_folder(train, photo, data, tmp_path):
    photo("data/trainA/2.png", size=(80, 80), seed=2)
    messages = []
    settings = {"data.workers": 0, "display_size": 1, "epochs": 4, "batch_size": 2, "accumulate": 2, "lr": 0.0}
    run = imgxlate.train(
        "cyclegan", data, out=tmp_path / "run", preset="tiny", settings=settings, device="cpu", notify=messages.append
    )
    assert (run.step, run.recipe.config.iterations, run.recipe.config.epochs) == (3, 3, None)
    assert messages[0] == "4 epochs of 3 images: 3 steps"
    again = imgxlate.train("cyclegan", out=tmp_path / "run", resume=True, settings={"epochs": 5}, device="cpu")
    assert (again.step, again.recipe.origins["iterations"]) == (4, "settings")

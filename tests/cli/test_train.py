"""`imgxlate train`, as a user types it."""

import json
import resource
import shutil
import signal
import subprocess
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from imgxlate.cli.app import app

SMALL = ("--preset", "tiny", "--workers", 0, "--set", "display_size=1", "--device", "cpu", "--precision", "fp32")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder that holds trainA and trainB."""
    folder = tmp_path_factory.mktemp("data")
    noise = np.random.default_rng(0)
    for name in ("trainA/0.png", "trainA/1.png", "trainB/0.png", "trainB/1.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        Image.fromarray(noise.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(folder / name)
    return folder


@pytest.fixture(scope="module")
def first_run(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("first") / "run"
    arguments = ("train", "cyclegan", data, "--out", path, *SMALL, "--iterations", 1)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.stderr
    return path


@pytest.fixture
def begun(first_run, tmp_path):
    """A run of one step."""
    return shutil.copytree(first_run, tmp_path / "run")


def test_a_run_holds_its_configuration_and_its_model(begun, data):
    written = tomllib.loads((begun / "config.toml").read_text())
    assert (written["method"], written["preset"], written["folders"]) == ("cyclegan", "tiny", [str(data)])
    assert (written["iterations"], written["data"]["domain_a"]) == (1, "A")
    assert (begun / "model.safetensors").exists()


def test_the_model_of_a_run_translates(run, begun, photo, tmp_path):
    result = run("translate", "cyclegan", photo(), "--checkpoint", begun, "-o", tmp_path / "out.png")
    assert result.exit_code == 0, result.stderr


def test_json_has_a_line_for_each_checkpoint_and_the_model(run, data, tmp_path):
    path = tmp_path / "run"
    options = ("--iterations", 4, "--checkpoint-every", 2, "--domains", "summer,winter", "--json")
    result = run("train", "cyclegan", data, "--out", path, *SMALL, *options)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["step"] for line in lines] == [2, 4, 4]
    files = ("checkpoints/step-00000002.safetensors", "checkpoints/step-00000004.safetensors", "model.safetensors")
    assert [line["output"] for line in lines] == [str(path / name) for name in files]
    assert all(line["losses"] and line["seconds"] > 0 and line["iterations"] == 4 for line in lines)
    assert "2 images of summer, 2 of winter" in result.stderr


def test_a_folder_that_holds_a_run_is_left_alone(run, begun, data):
    before = {path: path.read_bytes() for path in begun.rglob("*") if path.is_file()}
    result = run("train", "cyclegan", data, "--out", begun, *SMALL)
    assert result.exit_code == 9
    assert "--resume" in result.stderr
    assert "--overwrite" in result.stderr
    assert {path: path.read_bytes() for path in begun.rglob("*") if path.is_file()} == before


def test_overwriting_removes_the_run_and_nothing_else(run, begun, data):
    for name in ("notes.txt", "samples/mine.png", "checkpoints/mine.safetensors"):
        (begun / name).touch()
    (begun / "checkpoints" / "step-00000077.safetensors").touch()
    result = run("train", "cyclegan", data, "--out", begun, *SMALL, "--iterations", 2, "--overwrite")
    assert result.exit_code == 0, result.stderr
    assert {path.name for path in (begun / "checkpoints").iterdir()} == {
        "mine.safetensors",
        "step-00000002.safetensors",
    }
    assert (begun / "notes.txt").exists()
    assert (begun / "samples" / "mine.png").exists()


def test_a_resumed_run_keeps_its_configuration_and_reports_changes(run, begun):
    result = run("train", "cyclegan", "--out", begun, "--resume", "--iterations", 2, "--set", "lr=0.001")
    assert result.exit_code == 0, result.stderr
    assert "changed: iterations: 1 -> 2\n" in result.stderr
    assert "changed: lr: 0.0002 -> 0.001\n" in result.stderr
    written = tomllib.loads((begun / "config.toml").read_text())
    assert (written["iterations"], written["lr"], written["preset"]) == (2, 0.001, "tiny")
    assert (begun / "checkpoints" / "step-00000002.safetensors").exists()


def test_resuming_a_finished_run_changes_nothing(run, begun):
    result = run("train", "cyclegan", "--out", begun, "--resume", "--json")
    assert result.exit_code == 0, result.stderr
    assert [json.loads(line)["output"] for line in result.stdout.splitlines()] == [str(begun / "model.safetensors")]


def test_changed_training_images_are_reported(run, begun, data, tmp_path):
    more = shutil.copytree(data, tmp_path / "more")
    shutil.copy(more / "trainA" / "0.png", more / "trainA" / "2.png")
    for folder, changed in ((data, False), (more, True)):
        result = run("train", "cyclegan", folder, "--out", begun, "--resume")
        assert result.exit_code == 0, result.stderr
        assert ("the training images have changed since the run began" in result.stderr) is changed


def test_overwriting_with_an_invalid_configuration_leaves_the_old_run(run, begun, data):
    before = {path: path.read_bytes() for path in begun.rglob("*") if path.is_file()}
    result = run("train", "cyclegan", data, "--out", begun, *SMALL, "--set", "data.crop_height=66", "--overwrite")
    assert result.exit_code == 2
    assert "data.crop_height" in result.stderr
    assert {path: path.read_bytes() for path in begun.rglob("*") if path.is_file()} == before


def test_a_run_that_cannot_start_leaves_no_folder(run, data, tmp_path):
    result = run("train", "cyclegan", data, "--out", tmp_path / "run", *SMALL, "--set", "data.crop_height=66")
    assert result.exit_code == 2
    assert not (tmp_path / "run").exists()


def test_a_resumed_run_keeps_its_precision(run, begun):
    for more, precision in (((), "fp32"), (("--precision", "bf16"), "bf16"), ((), "bf16")):
        iterations = json.loads((begun / "history.jsonl").read_text().splitlines()[-1])["step"] + 1
        result = run(
            "train", "cyclegan", "--out", begun, "--resume", "--iterations", iterations, "--device", "cpu", *more
        )
        assert result.exit_code == 0, result.stderr
        assert f"on cpu in {precision}" in result.stderr
        assert tomllib.loads((begun / "config.toml").read_text())["precision"] == precision
        assert ("changed: precision: 'fp32' -> 'bf16'" in result.stderr) is bool(more)


def test_a_resumed_run_keeps_its_number_of_threads(run, begun, monkeypatch):
    numbers = []
    monkeypatch.setattr(torch, "set_num_threads", numbers.append)
    for iterations, (given, expected) in enumerate([("3", 3), (None, 3), ("2", 2), (None, 2)], start=2):
        numbers.clear()
        options = ("--threads", given) if given else ()
        result = run("train", "cyclegan", "--out", begun, "--resume", "--iterations", iterations, *options)
        assert result.exit_code == 0, result.stderr
        assert set(numbers) == {expected}


def test_without_config_toml_the_checkpoint_still_forbids_changes(run, begun, data):
    (begun / "config.toml").unlink()
    result = run("train", "cyclegan", data, "--out", begun, "--resume", *SMALL, "--seed", 5, "--iterations", 2)
    assert result.exit_code == 2
    assert "cannot change seed: 0 -> 5" in result.stderr


def test_fewer_steps_than_are_done_are_an_error(run, begun):
    run("train", "cyclegan", "--out", begun, "--resume", "--iterations", 3)
    result = run("train", "cyclegan", "--out", begun, "--resume", "--iterations", 2)
    assert result.exit_code == 2
    assert "has done 3 steps, more than the 2 that are set" in result.stderr


def test_another_method_cannot_resume_a_run(run, begun, data):
    (begun / "config.toml").unlink()
    result = run("train", "munit", data, "--out", begun, "--resume", *SMALL)
    assert result.exit_code == 6
    assert "is a checkpoint of cyclegan, not of munit" in result.stderr


@pytest.mark.parametrize("streams", [{"stderr": subprocess.PIPE}, {"stdout": subprocess.PIPE}])
def test_training_continues_after_its_output_is_closed(command, unmeasured, data, tmp_path, streams):
    arguments = command("train", "cyclegan", data, "--out", tmp_path / "run", *SMALL, "--iterations", 6, "--json")
    every = ("--checkpoint-every", 1, "--set", "sample_every=1000")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([*arguments, *map(str, every)], env=unmeasured, **(quiet | streams))
    (process.stderr or process.stdout).close()
    assert process.wait(timeout=120) == 0
    assert (tmp_path / "run" / "checkpoints" / "step-00000006.safetensors").exists()


def test_a_run_cannot_be_resumed_with_other_networks(run, begun):
    result = run("train", "cyclegan", "--out", begun, "--resume", "--set", "gen.ngf=4")
    assert result.exit_code == 2
    assert "cannot change gen.ngf: 8 -> 4" in result.stderr


def test_a_run_with_nothing_to_resume_starts_from_the_beginning_and_says_so(run, data, tmp_path):
    result = run("train", "cyclegan", data, "--out", tmp_path / "run", *SMALL, "--iterations", 1, "--resume")
    assert result.exit_code == 0, result.stderr
    assert "holds no checkpoint: starting from the beginning" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--out", "run"), "a run needs training images"),
        (("nowhere",), "a run needs a folder"),
        (("nowhere", "--out", "run"), "nowhere: no such folder"),
        (("--resume",), "--resume needs the folder of the run"),
        (("--resume", "--overwrite", "--out", "run"), "exclude each other"),
    ],
)
def test_a_missing_argument_is_an_error_and_nothing_is_written(run, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    result = run("train", "munit", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_at_the_path_of_the_run_is_an_error(run, data, tmp_path):
    (tmp_path / "run").touch()
    result = run("train", "cyclegan", data, "--out", tmp_path / "run", *SMALL)
    assert result.exit_code == 9
    assert "is not a folder" in result.stderr


def test_an_interrupted_run_prints_the_command_to_continue(command, heed_signals, unmeasured, begun):
    arguments = command("train", "cyclegan", "--out", begun, "--resume", "--iterations", 1_000_000)
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, preexec_fn=heed_signals, env=unmeasured)
    said = ""
    while "step 2 of 1000000" not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    process.send_signal(signal.SIGINT)
    said += process.stderr.read()
    process.stderr.close()
    assert process.wait() == 130
    assert f"continue with `imgxlate train cyclegan --out {begun} --resume`" in said


def test_a_run_that_fills_the_disk_prints_the_command_to_continue(run, begun):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))  # Checkpoints are larger.
    try:
        result = run("train", "cyclegan", "--out", begun, "--resume", "--iterations", 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert result.exit_code == 9
    assert f"continue with `imgxlate train cyclegan --out {begun} --resume`" in " ".join(result.stderr.split())
    assert "step-00000002.safetensors: cannot be written: File too large" in result.stderr
    assert run("train", "cyclegan", "--out", begun, "--resume", "--iterations", 2).exit_code == 0


def test_a_folder_whose_name_is_not_utf8_is_an_error(run, tmp_path):
    result = run("train", "cyclegan", tmp_path / "\udcff", "--out", tmp_path / "run", *SMALL)
    assert result.exit_code == 2
    assert "is not UTF-8" in result.stderr


def test_overwriting_on_a_missing_device_leaves_the_old_run(run, begun, data):
    result = run("train", "cyclegan", data, "--out", begun, "--overwrite", "--device", "cuda:99")
    assert result.exit_code == 7
    assert (begun / "model.safetensors").exists()


def test_processes_other_than_the_main_one_print_errors(run, begun, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    result = run("train", "cyclegan", "--out", begun, "--resume", "--show-config", "--set", "seed=x")
    assert result.exit_code == 2
    assert "--set: seed = 'x'" in result.stderr


def test_a_trained_model_is_not_replaced_by_a_run_that_has_nothing_to_resume_from(run, begun):
    shutil.rmtree(begun / "checkpoints")
    before = {path: path.read_bytes() for path in begun.rglob("*") if path.is_file()}
    result = run("train", "cyclegan", "--out", begun, "--resume", "--iterations", 3)
    assert result.exit_code == 9
    assert "holds model.safetensors but no checkpoint to resume from" in result.stderr
    assert "--overwrite" in result.stderr
    assert {path: path.read_bytes() for path in begun.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("kept", ["best.safetensors", "history.jsonl"])
def test_what_else_a_run_left_without_its_checkpoints_is_not_replaced(run, begun, data, kept):
    shutil.rmtree(begun / "checkpoints")
    (begun / "model.safetensors").rename(begun / "best.safetensors")
    if kept == "history.jsonl":
        (begun / "best.safetensors").unlink()
        (begun / kept).write_bytes((begun / kept).read_bytes() * 2)
    options = ("--resume", "--checkpoint-every", 1, "--iterations", 3)
    before = (begun / kept).read_bytes()
    result = run("train", "cyclegan", "--out", begun, *options)
    assert result.exit_code == 9
    assert f"holds {kept} but no checkpoint to resume from" in result.stderr
    assert (begun / kept).read_bytes() == before
    assert run("train", "cyclegan", data, "--out", begun, *SMALL).exit_code == 9


def test_a_run_killed_before_its_first_checkpoint_starts_again(run, begun):
    shutil.rmtree(begun / "checkpoints")
    (begun / "model.safetensors").unlink()
    result = run("train", "cyclegan", "--out", begun, "--resume", "--checkpoint-every", 1, "--iterations", 1)
    assert result.exit_code == 0, result.stderr


def test_a_model_of_a_later_step_stays_until_the_run_is_as_far_again(run, begun):
    shutil.copytree(begun, later := begun.with_name("later"))
    resume = ("train", "cyclegan", "--out", later, "--resume")
    assert run(*resume, "--iterations", 3).exit_code == 0
    (later / "checkpoints" / "step-00000003.safetensors").unlink()
    trained = (later / "model.safetensors").read_bytes()
    assert run(*resume, "--iterations", 2).exit_code == 0
    assert (later / "checkpoints" / "step-00000002.safetensors").exists()
    assert (later / "model.safetensors").read_bytes() == trained
    assert run(*resume, "--iterations", 4).exit_code == 0
    assert (later / "model.safetensors").read_bytes() != trained


def test_a_model_that_was_put_into_the_folder_is_not_replaced(run, begun, data, tmp_path):
    (tmp_path / "other").mkdir()
    model = Path(shutil.copy(begun / "model.safetensors", tmp_path / "other"))
    before = model.read_bytes()
    assert run("train", "cyclegan", data, "--out", model.parent, "--preset", "tiny", "--resume").exit_code == 9
    assert not (model.parent / "history.jsonl").exists()
    assert model.read_bytes() == before


@pytest.mark.parametrize("names", ["b,a", "B,x", "x,A"])
def test_a_domain_is_not_named_by_the_letter_of_the_other(run, data, tmp_path, names):
    result = run("train", "cyclegan", data, "--out", tmp_path / "run", "--preset", "tiny", "--domains", names)
    assert result.exit_code == 2
    assert "--domains" in result.stderr


@pytest.fixture(scope="module")
def evaluated(data, tmp_path_factory):
    """The lines of a run of four steps that is evaluated after two and four of them, and its folder."""
    path = tmp_path_factory.mktemp("evaluated") / "run"
    tests = ("--test-a", data / "trainB", "--test-b", data / "trainA", "--evaluate-every", 2, "--evaluate-images", 2)
    arguments = ("train", "cyclegan", data, "--out", path, *SMALL, "--iterations", 4, *tests, "--json")
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.stderr
    return result, path


def test_an_evaluation_is_a_line_in_the_log_and_the_best_model_one_of_json(evaluated):
    result, path = evaluated
    assert "evaluation (kd-vgg19) every 2 steps on 2 test images of A and 2 test images of B" in result.stderr
    assert "evaluation after step 2: kd-vgg19_b " in result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    best = [line for line in lines if line["output"] == str(path / "best.safetensors")]
    assert best[0]["step"] == 2
    assert set(best[0]["quality"]) == {
        f"{name}_{to}" for name in ("kd-vgg19", "fd-vgg19", "content-distance") for to in "ab"
    }
    assert [line["step"] for line in lines if "checkpoints" in line["output"]] == [2, 4]


def test_translate_takes_the_best_model_of_a_run_says_so_and_can_take_the_last(run, evaluated, photo, tmp_path):
    _, path = evaluated
    result = run("translate", "cyclegan", photo(), "--checkpoint", path, "-o", tmp_path / "best.png")
    assert f"{path}: the best model, of step " in result.stderr
    assert f"for the last one, give {path}/model.safetensors" in result.stderr
    last = run("translate", "cyclegan", photo(), "--checkpoint", path / "model.safetensors", "-o", tmp_path / "l.png")
    assert last.exit_code == 0
    assert "the best model" not in last.stderr


def test_the_configuration_of_a_run_keeps_how_it_is_evaluated(evaluated, data):
    written = tomllib.loads((evaluated[1] / "config.toml").read_text())
    assert (written["evaluate_every"], written["metrics"], written["held_out"]) == (2, "vgg19", 0.1)
    assert written["data"]["test_a"] == str(data / "trainB")


def test_a_resumed_run_does_not_begin_or_end_its_evaluations(run, begun):
    for options in (("--evaluate-every", 0), ("--held-out", 0)):
        result = run("train", "cyclegan", "--out", begun, "--resume", *options)
        assert result.exit_code == 2
        assert "a resumed run cannot change" in result.stderr


def test_published_metrics_without_their_network_are_an_error_before_the_first_step(run, data, tmp_path):
    path = tmp_path / "run"
    result = run("train", "cyclegan", data, "--out", path, *SMALL, "--metrics", "published", "--offline")
    assert result.exit_code == 5
    assert "fid-inception" in result.stderr
    assert not path.exists()


def test_a_run_begins_from_another_run_and_its_card_says_so(run, begun, data, tmp_path):
    other = tmp_path / "other"
    result = run("train", "cyclegan", data, "--out", other, "--from", begun, *SMALL[2:], "--iterations", 1)
    assert result.exit_code == 0, result.stderr
    assert "from run: generator G_A: 20 of 20 tensors; generator G_B: 20 of 20 tensors; discriminators: 16 of 16" in (
        result.stderr
    )
    assert tomllib.loads((other / "config.toml").read_text())["from"] == str(begun)
    card = json.loads(run("weights", "info", other, "--json").stdout)["card"]
    assert card["start"]["model"] == begun.name
    assert card["start"]["taken"]["generator G_A"] == "20 of 20 tensors"


def test_a_model_that_is_exported_from_a_checkpoint_has_the_card_of_its_run(run, begun, tmp_path):
    newest = max((begun / "checkpoints").iterdir())
    exported = tmp_path / "exported.safetensors"
    result = run("weights", "export", newest, "--format", "half", "-o", exported)
    assert result.exit_code == 0, result.stderr
    of_run, of_checkpoint = (
        json.loads(run("weights", "info", path, "--json").stdout)["card"] for path in (begun, exported)
    )
    assert of_checkpoint.pop("date") <= of_run.pop("date")
    assert of_checkpoint == of_run


def test_the_configuration_of_a_run_from_a_model_is_shown_without_training(run):
    rows = run("train", "unit", "--from", "summer2winter", "--show-config", "--json")
    shown = {row["key"]: (row["value"], row["origin"]) for row in json.loads(rows.stdout)["config"]}
    assert shown["gen.dim"] == (24, "architecture of unit-summer2winter")
    assert shown["lr"][1] == "preset small"


def test_a_model_to_begin_from_that_does_not_exist_ends_with_the_nearest_name(run, data, tmp_path):
    result = run("train", "munit", data, "--out", tmp_path / "run", "--from", "munit-summer2wintr")
    assert result.exit_code == 5
    assert "--from munit-summer2wintr: there is no such model, file or folder" in result.stderr
    assert "munit-summer2winter" in result.stderr
    assert not (tmp_path / "run").exists()


def test_a_run_that_fills_a_time_says_what_was_chosen(run, data, tmp_path):
    path = tmp_path / "run"
    result = run("train", "cyclegan", data, "--out", path, *SMALL, "--hours", 0.0005)
    assert result.exit_code == 0, result.stderr
    assert "preset tiny: " in result.stderr
    written = tomllib.loads((path / "config.toml").read_text())
    assert f"chosen: preset tiny, {written['iterations']:,} steps; the run should end about 20" in result.stderr
    assert run("train", "cyclegan", data, "--hours", 1, "--epochs", 3, "--out", tmp_path / "other").exit_code == 2


def test_the_candidates_of_a_time_are_not_measured_to_show_the_configuration(run):
    result = run("train", "munit", "--hours", 3, "--show-config", "--json")
    rows = {row["key"]: row for row in json.loads(result.stdout)["config"]}
    assert (rows["data.crop_width"]["value"], rows["data.crop_width"]["origin"]) == (64, "--hours")
    assert "chosen when the run begins" in result.stderr


def test_training_images_of_twelve_bits_in_sixteen_are_said_to_be_so(run, tmp_path):
    values = np.random.default_rng(0).integers(0, 4096, (64, 64)).astype(np.uint16)
    for part in ("trainA", "trainB"):
        (tmp_path / part).mkdir()
        Image.fromarray(values).save(tmp_path / part / "0.png")
    in_color = ("--set", "data.channels_a=3", "--set", "data.channels_b=3")  # Else each domain has a range of its own.
    arguments = ("train", "unit", tmp_path, *SMALL, *in_color, "--iterations", 1)
    said = run(*arguments, "--out", tmp_path / "run").stderr
    assert said.count("white is 4095") == 1
    assert "white is" not in run(*arguments, "--out", tmp_path / "other", "--white", 65535).stderr
    losses = [(tmp_path / name / "history.jsonl").read_text().split("losses")[1] for name in ("run", "other")]
    assert losses[0] != losses[1]

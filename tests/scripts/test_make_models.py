import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from imgxlate import checkpoint
from imgxlate.training import history, plots

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import make_models

    return make_models


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run of 1001 steps."""
    with history.History(tmp_path / "history.jsonl") as run:
        for step in range(1, 1002):
            run.append(history.Entry(step, {"gen_total": math.sqrt(step), "dis_a": 1.0}, seconds=0.5))
    return tmp_path


def test_the_history_of_a_run_is_stored_as_means(script: ModuleType, run: Path) -> None:
    script.keep_history(run, run / "kept.jsonl")
    curves = plots.read_curves(run / "kept.jsonl")
    steps = curves["gen_total"].steps
    assert len(steps) == script.CURVE_POINTS
    assert steps[-1] == 1001
    starts = np.concatenate([[0], steps[:-1]])
    means = [np.sqrt(np.arange(start, end) + 1).mean() for start, end in zip(starts, steps, strict=True)]
    assert curves["gen_total"].values == pytest.approx(means, rel=1e-3)
    assert curves["dis_a"].values.tolist() == [1.0] * script.CURVE_POINTS


def test_every_step_of_a_short_run_is_stored(script: ModuleType, run: Path) -> None:
    with history.History(run / "history.jsonl", step=3):
        pass
    script.keep_history(run, run / "kept.jsonl")
    assert plots.read_curves(run / "kept.jsonl")["gen_total"].steps.tolist() == [1, 2, 3]


def test_storing_a_history_again_gives_the_same_file(script: ModuleType, run: Path) -> None:
    kept = [run / "kept.jsonl", run / "again.jsonl"]
    for path in [*kept, kept[0]]:
        script.keep_history(run, path)
    assert kept[0].read_bytes() == kept[1].read_bytes()


def test_every_recipe_is_a_stage_of_a_model_in_the_package(script: ModuleType) -> None:
    recipes = {recipe.stem for recipe in script.RECIPES.glob("*.toml")}
    assert recipes == script.STAGES.keys()
    assert all((script.ASSETS / f"{name.partition('.')[0]}.safetensors").exists() for name in recipes)


def test_the_shares_of_an_average_are_those_of_earlier_stages_and_add_up_to_one(script: ModuleType) -> None:
    for name, stage in script.STAGES.items():
        for shares in stage.average.values():
            assert sum(shares.values()) == pytest.approx(1)
            assert shares.keys() <= set(script.stages(name))


@pytest.fixture
def given(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The arguments of the commands that the script types, which are not run."""
    commands: list[tuple[str, ...]] = []
    monkeypatch.setattr(script, "imgxlate", lambda *arguments: commands.append(arguments))
    return commands


def test_a_model_in_the_other_direction_learns_from_the_folders_in_the_other_order(
    script: ModuleType, given: list[tuple[str, ...]], tmp_path: Path
) -> None:
    for name in ("cut-summer2winter", "cut-winter2summer"):
        script.train(name, tmp_path, tmp_path)
    assert [arguments[2:4] for arguments in given if arguments[0] == "train"] == [
        (str(tmp_path / "trainA"), str(tmp_path / "trainB")),
        (str(tmp_path / "trainB"), str(tmp_path / "trainA")),
    ]


def test_each_stage_begins_from_the_model_that_it_names(
    script: ModuleType, given: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    options = ["--mountains", "small/", "--seasons", "large/", "--runs", str(tmp_path)]
    monkeypatch.setattr("sys.argv", ["make_models.py", "unit-summer2winter", *options])
    monkeypatch.setattr(script, "keep_history", lambda run, path: None)
    monkeypatch.setattr(script, "pack", lambda name, runs: given.append(("pack", name, str(runs))))
    script.main()
    stages = ["unit-summer2winter.1", "unit-summer2winter.2", "unit-summer2winter.3", "unit-summer2winter"]
    exported = [str(tmp_path / f"{stage}.safetensors") for stage in stages]
    trained = [arguments for arguments in given if arguments[0] == "train"]
    assert [arguments[2] for arguments in trained] == ["small/trainA", *["large/trainA"] * 3]
    begun = [exported[0], exported[1], exported[1]]
    assert [arguments[8:] for arguments in trained] == [(), *(("--from", start) for start in begun)]
    assert [arguments[6] for arguments in given if arguments[0] == "weights"] == exported
    assert given[-1] == ("pack", "unit-summer2winter", str(tmp_path))


def test_the_model_of_an_earlier_step_is_made_of_its_checkpoint(
    script: ModuleType, given: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(script, "STAGES", {"unit-tiny": script.Stage("seasons", step=40)})
    script.train("unit-tiny", tmp_path, tmp_path)
    (tmp_path / "unit-tiny" / "checkpoints").mkdir(parents=True)
    script.train("unit-tiny", tmp_path, tmp_path)
    begun, export, resumed, _ = given
    assert "--resume" in resumed
    for train in (begun, resumed):
        assert int(train[train.index("--keep") + 1]) > 40
    assert export[2] == str(tmp_path / "unit-tiny" / "checkpoints" / "step-00000040.safetensors")


def test_an_average_has_the_shares_of_all_weights_and_says_so(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shares = {"a.": {"unit-tiny.1": 0.75, "unit-tiny": 0.25}, "b.": {"unit-tiny.1": 1.5, "unit-tiny": -0.5}}
    monkeypatch.setattr(script, "STAGES", {"unit-tiny": script.Stage("seasons", average=shares)})
    monkeypatch.setattr(script, "ASSETS", tmp_path / "assets")
    (tmp_path / "assets").mkdir()
    for name, value in (("unit-tiny.1", 2.0), ("unit-tiny", -2.0)):
        header = {"method": "unit", "step": int(value), "card": {"seed": 3}}
        weights = {"a.w": torch.full((2,), value).half(), "b.w": torch.full((2,), value).half()}
        checkpoint.write(tmp_path / f"{name}.safetensors", weights, header)
    script.pack("unit-tiny", tmp_path)
    packed = checkpoint.read(tmp_path / "assets" / "unit-tiny.safetensors")
    assert {name: tensor.tolist() for name, tensor in packed.tensors.items()} == {"a.w": [1.0, 1.0], "b.w": [4.0, 4.0]}
    assert {tensor.dtype for tensor in packed.tensors.values()} == {torch.float16}
    assert (packed.header["step"], packed.header["card"]) == (-2, {"seed": 3, "average": shares})

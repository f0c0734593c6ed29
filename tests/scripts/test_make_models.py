import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

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


def test_every_recipe_has_a_data_set_and_a_model_in_the_package(script: ModuleType) -> None:
    recipes = {recipe.stem for recipe in script.RECIPES.glob("*.toml")}
    assert recipes == script.DATA_SETS.keys()
    assert all((script.ASSETS / f"{name}.safetensors").exists() for name in recipes)


def test_a_model_in_the_other_direction_learns_from_the_folders_in_the_other_order(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given: list[tuple[str, ...]] = []
    monkeypatch.setattr(script, "imgxlate", lambda *arguments: given.append(arguments))
    for name in ("cut-summer2winter", "cut-winter2summer"):
        script.train(name, tmp_path, tmp_path / name)
    assert [arguments[2:4] for arguments in given] == [
        (str(tmp_path / "trainA"), str(tmp_path / "trainB")),
        (str(tmp_path / "trainB"), str(tmp_path / "trainA")),
    ]

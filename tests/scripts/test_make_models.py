import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from imgxlate.engine import history, plots

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import make_models

    return make_models


@pytest.mark.parametrize("steps", [1, 2, 249, 250, 251, 1000])
def test_some_evenly_spaced_steps_of_a_run_are_kept(script: ModuleType, steps: int, tmp_path: Path) -> None:
    with history.History(tmp_path / "history.jsonl") as run:
        for step in range(1, steps + 1):
            losses = {"gen_total": math.pi / step, "dis_a": math.nan if step == 2 else 1.0}
            run.append(history.Entry(step, losses, seconds=0.5))
    kept = tmp_path / "kept.jsonl"
    script.keep_history(tmp_path, kept)
    curve = plots.read_curves(kept)["gen_total"]
    assert len(curve.steps) == min(steps, script.CURVE_STEPS)
    assert (curve.steps[0], curve.steps[-1]) == (1, steps)
    gaps = {int(gap) for gap in np.diff(curve.steps)}
    assert max(gaps, default=0) - min(gaps, default=0) <= 1
    assert curve.values == pytest.approx(math.pi / curve.steps, rel=1e-3)

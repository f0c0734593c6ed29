"""`quality.jsonl`: the evaluations of a run, one JSON object a line.

    {"step": 2000, "time": "2026-01-31T12:00:00.000+00:00", "seconds": 21.5, "best": true, "score": 4.19,
     "ranked_by": "kd-vgg19", "quality": {"kd-vgg19_b": 3.72, ..., "kd-vgg19_a": 4.66, ...}}

The names in `quality` are those of `imgxlate compare`, followed by the domain that is translated to. `score` is the
mean over both directions of the numbers that `ranked_by` names, and `best` says whether it was the lowest so far.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import fmean
from typing import Any

from imgxlate import atomic
from imgxlate.errors import unreadable
from imgxlate.methods.spec import TrainingConfig
from imgxlate.training import json_lines

FEWEST_IMAGES = 2  # of a domain, for distances between sets


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The quality of the model after a step."""

    step: int  # number of steps done
    quality: Mapping[str, float]  # numbers by name and domain: "kd-vgg19_b" is of translations to B
    ranked_by: str  # the name of the numbers that rank the models: "kd-vgg19" or "kid"
    score: float  # their mean over the directions; lower is better
    is_best: bool  # whether no earlier score was as low
    seconds: float  # duration of the evaluation
    time: datetime = field(default_factory=json_lines.now)  # its end


def is_due(step: int, config: TrainingConfig) -> bool:
    """Whether the model is evaluated after `step` steps.

    It is after each multiple of `evaluate_every` and after the last step, unless the whole run is shorter than that.
    """
    every, last = config.evaluate_every, config.iterations
    return 0 < every <= last and step > 0 and (step % every == 0 or step == last)


def add(
    earlier: Sequence[Evaluation], step: int, quality: Mapping[str, float], ranked_by: str, seconds: float
) -> list[Evaluation]:
    """The evaluations with another one. It is the best if no earlier one with the same numbers has as low a score."""
    score = fmean(value for name, value in quality.items() if name.rpartition("_")[0] == ranked_by)
    is_best = all(score < one.score for one in earlier if one.ranked_by == ranked_by)
    return [*earlier, Evaluation(step, quality, ranked_by, score, is_best, seconds)]


def best(evaluations: Sequence[Evaluation]) -> Evaluation | None:
    """The last evaluation that was the best when it was made."""
    return next((one for one in reversed(evaluations) if one.is_best), None)


def since_best(evaluations: Sequence[Evaluation]) -> int:
    """The number of evaluations after the best one."""
    return next((count for count, one in enumerate(reversed(evaluations)) if one.is_best), len(evaluations))


def read(path: Path) -> list[Evaluation]:
    """The evaluations in a file; none if there is no file. Lines that are damaged are skipped.

    Raises:
        CheckpointError: the file cannot be read.
    """
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise unreadable(path, error) from error
    return [one for line in lines if (one := json_lines.parsed(line, _evaluation))]


def write(path: Path, evaluations: Sequence[Evaluation]) -> None:
    """Write the evaluations, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    atomic.write_bytes(path, b"".join(map(_line, evaluations)))


def _line(evaluation: Evaluation) -> bytes:
    document = {
        "step": evaluation.step,
        "time": json_lines.stamp(evaluation.time),
        "seconds": round(evaluation.seconds, 3),
        "best": evaluation.is_best,
        "score": evaluation.score,
        "ranked_by": evaluation.ranked_by,
        "quality": dict(evaluation.quality),
    }
    return json_lines.line(document)


def _evaluation(document: dict[str, Any]) -> Evaluation:
    return Evaluation(
        int(document["step"]),
        {name: float(value) for name, value in document["quality"].items()},
        str(document["ranked_by"]),
        float(document["score"]),
        bool(document["best"]),
        float(document["seconds"]),
        datetime.fromisoformat(document["time"]),
    )

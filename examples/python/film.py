"""Translate the first seconds of a video to winter, and show the progress.

python examples/python/film.py VIDEO OUTPUT [SECONDS]
"""

import sys

import imgxlate

video, output, *seconds = sys.argv[1:]


def show(done: int, total: int | None) -> None:
    """Print a line for every tenth frame."""
    if done % 10 == 0:
        print(f"{done} of {total or '?'} frames")


model = imgxlate.load("munit")
film = imgxlate.translate_video(model, video, output, end=float(seconds[0]) if seconds else 5, on_frame=show)
print(f"{film.output}: {film.frames} frames")

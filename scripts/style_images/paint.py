"""Brush strokes of many bristles on a canvas that stores the color and the thickness of the paint."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from style_images.fields import Field, Floats, Random, at, blur, relief

Colors = Floats  # (..., 3) in [0, 1]

OVERSAMPLING = 2  # lines are drawn without smoothing, at this multiple of the size
BRISTLE = 1 / 840  # distance between bristles


@dataclass(frozen=True)
class Brush:
    """One pass of strokes; lengths are fractions of the image's longer side."""

    spacing: float  # between the strokes' centers
    width: float
    length: float
    hue_jitter: float = 0.03  # standard deviation of each stroke's color, of 1
    bristle_jitter: float = 0.05  # the same for each bristle's lightness
    points: int = 12  # vertices of a stroke's path


class Canvas:
    """Wet paint: an RGBA image whose fourth channel is the thickness of the paint."""

    def __init__(self, size: int, aspect: float, ground: tuple[int, int, int]) -> None:
        self.scale = size * OVERSAMPLING
        self.image = Image.new("RGBA", (self.scale, round(size * aspect) * OVERSAMPLING), (*ground, 90))
        self.pen = ImageDraw.Draw(self.image)

    def stroke(self, paths: Floats, colors: Colors, brush: Brush, random: Random) -> None:
        """Lay strokes in the order given: paths (N, K, 2), colors (N, 3) in [0, 1]."""
        lines = bristles(paths, brush.width, random)  # (N, B, K, 2)
        count, hairs = lines.shape[:2]
        paint = _bristle_paint(colors, hairs, brush, random)  # (N, B, 4)
        order = random.permuted(np.tile(np.arange(hairs), (count, 1)), axis=1)
        pen_width = max(1, round(BRISTLE * self.scale * 1.3))
        flat = (lines * self.scale).reshape(count, hairs, -1)
        for stroke in range(count):
            for hair in order[stroke]:
                self.pen.line(flat[stroke, hair].tolist(), fill=tuple(paint[stroke, hair]), width=pen_width)

    def render(self, depth: float = 0.05) -> Image.Image:
        """The dry painting under light from the upper left, at its nominal size."""
        *channels, thickness = self.image.split()
        height = blur(np.asarray(thickness, np.float32), self.scale / 2048)
        light = relief(height, depth)[..., None]
        color = np.asarray(Image.merge("RGB", channels), np.float32) * light + 22 * np.clip(light - 1.25, 0, 1)
        lit = Image.fromarray(np.clip(color, 0, 255).astype(np.uint8))
        return lit.resize((lit.width // OVERSAMPLING, lit.height // OVERSAMPLING), Image.Resampling.LANCZOS)


def bristles(
    paths: Floats,
    width: float,
    random: Random,
    spread: Floats | None = None,
    raggedness: float = 1.0,
) -> Floats:
    """Lines (N, B, K, 2) beside the paths (N, K, 2), with ragged ends, so that the stroke is round.

    `spread` (K,) scales the width along the stroke; None keeps it even. With `raggedness` 0 the ends are square.
    """
    count, points = paths.shape[:2]
    hairs = max(3, round(width / BRISTLE))
    across = np.linspace(-0.5, 0.5, hairs, dtype=np.float32)
    ragged = random.random((2, count, hairs), dtype=np.float32)
    inset = raggedness * (0.28 * (2 * np.abs(across)) ** 2 + 0.16 * ragged)  # (2, N, B) of the path's length
    along = np.linspace(inset[0], 1 - inset[1], points, axis=-1)  # (N, B, K)
    place = along * (points - 1)
    before = np.minimum(place.astype(np.intp), points - 2)
    part = (place - before)[..., None].astype(np.float32)
    stroke = np.arange(count)[:, None, None]
    center = paths[stroke, before] * (1 - part) + paths[stroke, before + 1] * part
    tangent = np.gradient(paths, axis=1)
    tangent /= np.linalg.norm(tangent, axis=-1, keepdims=True) + 1e-9
    normal = np.stack([-tangent[..., 1], tangent[..., 0]], axis=-1)[stroke, before]
    profile = np.ones(points, np.float32) if spread is None else spread
    return center + normal * (across[:, None, None] * width * profile[:, None])


def _bristle_paint(colors: Colors, hairs: int, brush: Brush, random: Random) -> NDArray[np.int_]:
    """Color and thickness (N, B, 4) of each bristle as integers: paint piles up along the stroke's sides."""
    count = len(colors)
    base = colors + random.normal(0, brush.hue_jitter, (count, 3))
    lightness = random.normal(0, brush.bristle_jitter, (count, hairs, 1))
    color = np.clip(base[:, None] + lightness, 0, 1) * 255
    ridge = np.abs(np.linspace(-1, 1, hairs)) ** 3
    load = random.uniform(70, 170, (count, 1))
    thickness = np.clip(load + 45 * ridge + random.normal(0, 26, (count, hairs)), 0, 255)
    return np.concatenate([color, thickness[..., None]], axis=-1).astype(int)


def scatter(mask: NDArray[np.bool_], spacing: float, random: Random) -> Floats:
    """Points (N, 2), evenly spread with jitter over the pixels of `mask`, in random order."""
    height, width = mask.shape
    longer = max(height, width)
    y, x = np.mgrid[0 : height / longer : spacing, 0 : width / longer : spacing]
    points = np.stack([x.ravel(), y.ravel()], axis=-1)
    points = (points + random.uniform(-0.1, 1.1, points.shape) * spacing).astype(np.float32)
    points = random.permutation(points)
    return points[at(mask.astype(np.float32), points) > 0.5]


def follow(angle: Field, starts: Floats, length: float, points: int) -> Floats:
    """Paths (N, K, 2) of the given length through the flow, with `starts` (N, 2) in their middles."""
    step = length / (points - 1)
    forward = _march(angle, starts, step, points // 2)
    backward = _march(angle, starts, -step, points - points // 2 - 1)
    return np.stack([*backward[::-1], starts, *forward], axis=1)


def _march(angle: Field, starts: Floats, step: float, count: int) -> list[Floats]:
    places, here = [], starts
    for _ in range(count):
        direction = at(angle, here)
        here = here + step * np.stack([np.cos(direction), np.sin(direction)], axis=-1)
        places.append(here)
    return places


def palette(*colors: str) -> Colors:
    """Pigments (N, 3) in [0, 1] from six hexadecimal digits each."""
    return np.array([[int(color[i : i + 2], 16) for i in (0, 2, 4)] for color in colors], np.float32) / 255


def pick(pigments: Colors, tone: Floats) -> Colors:
    """The pigment for each tone in [0, 1], unmixed: neighbors stay distinct strokes."""
    return pigments[np.clip(tone * len(pigments), 0, len(pigments) - 1).astype(int)]


def ramp(pigments: Colors, tone: Floats) -> Colors:
    """The pigments mixed: linear interpolation along the ramp for each tone in [0, 1]."""
    place = np.clip(tone, 0, 1) * (len(pigments) - 1)
    before = np.minimum(place.astype(int), len(pigments) - 2)
    part = (place - before)[..., None].astype(np.float32)
    return pigments[before] * (1 - part) + pigments[before + 1] * part

"""Ink wash on paper: mountains in mist, a pale red sun, bamboo, birds, a boat and a seal."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from style_images.fields import Field, Floats, Random, blur, clouds, noise, plane, relief
from style_images.paint import BRISTLE, bristles

ASPECT = 0.76
PAPER = np.array([0.955, 0.925, 0.850], np.float32)
INK = np.array([1.00, 0.97, 0.90], np.float32)  # optical density of one unit of ink in each channel: a warm black
CINNABAR = np.array([0.16, 1.35, 1.55], np.float32)
SPREAD = {
    "even": np.ones(12, np.float32),
    "leaf": (np.sin(np.linspace(0.25, np.pi, 12)) ** 0.8 + 0.04).astype(np.float32),
    "tail": np.linspace(1, 0.08, 12, dtype=np.float32),
}


@dataclass(frozen=True)
class Mountain:
    """A chain of peaks; lengths are fractions of the image's longer side."""

    foot: float  # y at which it has faded into the mist
    tall: float
    grain: float  # distance between the peaks
    tone: float  # optical density of the wash
    valley: tuple[float, float] = (2.0, 0.1)  # middle and half width of a gap


RANGE = (
    Mountain(0.42, 0.15, 0.20, 0.26),
    Mountain(0.52, 0.29, 0.26, 0.50),
    Mountain(0.59, 0.20, 0.22, 0.85, (0.30, 0.10)),
    Mountain(0.72, 0.25, 0.24, 1.45, (0.46, 0.19)),
    Mountain(0.84, 0.20, 0.30, 2.00, (0.55, 0.26)),
)


class Sheet:
    """Paper that collects ink and cinnabar: optical densities at each pixel."""

    def __init__(self, size: int, random: Random) -> None:
        self.size, self.random = size, random
        self.x, self.y = plane(size, ASPECT)
        self.ink = np.zeros(self.x.shape, np.float32)
        self.red = np.zeros(self.x.shape, np.float32)
        self.grain = clouds(self.x.shape, 0.006, random, 3)
        self.fibre = noise(self.x.shape, (0.03, 0.002), random) + noise(self.x.shape, (0.002, 0.03), random) - 1
        self.mottle = clouds(self.x.shape, 0.16, random, 6)

    def wash(self, tone: Field) -> None:
        """A wet layer: pigment settles in the paper's grain and dries in tide lines."""
        tide = np.exp(-((np.abs(self.mottle - 0.4) / 0.05) ** 2)) + np.exp(-((np.abs(self.mottle + 0.7) / 0.04) ** 2))
        self.ink += tone * np.clip(1 + 0.14 * self.grain + 0.22 * self.mottle + 0.20 * tide, 0.2, 2)

    def brush(
        self,
        paths: list[Floats],
        width: float,
        tone: float,
        dry: float,
        spread: str = "even",
        raggedness: float = 1.0,
    ) -> None:
        """Strokes of one load of ink: `dry` in [0, 1] is the share of the grain of the paper that stays bare."""
        layer = Image.new("L", (self.size * 2, self.ink.shape[0] * 2))
        pen = ImageDraw.Draw(layer)
        hairs = bristles(np.stack(paths).astype(np.float32), width, self.random, SPREAD[spread], raggedness) * (
            self.size * 2
        )
        load = self.random.uniform(1 - 0.75 * dry, 1, hairs.shape[:2]) * 255
        pen_width = max(1, round(BRISTLE * self.size * 2 * 1.8))
        for stroke, loads in zip(hairs, load, strict=True):
            for hair, amount in zip(stroke, loads, strict=True):
                pen.line(hair.ravel().tolist(), fill=int(amount), width=pen_width)
        covered = np.asarray(layer.resize(self.ink.shape[::-1], Image.Resampling.BOX), np.float32) / 255
        wet = blur(covered, self.size / 900)
        rim = np.clip(covered - blur(covered, self.size / 200), 0, 1)
        bare = np.clip(1.25 - dry * np.clip(1.0 + 1.1 * self.grain, 0, 2), 0, 1)
        self.ink += tone * (0.85 * wet + 0.35 * rim * (1 - dry)) * bare

    def render(self) -> Image.Image:
        """The dry sheet."""
        paper = PAPER * (1 + 0.020 * self.grain + 0.035 * self.fibre + 0.015 * self.mottle)[..., None]
        sheet = paper * np.exp(-self.ink[..., None] * INK - self.red[..., None] * CINNABAR)
        sheet *= relief(self.grain + self.fibre, 0.028)[..., None]
        return Image.fromarray((np.clip(sheet, 0, 1) * 255).astype(np.uint8))


def draw(size: int, random: Random) -> Image.Image:
    """Paint the sheet, `size` pixels wide."""
    sheet = Sheet(size, random)
    _sun(sheet)
    for mountain in RANGE:
        _mountain(sheet, mountain)
    _birds(sheet)
    _boat(sheet)
    _bamboo(sheet)
    _seal(sheet)
    return sheet.render()


def _sun(sheet: Sheet) -> None:
    away = np.hypot(sheet.x - 0.36, sheet.y - 0.17) + 0.0020 * sheet.mottle
    disc = np.clip((0.072 - away) * sheet.size / 3, 0, 1)
    rim = np.exp(-(((away - 0.070) / 0.004) ** 2)) * disc
    sheet.red += disc * (0.62 + 0.10 * sheet.grain + 0.12 * sheet.mottle) + 0.30 * rim


def _mountain(sheet: Sheet, mountain: Mountain) -> None:
    """Peaks: a wash that fades into mist, a darker ridge, and dry strokes down the slopes."""
    ridge = _ridge(sheet, mountain)
    depth = np.clip(sheet.y - ridge, 0, 1)
    edge = np.clip((sheet.y - ridge) * sheet.size / 2.5, 0, 1)
    near_foot = np.clip((mountain.foot + 0.05 - sheet.y) / 0.10, 0, 1)
    mist = np.exp(-depth / (0.34 * mountain.tall)) * near_foot
    rim = np.exp(-depth / 0.007) * np.clip((mountain.foot - sheet.y) / 0.06, 0, 1)
    sheet.wash(edge * (mist + 0.55 * rim) * mountain.tone)
    for width, count, dry in ((0.020, 60, 0.85), (0.010, 110, 0.75), (0.0045, 200, 0.5)):
        paths = [_slope_stroke(sheet.random, ridge, mountain, x) for x in sheet.random.uniform(-0.02, 1.02, count)]
        on_slope = [path for path in paths if mountain.foot - path[0, 1] > 0.22 * mountain.tall]
        sheet.brush(on_slope, width, 0.62 * mountain.tone, dry, "tail")


def _ridge(sheet: Sheet, mountain: Mountain) -> Field:
    """The height of the skyline (1, W), sharp at the peaks: ridged fractal noise along x."""
    skyline = np.zeros((1, sheet.size), np.float32)
    for octave in range(7):
        bumps = noise((3, sheet.size), (mountain.grain / 1.9**octave, 1.0), sheet.random)[1:2]
        sharp = 1 - np.abs(2 * bumps - 1)
        skyline += (sharp if octave < 4 else bumps) / 2.0**octave
    skyline = (skyline - skyline.min()) / (skyline.max() - skyline.min())
    middle, half = mountain.valley
    gap = np.exp(-(((sheet.x[:1] - middle) / half) ** 4))
    return mountain.foot - mountain.tall * skyline**1.3 * (1 - gap) + 0.25 * gap


def _slope_stroke(random: Random, ridge: Field, mountain: Mountain, x: float) -> Floats:
    """A path from near the ridge downhill, leaning away from the nearest peak."""
    size, t = ridge.shape[1], np.linspace(0, 1, 12)
    column = int(np.clip(x, 0, 0.999) * size)
    top = float(ridge[0, column])
    slope = (float(ridge[0, min(column + size // 40, size - 1)]) - float(ridge[0, max(column - size // 40, 0)])) * 20
    rise = max(mountain.foot - top, 0.0)
    length = random.uniform(0.25, 0.65) * rise
    lean = slope / (1 + 1.6 * slope**2) + random.normal(0, 0.06)
    wobble = 0.002 * np.cumsum(random.normal(0, 1, 12))
    down = top + random.uniform(0.0, 0.30) * rise + t * length
    return np.stack([x + lean * t * length + wobble, down], axis=-1).astype(np.float32)


def _birds(sheet: Sheet) -> None:
    paths = []
    for number in range(9):
        cx, cy = 0.55 + 0.028 * number + sheet.random.normal(0, 0.006), 0.13 + 0.011 * abs(number - 3) * 1.6
        span = sheet.random.uniform(0.010, 0.016)
        t = np.linspace(0, 1, 12)
        for side in (-1, 1):
            paths.append(np.stack([cx + side * span * t, cy - 0.55 * span * np.sin(t * 2.5)], axis=-1))
    sheet.brush(paths, 0.0036, 1.5, 0.1, "tail")


def _boat(sheet: Sheet) -> None:
    t = np.linspace(0, 1, 12)
    hull = np.stack([0.405 + 0.11 * t, 0.668 + 0.012 * np.sin(t * np.pi)], axis=-1)
    roof = np.stack([0.445 + 0.035 * t, 0.664 - 0.014 * np.sin(t * np.pi)], axis=-1)
    pole = np.stack([0.502 + 0.028 * t, 0.615 + 0.062 * t], axis=-1)
    man = np.stack([0.496 + 0.004 * t, 0.640 + 0.026 * t], axis=-1)
    sheet.brush([hull], 0.008, 1.8, 0.2, "leaf")
    sheet.brush([roof], 0.011, 1.2, 0.5)
    sheet.brush([pole], 0.0022, 1.4, 0.1)
    sheet.brush([man], 0.009, 1.9, 0.1, "leaf")
    ripples = [
        np.stack([x0 + length * t, np.full(12, y0) + 0.001 * np.sin(9 * t)], axis=-1)
        for x0, y0, length in zip(
            sheet.random.uniform(0.34, 0.60, 9),
            sheet.random.uniform(0.685, 0.73, 9),
            sheet.random.uniform(0.02, 0.08, 9),
            strict=True,
        )
    ]
    sheet.brush(ripples, 0.0025, 0.5, 0.5, "leaf")


def _bamboo(sheet: Sheet) -> None:
    """Pale stalks behind, dark ones before them, each with nodes and bunches of leaves."""
    for foot, top, lean, width, tone in (
        (0.985, 0.10, -0.10, 0.016, 0.45),
        (0.800, 0.28, 0.05, 0.012, 0.40),
        (0.925, -0.02, -0.12, 0.024, 1.30),
        (0.865, 0.12, 0.06, 0.015, 1.60),
    ):
        _stalk(sheet, foot, top, lean, width, tone)


def _stalk(sheet: Sheet, foot: float, top: float, lean: float, width: float, tone: float) -> None:
    random, t = sheet.random, np.linspace(0, 1, 12)
    trunk, nodes, twigs, leaves = [], [], [], []
    for low, high in pairwise(np.linspace(0, 1, 8) ** 0.95):
        rise = low + (high - low) * (0.035 + 0.93 * t)
        x = foot + lean * rise**1.5
        y = ASPECT + 0.02 - (ASPECT + 0.02 - top) * rise
        trunk.append(np.stack([x, y], axis=-1))
        ring = y[-1] - width * 0.30 + 0.2 * width * np.abs(2 * t - 1)
        nodes.append(np.stack([x[-1] + (t - 0.5) * width * 1.25, ring], axis=-1))
        twig, bunch = _spray(random, x[-1], y[-1])
        twigs.append(twig)
        leaves.extend(bunch)
    sheet.brush(trunk, width, 0.62 * tone, 0.45, raggedness=0.12)
    sheet.brush(nodes, width * 0.22, 1.5 * tone, 0.1, "leaf", raggedness=0.5)
    sheet.brush(twigs, 0.0034, tone, 0.1, "tail")
    half = len(leaves) // 2
    sheet.brush(leaves[:half], 0.0155, 1.10 * tone, 0.22, "leaf")
    sheet.brush(leaves[half:], 0.0155, 1.45 * tone, 0.22, "leaf")


def _spray(random: Random, x: float, y: float) -> tuple[Floats, list[Floats]]:
    """A twig from a node, and the leaves that hang from it."""
    t = np.linspace(0, 1, 12)
    side = random.choice([-1, 1])
    reach, rise = random.uniform(0.04, 0.09) * side, random.uniform(0.0, 0.05)
    twig = np.stack([x + reach * t, y - rise * np.sin(t * 2)], axis=-1)
    leaves = []
    for _ in range(random.integers(5, 9)):
        turn = random.normal(np.pi / 2 - side * 0.55, 0.45) + random.normal(0, 0.25) * t
        length = random.uniform(0.055, 0.110)
        leaves.append(twig[random.integers(5, 12)] + np.stack([np.cos(turn), np.sin(turn)], -1) * (length * t)[:, None])
    return twig, leaves


def _seal(sheet: Sheet) -> None:
    """A carved square of cinnabar: white strokes on red, worn at the edges."""
    left, top, side = 0.590, 0.665, 0.056
    u, v = (sheet.x - left) / side, (sheet.y - top) / side
    square = (np.minimum(np.minimum(u, 1 - u), np.minimum(v, 1 - v)) + 0.025 * sheet.grain) > 0.015
    carved = np.zeros_like(square)
    for x0, y0, x1, y1 in (
        (0.14, 0.2, 0.44, 0.2),
        (0.29, 0.2, 0.29, 0.82),
        (0.14, 0.5, 0.44, 0.5),
        (0.14, 0.82, 0.46, 0.82),
        (0.58, 0.16, 0.58, 0.84),
        (0.58, 0.16, 0.86, 0.16),
        (0.86, 0.16, 0.86, 0.84),
        (0.72, 0.36, 0.72, 0.66),
        (0.58, 0.84, 0.86, 0.84),
    ):
        along = np.clip(((u - x0) * (x1 - x0) + (v - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2), 0, 1)
        carved |= np.hypot(u - x0 - along * (x1 - x0), v - y0 - along * (y1 - y0)) < 0.042
    sheet.red += blur((square & ~carved).astype(np.float32), sheet.size / 1000) * (1.15 + 0.18 * sheet.grain)

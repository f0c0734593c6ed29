"""A woodblock print of a breaking wave: flat blues in stripes, clawed foam, a far mountain, the grain of the block."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from style_images.fields import Field, Random, blur, clouds, distance, noise, plane
from style_images.paint import Colors, palette, ramp

Points = NDArray[np.float64]

ASPECT = 0.72
PAPER, FOAM, SKY, DUSK, PALE, MIDDLE, BLUE, INK, SNOW = palette(
    "efe3c4", "f4ecd6", "e6d3a6", "a9a48f", "b9cdc4", "6f9fb5", "2c5f94", "16294f", "f6efdc"
)
DEEP, PRUSSIAN, SOFT, LIGHT, WHITE = (INK, MIDDLE), (BLUE, INK), (MIDDLE, BLUE), (PALE, BLUE), (FOAM, BLUE)
STRIPES = (  # from the back to the face: the color of a stripe and of the hairlines in it
    *(DEEP, PRUSSIAN, DEEP, SOFT, PRUSSIAN, DEEP, LIGHT, PRUSSIAN, DEEP, PRUSSIAN),
    *(WHITE, PRUSSIAN, DEEP, SOFT, DEEP, LIGHT, PRUSSIAN, WHITE, DEEP),
)
LAYERS = 7  # of claws, each inside its own outline

GREAT = (
    (
        (-0.16, 0.80),
        (-0.09, 0.56),
        (0.01, 0.38),
        (0.13, 0.230),
        (0.26, 0.125),
        (0.39, 0.075),
        (0.50, 0.085),
        (0.585, 0.145),
        (0.622, 0.235),
    ),
    (
        (0.84, 0.70),
        (0.68, 0.625),
        (0.53, 0.565),
        (0.435, 0.475),
        (0.400, 0.375),
        (0.425, 0.280),
        (0.485, 0.228),
        (0.555, 0.220),
        (0.612, 0.250),
    ),
)
SECOND = (
    ((0.52, 0.80), (0.62, 0.66), (0.70, 0.575), (0.78, 0.515), (0.86, 0.490), (0.93, 0.500), (0.975, 0.545)),
    ((1.25, 0.78), (1.08, 0.73), (0.96, 0.70), (0.900, 0.645), (0.890, 0.590), (0.920, 0.555), (0.965, 0.555)),
)
NEAR = (
    ((-0.20, 0.62), (-0.08, 0.575), (0.04, 0.560), (0.15, 0.585), (0.25, 0.640), (0.33, 0.665), (0.40, 0.650)),
    ((-0.20, 0.95), (-0.05, 0.86), (0.08, 0.80), (0.20, 0.765), (0.30, 0.735), (0.36, 0.705), (0.405, 0.665)),
)


class Print:
    """Flat colors laid one over the other, each through its own mask."""

    def __init__(self, size: int, random: Random) -> None:
        self.size, self.random = size, random
        self.x, self.y = plane(size, ASPECT)
        self.color = np.broadcast_to(PAPER, (*self.x.shape, 3)).copy()

    def mask(self, polygons: Sequence[Points], border: float = 0.0) -> Field:
        """The share of each pixel that the polygons cover together, with a border around them."""
        scale = 3 * self.size
        sheet = Image.new("L", (scale, 3 * self.x.shape[0]))
        pen = ImageDraw.Draw(sheet)
        for polygon in polygons:
            corners = [tuple(point) for point in polygon * scale]
            pen.polygon(corners, fill=255)
            if border:
                pen.line([*corners, *corners[:2]], fill=255, width=round(2 * border * scale), joint="curve")
        return np.asarray(sheet.resize(self.x.shape[::-1], Image.Resampling.BOX), np.float32) / 255

    def lay(self, cover: Field, color: Colors) -> None:
        """Print a color through a mask."""
        self.color += cover[..., None] * (color - self.color)

    def shape(self, polygons: Sequence[Points], color: Colors, outline: float = 0.0) -> None:
        """Print polygons in a color, inside one common outline in ink."""
        if outline:
            self.lay(self.mask(polygons, outline), INK)
        self.lay(self.mask(polygons), color)


def draw(size: int, random: Random) -> Image.Image:
    """Print the image, `size` pixels wide."""
    sheet = Print(size, random)
    _sky(sheet)
    _mountain(sheet)
    _far_sea(sheet)
    _wave(sheet, *GREAT, foam_from=0.50, claw=0.078)
    _wave(sheet, *SECOND, foam_from=0.42, claw=0.046)
    _wave(sheet, *NEAR, foam_from=0.15, claw=0.036)
    return _pressed(sheet)


def _sky(sheet: Print) -> None:
    """A band of dusk above the horizon that fades upwards, as when a block is wiped before printing."""
    fade = np.clip((sheet.y - 0.10) / 0.44, 0, 1) ** 1.6
    sheet.color[:] = ramp(np.stack([PAPER, SKY, DUSK]), 0.15 + 0.85 * fade)
    banks = clouds(sheet.x.shape, 0.20, sheet.random) + 1.2 * (noise(sheet.x.shape, (0.5, 0.06), sheet.random) - 0.5)
    cloud = np.clip((banks - 0.55) * 3, 0, 1) * np.clip(1 - np.abs(sheet.y - 0.28) / 0.22, 0, 1)
    sheet.color += 0.55 * cloud[..., None] * (SNOW - sheet.color)


def _mountain(sheet: Print) -> None:
    x = np.linspace(0.60, 0.94, 60)
    side = np.abs(x - 0.765) / 0.17
    y = 0.395 + 0.150 * np.clip(side - 0.07, 0, 1) ** 0.72
    sheet.shape([np.stack([x, y], 1)], MIDDLE * 0.72 + INK * 0.28, 0.0014)
    reach = np.clip((0.485 - y) / 0.06, 0, 1) * (0.024 + 0.034 * np.abs(np.sin(x * 95)) + 0.012 * np.sin(x * 41))
    sheet.shape([np.concatenate([np.stack([x, y], 1), np.stack([x, y + reach], 1)[::-1]])], SNOW)


def _far_sea(sheet: Print) -> None:
    """Rows of small swells under the horizon."""
    for row, (level, color) in enumerate(
        ((0.520, MIDDLE), (0.545, BLUE), (0.580, MIDDLE), (0.615, BLUE), (0.655, INK))
    ):
        x = np.linspace(-0.02, 1.02, 400)
        crest = level - (0.006 + 0.003 * row) * np.abs(np.sin(x * (34 - 4 * row) + 1.7 * row))
        sea = np.concatenate([np.stack([x, crest], 1), [(1.02, 0.8), (-0.02, 0.8)]])
        sheet.shape([sea], color, 0.0011)
        rim = np.concatenate(
            [np.stack([x, crest + 0.004], 1), np.stack([x, crest + 0.010 + 0.003 * np.sin(x * 60)], 1)[::-1]]
        )
        sheet.shape([rim], PALE)


def _wave(
    sheet: Print,
    back: Sequence[tuple[float, float]],
    face: Sequence[tuple[float, float]],
    foam_from: float,
    claw: float,
) -> None:
    """A wave between the line of its back and the line of its hollow face, both from the foot to the tip."""
    outer, inner = _spline(back, 240), _spline(face, 240)
    sheet.shape([np.concatenate([outer, inner[::-1]])], BLUE, 0.0020)
    _stripes(sheet, outer, inner)
    start = int(foam_from * 240)
    _foam(sheet, outer, inner, start, claw)
    _spray(sheet, outer[-60:], claw)


def _stripes(sheet: Print, outer: Points, inner: Points) -> None:
    """Bands that run from the foot up into the crest, of uneven width."""
    widths = sheet.random.uniform(0.5, 1.5, len(STRIPES))
    cuts = np.concatenate([[0], np.cumsum(widths) / widths.sum()])
    for (low, high), (color, hairline) in zip(pairwise(cuts), STRIPES, strict=True):
        sheet.shape([_band(outer, inner, low, high)], color)
        hair = 0.055 * (high - low)
        middles = [low + share * (high - low) for share in (0.45, 0.70)]
        sheet.shape([_band(outer, inner, middle - hair, middle + hair) for middle in middles], hairline)


def _band(outer: Points, inner: Points, low: float, high: float) -> Points:
    """The stripe between two fractions of the way from the back to the face."""
    t = np.linspace(0, 1, len(outer))[:, None]
    sway = 0.012 * np.sin(t * 9 + 14 * low) * np.sin(np.pi * low)
    left = outer + (low + sway) * (inner - outer)
    right = outer + (high + sway * (0.6 + 0.8 * t)) * (inner - outer)
    return np.concatenate([left, right[::-1]])


def _foam(sheet: Print, outer: Points, inner: Points, start: int, claw: float) -> None:
    """White water over the crest, its lower edge fingered, with claws that reach down over the face."""
    random = sheet.random
    crest = outer[start:]
    along = np.linspace(0, 1, len(crest))
    depth = claw * (0.25 + 0.75 * along) * (0.75 + 0.35 * np.sin(along * 40) * np.sin(along * 17))
    inward = _unit(inner[start:] - crest)
    body = [np.concatenate([crest, (crest + depth[:, None] * inward)[::-1]])]
    heading = _unit(np.gradient(crest, axis=0))
    claws: list[list[Points]] = []
    for place in np.sort(random.uniform(0, 1, 34)):
        index = int(place * (len(crest) - 1))
        root = crest[index] + inward[index] * depth[index] * random.uniform(0.15, 0.95)
        lean = np.arctan2(*(heading[index] * 0.75 + inward[index] * random.uniform(0.3, 1.1))[::-1])
        claws.append(_claw(root, lean, claw * random.uniform(0.55, 1.1) * (0.45 + 0.6 * place), random, 2))
    for place in random.uniform(0, 1, 16):
        index = int(place * (len(crest) - 1))
        lean = np.arctan2(*(heading[index] - 0.55 * inward[index])[::-1])
        claws.insert(0, _claw(crest[index], lean, claw * random.uniform(0.3, 0.55), random, 1))
    cover = sheet.mask([*body, *chain(*claws)])
    shadow = np.roll(cover, (round(0.006 * sheet.size), round(-0.003 * sheet.size)), (0, 1))
    sheet.color += 0.55 * shadow[..., None] * (INK - sheet.color)
    sheet.shape(body, FOAM, 0.0014)
    _foam_lines(sheet, sheet.mask(body), claw)
    for layer in range(LAYERS):
        sheet.shape(list(chain(*claws[layer::LAYERS])), FOAM, 0.0012)


def _claw(root: Points, angle: float, length: float, random: Random, depth: int) -> list[Points]:
    """A tapering hook that curls downwards, with smaller hooks on its outer side."""
    t = np.linspace(0, 1, 14)
    turn = angle + random.uniform(0.9, 1.9) * t**1.4
    step = length / 13
    spine = root + np.cumsum(np.stack([np.cos(turn), np.sin(turn)], 1), axis=0) * step
    half = 0.21 * length * (1 - t) ** 0.7 * np.minimum(1, 0.12 + 3 * t)
    across = np.stack([-np.sin(turn), np.cos(turn)], 1) * half[:, None]
    hooks = [np.concatenate([spine - across, (spine + across)[::-1]])]
    if depth:
        for index in (4, 7, 10):
            side = random.uniform(-1.1, -0.5) if index % 2 else random.uniform(0.2, 0.7)
            hooks += _claw(spine[index], turn[index] + side, length * random.uniform(0.32, 0.48), random, depth - 1)
    return hooks


def _foam_lines(sheet: Print, cover: Field, claw: float) -> None:
    """Pale blue flecks inside the white water."""
    inside = distance(cover < 0.5, round(0.02 * sheet.size)) / sheet.size
    curl = clouds(sheet.x.shape, 0.030, sheet.random, 3)
    fleck = np.clip((np.abs(curl) < 0.16).astype(np.float32) * (inside > 0.10 * claw) * 0.8, 0, 1)
    sheet.color += (blur(fleck, sheet.size / 1024) * (cover > 0.5))[..., None] * (
        MIDDLE * 0.6 + PALE * 0.4 - sheet.color
    )


def _spray(sheet: Print, tip: Points, claw: float) -> None:
    random = sheet.random
    drops = []
    for _ in range(90):
        start = tip[random.integers(len(tip))]
        fling = random.exponential(1.1, 2) * claw * np.array([1.0, 0.9]) * np.array([1, random.choice([-0.6, 1])])
        center, radius = start + fling, claw * random.uniform(0.02, 0.065)
        turn = np.linspace(0, 2 * np.pi, 16)
        drops.append(center + radius * np.stack([np.cos(turn), np.sin(turn)], 1))
    sheet.shape(drops, FOAM, 0.0008)


def _pressed(sheet: Print) -> Image.Image:
    """The print on its paper: grain of the block, mottled pigment, fibers."""
    random, shape = sheet.random, sheet.x.shape
    bend = sheet.y + 0.010 * np.sin(sheet.x * 4) + 0.006 * clouds(shape, 0.3, random)
    rings = np.sin(bend * 420 + 5 * clouds(shape, 0.35, random, 2))
    grain = 0.6 * rings + 1.4 * (noise(shape, (0.25, 0.0022), random) - 0.5)
    mottle = clouds(shape, 0.012, random, 3)
    ink = np.clip(1 - sheet.color.mean(-1), 0, 1)
    worn = (0.055 * grain + 0.045 * mottle) * (0.25 + ink)
    color = sheet.color + worn[..., None] * (PAPER - 0.3)
    fibre = noise(shape, (0.02, 0.002), random) + noise(shape, (0.002, 0.02), random) - 1
    color *= (1 + 0.03 * fibre)[..., None]
    return Image.fromarray((np.clip(color, 0, 1) * 255).astype(np.uint8))


def _spline(knots: Sequence[tuple[float, float]], count: int) -> Points:
    """A Catmull-Rom curve (count, 2) through the knots."""
    points = np.array([knots[0], *knots, knots[-1]], float)
    place = np.linspace(0, len(knots) - 1 - 1e-9, count)
    index, t = place.astype(int), (place % 1)[:, None]
    a, b, c, d = (points[index + shift] for shift in range(4))
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)


def _unit(vectors: Points) -> Points:
    return vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-9)

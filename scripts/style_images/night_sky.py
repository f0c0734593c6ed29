"""A swirling night sky in thick strokes: stars with halos, a crescent moon, hills, a village and a cypress."""

from __future__ import annotations

import numpy as np
from PIL import Image

from style_images.fields import Field, Mask, Random, at, clouds, noise, plane, smear
from style_images.paint import Brush, Canvas, Colors, follow, palette, pick, scatter

ASPECT = 0.78
NIGHT = palette("0a1233", "101f5c", "17338a", "1f4fa8", "2f70bd", "4c93c4", "7fb7c0", "b9d3bd", "ece6bf")
GLOW = palette("2a62b4", "4f8fb4", "79b3a3", "a9cf9f", "dfe2a6", "f4e48c", "f6cf45", "f6b91e", "fbe38a", "fffbe6")
CRESCENT = palette("e58a10", "f09c14", "f6b91e", "f9cf3a")
CLEAR = palette("dfe2a6", "f4ecb8", "c9dba6", "f7e88f")
FAR_HILL = palette("132a6b", "1c3f8f", "2a5fa6", "4680b3", "1a3478", "78a6b8")
MIDDLE_HILL = palette("0e2a57", "17476f", "1f6a78", "2f8a7e", "123a66", "7fae7a")
NEAR_HILL = palette("0a1f33", "0f3a3c", "1d5443", "3f7a4a", "0c2a3a", "a3a04e")
WALLS = palette("7fa8b8", "b9bf9f", "5f90b0", "9fb8b0", "4a7fa6", "d6cf9f")
ROOFS = palette("0c1a33", "16304f", "8a4a2f", "22344f", "b0703a")
CYPRESS = palette("07100f", "0d1f1a", "14301f", "23472a", "3d2a1c", "0a1614", "5a6a33")
STARS = (  # x, y, radius of the halo
    (0.070, 0.060, 0.040),
    (0.335, 0.075, 0.055),
    (0.470, 0.165, 0.030),
    (0.560, 0.055, 0.040),
    (0.690, 0.145, 0.048),
    (0.305, 0.240, 0.034),
    (0.065, 0.290, 0.046),
    (0.945, 0.330, 0.040),
    (0.340, 0.415, 0.062),
    (0.800, 0.420, 0.030),
)
MOON = (0.865, 0.125, 0.095)
WHIRLS = ((0.510, 0.315, 0.130, 1.0), (0.665, 0.375, 0.085, -1.0))  # x, y, radius, spin


def draw(size: int, random: Random) -> Image.Image:
    """Paint the image, `size` pixels wide."""
    x, y = plane(size, ASPECT)
    canvas = Canvas(size, ASPECT, (16, 31, 92))
    _paint_sky(canvas, x, y, random)
    _paint_hills(canvas, x, y, random)
    _paint_village(canvas, random)
    _paint_cypress(canvas, x, y, random)
    return canvas.render()


def _paint_sky(canvas: Canvas, x: Field, y: Field, random: Random) -> None:
    angle = _sky_flow(x, y)
    streaks = smear(noise(x.shape, (0.014, 0.014), random), angle, 0.11)
    tone = 0.38 + 0.19 * streaks + 0.22 * np.clip((y - 0.34) / 0.2, 0, 1) - 0.14 * np.clip(1 - y / 0.3, 0, 1)
    for cx, cy, radius, spin in WHIRLS:
        distance, turn = np.hypot(x - cx, y - cy), np.arctan2(y - cy, x - cx)
        arm = np.cos(2 * turn - spin * 34 * distance / radius * 0.28)
        tone += 0.30 * np.exp(-((distance / radius / 1.1) ** 2)) * (0.35 + arm)
    sky = y < 0.66
    for brush in (
        Brush(0.0135, 0.016, 0.075, 0.02, 0.04),
        Brush(0.0100, 0.0085, 0.060, 0.03, 0.05),
        Brush(0.0115, 0.0060, 0.045, 0.035, 0.06),
    ):
        starts = scatter(sky, brush.spacing, random)
        dice = random.normal(0, 0.085, len(starts)).astype(np.float32)
        colors = pick(NIGHT, at(tone, starts) + dice)
        canvas.stroke(follow(angle, starts, brush.length, brush.points), colors, brush, random)
    _paint_lights(canvas, x, y, angle, random)


def _sky_flow(x: Field, y: Field) -> Field:
    """Angle of the sky's strokes: a wind from the left, wound up around the whirls, the stars and the moon."""
    east = np.ones_like(x)
    south = 0.55 * np.sin(7.5 * x + 2.5 * y + 0.6) + 0.25 * np.sin(17 * x - 9 * y)
    turning = [(cx, cy, radius * 1.05, 1.0) for cx, cy, radius in STARS]
    for cx, cy, radius, spin in (*turning, (MOON[0], MOON[1], MOON[2] * 1.2, 1.0), *WHIRLS):
        dx, dy = x - cx, y - cy
        distance = np.hypot(dx, dy) + 1e-6
        pull = 9 * np.exp(-((distance / radius) ** 2) * 0.9)
        inward = 0.22 if abs(radius) > 0.08 else 0.0
        east += pull * (-spin * dy - inward * dx) / distance
        south += pull * (spin * dx - inward * dy) / distance
    return np.arctan2(south, east)


def _paint_lights(canvas: Canvas, x: Field, y: Field, angle: Field, random: Random) -> None:
    """Rings of broken light around stars and moon, and the crescent itself."""
    brush = Brush(0.0062, 0.0062, 0.026, 0.03, 0.05)
    for cx, cy, radius in (*STARS, MOON):
        distance = np.hypot(x - cx, y - cy) / radius
        starts = scatter(distance < 1.15, brush.spacing, random)
        reach = at(distance, starts)
        starts = starts[random.random(len(starts)) < 1.35 - 0.95 * reach]
        reach = at(distance, starts)
        tone = 1.0 - 0.92 * reach**0.8 + 0.10 * np.cos(reach * 16) + random.normal(0, 0.06, len(starts))
        order = np.argsort(-reach + random.normal(0, 0.15, len(reach)))
        paths = follow(angle, starts, min(brush.length, radius * 0.7), brush.points)
        canvas.stroke(paths[order], pick(GLOW, tone[order]), brush, random)
    _paint_crescent(canvas, x, y, random)


def _paint_crescent(canvas: Canvas, x: Field, y: Field, random: Random) -> None:
    cx, cy, radius = MOON
    disc = np.hypot(x - cx, y - cy) < 0.50 * radius
    bite = np.hypot(x - cx + 0.24 * radius, y - cy + 0.10 * radius) < 0.42 * radius
    turn = np.arctan2(y - cy, x - cx) + np.pi / 2
    for where, pigments in ((disc & bite, CLEAR), (disc & ~bite, CRESCENT)):
        brush = Brush(0.0040, 0.0070, 0.024, 0.015, 0.04)
        starts = scatter(where, brush.spacing, random)
        colors = pick(pigments, random.random(len(starts), dtype=np.float32))
        canvas.stroke(follow(turn, starts, brush.length, brush.points), colors, brush, random)


def _paint_hills(canvas: Canvas, x: Field, y: Field, random: Random) -> None:
    far = 0.535 - 0.060 * np.exp(-(((x - 0.86) / 0.17) ** 2)) - 0.035 * np.sin(5.5 * x + 0.3) * np.sin(2 * x)
    middle = 0.600 + 0.030 * np.sin(6.2 * x + 1.9) - 0.030 * np.exp(-(((x - 0.72) / 0.12) ** 2))
    near = 0.715 + 0.022 * np.sin(8.0 * x + 0.4) - 0.055 * np.clip(1 - x / 0.55, 0, 1)
    for ridge, pigments in ((far, FAR_HILL), (middle, MIDDLE_HILL), (near, NEAR_HILL)):
        _paint_hill(canvas, ridge, y, pigments, random)


def _paint_hill(canvas: Canvas, ridge: Field, y: Field, pigments: Colors, random: Random) -> None:
    """Strokes along the contours, and a light line on the ridge."""
    slope = np.gradient(ridge, axis=1) * ridge.shape[1]
    angle = np.arctan(slope) + 0.5 * (noise(ridge.shape, (0.12, 0.05), random) - 0.5)
    contours = 0.5 + 0.22 * smear(noise(ridge.shape, (0.02, 0.012), random), angle, 0.07)
    below = (y > ridge) & (y < ridge + 0.16)
    for brush in (Brush(0.011, 0.014, 0.060, 0.02, 0.04), Brush(0.0085, 0.0075, 0.045, 0.03, 0.06)):
        starts = scatter(below, brush.spacing, random)
        tone = at(contours, starts) + random.normal(0, 0.12, len(starts))
        canvas.stroke(follow(angle, starts, brush.length, brush.points), pick(pigments[:5], tone), brush, random)
    brush = Brush(0.006, 0.0055, 0.035, 0.03, 0.06)
    starts = scatter(np.abs(y - ridge - 0.004) < 0.006, brush.spacing, random)
    canvas.stroke(
        follow(np.arctan(slope), starts, brush.length, brush.points),
        pick(pigments[[0, 3, 5]], random.random(len(starts), dtype=np.float32)),
        brush,
        random,
    )


def _paint_village(canvas: Canvas, random: Random) -> None:
    """Houses of a few dabs each, the hindmost first, with lit windows, around a church."""
    feet = np.sort(random.uniform(0.648, 0.702, 26))
    for foot in feet:
        left = random.uniform(0.36, 0.95)
        _paint_house(canvas, left, foot, random.uniform(0.026, 0.042) * (foot - 0.45) / 0.2, random)
    _paint_church(canvas, random)


def _paint_house(canvas: Canvas, left: float, foot: float, wide: float, random: Random) -> None:
    wall, roof = random.choice(WALLS), random.choice(ROOFS)
    tall = wide * random.uniform(0.55, 0.75)
    for level in np.linspace(foot, foot - tall, 5):
        _dab(canvas, (left, level), (left + wide, level), 0.0075, wall, random)
    top = (left + wide / 2, foot - tall - 0.55 * wide)
    for share in np.linspace(0, 1, 5):
        eaves = (left + wide * (1.16 * share - 0.08), foot - tall)
        _dab(canvas, eaves, top, 0.0060, roof, random)
    _dab(canvas, (left - 0.1 * wide, foot - tall), top, 0.0036, palette("0a1426")[0], random)
    for spot in random.permutation([0.28, 0.70])[: random.integers(1, 3)]:
        window = left + wide * spot
        _dab(canvas, (window, foot - 0.15 * tall), (window, foot - 0.85 * tall), 0.0085, palette("f9c62a")[0], random)


def _paint_church(canvas: Canvas, random: Random) -> None:
    for offset in np.linspace(-0.017, 0.017, 8):
        _dab(canvas, (0.640 + offset, 0.684), (0.640 + offset, 0.640), 0.0065, palette("6f97b0")[0], random)
    for offset in np.linspace(-0.022, 0.022, 7):
        _dab(canvas, (0.640 + offset, 0.646), (0.640 + 0.4 * offset, 0.622), 0.0065, palette("101f3f")[0], random)
    for offset in np.linspace(-0.009, 0.009, 6):
        _dab(canvas, (0.616 + offset, 0.686), (0.616, 0.508), 0.0055, palette("1b3358")[0], random)
    _dab(canvas, (0.612, 0.680), (0.6155, 0.530), 0.0035, palette("7fa3b8")[0], random)
    _dab(canvas, (0.640, 0.675), (0.640, 0.655), 0.0085, palette("f9c62a")[0], random)


def _dab(
    canvas: Canvas,
    start: tuple[float, float],
    end: tuple[float, float],
    width: float,
    color: Colors,
    random: Random,
) -> None:
    brush = Brush(0.0, width, 0.0, 0.02, 0.05)
    path = np.linspace(start, end, brush.points, dtype=np.float32)
    canvas.stroke(path[None], color[None], brush, random)


def _paint_cypress(canvas: Canvas, x: Field, y: Field, random: Random) -> None:
    body, angle = _cypress(x, y, random)
    streaks = smear(noise(x.shape, (0.012, 0.02), random), angle, 0.08)
    for brush in (Brush(0.0095, 0.013, 0.070, 0.012, 0.03), Brush(0.0075, 0.0065, 0.060, 0.02, 0.05)):
        starts = scatter(body, brush.spacing, random)
        tone = 0.42 + 0.20 * at(streaks, starts) + random.normal(0, 0.12, len(starts))
        canvas.stroke(follow(angle, starts, brush.length, brush.points), pick(CYPRESS, tone), brush, random)


def _cypress(x: Field, y: Field, random: Random) -> tuple[Mask, Field]:
    """Silhouette of flames that lean into each other, and the flow of its strokes, upwards and waving."""
    body = np.zeros(x.shape, bool)
    for foot, top, wide, lean in (
        (0.165, 0.045, 0.072, 0.020),
        (0.225, 0.260, 0.055, -0.012),
        (0.108, 0.330, 0.050, 0.03),
    ):
        rise = np.clip((ASPECT + 0.04 - y) / (ASPECT + 0.04 - top), 0, 1)
        axis = foot + lean * rise + 0.012 * np.sin(rise * 13 + foot * 40) * (1 - 0.4 * rise)
        half = wide * (1 - rise) ** 0.75 * (0.82 + 0.30 * np.sin(rise * 21 + foot * 90) * (1 - rise))
        body |= (np.abs(x - axis) < half) & (y > top)
    wave = 0.42 * np.sin(y * 26 + x * 30) + 0.12 * clouds(x.shape, 0.08, random)
    return body, -np.pi / 2 + wave.astype(np.float32) + 1.5 * np.clip(0.165 - x, -0.08, 0.08)

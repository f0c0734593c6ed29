"""A still life in angular facets: a guitar, a bottle and a newspaper in ochre, umber and slate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from style_images.fields import Field, Floats, Mask, Random, at, blur, borders, clouds, noise, plane
from style_images.paint import Brush, Canvas, Colors, palette, ramp, scatter

Labels = NDArray[np.int_]

ASPECT = 1.0
OCHRE = palette("2a1a10", "5a3518", "8f5a22", "c08433", "dfb061", "f6e2ad")
SLATE = palette("10151c", "26343f", "47596a", "76868a", "aeb3a0", "e8e2c8")
CLAY = palette("2a0f0a", "682416", "a4452a", "cf7a4a", "e8ad7f", "f8e0c8")
BOTTLE = palette("0d130c", "24331f", "43573a", "758055", "aaa576", "e6e0b0")
CREAM = palette("5a4a34", "8f7d5a", "bfae84", "ded0a6", "f1e8cb", "fffaea")
FAMILIES = (OCHRE, SLATE, CLAY, BOTTLE, CREAM)
THINGS = {  # name: (probability of each family, lightness)
    "wall": ((0.42, 0.42, 0.12, 0.02, 0.02), 0.30),
    "table": ((0.30, 0.08, 0.56, 0.02, 0.04), 0.34),
    "paper": ((0.16, 0.14, 0.02, 0.00, 0.68), 0.48),
    "bottle": ((0.10, 0.18, 0.02, 0.66, 0.04), 0.34),
    "guitar": ((0.70, 0.02, 0.18, 0.00, 0.10), 0.46),
    "neck": ((0.30, 0.24, 0.40, 0.00, 0.06), 0.26),
    "hole": ((0.25, 0.60, 0.15, 0.00, 0.00), 0.06),
}
DIRECTIONS = np.radians([10, 28, 62, 80, 104, 128, 152])
"""Directions of the cuts: few, so that facets in different parts of the image look alike."""
TILT = np.radians(24)  # of the guitar's neck, from upright


@dataclass(frozen=True)
class Cuts:
    """The facets of the image, and the things that they show."""

    facet: Labels  # (H, W), number of the facet
    thing: Labels  # (H, W), number of the thing
    slope: Field  # (H, W), from 0 at one side of the facet to 1 at the other
    angle: Field  # (H, W), direction of the brush in the facet


def draw(size: int, random: Random) -> Image.Image:
    """Paint the image, `size` pixels square."""
    x, y = plane(size, ASPECT)
    cuts = _cut(x, y, random)
    color = _shade(cuts, x, y, random)
    canvas = Canvas(size, ASPECT, (70, 48, 28))
    for brush in (Brush(0.0105, 0.018, 0.050, 0.014, 0.030), Brush(0.0072, 0.0085, 0.030, 0.022, 0.045)):
        starts = scatter(np.ones(x.shape, bool), brush.spacing, random)
        canvas.stroke(_within_facet(starts, cuts, brush), at(color, starts), brush, random)
    painting = np.asarray(canvas.render(0.04), np.float32) / 255
    return _draw_lines(painting, cuts, x, y, random)


def _cut(x: Field, y: Field, random: Random) -> Cuts:
    """Split the plane repeatedly by lines, then along the outlines of the things."""
    thing = _things(x, y)
    facet = np.zeros(x.shape, int)
    for _ in range(9):
        facet = _split(facet, x, y, random)
    facet = _renumber(facet * len(THINGS) + thing)
    count = int(facet.max()) + 1
    turn = random.choice(DIRECTIONS, count) + random.choice([0, np.pi], count)
    along = np.cos(turn)[facet] * x + np.sin(turn)[facet] * y
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(low, facet, along)
    np.maximum.at(high, facet, along)
    slope = ((along - low[facet]) / (high - low + 1e-6)[facet]).astype(np.float32)
    return Cuts(facet, thing, slope, (turn[facet] + np.pi / 2).astype(np.float32))


def _things(x: Field, y: Field) -> Labels:
    """The number of the thing at each pixel. Things further back are drawn first."""
    names = list(THINGS)
    thing = np.zeros(x.shape, int)
    thing[y > 0.70 - 0.16 * (x - 0.5) * np.sign(x - 0.42)] = names.index("table")
    u, v = (x - 0.70) * 0.94 + (y - 0.66) * 0.34, (y - 0.66) * 0.94 - (x - 0.70) * 0.34
    thing[(np.abs(u) < 0.20) & (np.abs(v) < 0.145)] = names.index("paper")
    glass = (np.abs(x - 0.245) < 0.088) & (y > 0.36) & (y < 0.80)
    shoulder = (np.hypot(x - 0.245, (y - 0.36) * 0.7) < 0.088) & (y <= 0.36)
    throat = (np.abs(x - 0.250) < 0.032) & (y > 0.10) & (y <= 0.36)
    thing[glass | shoulder | throat] = names.index("bottle")
    across, up = _guitar_axes(x, y)
    thing[_body(across, up)] = names.index("guitar")
    thing[(np.abs(across) < 0.028 + 0.012 * (up > 0.52)) & (up > 0.10) & (up < 0.60)] = names.index("neck")
    thing[np.hypot(across, up - 0.055) < 0.058] = names.index("hole")
    return thing


def _guitar_axes(x: Field, y: Field) -> tuple[Field, Field]:
    """Coordinates across and along the guitar, whose sound board is centered on the origin."""
    dx, dy = x - 0.49, y - 0.63
    return dx * np.cos(TILT) + dy * np.sin(TILT), dx * np.sin(TILT) - dy * np.cos(TILT)


def _body(across: Field, up: Field) -> Mask:
    waist = np.abs(across) < 0.115
    return (
        (np.hypot(across, up + 0.085) < 0.185) | (np.hypot(across, up - 0.125) < 0.138) | (waist & (np.abs(up) < 0.10))
    )


def _split(facet: Labels, x: Field, y: Field, random: Random) -> Labels:
    """Cut every facet that is still large once, by a line near its center."""
    count = int(facet.max()) + 1
    pixels = np.bincount(facet.ravel(), minlength=count)
    cx = np.bincount(facet.ravel(), x.ravel(), count) / pixels
    cy = np.bincount(facet.ravel(), y.ravel(), count) / pixels
    area = pixels / facet.size
    turn = random.choice(DIRECTIONS, count)
    offset = random.normal(0, 0.16, count) * np.sqrt(area)
    busy = np.exp(-((np.hypot(cx - 0.47, cy - 0.55) / 0.40) ** 2))
    large = area > (0.0045 + 0.012 * (1 - busy)) * random.uniform(0.6, 1.6, count)
    side = (x - cx[facet]) * np.cos(turn)[facet] + (y - cy[facet]) * np.sin(turn)[facet] > offset[facet]
    return _renumber(facet * 2 + (side & large[facet]))


def _renumber(labels: Labels) -> Labels:
    _, index = np.unique(labels, return_inverse=True)
    return index.reshape(labels.shape)


def _shade(cuts: Cuts, x: Field, y: Field, random: Random) -> Colors:
    """A ramp of one pigment family across each facet, from dark at one side to light at the other."""
    _, first = np.unique(cuts.facet, return_index=True)
    chances = np.array([chance for chance, _ in THINGS.values()])
    lightness = np.array([light for _, light in THINGS.values()], np.float32)
    of_facet = cuts.thing.ravel()[first]
    family = np.array([random.choice(len(FAMILIES), p=chances[thing]) for thing in of_facet])
    offset = lightness[of_facet] + random.normal(0, 0.09, len(first)).astype(np.float32)
    focus = np.exp(-((np.hypot(x - 0.48, y - 0.52) / 0.45) ** 2))
    tone = offset[cuts.facet] - 0.20 + 0.18 * focus + 0.50 * cuts.slope**1.3 + 0.03 * clouds(x.shape, 0.05, random)
    color = np.zeros((*x.shape, 3), np.float32)
    for number, pigments in enumerate(FAMILIES):
        where = family[cuts.facet] == number
        color[where] = ramp(pigments, tone[where])
    return color


def _within_facet(starts: Floats, cuts: Cuts, brush: Brush) -> Floats:
    """Straight strokes that stop at their facet's edge."""
    angle = at(cuts.angle, starts)
    heading = np.stack([np.cos(angle), np.sin(angle)], axis=-1)[:, None]
    home = at(cuts.facet, starts)[:, None]
    reach = np.linspace(0, brush.length, 2 * brush.points, dtype=np.float32)[:, None]
    ends = []
    for sign in (-1, 1):
        inside = at(cuts.facet, starts[:, None] + sign * reach * heading) == home
        steps = np.cumprod(inside, axis=1).sum(axis=1) - 1
        ends.append(sign * np.minimum(reach[steps, 0], brush.length / 2))
    along = np.linspace(ends[0], ends[1], brush.points, axis=-1)[..., None].astype(np.float32)
    return starts[:, None] + along * heading


def _draw_lines(painting: Colors, cuts: Cuts, x: Field, y: Field, random: Random) -> Image.Image:
    """Contours of uneven width, shadows at one side of them, strings, frets and lines of print."""
    size = x.shape[1]
    weight = np.clip(noise(x.shape, (0.12, 0.12), random) * 2.0 - 0.45, 0, 1)
    outline = borders(cuts.thing).astype(np.float32)
    edges = borders(cuts.facet) * weight + 0.8 * outline
    line = np.clip(3.2 * blur(edges, size / 1024 * 1.6), 0, 1)
    shadow = np.clip(2.4 * blur(edges, size / 1024 * 7), 0, 0.55)
    grain = np.clip(1 + 0.25 * clouds(x.shape, 0.008, random, 3), 0.5, 1)
    ink = np.maximum(np.maximum(line * grain, shadow), _strings(x, y, size))[..., None]
    image = painting * (1.06 - 0.94 * ink) + 0.04 * ink * OCHRE[1]
    return Image.fromarray((np.clip(image, 0, 1) * 255).astype(np.uint8))


def _strings(x: Field, y: Field, size: int) -> Field:
    """Strings and frets of the guitar, and print on the newspaper."""
    across, up = _guitar_axes(x, y)
    played = (up > -0.13) & (up < 0.56)
    ink = np.zeros_like(x)
    for offset in np.linspace(-0.021, 0.021, 6):
        ink = np.maximum(ink, np.clip(1.3 - np.abs(across - offset) * size * 0.9, 0, 0.85) * played)
    for fret in np.arange(0.16, 0.53, 0.034):
        ink = np.maximum(ink, np.clip(1.5 - np.abs(up - fret) * size * 0.8, 0, 0.8) * (np.abs(across) < 0.028))
    bridge = (np.abs(up + 0.135) < 0.009) & (np.abs(across) < 0.062)
    v = (y - 0.66) * 0.94 - (x - 0.70) * 0.34
    u = (x - 0.70) * 0.94 + (y - 0.66) * 0.34
    words = np.sin(u * 330 + 9 * np.floor(v / 0.02)) * np.sin(u * 131 + 5 * np.floor(v / 0.02)) > -0.25
    print_ = (np.mod(v, 0.02) < 0.006) & words & (_things(x, y) == list(THINGS).index("paper")) & (np.abs(u) < 0.17)
    return np.maximum(np.maximum(ink, 0.85 * bridge), 0.7 * print_)

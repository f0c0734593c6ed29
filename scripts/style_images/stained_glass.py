"""Leaded glass: a sun in rings of rays over hills, a river and tulips, in a jeweled border."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from style_images.fields import Field, Mask, Random, blur, borders, clouds, distance, noise, plane
from style_images.paint import Colors, palette

Labels = NDArray[np.int_]

SUN = (0.50, 0.36)
RINGS = (0.085, 0.150, 0.235, 0.345)
BORDER = 0.058
RIVER_HEAD = 0.668
PIGMENTS = {
    "sun": palette("ffd21f", "ffb60a", "ffe25e"),
    "inner": palette("ff8a00", "ffc21a", "f25c05", "ffb000"),
    "middle": palette("d81e1e", "f2640c", "ffc933", "b3122b", "f58a1a"),
    "outer": palette("8e1450", "d4246a", "f07a1c", "6b1d8a", "e8b52a", "b01c3c"),
    "sky": palette("0c2f9e", "1247c7", "0a1f78", "1f6fd6", "2a93d9", "3a1f8f", "123a9a", "67bfe3"),
    "far hill": palette("3d2a8c", "5a3fa8", "27407f", "7a56b5", "2e5f9e"),
    "hill": palette("0b7a4b", "12a05a", "0a5f46", "4fb23a", "1c8f7a"),
    "near hill": palette("2f8f1f", "7fb81f", "0f6b2f", "b3c922", "14803f"),
    "river": palette("19b5c9", "7fe0e0", "0f86b8", "c9f2ec", "2a9fd0"),
    "leaf": palette("1f7a1a", "49a81f", "0c5a2a"),
    "flower": palette("e3122f", "ff3d5a", "b00a3a", "ff7a1a", "f0287a"),
    "border": palette("c4122a", "0f2f9a", "f2b21a", "0d7a55", "7a1a8a"),
}
KINDS = tuple(PIGMENTS)


def draw(size: int, random: Random) -> Image.Image:
    """Make the window, `size` pixels square."""
    x, y = plane(size, 1.0)
    kind, piece = _design(x, y, random)
    color = _glass(kind, piece, x, y, random)
    lead, depth = _leading(piece, size)
    glow = np.stack([blur(color[..., i] * ~lead, size / 60) for i in range(3)], axis=-1)
    solder = (0.10 + 0.22 * depth + 0.05 * clouds(x.shape, 0.01, random))[..., None]
    came = np.clip(solder, 0.02, 1) * np.array([0.55, 0.56, 0.62], np.float32) + 0.20 * glow
    window = np.where(lead[..., None], came, color + 0.12 * glow)
    return Image.fromarray((np.clip(window, 0, 1) * 255).astype(np.uint8))


def _design(x: Field, y: Field, random: Random) -> tuple[Labels, Labels]:
    """The kind of glass and the number of the piece at each pixel."""
    kind = np.full(x.shape, KINDS.index("sky"))
    piece = _shards(x, y, 0.058, random)
    _set_sun(kind, piece, x, y)
    _set_land(kind, piece, x, y, random)
    _set_flowers(kind, piece, x, y)
    _set_border(kind, piece, x, y)
    return kind, piece + 100_000 * kind


def _shards(x: Field, y: Field, spacing: float, random: Random, stretch: float = 1.0) -> Labels:
    """Voronoi cells of a jittered grid, `stretch` times as wide as tall; each pixel gets its cell's number."""
    u, v = x / (spacing * stretch), y / spacing
    columns, rows = int(1 / (spacing * stretch)) + 3, int(1 / spacing) + 3
    seeds = random.uniform(0.12, 0.88, (rows, columns, 2)).astype(np.float32)
    nearest = np.full(x.shape, np.inf, np.float32)
    cell = np.zeros(x.shape, int)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            row, column = v.astype(int) + down + 1, u.astype(int) + right + 1
            seed = seeds[row, column]
            squared = (u - column + 1 - seed[..., 0]) ** 2 + (v - row + 1 - seed[..., 1]) ** 2
            closer = squared < nearest
            nearest[closer] = squared[closer]
            cell[closer] = (row * columns + column)[closer]
    return cell


def _set_sun(kind: Labels, piece: Labels, x: Field, y: Field) -> None:
    """A disc and three rings of petals around it, each ring with pointed outer ends."""
    radius = np.hypot(x - SUN[0], y - SUN[1])
    turn = np.arctan2(y - SUN[1], x - SUN[0]) / (2 * np.pi) + 0.5
    for name, ring, count, shift in (
        ("outer", 3, 32, 0.0),
        ("middle", 2, 32, 0.5),
        ("inner", 1, 16, 0.0),
        ("sun", 0, 1, 0.0),
    ):
        sector = turn * count + shift
        point = 1 - np.abs(2 * (sector % 1) - 1)
        reach = RINGS[ring] * (1 if name == "sun" else 0.86 + 0.14 * np.sqrt(point))
        inside = radius < reach
        kind[inside] = KINDS.index(name)
        piece[inside] = (sector.astype(int) % count)[inside]
        if name == "outer":
            split = inside & (radius > 0.285)
            piece[split] += 100


def _set_land(kind: Labels, piece: Labels, x: Field, y: Field, random: Random) -> None:
    ridges = (
        ("far hill", 0.575 - 0.075 * np.sin(9.5 * x + 0.4) - 0.04 * np.sin(4 * x), 0.062, 1.3),
        ("hill", 0.665 + 0.060 * np.sin(6.3 * x - 0.5), 0.066, 1.8),
        ("near hill", 0.790 - 0.050 * np.sin(7.2 * x + 0.2), 0.066, 1.6),
    )
    for name, ridge, spacing, stretch in ridges:
        below = y > ridge
        kind[below] = KINDS.index(name)
        piece[below] = _shards(x, y - ridge + 0.4, spacing, random, stretch)[below]
    _set_river(kind, piece, x, y)


def _set_river(kind: Labels, piece: Labels, x: Field, y: Field) -> None:
    """A river that winds to the front, in strands where it is wide enough, cut across in steps."""
    course = 0.50 + 0.17 * np.sin((y - 0.66) * 13.5) * np.clip((y - 0.60) * 4, 0, 1)
    down = np.clip(y - RIVER_HEAD, 0, 1)
    half = 0.012 + 0.30 * down
    strands = np.where(half < 0.032, 1, 3)
    strand = ((x - course) / half * 0.5 + 0.5) * strands
    reach = down**0.7 * 13 + 0.35 * strand.astype(int)
    river = (np.abs(x - course) < half) & (y > RIVER_HEAD)
    kind[river] = KINDS.index("river")
    piece[river] = (strand.astype(int) + 10 * reach.astype(int))[river]


def _set_flowers(kind: Labels, piece: Labels, x: Field, y: Field) -> None:
    """Tulips at both sides: a stem, two leaves and a cup of three petals."""
    plants = (
        (0.130, 0.66, 1.0),
        (0.225, 0.76, 0.8),
        (0.870, 0.64, 1.0),
        (0.775, 0.75, 0.8),
        (0.315, 0.85, 0.6),
        (0.70, 0.85, 0.6),
    )
    for number, (cx, top, scale) in enumerate(plants):
        stem = cx + 0.012 * np.sin((y - top) * 14)
        for side in (-1, 1):
            rise = np.clip((0.965 - y) / (0.21 * scale), 0, 1)
            spine = stem + side * 0.075 * scale * np.sin(rise * 1.7)
            leaf = (np.abs(x - spine) < 0.030 * scale * np.sin(rise * np.pi)) & (y < 0.965)
            _place(kind, piece, leaf, "leaf", number * 4 + side + 1)
        _place(kind, piece, (np.abs(x - stem) < 0.0075) & (y > top), "leaf", number * 4 + 3)
        dx, dy = (x - cx) / (0.055 * scale), (y - top) / (0.075 * scale)
        cup = (np.abs(dx) < np.sqrt(np.clip(1 - dy**2, 0, 1)) * (1 + 0.25 * dy)) & (
            dy > -0.75 + 0.35 * np.abs(np.sin(dx * 4.7))
        )
        heart = np.abs(dx) < 0.42 * np.sqrt(np.clip(1 - ((dy - 0.1) / 0.9) ** 2, 0, 1))
        _place(kind, piece, cup & (dx < 0), "flower", number * 3)
        _place(kind, piece, cup & (dx >= 0), "flower", number * 3 + 1)
        _place(kind, piece, cup & heart, "flower", number * 3 + 2)


def _place(kind: Labels, piece: Labels, where: Mask, name: str, number: int) -> None:
    kind[where] = KINDS.index(name)
    piece[where] = number


def _set_border(kind: Labels, piece: Labels, x: Field, y: Field) -> None:
    """Squares and oblongs in turn along the four sides, and a thin fillet inside."""
    edge = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y))
    along = np.where(np.minimum(x, 1 - x) < np.minimum(y, 1 - y), y, x)
    side = np.argmin(np.stack([x, 1 - x, y, 1 - y]), axis=0)
    frame = edge < BORDER
    kind[frame] = KINDS.index("border")
    piece[frame] = (side * 40 + ((along - 0.5) * 14 + 0.5 + 20).astype(int))[frame]
    fillet = (edge >= BORDER) & (edge < BORDER + 0.022)
    kind[fillet] = KINDS.index("sun")
    piece[fillet] = (500 + side * 40 + ((along - 0.5) * 5 + 20.5).astype(int))[fillet]


def _glass(kind: Labels, piece: Labels, x: Field, y: Field, random: Random) -> Colors:
    """Light through the glass: a pigment a piece, a gradient inside it, streaks, ripples and bubbles."""
    _, index = np.unique(piece, return_inverse=True)
    index = index.reshape(piece.shape)
    count = int(index.max()) + 1
    kinds = np.zeros(count, int)
    kinds[index] = kind
    pigment = np.stack([PIGMENTS[KINDS[k]][random.integers(len(PIGMENTS[KINDS[k]]))] for k in kinds])
    pigment += random.normal(0, 0.025, pigment.shape).astype(np.float32)
    turn = random.uniform(0, 2 * np.pi, count).astype(np.float32)[index]
    slope = np.cos(turn) * (x - _mean(x, index)) + np.sin(turn) * (y - _mean(y, index))
    streaks = noise(x.shape, (0.05, 0.006), random) - 0.5 + noise(x.shape, (0.008, 0.05), random) - 0.5
    ripples = clouds(x.shape, 0.02, random)
    light = 0.92 + 4.5 * np.clip(slope, -0.05, 0.05) + 0.26 * streaks + 0.055 * ripples
    sunlit = 0.30 * np.exp(-((np.hypot(x - SUN[0], y - SUN[1]) / 0.42) ** 2))
    edge = distance(borders(piece), round(x.shape[1] * 0.016)) / (x.shape[1] * 0.016)
    light = (light + sunlit) * (0.62 + 0.38 * np.minimum(edge, 1) ** 0.6)
    white = np.clip(light - 1.0, 0, 1)[..., None]
    return np.clip(pigment[index] * light[..., None] + 0.35 * white, 0, 1)


def _mean(field: Field, index: Labels) -> Field:
    """Each piece's mean of the field, at its pixels."""
    flat = index.ravel()
    means = np.bincount(flat, field.ravel()) / np.bincount(flat)
    return means.astype(np.float32)[index]


def _leading(piece: Labels, size: int) -> tuple[Mask, Field]:
    """The mask of the lead, and its rounded profile in [0, 1] lit from the upper left."""
    half = size * 0.0044
    away = distance(borders(piece), round(half) + 2)
    profile = np.sqrt(np.clip(1 - (away / half) ** 2, 0, 1))
    dy, dx = np.gradient(blur(profile, size / 1024))
    return away < half, np.clip(0.4 * profile - 1.6 * (dx + dy), 0, 1.5)

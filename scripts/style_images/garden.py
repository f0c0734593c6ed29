"""A lakeside garden in dots of pure color; each place mixes its hue, neighboring hues and the complement."""

from __future__ import annotations

import numpy as np
from PIL import Image

from style_images.fields import Field, Mask, Random, at, clouds, noise, plane
from style_images.paint import Canvas, Colors, palette, ramp, scatter

ASPECT = 0.78
SKY = palette("4f7fd0", "7ea3e0", "b9c4ea", "f3d3c8", "fbe3a6", "fdf0c4")
BANK = palette("2b3f8f", "3d5fa0", "4a7f86", "6aa36a", "b7c25a")
WATER = palette("23418f", "3363b5", "5a8fcb", "8fb9d9", "e9d3c0", "fbe7b0")
GRASS = palette("1d5a46", "2f7f3f", "5fa53a", "a3c542", "e6dc5a")
SHADE = palette("1b2f6f", "24506f", "2f6f5a", "3f8a4a")
LEAVES = palette("143f4a", "1d6a45", "3f9040", "86b53a", "e0d04a", "f5b73a")
BARK = palette("3a2350", "6a3f6a", "a8603f", "e6973f")
BLOSSOM = palette("e0283a", "f25a2a", "f78fb0", "fbd0dc", "8a3fb0", "5a4fd0", "fbd53a", "ffffff")
MIXES = ((0, 1, 2), (2, 3, 7), (4, 5, 2), (6, 1, 7))


def draw(size: int, random: Random) -> Image.Image:
    """Dot the image, `size` pixels wide."""
    x, y = plane(size, ASPECT)
    scene = _scene(x, y, random)
    canvas = Canvas(size, ASPECT, (214, 196, 160))
    everywhere = np.ones(x.shape, bool)
    for spacing, radius, jitter, complement in (
        (0.0085, 0.0072, 0.05, 0.06),
        (0.0062, 0.0046, 0.09, 0.13),
        (0.0060, 0.0032, 0.12, 0.18),
    ):
        points = scatter(everywhere, spacing, random)
        _dots(canvas, points, _broken(at(scene, points), jitter, complement, random), radius, random)
    for number, where in enumerate(_flowers(x, y, random)):
        points = scatter(where, 0.0085, random)
        hue = BLOSSOM[list(MIXES[number])]
        colors = hue[random.integers(3, size=len(points))]
        _dots(canvas, points, _broken(colors, 0.07, 0.04, random), 0.0052, random)
    return canvas.render(0.012)


def _scene(x: Field, y: Field, random: Random) -> Colors:
    """The mean color (H, W, 3) of the dots at each position."""
    drift = clouds(x.shape, 0.22, random)
    scene = ramp(SKY, y / 0.30 + 0.13 * drift)
    shore = 0.335 + 0.004 * np.sin(x * 30)
    treetops = (
        0.275
        - 0.028 * np.abs(np.sin(x * 13 + 0.7))
        - 0.030 * np.abs(np.sin(x * 5.1 + 2))
        - 0.01 * np.abs(np.sin(x * 37))
    )
    light = noise(x.shape, (0.035, 0.025), random)
    _cover(scene, y > treetops, ramp(BANK, 0.15 + 0.6 * light - 3 * (y - treetops) + 0.25 * x))
    mirror = 2 * shore - y
    streaks = noise(x.shape, (0.09, 0.007), random)
    water = ramp(WATER, 0.95 - (y - shore) / 0.34 + 0.75 * (streaks - 0.5))
    reflected = (mirror > treetops - 0.06 * streaks) & (streaks > 0.28)
    _cover(scene, y > shore, water)
    _cover(scene, (y > shore) & reflected, 0.75 * ramp(BANK, 0.5 * light + 0.5 * streaks) + 0.25 * water)
    _sails(scene, x, y, shore)
    _lilies(scene, x, y, random)
    _near_bank(scene, x, y, random)
    _tree(scene, x, y, random)
    return scene


def _cover(scene: Colors, where: Mask, colors: Colors) -> None:
    scene[where] = colors[where]


def _sails(scene: Colors, x: Field, y: Field, shore: Field) -> None:
    for cx, tall, hue in ((0.56, 0.115, "fff6e0"), (0.665, 0.075, "fbd9a6")):
        rise = (shore + 0.022 - y) / tall
        sail = (
            (rise > 0)
            & (rise < 1)
            & (x > cx - 0.30 * tall * (1 - rise))
            & (x < cx + 0.42 * tall * np.clip(1 - rise, 0, 1) ** 0.8)
        )
        glint = (rise < -0.12) & (rise > -0.9) & (np.abs(x - cx) < 0.22 * tall * (1 + rise) + 0.004 * np.sin(y * 700))
        hull = (np.abs(y - shore - 0.026) < 0.0075) & (np.abs(x - cx) < 0.42 * tall)
        scene[sail | glint] = palette(hue)[0]
        scene[hull] = palette("a8402f")[0]


def _lilies(scene: Colors, x: Field, y: Field, random: Random) -> None:
    for _ in range(34):
        cx, cy = random.uniform(0.30, 1.0), random.uniform(0.44, 0.60)
        wide = random.uniform(0.018, 0.040) * (0.4 + 2.2 * (cy - 0.36))
        away = np.hypot((x - cx) / wide, (y - cy) / (0.34 * wide))
        scene[away < 1] = ramp(LEAVES, np.float32(random.uniform(0.35, 0.8)))
        scene[(away < 1.25) & (away >= 1) & (y > cy)] = WATER[0]
        if random.random() < 0.45:
            scene[np.hypot(x - cx, (y - cy + 0.18 * wide) / 0.7) < 0.25 * wide] = random.choice(BLOSSOM[2:4])


def _near_bank(scene: Colors, x: Field, y: Field, random: Random) -> None:
    """Grass in sun and in the shade of the tree, with a path of warm sand."""
    edge = 0.590 + 0.035 * np.sin(4.2 * x + 1.0) - 0.045 * np.clip(0.45 - x, 0, 1) + 0.006 * np.sin(60 * x)
    blades = noise(x.shape, (0.010, 0.035), random)
    _cover(scene, y > edge, ramp(GRASS, 0.40 + 0.65 * blades - 0.3 * np.clip((y - 0.66) / 0.12, 0, 1)))
    shade = np.hypot((x - 0.28) / 0.34, (y - 0.69) / 0.055) + 0.5 * (noise(x.shape, (0.03, 0.02), random) - 0.5) < 1
    _cover(scene, (y > edge) & shade, ramp(SHADE, blades))
    course = 0.60 + 0.22 * np.sin((y - 0.5) * 7.5)
    path = (np.abs(x - course) < 0.015 + 0.45 * np.clip(y - 0.615, 0, 1)) & (y > edge + 0.012)
    sand = ramp(palette("b08fc0", "e6b89a", "f7d9a0", "fdf0cf"), 0.25 + 0.75 * noise(x.shape, (0.05, 0.012), random))
    _cover(scene, path, sand)


def _tree(scene: Colors, x: Field, y: Field, random: Random) -> None:
    rise = np.clip((0.70 - y) / 0.55, 0, 1)
    axis = 0.185 + 0.035 * np.sin(rise * 4) + 0.05 * rise
    half = 0.022 + 0.05 * np.clip(0.10 - rise, 0, 1) - 0.010 * rise
    lit = (x - axis) / half * 0.45 + 0.5 + 0.35 * (noise(x.shape, (0.008, 0.04), random) - 0.5)
    _cover(scene, (np.abs(x - axis) < half) & (y < 0.70), ramp(BARK, lit))
    lumps = clouds(x.shape, 0.10, random)
    crown = np.hypot((x - 0.22) / 0.31, (y - 0.13) / 0.235) + 0.16 * lumps < 1
    light = 0.45 + 0.9 * (x - 0.25) - 0.8 * (y - 0.14) + 0.20 * clouds(x.shape, 0.035, random) + 0.10 * lumps
    _cover(scene, crown, ramp(LEAVES, light))


def _flowers(x: Field, y: Field, random: Random) -> list[Mask]:
    """Where the four kinds of flowers grow: drifts in the grass."""
    patches = noise(x.shape, (0.07, 0.035), random)
    meadow = (y > 0.63) & (np.abs(x - 0.60 - 0.22 * np.sin((y - 0.5) * 7.5)) > 0.02 + 0.47 * np.clip(y - 0.615, 0, 1))
    sprinkle = noise(x.shape, (0.006, 0.006), random) > 0.52
    near = meadow & sprinkle & (y > 0.66)
    kinds = noise(x.shape, (0.16, 0.07), random)
    return [near & (patches > 0.5) & (kinds > low) & (kinds <= low + 0.16) for low in (0.18, 0.34, 0.50, 0.66)]


def _broken(colors: Colors, jitter: float, complement: float, random: Random) -> Colors:
    """The colors of dots: higher chroma than the scene, a shifted hue, sometimes the complement."""
    gray = colors.mean(axis=1, keepdims=True)
    chroma = colors - gray
    turned = chroma + random.normal(0, jitter, colors.shape)
    turned -= turned.mean(axis=1, keepdims=True)
    flip = random.random((len(colors), 1)) < complement
    pure = np.where(flip, -0.9 * turned, 1.35 * turned)
    return np.clip(gray + pure + random.normal(0, 0.05, gray.shape), 0, 1).astype(np.float32)


def _dots(canvas: Canvas, points: Colors, colors: Colors, radius: float, random: Random) -> None:
    scale = canvas.scale
    radii = radius * random.uniform(0.7, 1.15, len(points)) * scale / 2 * 1.25
    turn = random.uniform(0.75, 1.0, len(points))
    thickness = random.integers(140, 210, len(points))
    rgb = (colors * 255).astype(int)
    for (px, py), r, flat, paint, thick in zip(points * scale, radii, turn, rgb, thickness, strict=True):
        canvas.pen.ellipse((px - r, py - r * flat, px + r, py + r * flat), fill=(*paint, int(thick)))

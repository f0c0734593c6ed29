"""Frames of made-up films."""

import numpy as np
from PIL import Image


def texture(height, width, seed=0):
    """An image (H, W, 3) of soft spots, from a seed: flow is found in it."""
    noise = np.random.default_rng(seed).integers(0, 256, (height // 6, width // 6, 3), np.uint8)
    return np.asarray(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC))


def pan(frames, seed=0, size=(96, 128)):
    """Frames of a camera that moves 3 pixels to the right and 1 down from frame to frame."""
    height, width = size
    wide = texture(height + frames, width + 3 * frames, seed)
    return [np.ascontiguousarray(wide[n : n + height, 3 * n : 3 * n + width]) for n in range(frames)]


def colored(film, color):
    """The film with its colors mixed half and half with another one."""
    return [(frame // 2 + np.array(color, np.uint8) // 2).astype(np.uint8) for frame in film]


def with_cut(frames, size=(96, 128)):
    """Two shots of that many frames each, of other textures and colors."""
    shots = (colored(pan(frames, 0, size), (200, 80, 40)), colored(pan(frames, 1, size), (40, 120, 220)))
    return [frame for shot in shots for frame in shot]

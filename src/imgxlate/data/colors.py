"""Random changes of the colors of training images. Pixels are (H, W, 3) uint8."""

import math

import numpy as np

from imgxlate.data.config import DataConfig

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


def jitter(rgb: np.ndarray, config: DataConfig, rng: np.random.Generator) -> np.ndarray:
    """The image with brightness, contrast, saturation and hue changed at random, as far as `config` allows."""
    if not (config.brightness or config.contrast or config.saturation or config.hue):
        return rgb
    strengths = (config.brightness, config.contrast, config.saturation)
    brightness, contrast, saturation = (rng.uniform(1 - strength, 1 + strength) for strength in strengths)
    turn = hue_rotation(rng.uniform(-config.hue, config.hue))
    colors = rgb.astype(np.float32) * np.float32(brightness)
    colors = _scaled(colors, (colors @ _LUMA).mean(), contrast)
    colors = _scaled(colors, (colors @ _LUMA)[..., None], saturation) @ turn.T
    return np.asarray(colors.round().clip(0, 255), np.uint8)


def hue_rotation(degrees: float) -> np.ndarray:
    """The matrix (3, 3) that turns colors about the gray axis (1, 1, 1) (Rodrigues' formula): 120 makes red green."""
    angle = math.radians(degrees)
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    turn = math.cos(angle) * np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) / 3
    return turn.astype(np.float32)


def _scaled(colors: np.ndarray, center: np.ndarray, factor: float) -> np.ndarray:
    return np.asarray(center + (colors - center) * np.float32(factor))

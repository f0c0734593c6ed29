"""Translation of the frames of a film, so that the output does not flicker.

Two measures keep it steady. The networks' norms take moving averages over the shot instead of the statistics of each
frame, so that colors do not change when a thing enters the frame. And where the optical flow is consistent, an output
is mixed with the last one, moved along the flow: the networks see each pixel at other positions of their strides from
frame to frame, and draw its details differently.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from imgxlate.images.image_array import ImageArray
from imgxlate.images.sizes import Size
from imgxlate.images.tensors import from_tensor, resize, to_tensor
from imgxlate.inference.model import Model
from imgxlate.inference.translation import resized
from imgxlate.methods.spec import Domain
from imgxlate.nn.moving_moments import MovingMoments
from imgxlate.video.flow import Frame, Motion, is_inside, opencv, warp
from imgxlate.video.processor import FrameProcessor
from imgxlate.video.shots import motion_within_shot

# Both measured by `benchmarks/film.py`.
RATE = 0.1  # weight of a frame in the norms' moving averages: they follow a change within about 10 frames
_LAST_WEIGHT = 0.9  # of the last output where nothing but the position has changed

# Of the squared difference of colors in [0, 1] between a frame and the last one moved to it (Lai et al. 2018,
# arXiv 1808.00449: their visibility mask). The last output has no weight where light, shadow or focus have changed.
_SHARPNESS = 50.0

# Pixels from the border over which the camera moves, until the last output has its full weight. Without them, the parts
# that enter with each frame keep their own colors, and show as stripes in a sky.
_ENTRY = 16.0


def translation_processor(
    model: Model,
    to: Domain,
    codes: Tensor | None = None,  # one style code (1, style_dim); None: the method has no styles
    *,
    size: int | Size | None = None,  # of the output: its shorter side, or both, in pixels; None: the input's size
    work_size: int | None = None,  # translate larger frames at this shorter side, and upsample the change
    strength: float = 1.0,  # how much of the style to take: 0 keeps the style of each frame
) -> FrameProcessor:
    """Translate the frames of a film in one style. The first frame of a shot is translated as an image is.

    The model is one for images in color.
    """
    return _SteadyTranslation(model, to, codes, size, work_size, strength)


class _SteadyTranslation:
    def __init__(
        self,
        model: Model,
        to: Domain,
        codes: Tensor | None,
        size: int | Size | None,
        work_size: int | None,
        strength: float,
    ) -> None:
        self._model = model
        self._to = to
        self._codes = codes
        self._size = size
        self._work_size = work_size
        self._strength = strength
        self._moments = MovingMoments(RATE)
        self._frame: Frame | None = None  # the last one, at the size of the output
        self._output: NDArray[np.float32] | None = None  # of the last frame, not rounded

    def process(self, frame: Frame) -> Frame:
        """Translate the next frame."""
        image = image_of_frame(frame, self._size)
        motion = motion_within_shot(self._frame, image.rgb)
        if motion is None:
            self._moments.restart()
        output = self._translate(image).astype(np.float32)
        if motion and self._frame is not None and self._output is not None:
            output += _weights(self._frame, image.rgb, motion) * (warp(self._output, motion.flow) - output)
        self._frame, self._output = image.rgb, output
        return output.round().clip(0, 255).astype(np.uint8)

    def state(self) -> dict[str, NDArray[Any]]:
        """The last frame, its output, and the averages of the norms; nothing before the first frame."""
        if self._frame is None or self._output is None:
            return {}
        moments = {f"norm.{name}": values for name, values in self._moments.state().items()}
        return {"frame": self._frame, "output": self._output, **moments}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on after the frame whose `state` this is."""
        self._frame, self._output = state.get("frame"), state.get("output")
        prefix = "norm."
        self._moments.load_state(
            {name.removeprefix(prefix): values for name, values in state.items() if name.startswith(prefix)}
        )

    def _translate(self, image: ImageArray) -> Frame:
        with self._moments.frame():
            [output] = self._model.translate_array(
                image, self._to, self._codes, work_size=self._work_size, strength=self._strength
            )
        return output.rgb


def image_of_frame(frame: Frame, size: int | Size | None) -> ImageArray:
    """A frame whose shorter side has `size` pixels, or that has the whole `size`; None: as it is."""
    if isinstance(size, tuple):
        return ImageArray(from_tensor(resize(to_tensor(frame), size, "bicubic")))  # as in one pass over an image
    return resized(ImageArray(frame), size)


def _weights(last: Frame, frame: Frame, motion: Motion) -> NDArray[np.float32]:
    """The weight (H, W, 1) of the last output, moved along the flow."""
    difference = (frame - warp(last.astype(np.float32), motion.flow)) / 255
    likeness = np.exp(-_SHARPNESS * np.square(difference).sum(-1))
    inside = opencv().distanceTransform(is_inside(motion.flow).astype(np.uint8), opencv().DIST_L2, 3)
    weights: NDArray[np.float32] = _LAST_WEIGHT * likeness * motion.consistent * np.minimum(inside / _ENTRY, 1)
    return weights[..., None]

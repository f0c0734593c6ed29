"""Style transfer of the frames of a film: each one begins from the last one, moved along the optical flow.

After Ruder, Dosovitskiy and Brox 2016 (arXiv 1604.08610): the temporal loss keeps the output near to the last one where
the flow is consistent.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from imgxlate.callbacks import ignore
from imgxlate.images.image_array import ImageArray
from imgxlate.images.pil import ImageLike, to_image_array
from imgxlate.images.sizes import Size
from imgxlate.images.tensors import from_tensor, resize, to_tensor
from imgxlate.inference.stylization import Iteration, StyleTransfer, iteration_of, painted, stylize
from imgxlate.methods.protocol import MovedOutput
from imgxlate.video.flow import Frame, Motion, warp
from imgxlate.video.processor import FrameProcessor
from imgxlate.video.shots import motion_within_shot


def stylization_processor(
    transfer: StyleTransfer,
    styles: Sequence[ImageLike],
    *,
    seed: int = 0,
    on_iteration: Callable[[Iteration], None] = ignore,  # called after each iteration of each frame
) -> FrameProcessor:
    """Paint the frames of a film in the style of one or more images. The first frame of a shot is painted as an image.

    Raises:
        ImageError: a style image cannot be read.
    """
    arrays = [to_image_array(style, transfer.limits) for style in styles]
    return _SteadyStylization(transfer, arrays, seed, on_iteration)


class _SteadyStylization:
    def __init__(
        self,
        transfer: StyleTransfer,
        styles: Sequence[ImageArray],
        seed: int,
        on_iteration: Callable[[Iteration], None],
    ) -> None:
        self._transfer = transfer
        self._styles = styles
        self._seed = seed
        self._on_iteration = on_iteration
        self._frame: Frame | None = None  # the last one, at the size of the output
        self._output: NDArray[np.float32] | None = None  # of the last frame (H, W, 3) in [-1, 1]

    def process(self, frame: Frame) -> Frame:
        """Paint the next frame."""
        last = None
        if self._frame is not None and self._output is not None:
            small = _resized(frame, self._frame.shape[:2])
            if motion := motion_within_shot(self._frame, small):
                last = _moved(self._output, motion, small)
        output = self._paint(ImageArray(frame), last)
        self._frame, self._output = _resized(frame, output.shape[:2]), output
        return from_tensor(to_tensor(output))

    def state(self) -> dict[str, NDArray[Any]]:
        """The last frame and its output; nothing before the first frame."""
        if self._frame is None or self._output is None:
            return {}
        return {"frame": self._frame, "output": self._output}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on after the frame whose `state` this is."""
        self._frame, self._output = state.get("frame"), state.get("output")

    def _paint(self, frame: ImageArray, last: MovedOutput | None) -> NDArray[np.float32]:
        transfer = self._transfer
        iterates = stylize(
            transfer.stylizer,
            transfer.device,
            frame,
            self._styles,
            None,
            self._seed,
            limit=transfer.memory,
            fast=transfer.arithmetic.fast,
            last=last,
        )
        for iterate in iterates:
            self._on_iteration(iteration_of(frame, iterate))
        return painted(frame, iterate, 32).rgb


def _moved(output: NDArray[np.float32], motion: Motion, frame: Frame) -> MovedOutput:
    """The last output, moved along the flow. Where the flow is not consistent, nothing is carried on but the frame."""
    moved = warp(output, motion.flow)
    weights = torch.from_numpy(motion.consistent)[None, None]
    return MovedOutput(torch.where(weights, to_tensor(moved), to_tensor(frame)), weights.float())


def _resized(frame: Frame, size: Size) -> Frame:
    return from_tensor(resize(to_tensor(frame), size))

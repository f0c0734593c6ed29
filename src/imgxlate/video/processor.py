"""What turns the frames of a film into the frames of its output, one after the other."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class FrameProcessor(Protocol):
    """Turns the frames of one film into output frames, in their order. It may remember earlier frames."""

    def process(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The output (H, W, 3) for the next frame (H, W, 3) of the film."""
        ...

    def state(self) -> dict[str, NDArray[Any]]:
        """Arrays that, with load_state, let another process go on with the next frame, to the byte."""
        ...

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on as the processor did whose `state` this is."""
        ...

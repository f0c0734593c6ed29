"""What the tests of films share: clips, and a processor."""

import numpy as np
import pytest
from films import clip, drawn, opened, packets, variable  # noqa: F401 (fixtures)


class Inverted:
    """Gives negatives, and writes how many frames came before into the first pixel, which needs its state."""

    def __init__(self):
        self.count = 0

    def process(self, frame):
        self.count += 1
        output = 255 - frame
        output[:8, :8] = 20 * self.count % 256
        return output

    def state(self):
        return {"count": np.array(self.count)}

    def load_state(self, state):
        self.count = int(state["count"])


@pytest.fixture
def inverted():
    """A processor."""
    return Inverted

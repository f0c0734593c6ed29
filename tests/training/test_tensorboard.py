"""Event files for TensorBoard."""

import sys

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from imgxlate.errors import UsageError
from imgxlate.images.image_array import ImageArray
from imgxlate.training.tensorboard import Board, require_tensorboard


def read(folder):
    events = EventAccumulator(str(folder))
    events.Reload()
    return events


def test_losses_and_samples_are_read_back(tmp_path):
    sheet = ImageArray(np.full((8, 8, 3), 200, np.uint8))
    with Board(tmp_path, 0) as board:
        for step in (1, 2):
            board.add_numbers(step, {"gen_total": step / 2, "dis_total": 3.0})
        board.add_samples(2, sheet)
    events = read(tmp_path)
    assert [(event.step, event.value) for event in events.Scalars("gen_total")] == [(1, 0.5), (2, 1.0)]
    assert [(image.step, image.width) for image in events.Images("samples")] == [(2, 8)]


def test_a_resumed_run_hides_the_events_of_later_steps(tmp_path):
    for start, value in ((0, 1.0), (2, 5.0)):
        with Board(tmp_path, start) as board:
            for step in range(start + 1, start + 4):
                board.add_numbers(step, {"gen_total": value})
    found = [(event.step, event.value) for event in read(tmp_path).Scalars("gen_total")]
    assert found == [(1, 1.0), (2, 1.0), (3, 5.0), (4, 5.0), (5, 5.0)]


def test_without_tensorboard_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UsageError, match="needs TensorBoard") as caught:
        require_tensorboard()
    assert "imgxlate[tensorboard]" in caught.value.hint

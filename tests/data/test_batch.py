from pathlib import Path

import torch

from imgxlate.data.batch import Batch
from imgxlate.data.dataset import Rejected


def test_a_batch_moves_with_its_files_and_lies_in_channels_last_layout():
    images = torch.arange(2 * 3 * 4 * 5, dtype=torch.float32).reshape(2, 3, 4, 5)
    batch = Batch(images, -images, (Path("a"),), (Path("b"),), (Rejected(Path("c"), "empty"),))
    moved = batch.to(torch.device("cpu"))
    assert torch.equal(moved.a, images)
    assert torch.equal(moved.b, -images)
    assert all(side.is_contiguous(memory_format=torch.channels_last) for side in (moved.a, moved.b))
    assert (moved.files_a, moved.files_b, moved.rejected) == (batch.files_a, batch.files_b, batch.rejected)

"""Maps that are kept by bands of rows, in memory or in a scratch file."""

import contextlib
import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from imgxlate.errors import DeviceError
from imgxlate.nn.bands import Rows
from imgxlate.nn.maps import BlockPool, Map, Shape, scratch_folder

CPU = torch.device("cpu")


SHAPE = Shape(3, 12, 5)


def values(height, *, layout=torch.contiguous_format):
    generator = torch.Generator().manual_seed(height)
    return torch.randn(1, 3, height, 5, generator=generator).contiguous(memory_format=layout)


@contextlib.contextmanager
def pool_of(blocks, rows=1):
    """A pool with memory for blocks with that many rows each."""
    with contextlib.closing(BlockPool(blocks * rows * SHAPE.row_bytes, rows * SHAPE.row_bytes, CPU)) as pool:
        yield pool


def free_blocks(pool):
    """The number of blocks of memory that can be taken."""
    blocks = [pool.take()]
    while not isinstance(blocks[-1], int):  # the first one in the scratch file
        blocks.append(pool.take())
    for block in blocks:
        pool.give_back(block)
    return len(blocks) - 1


def filled(x, heights, pool):
    kept = Map(Shape(*x.shape[1:]), pool)
    for part in x.split(heights, 2):
        kept.append(part)
    return kept


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """The folder of scratch files, which is the test's own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


@given(
    heights=st.lists(st.integers(1, 6), min_size=1, max_size=6),
    blocks=st.integers(0, 6),
    rows=st.integers(1, 7),
    layout=st.sampled_from([torch.contiguous_format, torch.channels_last]),
    data=st.data(),
)
def test_rows_are_read_as_they_were_written_from_memory_or_file(heights, blocks, rows, layout, data):
    x = values(sum(heights), layout=layout)
    with pool_of(blocks, rows) as pool:
        kept = filled(x, heights, pool)
        for _ in range(3):
            top = data.draw(st.integers(0, sum(heights) - 1))
            bottom = data.draw(st.integers(top + 1, sum(heights)))
            assert torch.equal(kept.read(Rows(top, bottom)), x[:, :, top:bottom])
        kept.close()
        assert free_blocks(pool) == blocks


def test_rows_that_were_read_may_be_changed_in_place():
    x = values(4)
    with pool_of(4) as pool:
        kept = filled(x, [4], pool)
        kept.read(Rows(0, 4)).zero_()
        assert torch.equal(kept.read(Rows(0, 4)), x)


def test_a_map_does_not_keep_the_tensors_that_are_written():
    x = values(4)
    with pool_of(4) as pool:
        kept = filled(x, [4], pool)
        written = x.clone()
        x.zero_()
        assert torch.equal(kept.read(Rows(0, 4)), written)


def test_dropped_rows_free_their_memory_for_another_map():
    with pool_of(3, rows=2) as pool:
        kept = filled(values(6), [3, 3], pool)
        assert free_blocks(pool) == 0
        kept.drop(3)  # The second block has a row that is still needed.
        assert free_blocks(pool) == 1
        kept.drop(4)
        assert free_blocks(pool) == 2
        other = filled(values(5), [5], pool)
        assert free_blocks(pool) == 0
        assert torch.equal(other.read(Rows(0, 5)), values(5))
        for one in (kept, other, other):
            one.close()
        assert free_blocks(pool) == 3


def test_rows_that_were_dropped_cannot_be_read():
    with pool_of(1) as pool:
        kept = filled(values(4), [4], pool)
        kept.drop(2)
        assert torch.equal(kept.read(Rows(2, 4)), values(4)[:, :, 2:])
        with pytest.raises(ValueError, match="freed"):
            kept.read(Rows(1, 4))


def test_the_scratch_file_does_not_grow_if_its_blocks_are_free(scratch):
    sizes = []
    with pool_of(1) as pool:
        for _ in range(3):
            kept = filled(values(6), [3, 3], pool)
            sizes.append(max(block for block in kept._blocks if isinstance(block, int)))
            kept.close()
    assert sizes == [4 * SHAPE.row_bytes] * 3


@pytest.mark.parametrize(("rows", "in_memory"), [(4, 2), (1, 5), (9, 0)])
def test_a_map_leaves_memory_for_the_map_beside_it(rows, in_memory):
    with pool_of(6) as pool:
        first = Map(SHAPE, pool, beside=Shape(3, rows, 5))
        first.append(values(8))
        assert free_blocks(pool) == 6 - in_memory
        assert torch.equal(first.read(Rows(0, 8)), values(8))


def test_blocks_are_a_part_of_the_budget_and_hold_the_longest_row():
    assert BlockPool(6_400_000, 100, CPU).block_bytes == 100_000
    assert BlockPool(64, 100, CPU).block_bytes == 100
    assert free_blocks(BlockPool(64, 100, CPU)) == 0


def test_rows_go_to_the_file_once_memory_has_run_out(monkeypatch):
    def fail(*size, **options):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    with pool_of(4) as pool:
        with monkeypatch.context() as patched:
            patched.setattr(torch, "empty", fail)
            assert pool.take() == 0
        kept = filled(values(4), [4], pool)
        assert torch.equal(kept.read(Rows(0, 4)), values(4))
        assert free_blocks(pool) == 0


def test_the_scratch_file_has_no_name(scratch):
    with pool_of(0) as pool:
        filled(values(6), [3, 3], pool)
        assert list(scratch.iterdir()) == []


def test_the_scratch_folder_is_a_disk_unless_tmpdir_names_one(scratch, monkeypatch):
    assert scratch_folder() == scratch
    monkeypatch.delenv("TMPDIR")
    on_disk = Path("/var/tmp")
    assert (scratch_folder() == on_disk) == os.access(on_disk, os.W_OK)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_a_device_error_with_a_hint_and_closes_without_another(scratch, monkeypatch):
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: Path("/dev/full").open("w+b"))  # noqa: SIM115 - `close` closes it
    expected = f"{scratch} cannot be written: {os.strerror(errno.ENOSPC)}"
    with pool_of(0) as pool, pytest.raises(DeviceError, match=expected) as caught:
        Map(SHAPE, pool).append(values(6000))
    assert "TMPDIR" in caught.value.hint


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on files")
def test_a_limit_on_the_size_of_files_is_a_device_error(scratch):
    code = """
import resource, torch
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, unlimited[1]))
from imgxlate.errors import DeviceError
from imgxlate.nn.maps import BlockPool, Map, Shape
shape = Shape(3, 6000, 50)
pool = BlockPool(0, shape.row_bytes, torch.device("cpu"))
kept = Map(shape, pool)
try:
    for _ in range(60):
        kept.append(torch.zeros(1, 3, 7, 50))
except DeviceError as error:
    print(error)
pool.close()
resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)  # Coverage writes a file at the end.
"""
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert f"{scratch} cannot be written: {os.strerror(errno.EFBIG)}" in done.stdout
    assert done.stderr == ""
    assert list(scratch.iterdir()) == []

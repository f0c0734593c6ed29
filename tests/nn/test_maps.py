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
from imgxlate.nn.maps import Budget, Map, Shape, scratch_folder

CPU = torch.device("cpu")


def values(height, channels=3, width=5, *, layout=torch.contiguous_format):
    generator = torch.Generator().manual_seed(height)
    return torch.randn(1, channels, height, width, generator=generator).contiguous(memory_format=layout)


def filled(x, heights, budget):
    kept = Map(Shape(*x.shape[1:]), CPU, budget)
    for part in x.split(heights, 2):
        kept.append(part.clone())
    return kept


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """The folder of scratch files, which is the test's own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


@given(
    heights=st.lists(st.integers(1, 6), min_size=1, max_size=6),
    limit=st.sampled_from([0, 200, 500, 10**6]),
    layout=st.sampled_from([torch.contiguous_format, torch.channels_last]),
    data=st.data(),
)
def test_rows_are_read_as_they_were_written_from_memory_or_file(heights, limit, layout, data):
    x = values(sum(heights), layout=layout)
    budget = Budget(limit)
    with contextlib.closing(filled(x, heights, budget)) as kept:
        assert budget.used <= limit
        for _ in range(3):
            top = data.draw(st.integers(0, sum(heights) - 1))
            bottom = data.draw(st.integers(top + 1, sum(heights)))
            assert torch.equal(kept.read(Rows(top, bottom)), x[:, :, top:bottom])
    assert budget.used == 0


def test_rows_that_were_read_may_be_changed_in_place():
    x = values(4)
    kept = filled(x, [4], Budget(10**6))
    kept.read(Rows(0, 4)).zero_()
    assert torch.equal(kept.read(Rows(0, 4)), x)
    kept.close()


def test_a_band_counts_with_all_the_memory_that_its_tensor_keeps():
    budget = Budget(10**6)
    kept = Map(Shape(3, 2, 5), CPU, budget)
    kept.append(values(8)[:, :, 3:5])
    assert budget.used == 3 * 8 * 5 * 4
    kept.close()


def test_dropped_rows_free_their_memory():
    budget = Budget(10**6)
    kept = filled(values(6), [2, 2, 2], budget)
    band = budget.used // 3
    kept.drop(3)  # The second band has a row that is still needed.
    assert budget.used == 2 * band
    kept.drop(4)
    assert budget.used == band
    kept.close()
    kept.close()
    assert budget.used == 0


def test_the_scratch_file_has_no_name(scratch):
    kept = filled(values(6), [3, 3], Budget(0))
    assert list(scratch.iterdir()) == []
    kept.close()


def test_the_scratch_folder_is_a_disk_unless_tmpdir_names_one(scratch, monkeypatch):
    assert scratch_folder() == scratch
    monkeypatch.delenv("TMPDIR")
    on_disk = Path("/var/tmp")
    assert (scratch_folder() == on_disk) == os.access(on_disk, os.W_OK)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_a_device_error_with_a_hint_and_closes_without_another(scratch, monkeypatch):
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: Path("/dev/full").open("w+b"))  # noqa: SIM115 - `close` closes it
    kept = Map(Shape(3, 6, 5), CPU, Budget(0))
    with pytest.raises(DeviceError, match=f"{scratch} cannot be written: {os.strerror(errno.ENOSPC)}") as caught:
        kept.append(values(600))
    assert "TMPDIR" in caught.value.hint
    kept.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on files")
def test_a_limit_on_the_size_of_files_is_a_device_error(scratch):
    code = """
import resource, torch
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
from imgxlate.errors import DeviceError
from imgxlate.nn.maps import Budget, Map, Shape
kept = Map(Shape(3, 6000, 50), torch.device("cpu"), Budget(0))
try:
    for _ in range(60):
        kept.append(torch.zeros(1, 3, 7, 50))
except DeviceError as error:
    print(error)
kept.close()
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert f"{scratch} cannot be written: {os.strerror(errno.EFBIG)}" in done.stdout
    assert done.stderr == ""
    assert list(scratch.iterdir()) == []

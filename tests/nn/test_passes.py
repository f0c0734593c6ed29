"""Networks in bands: plans, budgets, and failures in the middle."""

import contextlib
import errno
import gc
import itertools

import pytest
import torch
from torch import nn

from imgxlate.errors import DeviceError
from imgxlate.nn import passes as passes_module
from imgxlate.nn.autoencoder import ContentEncoder
from imgxlate.nn.maps import BlockPool, Map, Shape
from imgxlate.nn.passes import Shares, plan_passes, run_passes, whole_memory
from imgxlate.nn.stages import Local, Moments, convolution, pointwise

CPU = torch.device("cpu")
IMAGE = Shape(3, 64, 48)
PLENTY = Shares(10**9, 10**9)


@pytest.fixture
def encoder(randomize):
    network = ContentEncoder(4, n_downsample=1, n_res=2, norm="instance", activ="relu", pad_type="reflect")
    return randomize(network)


@pytest.fixture
def image():
    return torch.rand((1, 3, 64, 48), generator=torch.Generator().manual_seed(0)) * 2 - 1


def pool_for(passes, limit):
    return BlockPool(limit, max(step.longest_row for step in passes), CPU)


def free_blocks(pool):
    """The number of blocks of memory that can be taken."""
    blocks = [pool.take()]
    while not isinstance(blocks[-1], int):  # the first one in the scratch file
        blocks.append(pool.take())
    for block in blocks:
        pool.give_back(block)
    return len(blocks) - 1


def source_of(image):
    shape = Shape(*image.shape[1:])
    source = Map(shape, BlockPool(2 * image.nbytes, shape.row_bytes, CPU))
    source.append(image)
    return source


def compute(passes, image, *, maps=10**9, **callbacks):
    """The result of `passes`."""
    rows = []
    with contextlib.closing(pool_for(passes, maps)) as pool:
        run_passes(passes, source_of(image), rows.append, pool, **callbacks)
    return torch.cat(rows, 2)


def limited(most_rows, seen):
    """A layer that fails as torch does where its input has more than `most_rows`."""

    def compute(x):
        seen.append(x.shape[2])
        if x.shape[2] > most_rows:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")
        return x * 2

    return pointwise(compute, 3)


def test_with_plenty_of_memory_each_pass_has_one_band_and_nothing_is_computed_twice(encoder):
    passes = plan_passes(encoder.stages(), IMAGE, PLENTY)
    assert [step.bands for step in passes] == [1] * len(passes)
    layers = [operation for step in passes for operation in step.chain if isinstance(operation, Local)]
    assert len(layers) == len(set(map(id, layers)))


def test_without_memory_each_band_is_a_row_and_a_pass_begins_where_a_map_is_kept(encoder):
    passes = plan_passes(encoder.stages(), IMAGE, Shares(0, 0))
    assert {step.rows for step in passes} == {1}
    assert not all(step.keeps for step in passes)


def test_a_smaller_budget_gives_more_bands(encoder):
    plans = (plan_passes(encoder.stages(), IMAGE, Shares(10**6, size)) for size in (10**9, 10**5))
    counts = [max(step.bands for step in plan) for plan in plans]
    assert counts[0] < counts[1]


def test_a_map_is_kept_where_the_reach_grows_large(image, in_bands, randomize):
    layers = [randomize(nn.Conv2d(3, 3, 9, padding=4), seed) for seed in range(16)]
    stages = [convolution(layer, 4, layer) for layer in layers]
    tall = image.repeat(1, 1, 4, 1)
    passes = plan_passes(stages, Shape(*tall.shape[1:]), Shares(0, 0))
    assert len(passes) == 2
    whole = nn.Sequential(*layers)(tall)
    assert torch.allclose(in_bands(stages, tall, maps=0, band=10**5), whole, atol=1e-4)


@pytest.mark.parametrize("maps", [0, 10**9])
@pytest.mark.parametrize("band", [0, 20_000, 10**9])
def test_bands_give_the_map_of_the_whole_image(encoder, image, in_bands, maps, band):
    assert (in_bands(encoder.stages(), image, maps=maps, band=band) - encoder(image)).abs().max() < 1e-4


def test_the_estimate_for_the_whole_image_grows_with_its_pixels(encoder):
    small, large = (whole_memory(encoder.stages(), Shape(3, side, side)) for side in (64, 128))
    assert large == 4 * small


def test_progress_adds_up_to_the_work_of_the_plan(encoder, image):
    odd = image[:, :, :63]  # The products are no multiple of the 31 rows of the output.
    for shares in (PLENTY, Shares(10**9, 30_000), Shares(0, 0)):
        passes, done = plan_passes(encoder.stages(), Shape(3, 63, 48), shares), []
        compute(passes, odd, maps=shares.maps, on_products=done.append)
        assert sum(done) == sum(step.products for step in passes)


def test_bands_get_smaller_where_memory_runs_out_and_the_work_goes_on(image):
    seen = []
    assert torch.equal(compute(plan_passes([limited(20, seen)], IMAGE, PLENTY), image), image * 2)
    assert seen == [64, 32, 16, 16, 16, 16]


def test_bands_get_smaller_where_the_moments_do_not_fit(encoder, image, monkeypatch):
    of, counts = Moments.of, []

    def limited_of(x):
        counts.append(x.shape[2])
        if x.shape[2] > 10:
            raise MemoryError
        return of(x)

    monkeypatch.setattr(Moments, "of", limited_of)
    with torch.inference_mode():
        banded_code = compute(plan_passes(encoder.stages(), IMAGE, PLENTY), image)
    assert max(counts) == 64
    assert (banded_code - encoder(image)).abs().max() < 1e-4


def test_memory_that_does_not_suffice_for_a_row_is_an_error(image):
    with pytest.raises(RuntimeError, match="can't allocate"):
        compute(plan_passes([limited(0, [])], IMAGE, PLENTY), image)


def test_another_error_is_not_tried_again(image):
    seen = []

    def fail(x):
        seen.append(x)
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        compute(plan_passes([pointwise(fail, 3)], IMAGE, PLENTY), image)
    assert len(seen) == 1


@pytest.mark.parametrize("failing", [3, 40, 150])
def test_an_error_in_the_middle_frees_the_blocks_of_all_maps(encoder, image, failing, monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr("imgxlate.nn.passes._PRODUCTS_PER_BYTE", 0)  # Nothing is computed twice: all maps are kept.
    calls = itertools.count()

    def interrupt(products):
        if next(calls) == failing:
            raise KeyboardInterrupt

    passes = plan_passes(encoder.stages(), IMAGE, Shares(9000, 0))
    pool = pool_for(passes, 9000)
    total = free_blocks(pool)
    assert total > 1
    with torch.inference_mode(), pytest.raises(KeyboardInterrupt):
        run_passes(passes, source_of(image), lambda values: None, pool, on_products=interrupt)
    assert next(calls) == failing + 1
    assert free_blocks(pool) == total
    pool.close()
    assert list(tmp_path.iterdir()) == []
    gc.collect()  # A file that is still open is a ResourceWarning, which is an error in tests.


def test_a_saved_map_leaves_memory_for_the_map_that_the_next_pass_reads(encoder):
    steps = plan_passes(encoder.stages(), IMAGE, PLENTY)
    step = next(
        step for step in steps if len(step.outputs) == 2 and all(isinstance(one, Shape) for one in step.outputs)
    )
    with contextlib.closing(BlockPool(step.output.bytes, step.longest_row, CPU)) as pool:
        output, saved = passes_module._maps(step, pool)
        for kept in (saved, output):
            kept.append(torch.zeros(1, kept.shape.channels, kept.shape.height, kept.shape.width))
        assert free_blocks(pool) == 0
        output.close()
        assert free_blocks(pool) == pool.memory_blocks


@pytest.mark.parametrize("frees", [True, False])
def test_a_source_is_freed_only_if_it_is_no_longer_needed(image, frees):
    pool, free = BlockPool(2 * IMAGE.bytes, IMAGE.row_bytes, CPU), []
    total = free_blocks(pool)
    source = Map(IMAGE, pool)
    source.append(image)
    used = total - free_blocks(pool)
    passes = plan_passes([pointwise(lambda x: x * 2, 3)], IMAGE, Shares(10**9, 10_000))
    run_passes(passes, source, lambda values: free.append(free_blocks(pool)), pool, frees_source=frees)
    assert (total - free[-1] < used / 2) == frees
    source.close()
    assert free_blocks(pool) == total


def test_a_scratch_file_that_cannot_be_written_is_a_device_error(encoder, image, monkeypatch):
    monkeypatch.setattr("imgxlate.nn.passes._PRODUCTS_PER_BYTE", 0)

    def full(**_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    with torch.inference_mode(), pytest.raises(DeviceError, match="No space left"):
        compute(plan_passes(encoder.stages(), IMAGE, Shares(0, 0)), image, maps=0)

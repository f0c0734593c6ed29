"""Large images are translated in bands of rows, with the result of the whole image."""

import gc

import numpy as np
import pytest
import torch
from PIL import Image

import imgxlate
from imgxlate import memory
from imgxlate.inference import large
from imgxlate.methods.munit.networks import ContentEncoder, StyleEncoder

BUNDLED = [("munit", "summer2winter"), ("munit", "outline2color"), ("unit", None), ("cyclegan", None)]
NO_MEMORY = "[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate memory"


@pytest.fixture
def budget(monkeypatch):
    """Set the budget of the process in bytes."""
    return lambda size: monkeypatch.setattr("imgxlate.memory.budget", lambda device, limit, needed: size)


@pytest.fixture
def munit(golden):
    return imgxlate.load("munit", checkpoint=golden / "munit" / "gen_00000001.pt")


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """The folder of scratch files, which is the test's own."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    return folder


def difference(one, other):
    """The largest difference between two images, in gray levels."""
    assert (one.size, one.mode) == (other.size, other.mode)
    return np.abs(np.asarray(one).astype(int) - np.asarray(other).astype(int)).max()


class Watch:
    """Notes the progress of bands."""

    def __init__(self):
        self.seen = []

    def __call__(self, progress):
        self.seen.append(progress)


@pytest.mark.parametrize("precision", ["fp32", "fp32-fast", "bf16"])
@pytest.mark.parametrize(("method", "name"), BUNDLED)
def test_bundled_models_give_the_image_of_the_whole_within_a_gray_level(photo, budget, method, name, precision):
    model = imgxlate.load(method, model=name, precision=precision)
    path = photo(size=(46, 61))
    [whole] = model.translate(path, seed=3)
    for size in (600_000, 0):
        budget(size)
        watch = Watch()
        [banded] = model.translate(path, seed=3, on_band=watch)
        assert watch.seen[-1].bands > 1
        assert difference(banded, whole) <= 1


def test_memory_below_that_of_the_process_translates_row_by_row(golden, photo):
    checkpoint = golden / "munit" / "gen_00000001.pt"
    path, watch = photo(size=(30, 41)), Watch()
    [whole] = imgxlate.load("munit", checkpoint=checkpoint).translate(path)
    [banded] = imgxlate.load("munit", checkpoint=checkpoint, memory="1KB").translate(path, on_band=watch)
    assert watch.seen[-1].bands == 32  # rows of the padded image
    assert difference(banded, whole) <= 1


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (3, 5), (33, 47)])
def test_images_of_any_size_are_padded_and_cropped_as_a_whole_image_is(munit, photo, budget, size):
    path = photo(size=size)
    [whole] = munit.translate(path)
    budget(0)
    [banded] = munit.translate(path)
    assert difference(banded, whole) <= 1


def test_the_size_and_the_transparency_are_those_of_a_whole_image(munit, photo, budget):
    image = Image.open(photo(size=(60, 90)))
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    [whole] = munit.translate(image, size=41)
    budget(100_000)
    [banded] = munit.translate(image, size=41)
    assert banded.mode == "RGBA"
    assert difference(banded, whole) <= 1


def test_the_content_is_encoded_once_for_all_styles(munit, photo, budget, monkeypatch):
    encoded, run = [], large.run_passes
    monkeypatch.setattr(large, "run_passes", lambda passes, *a, **k: encoded.append(1) or run(passes, *a, **k))
    whole = munit.translate(photo(), n_styles=3)
    budget(100_000)
    watch = Watch()
    banded = munit.translate(photo(), n_styles=3, on_band=watch)
    assert len(encoded) == 1 + 3
    assert [difference(*pair) <= 1 for pair in zip(banded, whole, strict=True)] == [True] * 3
    done = [progress.done for progress in watch.seen]
    assert done == sorted(done)
    assert done[-1] == 1


def test_the_memory_of_the_content_code_serves_the_maps_of_the_last_style(munit, photo, budget, monkeypatch):
    budget(2_000_000)
    shares, plan = [], large.plan_passes
    monkeypatch.setattr(large, "plan_passes", lambda *a: shares.append(a[-1].maps) or plan(*a))
    munit.translate(photo(size=(200, 200)), n_styles=3)
    encoding, first, second, last = shares
    assert encoding == last > first == second


def test_a_style_image_is_encoded_in_bands(munit, photo, budget):
    style = photo("style.png", size=(90, 70), seed=4)
    whole = munit.encode_style(style)
    for size in (200_000, 0):
        budget(size)
        assert np.abs(munit.encode_style(style) - whole).max() < 1e-4


def test_images_that_fit_are_not_computed_in_bands(munit, photo):
    watch = Watch()
    munit.translate(photo(), on_band=watch)
    assert watch.seen == []


def limit_rows(network, monkeypatch, rows, error):
    """Let a network fail as if memory ran out, for images of more than `rows`."""
    forward = network.forward

    def limited(self, x, *more):
        if x.shape[2] > rows:
            raise error
        return forward(self, x, *more)

    monkeypatch.setattr(network, "forward", limited)


@pytest.mark.parametrize(
    "error", [RuntimeError(NO_MEMORY), MemoryError(), torch.OutOfMemoryError("CUDA out of memory")]
)
def test_bands_are_used_where_memory_for_the_whole_image_runs_out(munit, photo, monkeypatch, error):
    whole, path, watch = munit.translate(photo(), n_styles=2), photo(), Watch()
    code = munit.encode_style(path)
    for network in (ContentEncoder, StyleEncoder):
        limit_rows(network, monkeypatch, 40, error)
    banded = munit.translate(path, n_styles=2, on_band=watch)
    assert watch.seen
    assert [difference(*pair) <= 1 for pair in zip(banded, whole, strict=True)] == [True] * 2
    assert np.abs(munit.encode_style(path) - code).max() < 1e-4


def test_bands_go_on_with_the_styles_that_are_missing(munit, photo, monkeypatch):
    whole = munit.translate(photo(), n_styles=3)
    generator, calls = munit.translator._generators["B"], []
    decode = generator.decode

    def fail_at_the_second(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError(NO_MEMORY)
        return decode(*arguments)

    monkeypatch.setattr(generator, "decode", fail_at_the_second)
    banded = munit.translate(photo(), n_styles=3)
    assert [difference(*pair) <= 1 for pair in zip(banded, whole, strict=True)] == [True] * 3


def test_another_error_of_the_whole_image_is_raised(munit, photo, monkeypatch):
    for network in (ContentEncoder, StyleEncoder):
        limit_rows(network, monkeypatch, 0, RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="shapes"):
        munit.translate(photo())
    with pytest.raises(RuntimeError, match="shapes"):
        munit.encode_style(photo())


def test_after_memory_ran_out_no_more_than_half_of_what_is_free_is_used(munit, photo, monkeypatch):
    limit_rows(ContentEncoder, monkeypatch, 0, RuntimeError(NO_MEMORY))
    monkeypatch.setattr(memory, "available", lambda device: 2_000_000)
    totals, split = [], large._split
    monkeypatch.setattr(large, "_split", lambda total, image: totals.append(total) or split(total, image))
    roomy = imgxlate.inference.model.Model(**{**_fields(munit), "memory": 10**12})
    roomy.translate(photo())
    assert totals == [1_000_000]


def _fields(model):
    return {name: getattr(model, name) for name in model.__dataclass_fields__}


def test_a_stream_that_is_abandoned_closes_its_scratch_files(munit, photo, budget, scratch):
    budget(0)
    stream = munit.stream(photo(), n_styles=3)
    next(stream)
    del stream
    gc.collect()  # A file that is still open is a ResourceWarning, which is an error in tests.
    assert list(scratch.iterdir()) == []

"""Translation at a work size: the small image is translated, and the full image gets its change."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import imgxlate
from imgxlate.errors import DivergedError, UsageError
from imgxlate.images.decode import decode
from imgxlate.images.image_array import ImageArray
from imgxlate.images.tensors import resize, to_tensor
from imgxlate.inference.translation import resized, translate
from imgxlate.inference.work_size import work_tensor


@pytest.fixture
def munit(golden):
    return imgxlate.load("munit", checkpoint=golden / "munit" / "gen_00000001.pt")


@pytest.fixture
def unit(golden):
    return imgxlate.load("unit", checkpoint=golden / "unit" / "gen_00000001.pt")


def same(one, other):
    return np.array_equal(np.asarray(one), np.asarray(other))


class Brighten:
    """A translator that adds a constant, and keeps the sizes of its inputs."""

    stride, minimum_side = 4, 8

    def __init__(self, amount):
        self.amount, self.sizes = amount, []

    def translate(self, images, to, codes):
        self.sizes.append(tuple(images.shape[-2:]))
        yield images + self.amount


def test_the_network_sees_the_work_size_and_the_output_has_the_inputs_size(photo):
    image = decode(photo(size=(150, 203)))
    brighten = Brighten(40 / 127.5)
    [output] = translate(brighten, torch.device("cpu"), image, "B", work_size=30)
    assert brighten.sizes == [(32, 40)]
    wanted = np.clip(image.rgb.astype(int) + 40, 0, 255)
    assert output.rgb.dtype == np.uint8
    assert np.abs(output.rgb - wanted).max() <= 1


@pytest.mark.parametrize("work_size", [48, 49, 4000])
def test_a_work_size_at_or_above_the_shorter_side_changes_nothing(munit, photo, work_size):
    assert same(munit.translate(photo(), work_size=work_size)[0], munit.translate(photo())[0])


def test_the_work_size_applies_to_the_size_of_the_output(munit, photo):
    path = photo(size=(96, 128))
    assert munit.translate(path, size=60, work_size=30)[0].size == (80, 60)
    assert same(munit.translate(path, size=30, work_size=30)[0], munit.translate(path, size=30)[0])


def test_each_style_is_upsampled(munit, photo):
    path = photo(size=(96, 128))
    first, second = munit.translate(path, n_styles=2, work_size=40)
    assert first.size == second.size == (128, 96)
    assert not same(first, second)
    assert same(munit.translate(path, n_styles=1, work_size=40)[0], first)


def test_transparency_is_kept_at_a_work_size(unit, photo):
    image = Image.open(photo(size=(70, 90)))
    alpha = Image.linear_gradient("L").resize(image.size)
    image.putalpha(alpha)
    [output] = unit.translate(image, work_size=32)
    assert (output.mode, output.size) == ("RGBA", (90, 70))
    assert same(output.getchannel("A"), alpha)


@pytest.mark.parametrize("size", [(1, 60), (60, 1), (3, 500), (131, 67)])
def test_images_of_any_shape_are_upsampled(unit, photo, size):
    [output] = unit.translate(photo(size=size), work_size=2)
    assert output.size == size[::-1]


def test_style_images_larger_than_the_work_size_are_encoded_at_it(munit, photo):
    large, small = photo("large.png", size=(90, 120), seed=1), photo("small.png", size=(24, 40), seed=2)
    at_work_size = munit.encode_style(large, work_size=32)
    assert np.allclose(at_work_size, munit.encode_style(large, size=32), atol=0.01)  # `size` rounds to gray levels.
    assert not np.allclose(at_work_size, munit.encode_style(large), atol=0.01)
    assert same(munit.encode_style(small, work_size=32), munit.encode_style(small))
    [by_image] = munit.translate(photo(), styles=[large], work_size=32)
    assert same(by_image, munit.translate(photo(), styles=at_work_size, work_size=32)[0])


def test_an_image_of_many_bands_is_reduced_as_a_whole_one_is():
    rgb = np.random.default_rng(0).integers(0, 256, (901, 707, 3), dtype=np.uint8)
    reduced = work_tensor(ImageArray(rgb), 50)
    assert torch.allclose(reduced, resize(to_tensor(rgb), (63, 50)), atol=1e-5)


def test_a_work_size_goes_on_in_bands_once_memory_has_run_out(unit, photo, monkeypatch):
    [whole] = unit.translate(photo(size=(120, 90)), work_size=60)

    def fail(*arguments):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(type(unit.translator), "translate", fail)
    seen = []
    [banded] = unit.translate(photo(size=(120, 90)), work_size=60, on_band=seen.append)
    assert seen[-1].done == 1
    assert np.abs(np.asarray(whole, np.int16) - np.asarray(banded, np.int16)).max() <= 1


def test_a_large_work_size_is_translated_in_bands(unit, photo, monkeypatch):
    [whole] = unit.translate(photo(size=(120, 90)), work_size=60)
    monkeypatch.setattr("imgxlate.memory.budget", lambda device, limit, needed: 0)
    seen = []
    [banded] = unit.translate(photo(size=(120, 90)), work_size=60, on_band=seen.append)
    assert seen[-1].bands > 1
    assert np.abs(np.asarray(whole, np.int16) - np.asarray(banded, np.int16)).max() <= 1


MEMORY = """
import resource
from test_translation import *

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

def translated(height, width):
    return list(translate(Brighten(0.1), torch.device("cpu"), ImageArray(image[:height, :width]), "B", work_size=100))

image = np.full((2000, 6000, 3), 100, np.uint8)
translated(400, 700)
before = peak()
translated(2000, 6000)
print(peak() - before - image.nbytes)
"""


def test_memory_beyond_the_input_and_the_output_does_not_grow_with_the_image():
    command = [sys.executable, "-c", MEMORY]
    folder = Path(__file__).parent
    process = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=True, timeout=120)
    assert int(process.stdout) < 80e6  # The image as a tensor alone has 144e6 bytes.


def test_an_invalid_work_size_is_refused(munit, photo):
    for call in (munit.translate, munit.encode_style):
        with pytest.raises(UsageError, match="work_size is 0, but must be at least 1"):
            call(photo(), work_size=0)


def test_a_network_that_diverges_is_an_error_at_a_work_size_too(photo):
    image = decode(photo())
    with pytest.raises(DivergedError):
        list(translate(Brighten(torch.nan), torch.device("cpu"), image, "B", work_size=16))


def test_hidden_colors_do_not_mix_into_a_resized_image():
    colors = np.zeros((8, 8, 3), np.uint8)
    alpha = np.full((8, 8), 255, np.uint8)
    colors[:, 4:], alpha[:, 4:] = (255, 0, 0), 0
    small = resized(ImageArray(colors, alpha), 4)
    assert (small.rgb[..., 0] == small.rgb[..., 1]).all()

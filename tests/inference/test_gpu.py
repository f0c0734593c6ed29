"""Large images on a GPU: translation, guided upsampling and neural style in bands, against the whole image."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import imgxlate
from imgxlate import checkpoint
from imgxlate.inference.device import require_exact
from imgxlate.inference.model import Model
from imgxlate.methods.gatys.config import GatysConfig
from imgxlate.methods.gatys.gradient import evaluate
from imgxlate.methods.gatys.objective import Objective
from imgxlate.nn import vgg_files
from imgxlate.paths import assets_dir

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

BUNDLED = ("munit", "unit", "cyclegan")
MEGABYTE = 10**6


def difference(one, other):
    """The largest difference between two images, in gray levels."""
    assert (one.size, one.mode) == (other.size, other.mode)
    return np.abs(np.asarray(one).astype(int) - np.asarray(other).astype(int)).max()


def within(model: Model, memory: int) -> Model:
    """The same model with less memory."""
    return replace(model, memory=memory)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("method", BUNDLED)
def test_bands_give_the_image_of_the_whole_within_a_gray_level(photo, method, precision):
    model = imgxlate.load(method, device="cuda", precision=precision)
    path = photo(size=(460, 610))
    [whole] = model.translate(path, seed=3)
    progress = []
    [banded] = within(model, 20 * MEGABYTE).translate(path, seed=3, on_band=progress.append)
    assert progress[-1].bands > 1
    assert difference(banded, whole) <= 1


def test_the_memory_of_the_gpu_stays_below_its_limit(photo):
    model = within(imgxlate.load("munit", device="cuda"), 400 * MEGABYTE)
    path = photo(size=(3000, 2000))
    model.translate(photo("small.png", size=(64, 64)))
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    progress = []
    model.translate(path, on_band=progress.append)
    assert progress[-1].bands > 1
    assert torch.cuda.max_memory_allocated() < 400 * MEGABYTE


def test_bands_are_used_where_the_memory_of_the_gpu_ends(photo):
    model = imgxlate.load("munit", device="cuda")
    path = photo(size=(3000, 2000))
    [whole] = model.translate(path, seed=3)
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 500 * MEGABYTE) / total)
    try:
        progress = []
        [banded] = within(model, total).translate(path, seed=3, on_band=progress.append)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert progress
    assert difference(banded, whole) <= 1


def test_a_style_image_is_encoded_in_bands(photo):
    model = imgxlate.load("munit", device="cuda", precision="fp32")
    style = photo("style.png", size=(900, 700), seed=4)
    whole = model.encode_style(style)
    assert np.abs(within(model, 20 * MEGABYTE).encode_style(style) - whole).max() < 1e-4


def test_guided_upsampling_gives_the_image_of_a_processor(photo):
    path = photo(size=(900, 700))
    on_gpu, on_cpu = (
        imgxlate.load("cyclegan", device=device, precision="fp32").translate(path, work_size=128)[0]
        for device in ("cuda", "cpu")
    )
    assert difference(on_gpu, on_cpu) <= 1


def losses_and_gradients(dtype):
    """Of neural style of the whole image, and in bands."""
    require_exact(torch.device("cuda"), dtype)
    features = checkpoint.read(assets_dir() / "vgg19.safetensors")
    network = vgg_files.load(features, pooling=GatysConfig().pooling)
    network.place(torch.device("cuda"), dtype)
    content, image, style = (
        torch.randn(1, 3, 301, 250, generator=torch.Generator().manual_seed(seed)).cuda() * 0.7 for seed in range(3)
    )
    return [
        evaluate(Objective(GatysConfig(), network, content, [style], [1.0], memory), image, memory)
        for memory in (None, 20 * MEGABYTE)
    ]


@pytest.mark.parametrize(("dtype", "loss_error", "gradient_error"), [("float32", 1e-5, 1e-4), ("bfloat16", 1e-3, 0.02)])
def test_neural_style_has_the_same_loss_and_gradient_in_bands(dtype, loss_error, gradient_error):
    (whole, expected), (banded, gradient) = losses_and_gradients(getattr(torch, dtype))
    assert banded.summary() == pytest.approx(whole.summary(), rel=loss_error)
    assert (gradient - expected).norm() <= gradient_error * expected.norm()


def test_neural_style_within_a_limit_of_memory_ends(photo):
    content, style = photo(size=(700, 500)), photo("style.png", size=(400, 400), seed=2)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    image = imgxlate.stylize(
        content, style, size=700, settings={"iterations": 4, "scales": 1}, device="cuda", memory="600MB"
    )
    assert isinstance(image, Image.Image)
    assert torch.cuda.max_memory_allocated() - before < 600 * MEGABYTE

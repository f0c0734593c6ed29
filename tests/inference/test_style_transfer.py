"""Neural style, as Python callers use it."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

import imgxlate
from imgxlate.errors import ImageError, UsageError, WeightsError

QUICK = {"iterations": 3, "coarse_iterations": 2}


def same(one, other):
    return np.array_equal(np.asarray(one), np.asarray(other))


@pytest.fixture
def transfer():
    return imgxlate.load_style_transfer(size=48, settings=QUICK)


def test_stylize_gives_the_image_that_the_command_writes(run, photo, tmp_path):
    content, style = photo("a.png"), photo("style.png", seed=2)
    options = ("--size", 48, "--iterations", 3, "--coarse-iterations", 2, "--seed", 4, "--preset", "johnson")
    run("neural-style", content, style, *options, "-o", tmp_path / "out.png")
    image = imgxlate.stylize(content, style, preset="johnson", size=48, settings=QUICK, seed=4)
    assert same(image, Image.open(tmp_path / "out.png"))


def test_a_loaded_transfer_paints_any_image_from_any_thread(transfer, photo):
    paths, style = [photo(f"{seed}.png", seed=seed) for seed in range(3)], Image.open(photo("style.png", seed=7))
    alone = [transfer.stylize(path, style) for path in paths]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda path: transfer.stylize(path, [style]), paths))
    assert all(map(same, alone, together))


def test_each_iteration_is_reported_with_its_image(transfer, photo):
    seen = []
    image = transfer.stylize(photo(), photo("style.png", seed=2), on_iteration=seen.append)
    assert [iteration.iteration for iteration in seen] == [1, 2, 3]
    assert seen[-1].losses["total"] > 0
    assert same(seen[-1].image(), image)


def test_transparency_is_kept(transfer, photo):
    content = Image.open(photo(size=(48, 48)))
    content.putalpha(Image.linear_gradient("L").resize(content.size))
    assert same(transfer.stylize(content, photo("style.png")).getchannel("A"), content.getchannel("A"))


def test_colors_under_transparent_pixels_change_nothing(transfer, photo):
    colors = np.array(Image.open(photo(size=(40, 40))).convert("RGB"))
    alpha = np.full((40, 40), 255, np.uint8)
    alpha[:, 20:] = 0
    hidden = np.where(alpha[..., None] == 0, 255 - colors, colors)
    first, second = (np.dstack([each, alpha]) for each in (colors, hidden))
    assert same(transfer.stylize(first, photo("style.png")), transfer.stylize(second, photo("style.png")))
    content = photo()
    assert same(transfer.stylize(content, first, init=first), transfer.stylize(content, second, init=second))


def test_invalid_arguments_are_errors_with_a_hint(photo):
    with pytest.raises(UsageError, match="preset") as caught:
        imgxlate.load_style_transfer(preset="papre")
    assert "paper" in caught.value.hint
    with pytest.raises(UsageError, match="sise"):
        imgxlate.load_style_transfer(settings={"sise": 3})
    with pytest.raises(WeightsError, match="vgg91"):
        imgxlate.load_style_transfer(features="vgg91")
    with pytest.raises(UsageError, match="no style image"):
        imgxlate.load_style_transfer(size=48, settings=QUICK).stylize(photo(), [])


def test_an_array_of_sixteen_bits_has_values_between_those_of_eight(transfer, photo):
    content, style = photo(), photo("style.png", seed=2)
    deep = transfer.stylize_array(content, style, depth=16)
    assert deep.rgb.dtype == np.uint16
    assert (deep.rgb % 257 != 0).any()
    assert np.abs(deep.at_depth(8).rgb.astype(int) - np.asarray(transfer.stylize(content, style))).max() <= 1


def test_the_limit_of_pixels_holds_for_every_image(photo):
    transfer = imgxlate.load_style_transfer(size=48, settings=QUICK, max_pixels=2000)
    large, small = photo("large.png", size=(48, 64)), photo("small.png", size=(40, 40))
    for content, style, init in ((large, small, None), (small, large, None), (small, small, large)):
        with pytest.raises(ImageError, match="3,072 pixels are more than the limit of 2,000"):
            transfer.stylize(content, style, init=init)
    with pytest.raises(ImageError, match="limit of 2,000"):
        imgxlate.stylize(large, small, size=48, settings=QUICK, max_pixels=2000)

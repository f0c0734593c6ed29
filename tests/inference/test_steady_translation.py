"""Films are translated without flicker, and without traces of earlier frames."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from frames import pan, texture, with_cut

import imgxlate
from imgxlate.inference import steady_translation, style_codes
from imgxlate.inference.steady_translation import translation_processor
from imgxlate.video.flow import motion, warp

SIZE = (48, 64)

GOLDEN = {
    "munit": "gen_00000001.pt",
    "unit": "gen_00000001.pt",
    "cyclegan": "latest_net_G_A.pth",
    "cut": "latest_net_G.pth",
}


@pytest.fixture(scope="module")
def munit():
    return imgxlate.load("munit")


def codes_of(model):
    if model.style_dim is None:
        return None
    return torch.tensor(style_codes.sample(1, model.style_dim, 0).codes)


def processor_of(model, **options):
    return translation_processor(model, model.target(None), codes_of(model), **options)


def steady(model, film, **options):
    processor = processor_of(model, **options)
    return [processor.process(frame) for frame in film]


def frame_by_frame(model, film, **options):
    codes = codes_of(model)
    styles = None if codes is None else codes.numpy()
    return [np.asarray(model.translate(frame, styles=styles, **options)[0]) for frame in film]


def change(one, other, where=...):
    """The mean difference between two images in gray levels."""
    return np.abs(one.astype(float) - other)[where].mean()


def flicker(film, outputs):
    """The mean difference between an output and the last one moved to it, where the flow is consistent."""
    errors = []
    for (last, frame), (before, output) in zip(pairwise(film), pairwise(outputs), strict=True):
        found = motion(last, frame)
        errors.append(change(output, warp(before, found.flow), found.consistent))
    return np.mean(errors)


@pytest.mark.parametrize("method", GOLDEN)
def test_the_first_frame_of_each_shot_is_translated_as_an_image_is(golden, method):
    model = imgxlate.load(method, checkpoint=golden / method / GOLDEN[method])
    film = with_cut(2, SIZE)
    outputs, images = steady(model, film), frame_by_frame(model, film)
    same = [np.array_equal(output, image) for output, image in zip(outputs, images, strict=True)]
    assert same == [True, False, True, False]


def test_a_film_that_stands_still_stays_as_its_first_frame(munit):
    first, *others = steady(munit, [texture(*SIZE)] * 3)
    assert all(np.abs(output.astype(int) - first).max() <= 1 for output in others)


def test_a_pan_flickers_less_than_half_as_much_as_frame_by_frame(munit):
    film = pan(5, size=SIZE)
    assert flicker(film, steady(munit, film)) < 0.5 * flicker(film, frame_by_frame(munit, film))


def test_a_thing_that_appears_does_not_change_the_colors_of_the_rest(munit):
    still = texture(*SIZE)
    with_block = still.copy()
    with_block[:, 40:] = 255
    film, rest = [still, with_block] * 2, np.s_[:, :24]

    def flickers(outputs):
        return np.mean([change(one, other, rest) for one, other in pairwise(outputs)])

    assert flickers(steady(munit, film)) < 0.3 * flickers(frame_by_frame(munit, film))


def test_a_moving_thing_leaves_no_trace(munit):
    background, block = texture(96, 128), np.full((40, 24, 3), 255, np.uint8)

    def frame(left):
        image = background.copy()
        image[30:70, left : left + 24] = block
        return image

    film = [frame(20 + 8 * n) for n in range(5)]
    uncovered = np.s_[34:66, 22:42]  # the block was there, and is gone
    images = frame_by_frame(munit, film)
    covered = change(images[0], images[-1], uncovered)
    assert change(steady(munit, film)[-1], images[-1], uncovered) < 0.1 * covered


def test_parts_that_enter_the_frame_take_the_last_output_gradually():
    last, frame = pan(2)
    weights = steady_translation._weights(last, frame, motion(last, frame))[..., 0].mean(0)
    assert np.all(weights[-2:] == 0)  # from beyond the border
    assert 0.1 < weights[-10] < weights[-14] < 0.8
    assert weights[20:100].mean() > 0.8


def test_detail_is_kept(munit):
    film = pan(8, size=SIZE)

    def detail(image):
        return np.abs(np.diff(image.astype(float), axis=1)).mean()

    assert detail(steady(munit, film)[-1]) > 0.95 * detail(frame_by_frame(munit, film)[-1])


def test_a_saved_state_continues_to_the_byte(munit):
    film = pan(4, size=SIZE)
    expected = steady(munit, film)
    first, second = processor_of(munit), processor_of(munit)
    for frame in film[:2]:
        first.process(frame)
    second.load_state({name: values.copy() for name, values in first.state().items()})
    for frame, output in zip(film[2:], expected[2:], strict=True):
        assert np.array_equal(second.process(frame), output)


def test_a_state_before_the_first_frame_is_empty(munit):
    first, second = processor_of(munit), processor_of(munit)
    second.load_state(first.state())
    assert np.array_equal(second.process(texture(*SIZE)), first.process(texture(*SIZE)))


@pytest.mark.parametrize("options", [{"size": 36}, {"work_size": 32}])
def test_sizes_are_those_of_images(munit, options):
    film = pan(2, size=SIZE)
    outputs, images = steady(munit, film, **options), frame_by_frame(munit, film, **options)
    assert np.array_equal(outputs[0], images[0])
    assert outputs[1].shape == images[1].shape


def test_bands_of_rows_take_the_same_averages(golden):
    film = pan(3, size=SIZE)
    whole, banded = (
        imgxlate.load("munit", checkpoint=golden / "munit" / GOLDEN["munit"], memory=memory) for memory in (None, "1KB")
    )
    for one, other in zip(steady(whole, film), steady(banded, film), strict=True):
        assert np.abs(one.astype(int) - other).max() <= 1


def test_memory_that_runs_out_within_a_frame_changes_nothing(golden, monkeypatch):
    model = imgxlate.load("munit", checkpoint=golden / "munit" / GOLDEN["munit"])
    film = pan(3, size=SIZE)
    expected, processor = steady(model, film), processor_of(model)
    processor.process(film[0])

    def fail(*arguments):  # after the norms of the encoder
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(model.translator._generators["B"], "decode", fail)
        second = processor.process(film[1])
    for one, other in zip((second, processor.process(film[2])), expected[1:], strict=True):
        assert np.abs(one.astype(int) - other).max() <= 1

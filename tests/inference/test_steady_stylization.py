"""Films are painted without flicker."""

import numpy as np
import pytest
from frames import pan, texture, with_cut

import imgxlate
from imgxlate.images.tensors import from_tensor
from imgxlate.inference import steady_stylization
from imgxlate.inference.steady_stylization import stylization_processor
from imgxlate.video.flow import motion, warp

SIZE = (48, 64)
SHALLOW = {"content_layers": ("relu2_1",), "style_layers": ("relu1_1", "relu2_1", "relu3_1")}
QUICK = {"iterations": 4, "frame_iterations": 3, "scales": 1, **SHALLOW}


@pytest.fixture(scope="module")
def transfer():
    return imgxlate.load_style_transfer(size=64, settings=QUICK)


@pytest.fixture(scope="module")
def style():
    return texture(60, 60, seed=9)


def steady(transfer, style, film):
    processor = stylization_processor(transfer, [style])
    return [processor.process(frame) for frame in film]


def test_the_first_frame_of_each_shot_is_painted_as_an_image_is(transfer, style):
    film = with_cut(2, SIZE)
    outputs = steady(transfer, style, film)
    images = [np.asarray(transfer.stylize(frame, style)) for frame in film]
    same = [np.array_equal(output, image) for output, image in zip(outputs, images, strict=True)]
    assert same == [True, False, True, False]


def test_a_pan_flickers_less_than_half_as_much_as_frame_by_frame(style):
    transfer = imgxlate.load_style_transfer(size=64, settings={**QUICK, "iterations": 30, "frame_iterations": 10})
    film = pan(2, size=SIZE)
    found = motion(*film)

    def error(outputs):
        first, second = (output.astype(np.float32) for output in outputs)
        return np.abs(warp(first, found.flow) - second)[found.consistent].mean()

    images = [np.asarray(transfer.stylize(frame, style)) for frame in film]
    assert error(steady(transfer, style, film)) < 0.5 * error(images)


def test_nothing_is_carried_on_from_beyond_the_border(transfer, style):
    first, second = pan(2, size=SIZE)
    found = motion(first, second)
    output = np.zeros((*SIZE, 3), np.float32)
    moved = steady_stylization._moved(output, found, second)
    entered = ~found.consistent
    assert entered[-1].all()
    assert not moved.weights[0, 0].numpy()[entered].any()
    assert np.array_equal(from_tensor(moved.image)[entered], second[entered])
    assert not moved.image[0].permute(1, 2, 0).numpy()[~entered].any()


def test_a_saved_state_continues_to_the_byte(transfer, style):
    film = pan(3, size=SIZE)
    expected = steady(transfer, style, film)
    first, second = (stylization_processor(transfer, [style]) for _ in range(2))
    second.load_state(first.state())  # before the first frame
    for frame in film[:2]:
        first.process(frame)
    second.load_state({name: values.copy() for name, values in first.state().items()})
    assert np.array_equal(second.process(film[2]), expected[2])


def test_each_iteration_of_each_frame_is_reported(transfer, style):
    seen = []
    processor = stylization_processor(transfer, [style], on_iteration=seen.append)
    outputs = [processor.process(frame) for frame in pan(2, size=SIZE)]
    assert [(each.iteration, each.iterations) for each in seen] == [(n, 4) for n in (1, 2, 3, 4)] + [
        (n, 3) for n in (1, 2, 3)
    ]
    assert np.array_equal(seen[-1].array().rgb, outputs[-1])


def test_frames_are_painted_at_the_size_of_the_configuration(style):
    small = imgxlate.load_style_transfer(size=40, settings=QUICK)
    assert [output.shape for output in steady(small, style, pan(2, size=SIZE))] == [(30, 40, 3)] * 2

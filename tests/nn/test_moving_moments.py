"""Norms with statistics that are averaged over the frames of a film."""

import pytest
import torch
from torch import nn

from imgxlate.methods.adain.networks import adaptive_instance_norm
from imgxlate.nn.moving_moments import MovingMoments, begin_frame_again
from imgxlate.nn.norms import AdaptiveInstanceNorm, BatchNorm, InstanceNorm, LayerNorm, instance_norm


def maps(seed, shift=0.0, scale=1.0):
    return torch.randn((1, 4, 6, 8), generator=torch.Generator().manual_seed(seed)) * scale + shift


def with_image_statistics(channels):
    norm = BatchNorm(channels).eval()
    norm.statistics = "image"
    return norm


ADAPTIVE = AdaptiveInstanceNorm(4)
ADAIN = torch.linspace(-1, 2, 8).view(1, 2, 4)

NORMS = {
    "instance": InstanceNorm(4, affine=False),
    "affine instance": InstanceNorm(4, affine=True),
    "batch": with_image_statistics(4),
    "layer": LayerNorm(4),
    "adaptive": lambda x: ADAPTIVE(x, ADAIN),
    "statistics of a style": lambda x: adaptive_instance_norm(x, ADAIN.view(1, 8)),
}


@pytest.fixture(params=NORMS.values(), ids=NORMS.keys())
def norm(request):
    with torch.no_grad():
        yield request.param


def over_frames(norm, frames, averages):
    outputs = []
    for frame in frames:
        with averages.frame():
            outputs.append(norm(frame))
    return outputs


def test_the_first_frame_is_normalized_as_an_image_is(norm):
    [output] = over_frames(norm, [maps(0)], MovingMoments(0.5))
    assert torch.equal(output, norm(maps(0)))


def test_equal_frames_are_normalized_alike(norm):
    outputs = over_frames(norm, [maps(0)] * 3, MovingMoments(0.3))
    for output in outputs:
        torch.testing.assert_close(output, norm(maps(0)))


def test_a_change_of_the_statistics_arrives_with_the_rate(norm):
    """A frame whose colors are stretched keeps the stretch, all the more the lower the rate is."""
    before, after = maps(0), maps(0, shift=3, scale=2)
    errors = []
    for rate in (0.0, 0.5, 1.0):
        _, output = over_frames(norm, [before, after], MovingMoments(rate))
        errors.append((output - norm(after)).abs().mean().item())
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-5


def test_averages_are_those_of_means_and_variances():
    frames = [maps(0), maps(1, shift=2), maps(2, scale=3)]
    mean, variance = frames[0].mean((2, 3)), frames[0].var((2, 3), correction=0)
    for frame in frames[1:]:
        mean = 0.8 * mean + 0.2 * frame.mean((2, 3))
        variance = 0.8 * variance + 0.2 * frame.var((2, 3), correction=0)
    expected = (frames[-1] - mean[..., None, None]) / (variance[..., None, None] + 1e-5).sqrt()
    *_, output = over_frames(InstanceNorm(4, affine=False), frames, MovingMoments(0.2))
    torch.testing.assert_close(output, expected)


def test_each_norm_of_a_network_has_its_own_averages():
    network = nn.Sequential(InstanceNorm(4, affine=False), nn.ReLU(), InstanceNorm(4, affine=False))
    averages = MovingMoments(0.5)
    over_frames(network, [maps(0), maps(1)], averages)
    assert len([name for name in averages.state() if name.endswith(".mean")]) == 2


def test_after_a_restart_a_frame_takes_its_own_statistics(norm):
    averages = MovingMoments(0.1)
    over_frames(norm, [maps(0, shift=5)], averages)
    averages.restart()
    [output] = over_frames(norm, [maps(1)], averages)
    assert torch.equal(output, norm(maps(1)))


def test_a_frame_that_is_begun_again_counts_once():
    norm, averages = InstanceNorm(4, affine=False), MovingMoments(0.5)
    over_frames(norm, [maps(0)], averages)
    with averages.frame():
        norm(maps(1))
        begin_frame_again()
        output = norm(maps(1))
    once = over_frames(norm, [maps(0), maps(1)], MovingMoments(0.5))[-1]
    assert torch.equal(output, once)


def test_a_saved_state_continues_to_the_bit(norm):
    frames, averages = [maps(seed) for seed in range(3)], MovingMoments(0.3)
    expected = over_frames(norm, frames, averages)[-1]
    first, second = MovingMoments(0.3), MovingMoments(0.3)
    over_frames(norm, frames[:2], first)
    second.load_state(first.state())
    assert torch.equal(over_frames(norm, frames[2:], second)[0], expected)


def test_norms_outside_of_a_film_are_unchanged():
    averages = MovingMoments(0.5)
    over_frames(InstanceNorm(4, affine=False), [maps(0), maps(1)], averages)
    assert torch.equal(InstanceNorm(4, affine=False)(maps(2)), instance_norm(maps(2)))

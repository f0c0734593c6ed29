"""The multi-scale discriminators of MUNIT and UNIT."""

import pytest
import torch
from torch.func import functional_call

from imgxlate.losses.adversarial import gradient_penalty
from imgxlate.nn.discriminators import MultiScaleDiscriminator, smallest_side


def discriminator(dim=2, n_layer=3, num_scales=2, norm="none", pad_type="reflect"):
    return MultiScaleDiscriminator(
        dim, n_layer=n_layer, num_scales=num_scales, norm=norm, activ="lrelu", pad_type=pad_type
    )


def test_the_keys_and_shapes_are_the_originals(golden):
    _, _, listing = (golden / "state-dict-keys.txt").read_text().partition("## MsImageDis ")
    lines = listing.split("##")[0].splitlines()[1:]
    with torch.device("meta"):
        keys = discriminator(64, n_layer=4, num_scales=3).state_dict()
    assert [f"{name} {tuple(tensor.shape)}" for name, tensor in keys.items()] == [
        line.strip() for line in lines if line.startswith("   ")
    ]


def test_each_scale_sees_the_image_at_half_the_size_of_the_one_before():
    scores = discriminator(num_scales=3)(torch.rand(1, 3, 64, 48))
    assert [tuple(score.shape) for score in scores] == [(1, 1, 8, 6), (1, 1, 4, 3), (1, 1, 2, 1)]


def test_pooling_at_the_edge_does_not_count_the_padding():
    network = discriminator()
    with torch.no_grad():
        fine, coarse = network(torch.ones(1, 3, 32, 32))
        assert torch.allclose(network.cnns[1](torch.ones(1, 3, 16, 16)), coarse)
    assert fine.shape != coarse.shape


@pytest.mark.parametrize("norm", ["none", "instance", "layer", "spectral"])
@pytest.mark.parametrize(("n_layer", "num_scales"), [(1, 1), (2, 3), (3, 2), (4, 1)])
def test_the_smallest_side_is_the_smallest_that_gives_scores(norm, n_layer, num_scales):
    network = discriminator(n_layer=n_layer, num_scales=num_scales, norm=norm)
    side = smallest_side(n_layer, num_scales, norm)
    assert all(torch.isfinite(scores).all() for scores in network(torch.rand(1, 3, side, side)))
    if norm in ("none", "spectral"):
        with pytest.raises(RuntimeError):
            network(torch.rand(1, 3, side - 1, side - 1))


def test_the_first_convolution_has_no_norm():
    network = discriminator(norm="layer")
    norms = [name for name in network.state_dict() if ".norm." in name]
    assert norms
    assert not any(name.startswith("cnns.0.0.") for name in norms)


@pytest.mark.parametrize("norm", ["none", "instance", "layer"])
def test_the_gradient_penalty_has_exact_gradients_with_every_norm(norm):
    network = MultiScaleDiscriminator(2, n_layer=2, num_scales=1, norm=norm, activ="tanh", pad_type="reflect").double()
    images = torch.randn(2, 3, 9, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    names, parameters = zip(*network.named_parameters(), strict=True)

    def penalty(*values):
        scores = functional_call(network, dict(zip(names, values, strict=True)), images)
        return gradient_penalty(scores, images)

    assert torch.autograd.gradcheck(penalty, parameters)

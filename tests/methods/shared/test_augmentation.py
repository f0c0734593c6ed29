"""DiffAugment: its distributions, its gradients, and its place in a training step."""

import pytest
import torch
from built_in import ADVERSARIAL

from imgxlate.errors import UsageError
from imgxlate.methods.shared.augmentation import augment
from imgxlate.methods.shared.config import augmentations

ALL = ("color", "translation", "cutout")
each = pytest.mark.parametrize("change", ALL)
everywhere = pytest.mark.parametrize("method", ADVERSARIAL)


def draws(size, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return lambda shape: torch.randn(size, *shape, generator=generator)


def batch(*shape, seed=0, dtype=torch.float32):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype) * 2 - 1


def certain(*numbers):
    """Draws that give these numbers from U(0, 1), for every image."""
    return lambda shape: torch.special.ndtri(torch.tensor([numbers]))


def test_no_change_draws_nothing_and_returns_the_images():
    images = batch(2, 3, 8, 8)
    assert augment(images, (), None) is images


@pytest.mark.parametrize("changes", [*((change,) for change in ALL), ALL])
def test_gradients_are_those_of_finite_differences(changes):
    images = batch(2, 3, 9, 8, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: augment(x, changes, draws(2)), images)


@each
def test_each_image_changes_by_its_own_numbers_whatever_the_batch(change):
    images, noise = batch(1, 3, 16, 16).expand(3, -1, -1, -1), draws(3)((3,))
    together = augment(images, (change,), lambda shape: noise[:, : shape[0]])
    alone = [augment(images[:1], (change,), lambda shape, i=i: noise[i : i + 1, : shape[0]]) for i in range(3)]
    assert torch.equal(together, torch.cat(alone))
    assert not any(torch.equal(together[i], together[i - 1]) for i in range(3))


def test_brightness_is_added_within_half_a_unit():
    black = torch.zeros(4000, 3, 1, 1)
    found = augment(black, ("color",), draws(4000))
    assert found.min() >= -0.5
    assert found.max() <= 0.5
    assert found.mean().abs() < 0.02
    assert found.std() == pytest.approx(1 / 12**0.5, rel=0.03)  # as of U(-0.5, 0.5)


@pytest.mark.parametrize(("number", "factor"), [(0.0, 0.0), (0.5, 1.0), (1.0, 2.0)])
def test_saturation_scales_the_distance_from_gray(number, factor):
    images = batch(1, 3, 6, 7)
    gray = images.mean(1, keepdim=True)
    found = augment(images, ("color",), certain(0.5, number, 0.5))
    assert torch.allclose(found, gray + factor * (images - gray), atol=1e-6)


@pytest.mark.parametrize(("number", "factor"), [(0.0, 0.5), (0.5, 1.0), (1.0, 1.5)])
def test_contrast_scales_the_distance_from_the_mean_of_the_image(number, factor):
    images = batch(1, 3, 6, 7)
    found = augment(images, ("color",), certain(0.5, 0.5, number))
    assert torch.allclose(found, images.mean() + factor * (images - images.mean()), atol=1e-6)


def test_translations_reach_an_eighth_of_the_sides_equally_often():
    images = batch(1, 3, 16, 24)
    expected = {}
    for down in range(-2, 3):
        for right in range(-3, 4):
            padded = torch.nn.functional.pad(images, (3, 3, 2, 2))
            shifted = padded[..., 2 - down : 18 - down, 3 - right : 27 - right]
            expected[shifted.numpy().tobytes()] = 0
    for image in augment(images.expand(3500, -1, -1, -1), ("translation",), draws(3500)):
        expected[image[None].numpy().tobytes()] += 1  # A KeyError is another image.
    assert len(expected) == 35
    assert all(60 < count < 145 for count in expected.values())  # 100 each, with a deviation of 10


@pytest.mark.parametrize("number", [0.0, 1.0])
def test_the_most_extreme_numbers_stay_in_range(number):
    shifted = augment(torch.ones(1, 3, 16, 16), ("translation",), certain(number, number))
    assert shifted.sum() == 3 * 14 * 14
    hidden = augment(torch.ones(1, 3, 16, 16), ("cutout",), certain(number, number))
    assert (hidden == 0).sum() == 3 * 4 * 4  # a corner of the square of 8 x 8


def test_a_square_of_half_the_sides_is_hidden_with_its_center_anywhere():
    hidden = augment(torch.ones(4000, 3, 16, 20), ("cutout",), draws(4000))[:, 0] == 0
    areas = hidden.sum((1, 2))
    assert areas.max() == 8 * 10
    assert areas.min() == 4 * 5
    for axis, length in ((1, 8), (2, 10)):
        covered = hidden.any(3 - axis).float()
        assert covered.sum(1).max() == length
        # Every position is hidden: those in the middle about half of the time.
        assert covered.mean(0).min() > 0.2
        assert covered.mean(0)[length] == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("text", "changes"),
    [("", ()), ("cutout", ("cutout",)), ("color, translation,cutout", ALL), ("cutout,color", ("cutout", "color"))],
)
def test_changes_are_named_with_commas_between_them_and_keep_their_order(text, changes):
    assert augmentations(text) == changes


def test_an_unknown_change_is_refused_with_the_nearest_name():
    with pytest.raises(UsageError, match="augment is 'cutuot', but must be one of color, translation, cutout") as error:
        augmentations("color,cutuot")
    assert "cutout" in error.value.hint


@everywhere
def test_an_unknown_change_is_refused_before_any_step(begin, method):
    with pytest.raises(UsageError, match="augment is 'zoom'"):
        begin(method, {"augment": "zoom"})


@everywhere
def test_discriminators_see_changed_images_alone_in_both_updates(begin, advance, method):
    training, seen, noise = begin(method, {"augment": "cutout"}), [], draws(1, seed=3)
    networks = training._discriminators.networks.values()
    for network in networks:
        network.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].detach()))
    advance(training, noise=noise)
    # Each discriminator sees fakes, and reals and fakes.
    assert sorted(len(images) for images in seen) == sorted([1, 2] * len(networks))
    hidden = [(image == 0).all(0) for images in seen for image in images]
    assert all(4 * 4 * 4 <= mask.sum() <= 16 * 16 for mask in hidden)  # of 32 x 32 positions
    assert len({mask.numpy().tobytes() for mask in hidden}) == 3 * len(networks)


@everywhere
def test_generators_learn_through_the_changes(begin, advance, method):
    large = {"init": "kaiming"}  # With small weights, the scores of CUT's discriminator hardly vary.
    losses = advance(begin(method, {"augment": ",".join(ALL)} | large))
    plain = advance(begin(method, large))
    name = next(name for name in losses if name in ("grad_G", "grad_gen"))
    assert torch.isfinite(losses[name])
    assert losses[name] != plain[name]


@everywhere
def test_without_changes_a_step_draws_the_noise_that_it_always_drew(begin, advance, method):
    shapes, source = [], draws(1)
    advance(begin(method), noise=lambda shape: shapes.append(tuple(shape)) or source(shape))
    assert (2,) not in shapes
    assert len(shapes) == {"munit": 4, "unit": 6}.get(method, 0)


@everywhere
def test_a_restored_state_continues_bit_for_bit_with_changes_and_the_gradient_penalty(begin, advance, method):
    changes = {"augment": ",".join(ALL), "dis.r1_w" if method in ("munit", "unit") else "r1_w": 1.0}
    straight = begin(method, changes)
    advance(straight, 0)
    kept = {name: tensor.clone() for name, tensor in straight.state().items()}
    advance(straight, 1)
    resumed = begin(method, changes | {"seed": 7})
    resumed.load_state(kept)
    advance(resumed, 1)
    expected, found = straight.state(), resumed.state()
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)

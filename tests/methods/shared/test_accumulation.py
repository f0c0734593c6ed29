"""Gradient accumulation: a step of several batches equals one of a batch that is as many times as large."""

import pytest
import torch

from imgxlate.data.batch import Batch
from imgxlate.methods.shared.accumulation import EncodedParts, micro_batches

METHODS = ["munit", "unit", "cyclegan", "cut", "fastcut"]
AUTOENCODER = {"gen.dim": 2, "dis.dim": 2, "dis.r1_w": 1.0}
TINY = {
    "munit": AUTOENCODER,
    "unit": AUTOENCODER,
    "cyclegan": {"gen.ngf": 2, "ndf": 2, "r1_w": 1.0, "pool_size": 3},
    "cut": {"gen.ngf": 2, "ndf": 2, "r1_w": 1.0},
    "fastcut": {"gen.ngf": 2, "ndf": 2, "nce_identity": False, "flip_equivariance": True},
}


def numbers(shape):
    """Noise of which each draw differs."""
    numbers.drawn += 1
    return torch.full((4, *shape), float(numbers.drawn)) + torch.arange(4.0).view(4, *[1] * len(shape)) / 10


@pytest.fixture
def batch():
    images = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 3, 2, 2)
    return Batch(images, -images, (), ())


def test_an_image_has_the_noise_that_it_has_in_the_whole_batch(batch):
    numbers.drawn = 0
    parts = micro_batches(batch, numbers, 2, torch.float64)
    first = [part.noise((1,)) for part in parts]
    second = [part.noise((2,)) for part in parts]
    numbers.drawn = 0
    assert torch.equal(torch.cat(first), numbers((1,)))
    assert torch.equal(torch.cat(second), numbers((2,)))
    assert [part.images["A"][:, 0, 0, 0].tolist() for part in parts] == [[0.0, 1.0], [2.0, 3.0]]
    assert parts[1].images["B"].dtype is torch.float64


def test_the_images_of_one_part_are_encoded_once_and_those_of_several_for_each_update(batch):
    for count, expected in ((1, 1), (2, 4)):
        encoded = []
        whole = micro_batches(batch, numbers, count, torch.float32)
        parts = EncodedParts(whole, encoded.append)
        for _ in range(2):
            assert len(list(parts)) == count
        assert len(encoded) == expected


@pytest.mark.parametrize("method", METHODS)
def test_accumulated_steps_equal_those_of_a_batch_that_is_as_many_times_as_large(begin, advance, method):
    whole = begin(method.removeprefix("fast"), TINY[method], dtype=torch.float64)
    parts = begin(method.removeprefix("fast"), TINY[method] | {"accumulate": 2}, dtype=torch.float64)
    for step in range(3):
        expected, found = advance(whole, step, size=4), advance(parts, step, size=4)
        assert found.keys() == expected.keys()
        for name, loss in expected.items():
            torch.testing.assert_close(
                found[name], loss, rtol=1e-9, atol=1e-12, msg=lambda text, n=name: f"{n}: {text}"
            )
    for name, tensor in whole.state().items():
        torch.testing.assert_close(parts.state()[name], tensor, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_accumulated_steps_compute_in_bfloat16(begin, advance, method):
    exact = advance(begin(method.removeprefix("fast"), TINY[method]), size=2)
    rounded = advance(
        begin(method.removeprefix("fast"), TINY[method] | {"accumulate": 2}, dtype=torch.bfloat16), size=2
    )
    names = [name for name in exact if not name.startswith("grad")]
    assert {n: rounded[n].item() for n in names} == pytest.approx({n: exact[n].item() for n in names}, rel=0.05)

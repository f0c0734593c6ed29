"""Distances between sets of images."""

import itertools

import numpy as np
import pytest
import torch

from imgxlate.images.image_array import ImageArray
from imgxlate.metrics.distributions import (
    distribution_measures,
    frechet_distance,
    kernel_distance,
    squared_mmd,
    subset_size,
)
from imgxlate.metrics.feature_networks import bundled_vgg, vgg_features
from imgxlate.vision import torchvision


@pytest.fixture(scope="module")
def features():
    return vgg_features(bundled_vgg(torch.device("cpu")))


def vectors(count, length=24, seed=0, shift=0.0):
    return torch.rand(count, length, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + shift


def library(metric, made, real):
    metric.update(real, real=True)
    metric.update(made, real=False)
    return metric.compute()


class Given(torch.nn.Module):
    """A feature network whose images are features already."""

    num_features = 24

    def forward(self, vectors):
        return vectors


def test_the_frechet_distance_equals_torchmetrics_on_the_same_features():
    torchvision()
    from torchmetrics.image.fid import FrechetInceptionDistance

    made, real = vectors(60), vectors(45, seed=1, shift=0.1)
    assert frechet_distance(made, real) == pytest.approx(
        float(library(FrechetInceptionDistance(Given()), made, real)), rel=1e-6
    )


@pytest.mark.parametrize("counts", [(60, 45), (9, 60), (7, 5)])
def test_the_frechet_distance_equals_its_formula(counts):
    """Tr (C C')^(1/2) by the symmetric root of C: that of C^(1/2) C' C^(1/2), which has the same eigenvalues."""
    made, real = vectors(counts[0]), vectors(counts[1], seed=1, shift=0.1)
    covariance, other = torch.cov(made.T), torch.cov(real.T)
    values, directions = torch.linalg.eigh(covariance)
    root = directions @ torch.diag(values.clamp_min(0).sqrt()) @ directions.T
    shared = torch.linalg.eigvalsh(root @ other @ root).clamp_min(0).sqrt().sum()
    means = (made.mean(dim=0) - real.mean(dim=0)).square().sum()
    expected = means + covariance.trace() + other.trace() - 2 * shared
    assert frechet_distance(made, real) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("count", [2, 5, 60])
def test_the_frechet_distance_of_a_set_from_itself_is_0_even_for_few_images(count):
    made = vectors(count)
    assert frechet_distance(made, made.flip(0)) == pytest.approx(0, abs=1e-9)


def test_a_shift_of_all_features_is_the_frechet_distance():
    made = vectors(30)
    assert frechet_distance(made, made + 0.5) == pytest.approx(24 * 0.25)


@pytest.mark.parametrize("count", [2, 14])
def test_the_kernel_distance_equals_torchmetrics_on_the_same_subsets(count):
    torchvision()
    from torchmetrics.image.kid import KernelInceptionDistance

    made, real = vectors(count), vectors(count + 3, seed=1, shift=0.1)
    with pytest.warns(UserWarning, match="save all extracted features"):
        metric = KernelInceptionDistance(Given(), subsets=100, subset_size=subset_size(len(made), len(real)))
    with torch.random.fork_rng():
        torch.manual_seed(5)  # It draws from the global generator, the real images first.
        expected = library(metric, made, real)
    assert kernel_distance(made, real, seed=5) == pytest.approx(tuple(map(float, expected)))


def test_the_discrepancy_is_the_unbiased_estimate_over_pairs():
    made, real = vectors(8), vectors(8, seed=1, shift=0.3)

    def mean(pairs):
        values = [(float(one @ other) / len(one) + 1) ** 3 for one, other in pairs]
        return sum(values) / len(values)

    within = mean(itertools.permutations(made, 2)) + mean(itertools.permutations(real, 2))
    assert float(squared_mmd(made, real)) == pytest.approx(within - 2 * mean(itertools.product(made, real)))


def test_the_kernel_distance_is_repeatable_and_leaves_other_random_numbers_alone():
    made, real = vectors(12), vectors(15, seed=1)
    state = torch.random.get_rng_state()
    assert kernel_distance(made, real, seed=3) == kernel_distance(made, real, seed=3)
    assert kernel_distance(made, real, seed=3) != kernel_distance(made, real, seed=4)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("counts", [(0, 5), (1, 5), (5, 1)])
def test_sets_of_fewer_than_two_images_have_no_distance(counts):
    made, real = vectors(counts[0]), vectors(counts[1])
    assert frechet_distance(made, real) is None
    assert kernel_distance(made, real) is None


@pytest.mark.parametrize(("counts", "size"), [((2, 9), 2), ((40, 31), 15), ((5000, 5000), 1000)])
def test_subsets_are_half_of_the_smaller_set_within_limits(counts, size):
    assert subset_size(*counts) == size


def test_the_features_of_an_image_do_not_depend_on_the_others(features):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 40, 30, 3), dtype=np.uint8)
    images = [ImageArray(each) for each in pixels]
    together = features(images)
    assert together.shape == (3, 512)
    assert together.dtype == torch.float64
    assert torch.equal(together, torch.cat([features([image]) for image in images]))
    assert features([]).shape == (0, 512)


def test_the_measures_name_counts_network_and_subsets(features):
    frechet, kernel, deviation = distribution_measures(features, 40, 31)
    assert (frechet.name, kernel.name, deviation.name) == ("fd-vgg19", "kd-vgg19", "kd-vgg19-deviation")
    assert "40 images of a method against 31 real ones" in frechet.how
    assert "100 random subsets of 15" in kernel.how
    assert all("neither FID nor KID" in measure.how for measure in (frechet, kernel, deviation))


@pytest.mark.parametrize(("made", "real"), [(1, 9), (9, 1)])
def test_for_fewer_than_two_images_every_measure_says_that_it_needs_two(features, made, real):
    assert all("needs two images" in measure.how for measure in distribution_measures(features, made, real))


@pytest.mark.parametrize(
    ("made", "caution"), [(1, "needs two images"), (512, "distances of equally many"), (513, None)]
)
def test_the_frechet_distance_warns_of_too_few_images(features, made, caution):
    how = distribution_measures(features, made, 600)[0].how
    assert caution in how if caution else how.endswith("its values do not compare with those.")

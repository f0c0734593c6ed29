import itertools

import pytest
import torch

from imgxlate.evaluate.distributions import (
    VggFeatures,
    distribution_measures,
    frechet_distance,
    kernel_distance,
    subset_size,
)
from imgxlate.evaluate.trunks import bundled_vgg
from imgxlate.vision import torchvision


@pytest.fixture(scope="module")
def features():
    return VggFeatures(bundled_vgg(torch.device("cpu")))


def vectors(count, length=24, seed=0, shift=0.0):
    return torch.rand(count, length, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + shift


def library(metric, made, real):
    metric.update(real, real=True)
    metric.update(made, real=False)
    return metric.compute()


class Given(torch.nn.Module):
    """A trunk whose pictures are features already."""

    num_features = 24

    def forward(self, vectors):
        return vectors


def test_the_frechet_distance_is_that_of_torchmetrics_on_the_same_features():
    torchvision()
    from torchmetrics.image.fid import FrechetInceptionDistance

    made, real = vectors(60), vectors(45, seed=1, shift=0.1)
    assert frechet_distance(made, real) == pytest.approx(
        float(library(FrechetInceptionDistance(Given()), made, real)), rel=1e-6
    )


@pytest.mark.parametrize("counts", [(60, 45), (9, 60), (7, 5)])
def test_the_frechet_distance_is_that_of_its_formula(counts):
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
def test_a_set_has_no_frechet_distance_from_itself_however_few_its_pictures(count):
    made = vectors(count)
    assert frechet_distance(made, made.flip(0)) == pytest.approx(0, abs=1e-9)


def test_a_shift_of_all_features_is_the_frechet_distance():
    made = vectors(30)
    assert frechet_distance(made, made + 0.5) == pytest.approx(24 * 0.25)


def test_the_kernel_distance_is_that_of_torchmetrics_on_the_same_subsets():
    torchvision()
    from torchmetrics.image.kid import KernelInceptionDistance

    made, real = vectors(2), vectors(2, seed=1, shift=0.1)  # so few that each subset is the set
    with pytest.warns(UserWarning, match="save all extracted features"):
        metric = KernelInceptionDistance(Given(), subsets=3, subset_size=2)
    mean, deviation = library(metric, made, real)
    found = kernel_distance(made, real)
    assert (found.mean, found.deviation) == pytest.approx((float(mean), float(deviation)))


def test_the_kernel_distance_comes_near_that_of_the_whole_sets():
    made, real = vectors(40), vectors(36, seed=1, shift=0.3)
    found = kernel_distance(made, real)
    assert found.mean == pytest.approx(_squared_discrepancy(made, real), abs=3 * found.deviation / 10)  # 100 subsets
    assert found.deviation > 0


def _squared_discrepancy(made, real):
    """The unbiased estimate, a pair at a time."""

    def mean(pairs):
        values = [(float(one @ other) / len(one) + 1) ** 3 for one, other in pairs]
        return sum(values) / len(values)

    within = mean(itertools.permutations(made, 2)) + mean(itertools.permutations(real, 2))
    return within - 2 * mean(itertools.product(made, real))


def test_the_kernel_distance_is_repeatable_and_leaves_other_random_numbers_alone():
    made, real = vectors(12), vectors(15, seed=1)
    state = torch.random.get_rng_state()
    assert kernel_distance(made, real, seed=3) == kernel_distance(made, real, seed=3)
    assert kernel_distance(made, real, seed=3) != kernel_distance(made, real, seed=4)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("counts", [(0, 5), (1, 5), (5, 1)])
def test_sets_of_fewer_than_two_pictures_have_no_distance(counts):
    made, real = vectors(counts[0]), vectors(counts[1])
    assert frechet_distance(made, real) is None
    assert kernel_distance(made, real) is None


@pytest.mark.parametrize(("counts", "size"), [((2, 9), 2), ((40, 31), 15), ((5000, 5000), 1000)])
def test_subsets_are_half_of_the_smaller_set_within_limits(counts, size):
    assert subset_size(*counts) == size


def test_features_do_not_depend_on_the_company_of_a_picture(features):
    pictures = (torch.rand(3, 3, 40, 30, generator=torch.Generator().manual_seed(0)) * 2 - 1).split(1)
    together = features(pictures)
    assert together.shape == (3, 512)
    assert together.dtype == torch.float64
    assert torch.equal(together, torch.cat([features([picture]) for picture in pictures]))
    assert features([]).shape == (0, 512)


def test_the_measures_say_counts_trunk_and_subsets(features):
    frechet, kernel, deviation = distribution_measures(features, 40, 31)
    assert (frechet.name, kernel.name, deviation.name) == ("fd-vgg19", "kd-vgg19", "kd-vgg19-deviation")
    assert "40 made pictures against 31 real ones" in frechet.how
    assert "100 random subsets of 15" in kernel.how
    assert all("neither FID nor KID" in measure.how for measure in (frechet, kernel, deviation))


@pytest.mark.parametrize(("made", "real"), [(1, 9), (9, 1)])
def test_with_fewer_than_two_pictures_every_measure_says_that_it_takes_two(features, made, real):
    assert all("takes two pictures" in measure.how for measure in distribution_measures(features, made, real))


@pytest.mark.parametrize(
    ("made", "caution"), [(1, "takes two pictures"), (512, "compare only numbers of equally many"), (513, None)]
)
def test_the_frechet_distance_says_when_pictures_are_too_few(features, made, caution):
    how = distribution_measures(features, made, 600)[0].how
    assert caution in how if caution else how.endswith("not to be compared with them.")

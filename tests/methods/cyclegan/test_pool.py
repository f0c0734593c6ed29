"""The image pool: what it keeps, what it gives back."""

import random

import torch

from imgxlate.methods.cyclegan.training import ImagePool


def numbered(*numbers):
    return torch.stack([torch.full((3, 2, 2), float(number)) for number in numbers])


def read(images):
    return [int(image[0, 0, 0]) for image in images]


def test_images_are_returned_unchanged_until_the_pool_is_full():
    pool = ImagePool(3)
    assert read(pool.exchange(numbered(1, 2), random.Random(0))) == [1, 2]
    assert read(pool.exchange(numbered(3), random.Random(0))) == [3]
    assert read(pool.images) == [1, 2, 3]


def test_a_full_pool_swaps_half_of_the_images_for_older_ones_and_loses_none():
    pool, rng = ImagePool(4), random.Random(0)
    pool.exchange(numbered(1, 2, 3, 4), rng)
    given = list(range(5, 405))
    seen = read(pool.exchange(numbered(*given), rng))
    swapped = sum(one != other for one, other in zip(given, seen, strict=True))
    assert 150 < swapped < 250
    assert sorted(seen + read(pool.images)) == [*range(1, 405)]


def test_every_slot_is_swapped():
    pool, rng = ImagePool(4), random.Random(0)
    pool.exchange(numbered(1, 2, 3, 4), rng)
    pool.exchange(numbered(*range(5, 105)), rng)
    assert not set(read(pool.images)) & {1, 2, 3, 4}


def test_the_pool_keeps_copies_of_the_images():
    pool, made = ImagePool(1), numbered(1)
    pool.exchange(made, random.Random(0))
    made.fill_(9)
    assert read(pool.images) == [1]


def test_a_pool_of_size_0_returns_all_images_unchanged():
    made = numbered(1, 2)
    assert ImagePool(0).exchange(made, random.Random(0)) is made


def test_images_are_exchanged_the_same_one_by_one_and_in_a_batch():
    together, single = ImagePool(3), ImagePool(3)
    rng = random.Random(7)
    apart = [read(single.exchange(numbered(number), rng))[0] for number in range(20)]
    assert read(together.exchange(numbered(*range(20)), random.Random(7))) == apart
    assert read(together.images) == read(single.images)

"""Randomness from seed, step and image."""

import torch

from imgxlate.training.seeding import derived, make_noise, make_random

CPU = torch.device("cpu")


def draws(positions, step=3, seed=0):
    noise = make_noise(seed, step, positions, CPU)
    return noise((4,)), noise((2, 3))


def test_the_noise_of_an_image_does_not_depend_on_the_process_that_computes_it():
    whole = draws(range(4))
    first, second = draws(range(2)), draws(range(2, 4))
    for together, left, right in zip(whole, first, second, strict=True):
        assert torch.equal(together, torch.cat([left, right]))


def test_noise_differs_between_draws_steps_images_and_seeds():
    noise = make_noise(0, 3, [0], CPU)
    codes = [noise((4,)), noise((4,)), draws([0], step=4)[0], draws([1])[0], draws([0], seed=1)[0]]
    assert len({tuple(code.flatten().tolist()) for code in codes}) == len(codes)


def test_the_generator_of_a_step_repeats_its_numbers():
    assert make_random(1, 2).random() == make_random(1, 2).random() != make_random(1, 3).random()


def test_seeds_of_different_parts_differ():
    assert len({derived(0, 1), derived(1, 0), derived("0", 1), derived(0, 1, "noise"), derived(0)}) == 5
    assert all(0 <= derived(n) < 2**63 for n in range(100))

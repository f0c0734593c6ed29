from hypothesis import given
from hypothesis import strategies as st

from imgxlate.data.sampler import Sampler, image_generator

sizes, seeds = st.integers(1, 40), st.integers(0, 2**64)


@given(sizes, seeds, st.integers(0, 1), st.integers(0, 2**40))
def test_every_epoch_shows_each_image_once(size, seed, domain, epoch):
    sampler = Sampler(size, seed, domain)
    shown = [sampler[epoch * size + place] for place in range(size)]
    assert sorted(shown) == list(range(size))


@given(sizes, seeds, st.integers(0, 200), st.integers(1, 60))
def test_starting_anywhere_equals_replay(size, seed, start, count):
    replayed, fresh = Sampler(size, seed, 0), Sampler(size, seed, 0)
    assert [replayed[n] for n in range(start + count)][start:] == [fresh[n] for n in range(start, start + count)]


@given(sizes, seeds, st.lists(st.integers(0, 400), max_size=20))
def test_positions_can_be_read_in_any_order(size, seed, positions):
    sampler = Sampler(size, seed, 0)
    assert [sampler[n] for n in positions] == [Sampler(size, seed, 0)[n] for n in positions]


def test_seeds_domains_and_epochs_have_orders_of_their_own():
    def order(seed, domain, epoch):
        sampler = Sampler(30, seed, domain)
        return tuple(sampler[30 * epoch + place] for place in range(30))

    orders = {order(seed, domain, epoch) for seed in range(3) for domain in range(2) for epoch in range(3)}
    assert len(orders) == 18


def test_the_randomness_of_an_image_depends_on_every_part_of_where_it_is():
    where = (5, 4, 3, 1, 2)
    drawn = {image_generator(*where).bytes(8)}
    for part in range(5):
        drawn.add(image_generator(*(number + (index == part) for index, number in enumerate(where))).bytes(8))
    assert len(drawn) == 6
    assert image_generator(*where).bytes(8) in drawn

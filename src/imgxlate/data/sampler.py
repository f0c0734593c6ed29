"""Which picture comes when: endless, shuffled anew in each epoch, known for any position without the ones before."""

import numpy as np

_ORDER, _PICTURE = 0, 1  # so that the two kinds of generators never coincide


def picture_generator(seed: int, step: int, position: int, domain: int, attempt: int) -> np.random.Generator:
    """The randomness of one picture: of the `attempt`-th try at `position` of the global batch of `step`."""
    return _generator(seed, _PICTURE, step, position, domain, attempt)


class Sampler:
    """The order in which the pictures of a domain are shown; each epoch shows every one of them once.

    It follows from `seed`, the domain (0 or 1) and the number of pictures, so that domains are drawn independently.
    """

    def __init__(self, size: int, seed: int, domain: int) -> None:
        self._size = size
        self._seed = seed
        self._domain = domain
        self._epoch = -1
        self._order = np.empty(0, dtype=np.int64)

    def __getitem__(self, position: int) -> int:
        """The index of the picture at `position`, from 0, of the endless sequence."""
        epoch, place = divmod(position, self._size)
        if epoch != self._epoch:
            self._order = _generator(self._seed, _ORDER, self._domain, epoch).permutation(self._size)
            self._epoch = epoch
        return int(self._order[place])


def _generator(seed: int, *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))

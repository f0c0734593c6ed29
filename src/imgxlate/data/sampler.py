"""The order of the training images: endless, shuffled anew in each epoch, known for any position without a replay."""

import numpy as np

_ORDER, _IMAGE = 0, 1  # keep the two kinds of generators apart


def image_generator(seed: int, step: int, position: int, domain: int, attempt: int) -> np.random.Generator:
    """The randomness of one image: of the `attempt`-th try at `position` of the global batch of `step`."""
    return _generator(seed, _IMAGE, step, position, domain, attempt)


class Sampler:
    """The order in which the images of a domain are shown. Each epoch shows every image once.

    The order depends on `seed`, the domain (0 or 1) and the number of images, so the domains are drawn independently.
    """

    def __init__(self, size: int, seed: int, domain: int) -> None:
        self._size = size
        self._seed = seed
        self._domain = domain
        self._epoch = -1
        self._order = np.empty(0, dtype=np.int64)

    def __getitem__(self, position: int) -> int:
        """The index of the image at `position`, from 0, of the endless sequence."""
        epoch, offset = divmod(position, self._size)
        if epoch != self._epoch:
            self._order = _generator(self._seed, _ORDER, self._domain, epoch).permutation(self._size)
            self._epoch = epoch
        return int(self._order[offset])


def _generator(seed: int, *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))

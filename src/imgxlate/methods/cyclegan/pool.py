"""Pictures that a generator made earlier, for its discriminator to see again (arXiv 1703.10593, Sec. 4)."""

import random

import torch
from torch import Tensor


class ImagePool:
    """Up to `size` pictures. It is the same in all processes, whatever their number."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.pictures: list[Tensor] = []  # (3, H, W) each

    def exchange(self, made: Tensor, rng: random.Random) -> Tensor:
        """What the discriminator is to see for the pictures `made` (B, 3, H, W), those of all processes in order.

        Until the pool is full it keeps each and gives it back. Then it gives back one in two; for the other it gives an
        older one, whose place the picture takes.
        """
        return torch.stack([self._exchange(picture, rng) for picture in made]) if self.size else made

    def place(self, device: torch.device, dtype: torch.dtype) -> None:
        """Move the pictures to `device`, in `dtype`."""
        self.pictures = [picture.to(device, dtype) for picture in self.pictures]

    def _exchange(self, picture: Tensor, rng: random.Random) -> Tensor:
        if len(self.pictures) < self.size:
            self.pictures.append(picture.clone())
            return picture
        if rng.random() < 0.5:
            return picture
        place = rng.randrange(self.size)
        older, self.pictures[place] = self.pictures[place], picture.clone()
        return older

"""Mixed precision: products in bfloat16, everything else in float32 or more."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class MixedPrecision:
    """Runs networks with products in bfloat16 where `bf16`; results are in float32 at least."""

    bf16: bool = False

    def run(self, network: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
        """The output of `network` for `inputs`."""
        with self.autocast(inputs[0].device):
            return at_least_float32(network(*inputs))

    def run_together(self, network: Callable[..., Tensor], *calls: Sequence[Tensor]) -> Sequence[Tensor]:
        """The output of `network` for each of `calls`, which are inputs (B, ...); all go through it as one batch.

        In such a network the images of a batch must not affect each other, as they do in batch norm.
        """
        outputs = self.run(network, *(torch.cat(inputs) for inputs in zip(*calls, strict=True)))
        return torch.split(outputs, [len(inputs[0]) for inputs in calls])

    def score(self, discriminator: Callable[[Tensor], list[Tensor]], images: Tensor) -> list[Tensor]:
        """The scores that a discriminator gives `images` at each of its scales."""
        with self.autocast(images.device):
            return [at_least_float32(scores) for scores in discriminator(images)]

    def autocast(self, device: torch.device) -> torch.autocast:
        """Take products in bfloat16 within the block, if `bf16`."""
        return torch.autocast(device.type, torch.bfloat16, enabled=self.bf16)


def at_least_float32(x: Tensor) -> Tensor:
    """`x` in float32, or unchanged if it is more precise."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


@contextlib.contextmanager
def without_autocast(device: torch.device) -> Iterator[None]:
    """Keep torch.autocast from lowering the precision of products within the block."""
    if not torch.is_autocast_enabled(device.type):  # An exported network should not contain this block.
        yield
        return
    with torch.autocast(device.type, enabled=False):
        yield

"""Mixed precision: products in bfloat16, everything else in float32 or more. And fast arithmetic in float32."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

_fast = ContextVar("_fast", default=False)
_T = TypeVar("_T")


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


@contextlib.contextmanager
def fast_arithmetic(allowed: bool = True) -> Iterator[None]:
    """Let computations in float32 on a CPU be faster and less exact within the block.

    Convolutions take fewer products where that is faster: for outputs of unit variance, the largest difference is about
    1e-4. Norms take fewer passes, and their error grows with the ratio of mean to deviation. Gradients of Gram matrices
    take one product. All of this also concerns the gradients of what was computed within the block.
    """
    token = _fast.set(allowed)
    try:
        yield
    finally:
        _fast.reset(token)


def each_fast(items: Iterable[_T], allowed: bool = True) -> Iterator[_T]:
    """Yield `items`, each computed within `fast_arithmetic`. The block does not reach the caller."""
    iterator, end = iter(items), object()
    while True:
        with fast_arithmetic(allowed):
            item: Any = next(iterator, end)
        if item is end:
            return
        yield item


def is_fast() -> bool:
    """Whether this is within `fast_arithmetic`. A compiled network never is: the compiler cannot follow the block."""
    return not torch.compiler.is_compiling() and _fast.get()

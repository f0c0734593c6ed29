"""The convolution of all networks. On a processor it may take fewer products, where that is allowed and faster."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from imgxlate.nn import winograd
from imgxlate.nn.algorithms import GRADIENTS, Algorithm, Layer, Operation, choices
from imgxlate.nn.precision import is_fast
from imgxlate.nn.winograd import Geometry


class Conv2d(nn.Conv2d):
    """A convolution that multiplies in `compute_dtype`, if that is set.

    Input, output and weights keep their precision, so that resetting it gives the same numbers as before. Stride and
    padding are those of both axes; there are no groups and no dilation.
    """

    compute_dtype: torch.dtype | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (B, C, H, W)."""
        stride, padding = self.stride[0], int(self.padding[0])
        if self.compute_dtype is None:
            return convolve(x, self.weight, self.bias, stride, padding)  # Here torch.autocast may choose the precision.
        dtype = self.compute_dtype
        bias = None if self.bias is None else self.bias.to(dtype)
        return convolve(x.to(dtype), self.weight.to(dtype), bias, stride, padding).to(x.dtype)


def set_compute_dtype(module: nn.Module, dtype: torch.dtype) -> None:
    """Set the dtype in which the convolutions of `module` multiply; other layers keep the precision of their input."""
    for part in module.modules():
        if isinstance(part, Conv2d):
            part.compute_dtype = dtype


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: int = 1, padding: int = 0) -> Tensor:
    """Convolve (B, C, H, W) with (O, C, K, K) after padding with zeros: (B, O, H', W')."""
    geometry = Geometry(weight.shape[2], stride, padding)
    if not _may_choose(x, weight, geometry):
        return functional.conv2d(x, weight, bias, stride, padding)
    y: Tensor = _Convolution.apply(x, weight, bias, geometry)  # type: ignore[no-untyped-call]
    return y


def _may_choose(x: Tensor, weight: Tensor, geometry: Geometry) -> bool:
    return (
        is_fast()
        and x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and weight.shape[2] == weight.shape[3]
        and winograd.supports(geometry)
        and min(x.shape[2:]) + 2 * geometry.padding >= geometry.kernel
    )


class _Convolution(torch.autograd.Function):
    """A convolution and its gradients, each by the algorithm chosen for it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.geometry = geometry
        if choices.find("output", Layer.of(x, weight, geometry)) == "winograd":
            return winograd.convolve(x, weight, bias, geometry)
        return functional.conv2d(x, weight, bias, geometry.stride, geometry.padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        [gradient], [x, weight] = gradients, ctx.saved_tensors
        by_input, by_weight, by_bias, _ = ctx.needs_input_grad
        layer = Layer.of(x, weight, ctx.geometry)

        def choice(operation: Operation) -> Algorithm:
            # A gradient that is differentiated in its turn, as for the R1 penalty, is torch's own.
            return "direct" if torch.is_grad_enabled() else choices.find(operation, layer)

        for_x = choice("input gradient") if by_input else None
        for_w = choice("weight gradient") if by_weight else None
        by_x = by_w = None
        for algorithm, gradients_of in GRADIENTS.items():
            asked_x, asked_w = for_x == algorithm, for_w == algorithm
            if asked_x or asked_w:
                found = gradients_of(gradient, x, weight, ctx.geometry, by_input=asked_x, by_weight=asked_w)
                by_x, by_w = found[0] if asked_x else by_x, found[1] if asked_w else by_w
        return by_x, by_w, gradient.sum((0, 2, 3)) if by_bias else None, None

"""VGG networks as feature extractors, every layer named (Simonyan and Zisserman, arXiv 1409.1556)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from imgxlate.config import did_you_mean
from imgxlate.errors import UsageError
from imgxlate.nn.convolution import Conv2d
from imgxlate.nn.precision import at_least_float32

Pooling = Literal["max", "average"]


@dataclass(frozen=True, slots=True)
class Convention:
    """How pixels must be prepared for a set of weights. `mean` and `deviation` are of R, G, B in gray levels."""

    name: str
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    channels: Literal["RGB", "BGR"]  # the order in which the first convolution's weights expect them


_CAFFE_MEAN = (123.68, 116.779, 103.939)

CONVENTIONS = {
    convention.name: convention
    for convention in (
        Convention("caffe", _CAFFE_MEAN, (1.0, 1.0, 1.0), "BGR"),
        Convention("caffe-rgb", _CAFFE_MEAN, (1.0, 1.0, 1.0), "RGB"),
        Convention(
            "torchvision",
            (0.485 * 255, 0.456 * 255, 0.406 * 255),
            (0.229 * 255, 0.224 * 255, 0.225 * 255),
            "RGB",
        ),
    )
}


class Vgg(nn.Module):
    """The convolutions of a VGG network: conv1_1, relu1_1, conv1_2, relu1_2, pool1, conv2_1 and so on.

    Args:
        convolutions: weight (O, I, 3, 3) and bias (O,) by name, convB_I, in the order in which they are applied.
        convention: how pixels must be prepared for these weights.
        pooling: `max`, as in its training, or `average`, which Gatys et al. (arXiv 1508.06576) prefer.
        omitted: poolings to leave out, such as pool4.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        convolutions: Mapping[str, tuple[Tensor, Tensor]],
        convention: Convention,
        pooling: Pooling = "max",
        omitted: Collection[str] = (),
    ) -> None:
        super().__init__()
        self.pooling = pooling
        self.layers = tuple(name for name in _layer_names(convolutions) if name not in omitted)
        self.channels = {name: len(weight) for name, (weight, _) in convolutions.items()}
        self.dtype = torch.float32
        self.memory_format = torch.contiguous_format
        self.register_buffer("mean", torch.tensor(convention.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(convention.deviation).view(1, 3, 1, 1), persistent=False)
        first = next(iter(convolutions))
        self.convolutions = nn.ModuleDict(
            {
                name: _convolution(weight.flip(1) if name == first and convention.channels == "BGR" else weight, bias)
                for name, (weight, bias) in convolutions.items()
            }
        )

    def place(
        self,
        device: torch.device,
        dtype: torch.dtype,
        memory_format: torch.memory_format = torch.channels_last,
    ) -> None:
        """Move to `device`, to convolve in `dtype` and `memory_format`; channels last is faster for either dtype."""
        self.to(device)
        self.convolutions.to(dtype=dtype, memory_format=memory_format)  # type: ignore[call-overload]
        self.dtype, self.memory_format = dtype, memory_format

    def require(self, layers: Collection[str]) -> None:
        """Check that the network has all of `layers`.

        Raises:
            UsageError: it lacks one; names it.
        """
        for layer in layers:
            if layer not in self.layers:
                raise UsageError(
                    f"the feature network has no layer {layer!r}",
                    hint=did_you_mean(layer, self.layers) or f"Its layers: {', '.join(self.layers)}.",
                )

    def density(self, layer: str) -> float:
        """The number of values of `layer` for each pixel of the image."""
        channels = 3
        for name in self.up_to([layer]):
            channels = self.channels.get(name, channels)
        return channels / self.stride(layer) ** 2

    def stride(self, layer: str) -> int:
        """The side, in pixels, of the square that a position of `layer` stands for."""
        return int(2 ** sum(name.startswith("pool") for name in self.up_to([layer])))

    def forward(self, images: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """The features (B, C, H', W') of RGB `images` (B, 3, H, W) in [-1, 1] at each of `layers`.

        Nothing deeper than the deepest of `layers` is computed. H and W must be at least 2 to the number of poolings.
        """
        if not layers:
            return {}
        return self.advance(self.prepare(images), self.up_to(layers), layers)

    def up_to(self, layers: Collection[str]) -> tuple[str, ...]:
        """The layers from the first to the deepest of `layers`."""
        return self.layers[: max((self.layers.index(name) + 1 for name in layers), default=0)]

    def prepare(self, images: Tensor) -> Tensor:
        """The input of the first layer, from RGB `images` (B, 3, H, W) in [-1, 1]."""
        gray_levels = (at_least_float32(images) + 1) * 127.5
        normalized = (gray_levels - self.mean) / self.deviation
        return normalized.to(dtype=self.dtype, memory_format=self.memory_format)

    def advance(self, features: Tensor, names: Sequence[str], layers: Collection[str]) -> dict[str, Tensor]:
        """The features at each of `layers`, from those before the first of the consecutive layers `names`."""
        found: dict[str, Tensor] = {}
        kept = True  # whether `features` must stay as they are
        for name in names:
            features = self._compute(name, features, in_place=not kept)
            kept = name in layers
            if kept:
                found[name] = features
        return found

    def _compute(self, name: str, features: Tensor, *, in_place: bool) -> Tensor:
        if name in self.convolutions:
            convolved: Tensor = self.convolutions[name](features)
            return convolved
        if name.startswith("relu"):
            return functional.relu(features, inplace=in_place)
        return functional.max_pool2d(features, 2) if self.pooling == "max" else functional.avg_pool2d(features, 2)


def _layer_names(convolutions: Collection[str]) -> tuple[str, ...]:
    names: list[str] = []
    block = "1"
    for name in convolutions:
        suffix = name.removeprefix("conv")
        if not suffix.startswith(f"{block}_"):
            names.append(f"pool{block}")
            block = suffix.split("_")[0]
        names += [name, f"relu{suffix}"]
    return (*names, f"pool{block}")


def _convolution(weight: Tensor, bias: Tensor) -> Conv2d:
    outputs, inputs = weight.shape[:2]
    layer = Conv2d(inputs, outputs, kernel_size=3, padding=1, device="meta")
    layer.weight = nn.Parameter(weight.float().contiguous(), requires_grad=False)
    layer.bias = nn.Parameter(bias.float(), requires_grad=False)
    return layer

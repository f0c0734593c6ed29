"""AdaIN's encoder, which is VGG-19 up to a layer, and the decoder that mirrors it (arXiv 1703.06868, Sec. 5.1).

Both pad by reflection, which leaves no border in the image.
"""

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from imgxlate.checkpoint import Checkpoint
from imgxlate.nn import Activation
from imgxlate.nn.blocks import ConvBlock
from imgxlate.nn.moving_moments import moving
from imgxlate.nn.norms import EPSILON
from imgxlate.nn.precision import at_least_float32
from imgxlate.nn.stages import Affine, Local, Moments, Norm, Stage, pointwise
from imgxlate.nn.vgg import Convention
from imgxlate.nn.vgg_files import convention_of, convolutions_of

# Of VGG-19 (arXiv 1409.1556, Table 1, column E).
_CHANNELS = {"1": 64, "2": 128, "3": 256, "4": 512}  # of the convolutions of each block
_DEPTHS = {"1": 2, "2": 2, "3": 4, "4": 4}  # convolutions of each block

_MEAN_ACTIVATIONS = {"relu1_1": 21.0, "relu2_1": 106.0, "relu3_1": 96.0, "relu4_1": 383.0}  # of the photos in examples/


def convolutions_up_to(layer: str) -> list[str]:
    """The convolutions of VGG-19 up to `layer`, such as relu3_1: conv1_1, conv1_2, conv2_1, conv2_2, conv3_1."""
    names = [f"conv{block}_{index + 1}" for block, depth in _DEPTHS.items() for index in range(depth)]
    return names[: names.index(layer.replace("relu", "conv")) + 1]


def channels_of(name: str) -> int:
    """The channels of a layer of VGG-19, by its name, such as conv3_1 or relu3_1."""
    return _CHANNELS[name.removeprefix("conv").removeprefix("relu")[0]]


def stride_of(layer: str) -> int:
    """The pixels between two positions of `layer`, such as relu3_1."""
    return int(2 ** (int(layer.removeprefix("relu")[0]) - 1))


def minimum_side(layer: str) -> int:
    """The least height and width of an image: reflection needs two positions of the deepest layer."""
    return 2 * stride_of(layer)


def statistics(features: Tensor) -> Tensor:
    """Mean and deviation of each channel of (B, C, H, W) over its positions (Eqs. 5 and 6), together (B, 2 C)."""
    variance, mean = torch.var_mean(at_least_float32(features), (2, 3), correction=0)
    return torch.cat([mean, (variance + EPSILON).sqrt()], 1)


def adaptive_instance_norm(features: Tensor, style: Tensor) -> Tensor:
    """Give each channel of (B, C, H, W) the mean and deviation that `style` (B, 2 C) has for it (Eq. 8)."""
    if moments := moving(features):
        return normalizing_stage(style).affine(moments)(features)
    (mean, deviation), (style_mean, style_deviation) = (
        each[:, :, None, None].chunk(2, 1) for each in (statistics(features), style)
    )
    return (features - mean) / deviation * style_deviation + style_mean


class Encoder(nn.Module):
    """VGG-19 up to `layer`, such as relu4_1, with fixed weights from `checkpoint`.

    The features of each layer are divided by their mean over photographs, so that all layers have the same part in the
    losses.

    Raises:
        CheckpointError: the file holds no VGG-19.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, layer: str, checkpoint: Checkpoint) -> None:
        super().__init__()
        convolutions = convolutions_of(checkpoint)
        convention = convention_of(checkpoint, convolutions)
        channels = 3
        for name in convolutions_up_to(layer):
            weight, bias = convolutions[name]
            block = ConvBlock(channels, len(weight), 3)
            flipped = weight.flip(1) if channels == 3 and convention.channels == "BGR" else weight
            block.conv.load_state_dict({"weight": flipped.float(), "bias": bias.float()})
            self.add_module(name, block)
            channels = len(weight)
        self.requires_grad_(False)
        mean, scale = _input(convention)
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("scale", scale, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """The features of images (B, 3, H, W) in [-1, 1] at the last layer: (B, C, H', W')."""
        return self.features(images)[-1]

    def features(self, images: Tensor) -> list[Tensor]:
        """The features at the first layer of each block: relu1_1, relu2_1 and so on, up to the last layer."""
        x, found = self._prepare(images), []
        for name, block in _blocks(self):
            x = block(functional.max_pool2d(x, 2) if _follows_pooling(name) else x)
            found += [_normalized(x, name)] if name.endswith("_1") else []
        return found

    def stages(self) -> list[Stage]:
        """The stages, for computing in bands."""
        stages: list[Stage] = [pointwise(self._prepare, 3)]
        channels = 3
        for name, block in _blocks(self):
            if _follows_pooling(name):
                stages.append(Local(lambda x: functional.max_pool2d(x, 2), channels, stride=2))
            stages += block.stages()
            channels = channels_of(name)
        return [*stages, pointwise(lambda x: _normalized(x, name), channels)]

    def _prepare(self, images: Tensor) -> Tensor:
        return (images - self.mean) * self.scale


class Decoder(nn.Module):
    """From features of `layer` to an image: the encoder's convolutions mirrored, under its names, without norms."""

    def __init__(self, layer: str) -> None:
        super().__init__()
        names = convolutions_up_to(layer)
        for name, before in pairwise([*reversed(names), "image"]):
            outputs = 3 if before == "image" else channels_of(before)
            activ: Activation = "none" if before == "image" else "relu"
            self.add_module(name, ConvBlock(channels_of(name), outputs, 3, activ=activ))

    def forward(self, features: Tensor) -> Tensor:
        """The image (B, 3, H, W), about in [-1, 1], of features (B, C, H', W')."""
        x = features
        for name, block in _blocks(self):
            x = block(x)
            if _follows_pooling(name):
                x = _double(x)
        return x

    def stages(self) -> list[Stage]:
        """The stages, for computing in bands."""
        stages: list[Stage] = []
        for name, block in _blocks(self):
            stages += block.stages()
            if _follows_pooling(name):
                stages.append(Local(_double, block.conv.out_channels, scale=2))
        return stages


def style_stages(encoder: Encoder, channels: int) -> list[Stage]:
    """The stages to features whose means are those of the encoder's features, and of their squares."""
    return [*encoder.stages(), pointwise(lambda x: torch.cat([x, x.square()], 1), 2 * channels)]


def style_of_means(means: Tensor) -> Tensor:
    """Mean and deviation of each channel (1, 2 C), from the means of values and of their squares (2 C,)."""
    mean, square = means.double().chunk(2)
    deviation = (square - mean.square()).clamp(min=0).add(EPSILON).sqrt()
    return torch.cat([mean, deviation])[None].float()


def normalizing_stage(style: Tensor) -> Norm:
    """`adaptive_instance_norm` with a style (1, 2 C), for computing in bands."""
    style_mean, style_deviation = style[0].chunk(2)

    def affine(moments: Moments) -> Affine:
        deviation = (moments.deviations / moments.count + EPSILON).sqrt()
        return Affine(moments.mean, style_deviation / deviation.to(style_deviation), style_mean)

    return Norm(affine)


def _normalized(features: Tensor, name: str) -> Tensor:
    """Features of a layer, by the name of its convolution, with a mean of about 1."""
    return features / _MEAN_ACTIVATIONS[name.replace("conv", "relu")]


def _blocks(network: nn.Module) -> Iterator[tuple[str, ConvBlock]]:
    """The convolutions of a network by name, in order."""
    return ((name, block) for name, block in network.named_children() if isinstance(block, ConvBlock))


def _follows_pooling(name: str) -> bool:
    """Whether a convolution of VGG-19 is the first after a pooling."""
    return name.endswith("_1") and name != "conv1_1"


def _double(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode="nearest")


def _input(convention: Convention) -> tuple[Tensor, Tensor]:
    """Mean and scale (1, 3, 1, 1), which turn colors in [-1, 1] into the encoder's input: (color - mean) * scale."""
    mean, deviation = (torch.tensor(each).view(1, 3, 1, 1) for each in (convention.mean, convention.deviation))
    return mean / 127.5 - 1, 127.5 / deviation

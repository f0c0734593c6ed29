"""Shared by CycleGAN and CUT: their generators in files and on devices, and the checks before they are trained."""

import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.data.config import DataConfig
from imgxlate.errors import UsageError
from imgxlate.methods.file_kinds import refusal
from imgxlate.methods.original_files import require_original
from imgxlate.methods.protocol import Graph, image_axes
from imgxlate.methods.shared.checkpoints import count, size, visible_norm
from imgxlate.methods.shared.crop import require_crop
from imgxlate.methods.shared.layers import MAX_BLOCKS, Layer, width_of_stem
from imgxlate.methods.spec import OTHER, Domain
from imgxlate.methods.tensor_names import networks_in
from imgxlate.nn.convolution import set_compute_dtype
from imgxlate.nn.resnet import ResnetGenerator
from imgxlate.nn.unet import UnetGenerator

MAX_DOWNSAMPLING = 8  # how often a generator may halve height and width

ORIGINAL_BLOCKS = (9, 6)
"""The numbers of residual blocks that `--netG` of the originals can name."""

_BLOCK = re.compile(r"model\.(\d+)\.conv_block\.")
_FILTER = re.compile(r"model\.(\d+)\.filt$")

# The last residual blocks that may compute in bfloat16: the error in the image stays within two gray levels. Rounding
# in earlier blocks is amplified.
_BF16_BLOCKS = 1


def generators_in(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """The generators in a file, by the prefixes of their tensors' names."""
    networks = networks_in(tensors, "model.1.weight")
    return {prefix: network for prefix, network in networks.items() if any(map(_BLOCK.match, network))}


def filters(tensors: Mapping[str, Tensor]) -> list[int]:
    """The indices of the layers of a generator that blur."""
    return [int(found[1]) for found in map(_FILTER.match, tensors) if found]


def first_block(tensors: Mapping[str, Tensor]) -> int:
    """The index of a generator's first residual block."""
    return min(int(found[1]) for found in map(_BLOCK.match, tensors) if found)


def sizes(layers: Sequence[Layer]) -> dict[str, Any]:
    """The fields of the configuration that layers show by their shapes, whatever their names: for a `Design`."""
    shapes = Counter(layer.shape for layer in layers if layer.stream == "convolution")
    norms = [layer for layer in layers if layer.stream == "norm"]
    first = next(layer for layer in layers if layer.shape in shapes)
    ngf = width_of_stem(shapes, lambda width: (2 * width, width, 3, 3))
    widths = [ngf * 2**step for step in range(MAX_DOWNSAMPLING)]
    halved = itertools.takewhile(lambda width: (2 * width, width, 3, 3) in shapes, widths)
    n_downsampling = sum(1 for _ in halved) or 2
    width = ngf * 2**n_downsampling
    norm = "batch" if any(norm.has_statistics for norm in norms) else "instance_affine" if norms else "instance"
    return {
        "ngf": ngf,
        "n_blocks": min(max(shapes[(width, width, 3, 3)] // 2, 1), MAX_BLOCKS),
        "n_downsampling": n_downsampling,
        "norm": norm,
        "bias": not norms or "bias" in first.names,
    }


def architecture(checkpoint: Checkpoint, tensors: Mapping[str, Tensor], method: str, source: Domain) -> dict[str, Any]:
    """The fields of the configuration that the tensors of a generator show, but for those of its sampling.

    The generator takes images of `source`.

    Raises:
        CheckpointError: `tensors` are not those of a generator of `method`.
    """
    bias = "model.1.bias" in tensors
    norm = visible_norm(tensors, "model.2")
    if not bias and not norm:
        norm = {"norm": "none"}  # The originals give a bias to convolutions that an instance norm follows.
    first = first_block(tensors)
    layers = 4 if any(index < first for index in filters(tensors)) else 3  # for each downsampling
    n_downsampling = (first - 4) // layers
    if first != 4 + layers * n_downsampling or not 1 <= n_downsampling <= MAX_DOWNSAMPLING:
        raise refusal(checkpoint, method)
    return {
        **channels(checkpoint, tensors, source),
        "ngf": size(tensors, "model.1.weight", 0, checkpoint.path),
        "n_blocks": count(tensors, "model.{}.conv_block.1.weight", first),
        "n_downsampling": n_downsampling,
        "bias": bias,
        "dropout": f"model.{first}.conv_block.5.weight" not in tensors,
        **norm,
    }


def channels(checkpoint: Checkpoint, tensors: Mapping[str, Tensor], source: Domain) -> dict[str, int]:
    """The channels of images, as fields of the configuration, from a generator that takes images of `source`.

    Raises:
        CheckpointError: a tensor is missing.
    """
    last = max((name for name in tensors if name.endswith(".weight")), key=_layer)
    return {
        f"channels_{source.lower()}": size(tensors, "model.1.weight", 1, checkpoint.path),
        f"channels_{OTHER[source].lower()}": size(tensors, last, 0, checkpoint.path),
    }


def _layer(name: str) -> int:
    """The index of the layer that a tensor belongs to; -1 for other names."""
    found = re.match(r"model\.(\d+)\.", name)
    return int(found[1]) if found else -1


def require_original_norm(config: Any) -> None:
    """Check that the original has generators with such norms: it gives convolutions a bias before instance norms only.

    Raises:
        UsageError: it has none.
    """
    require_original(config, norm=("instance", "batch", "none"), bias=(config.norm == "instance",))


def step_label(step: int | None) -> str:
    """The beginning of the originals' file names after `step` steps of training, if that is known."""
    return "latest" if step is None else f"iter_{step}"


def graph(target: Domain, generator: ResnetGenerator | UnetGenerator, channels: int) -> Graph:
    """The graph of a generator that makes images of `target`, from images of so many channels."""
    source = OTHER[target]
    return Graph(
        name=f"{source.lower()}2{target.lower()}",
        does=f"image of {source} to image of {target}",
        module=generator,
        inputs={"image": image_axes(channels)},
        output="translated",
        multiples=dict.fromkeys(("height", "width"), generator.stride),
    )


def place(generator: ResnetGenerator, device: torch.device, dtype: torch.dtype) -> None:
    """Move a generator to `device`; its last residual block multiplies in `dtype`, all else in float32."""
    generator.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    for block in generator.residual_blocks[-_BF16_BLOCKS:]:
        set_compute_dtype(block, dtype)


def require_trainable(title: str, gen: Any, n_layers: int, data: DataConfig) -> None:
    """Check combinations of options of the method with that title; `n_layers` is the depth of the discriminator.

    Raises:
        UsageError: a generator cannot be trained with these options, or the crop does not suit a network.
    """
    if gen.norm == "batch":
        raise UsageError(
            "gen.norm = 'batch' cannot be trained: images of a batch would depend on each other",
            hint="Leave gen.norm at 'instance', which all published models have.",
        )
    if gen.norm == "instance" and not gen.bias:
        raise UsageError(
            "gen.bias = false cannot be trained with gen.norm = 'instance': the model's weights would look like those "
            "of one without norms, and could not be loaded again",
            hint="Type `--set gen.bias=true`, as the original has it.",
        )
    if gen.dropout:
        raise UsageError(
            "gen.dropout cannot be trained: results would depend on the device and on the number of processes",
            hint=f"Leave it out; the original trains {title} without (--no_dropout).",
        )
    stride = 2**gen.n_downsampling
    # The discriminator needs 2 x 2 positions before its last layer.
    least = max(2 * stride, 3 * 2**n_layers)
    require_crop(data, f"{title} with n_layers = {n_layers}", least=least, multiple=stride)

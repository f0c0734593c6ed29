"""U-Net generators in files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from imgxlate.methods.shared.checkpoints import size, visible_norm
from imgxlate.methods.shared.layers import Layer
from imgxlate.methods.spec import OTHER, Domain

FIRST = "model.model.0.weight"
"""The name of the first convolution's weight."""

_DEEPEST = 8  # how often a generator may halve height and width
_LAST = "model.model.3.weight"  # of the transposed convolution that makes the image
_INSIDE = "model.model.1"  # the block inside the outermost one


def sizes(layers: Sequence[Layer]) -> dict[str, Any]:
    """The fields of the configuration that layers show by their shapes, whatever their names: for a `Design`."""
    convolutions = [layer for layer in layers if layer.stream == "convolution"]
    norms = [layer for layer in layers if layer.stream == "norm"]
    norm = "batch" if any(norm.has_statistics for norm in norms) else "instance_affine" if norms else "instance"
    shapes = {layer.shape for layer in convolutions}
    # The first convolution widens the image, and the second one doubles the channels.
    stems = [width for width, channels, *_ in shapes if channels < width and (2 * width, width, 4, 4) in shapes]
    return {
        "ngf": max(min(stems, default=convolutions[0].shape[0]), 1),
        "n_downsampling": max(min(len(convolutions) // 2, _DEEPEST), 2),
        "norm": norm,
        "bias": not norms or sum("bias" in layer.names for layer in convolutions) > 1,
    }


def architecture(tensors: Mapping[str, Tensor], path: Path, source: Domain) -> dict[str, Any]:
    """The fields of the configuration that the tensors of a generator show, which takes images of `source`."""
    blocks = (f"{_INSIDE}{'.model.3' * depth}.model.1.weight" for depth in range(_DEEPEST))
    norm = visible_norm(tensors, f"{_INSIDE}.model.2")
    bias = f"{_INSIDE}.model.1.bias" in tensors
    return {
        f"channels_{source.lower()}": size(tensors, FIRST, 1, path),
        f"channels_{OTHER[source].lower()}": size(tensors, _LAST, 1, path),
        "ngf": size(tensors, FIRST, 0, path),
        "n_downsampling": 1 + sum(1 for name in blocks if name in tensors),
        "bias": bias,
        **(norm or ({} if bias else {"norm": "none"})),
    }

"""Reads VGG networks from files: the bundled one, Caffe conversions, torchvision's.

All hold the same convolutions under different names. The names do not show how pixels must be prepared. With the wrong
convention every image comes out poorly without an error, so `convention_of` infers it or refuses the file.
"""

import re
from collections.abc import Collection, Mapping

import torch
from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.errors import CheckpointError
from imgxlate.nn.vgg import CONVENTIONS, Convention, Pooling, Vgg

Convolutions = Mapping[str, tuple[Tensor, Tensor]]
"""Weight (O, I, 3, 3) and bias (O,) by name, convB_I, in order."""

# Published files carry the beginning of their sha256 in their names.
_PUBLISHED = {
    "d01eb7cb": "caffe",  # VGG-19 converted by J. Johnson
    "74e45263": "caffe",  # VGG-19 of pystiche
    "00b39a1b": "caffe",  # VGG-16 converted by J. Johnson
    "781be684": "caffe",  # VGG-16 of pystiche
    "88682ab5": "caffe-rgb",  # VGG-16 of torchvision, "features"
    "dcbb9e9d": "torchvision",  # VGG-19
    "397923af": "torchvision",  # VGG-16
}

# Bias over norm of the first filters of Simonyan and Zisserman's VGG-19. Normalizing the network does not change it.
_ORIGINAL_VGG19 = (0.4839, 0.1370, 0.0658, 0.5587, 0.2726, 0.6368)
_QUANTIZATION_ERROR = 0.005  # of those ratios in an 8-bit file
_BLUE_YELLOW_FILTER = 1  # It weighs blue up and red down, so it tells BGR from RGB.

_CONVOLUTION = re.compile(r"conv(\d)_(\d)")
_SEQUENTIAL = re.compile(r"(?:.*\.)?features\.(\d+)\.weight|(\d+)\.weight")


def load(
    checkpoint: Checkpoint, *, pooling: Pooling = "max", omitted: Collection[str] = (), convention: str | None = None
) -> Vgg:
    """The network in `checkpoint`; `convention`, one of `CONVENTIONS`, overrules the file.

    Raises:
        CheckpointError: the file holds no VGG network, or its convention is unknown.
    """
    convolutions = convolutions_of(checkpoint)
    chosen = CONVENTIONS[convention] if convention else convention_of(checkpoint, convolutions)
    return Vgg(convolutions, chosen, pooling, omitted)


def convolutions_of(checkpoint: Checkpoint) -> Convolutions:
    """The convolutions in `checkpoint`, under any of the known names.

    Raises:
        CheckpointError: the file holds no VGG network; says why.
    """
    tensors = checkpoint.tensors
    if any(key.endswith("running_mean") for key in tensors):
        raise _not_vgg(checkpoint, "it has batch normalization, which no published style transfer uses")
    keys = _named_keys(tensors) or _sequential_keys(checkpoint)
    convolutions = {name: (_weight(checkpoint, key), tensors.get(f"{key}.bias", torch.empty(0))) for name, key in keys}
    _check_shapes(checkpoint, convolutions)
    return convolutions


def convention_of(checkpoint: Checkpoint, convolutions: Convolutions) -> Convention:
    """How pixels must be prepared for the weights in `checkpoint`.

    The sources, in this order, are the header of our own files, the hash in a published file's name, the weights if
    they are the original VGG-19's, and the classifier: a VGG-19 with torchvision's classifier that is not the original
    is torchvision's.

    Raises:
        CheckpointError: none of them shows it.
    """
    if checkpoint.header.get("convention") in CONVENTIONS:
        return CONVENTIONS[checkpoint.header["convention"]]
    for prefix, name in _PUBLISHED.items():
        if prefix in checkpoint.path.name:
            return CONVENTIONS[name]
    if _is_original_vgg19(convolutions):
        return CONVENTIONS["caffe" if _expects_blue_first(convolutions) else "caffe-rgb"]
    if len(convolutions) == 16 and "classifier.0.weight" in checkpoint.tensors:
        return CONVENTIONS["torchvision"]
    raise CheckpointError(
        f"{checkpoint.path}: it is unknown how pixels must be prepared for these VGG weights",
        hint="Set `convention`: caffe for the original weights (B, G, R in gray levels), "
        "torchvision for weights trained with torchvision (R, G, B, normalized).",
    )


def _named_keys(tensors: Mapping[str, Tensor]) -> list[tuple[str, str]]:
    names = {key.rpartition(".")[0] for key in tensors}
    return sorted((name, name) for name in names if _CONVOLUTION.fullmatch(name))


def _sequential_keys(checkpoint: Checkpoint) -> list[tuple[str, str]]:
    """Names for numbered layers: a convolution and its ReLU take two numbers, a pooling one more."""
    matches = {key: _SEQUENTIAL.fullmatch(key) for key in checkpoint.tensors}
    numbered = sorted((int(match[1] or match[2]), key) for key, match in matches.items() if match)
    named: list[tuple[str, str]] = []
    block, index, previous = 1, 0, -2
    for number, key in numbered:
        if number - previous not in (2, 3):
            raise _not_vgg(checkpoint, f"layer {number} follows layer {previous}")
        block, index = (block + 1, 1) if number - previous == 3 else (block, index + 1)
        named.append((f"conv{block}_{index}", key.removesuffix(".weight")))
        previous = number
    return named


def _weight(checkpoint: Checkpoint, key: str) -> Tensor:
    table, indices = (checkpoint.tensors.get(f"{key}.{part}") for part in ("table", "indices"))
    if table is None:
        return checkpoint.tensors.get(f"{key}.weight", torch.empty(0))
    # 8 bits a weight: indices into a table of 256
    if indices is None or indices.dtype != torch.uint8 or not indices.numel():
        raise _not_vgg(checkpoint, f"{key} has a table of weights, and no indices into it in 8 bits")
    if table.ndim != 1 or int(indices.max()) >= len(table):
        raise _not_vgg(checkpoint, f"{key} has indices beyond its table of weights, {tuple(table.shape)}")
    return table[indices.long()]


def _check_shapes(checkpoint: Checkpoint, convolutions: Convolutions) -> None:
    if "conv1_1" not in convolutions:
        raise _not_vgg(checkpoint, "it has neither conv1_1 nor features.0")
    inputs = 3
    for name, (weight, bias) in convolutions.items():
        if not (weight.is_floating_point() and bias.is_floating_point()):
            raise _not_vgg(checkpoint, f"{name} has whole numbers for weights")
        if weight.ndim != 4 or weight.shape[1:] != (inputs, 3, 3) or bias.shape != weight.shape[:1]:
            shapes = f"weight {tuple(weight.shape)} and bias {tuple(bias.shape)}"
            raise _not_vgg(checkpoint, f"{name} has {shapes} where (outputs, {inputs}, 3, 3) is expected")
        inputs = weight.shape[0]


def _is_original_vgg19(convolutions: Convolutions) -> bool:
    weight, bias = convolutions["conv1_1"]
    ratios = (bias / weight.flatten(1).norm(dim=1))[: len(_ORIGINAL_VGG19)]
    if ratios.shape[0] < len(_ORIGINAL_VGG19):
        return False
    return torch.allclose(ratios.float(), torch.tensor(_ORIGINAL_VGG19), rtol=0, atol=_QUANTIZATION_ERROR)


def _expects_blue_first(convolutions: Convolutions) -> bool:
    opponent = convolutions["conv1_1"][0][_BLUE_YELLOW_FILTER].sum(dim=(1, 2))
    return bool(opponent[0] > opponent[2])


def _not_vgg(checkpoint: Checkpoint, reason: str) -> CheckpointError:
    return CheckpointError(
        f"{checkpoint.path}: is not a supported VGG network: {reason}",
        hint="Give a VGG-16 or VGG-19, such as torchvision's vgg19-dcbb9e9d.pth, or leave it out: VGG-19 is built in.",
    )

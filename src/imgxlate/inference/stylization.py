"""Neural style: from pictures to a stylizer's tensors and back."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from imgxlate import checkpoint
from imgxlate.errors import UsageError
from imgxlate.images.image_array import ImageArray
from imgxlate.images.tensors import from_tensor, to_tensor
from imgxlate.inference.device import require_exact
from imgxlate.methods import registry
from imgxlate.methods.protocol import Iterate, Stylizer
from imgxlate.methods.spec import MethodConfig, MethodSpec


def load_stylizer(
    spec: MethodSpec, config: MethodConfig, features: Path, device: torch.device, dtype: torch.dtype
) -> Stylizer:
    """Build the method's stylizer over the feature network in the file `features`, and place it.

    Raises:
        CheckpointError: the file is damaged or holds no such network.
        UsageError: `config` asks for what the network lacks.
    """
    stylizer = registry.implementation(spec).from_features(config, checkpoint.read(features))
    if not isinstance(stylizer, Stylizer):
        raise UsageError(f"{spec.implementation} is no stylizer", hint=f"The plug-in {spec.name} has a bug.")
    require_exact(device, dtype)
    stylizer.place(device, dtype)
    return stylizer


def stylize(
    stylizer: Stylizer, content: ImageArray, styles: Sequence[ImageArray], init: ImageArray | None, seed: int
) -> Iterator[Iterate]:
    """Optimise, yielding after each iteration; `painted` turns an iterate into a picture."""
    pictures = [to_tensor(style.rgb) for style in styles]
    return stylizer.stylize(to_tensor(content.rgb), pictures, to_tensor(init.rgb) if init else None, seed)


def painted(content: ImageArray, iterate: Iterate) -> ImageArray:
    """The picture that an iterate stands at, with the content's alpha at its size."""
    return content.repainted(from_tensor(iterate.image().float().cpu()))

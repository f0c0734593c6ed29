"""What the files of MUNIT and UNIT have in common: an auto-encoder for each domain, with the same kind of encoder."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from imgxlate.checkpoint import Checkpoint
from imgxlate.errors import CheckpointError
from imgxlate.methods import originals
from imgxlate.methods.assembly import count, size, visible_norm
from imgxlate.methods.spec import Domain
from imgxlate.nn.autoencoder import Decoder
from imgxlate.nn.blocks import set_compute_dtype

# How many of a decoder's last residual blocks bear bfloat16 within two grey levels. What is rounded earlier grows.
_ROUNDED_BLOCKS = 2


def both_domains(checkpoint: Checkpoint, method: str, anchor: str) -> dict[Domain, dict[str, Tensor]]:
    """The tensors of each domain's auto-encoder, which has a tensor named `anchor`.

    Raises:
        CheckpointError: the file holds something else, or one domain only.
    """
    networks = originals.groups(checkpoint.tensors, anchor)
    if not networks or checkpoint.header.get("method", method) != method:
        raise originals.refusal(checkpoint, method)
    domains = originals.by_domain(checkpoint, networks)
    if len(domains) != 2:
        raise CheckpointError(
            f"{checkpoint.path}: holds the network of one domain only; {method} encodes with one and decodes with the "
            "other",
            hint="Give the file with both, gen_*.pt; or join two: "
            "torch.save({'a': torch.load(FILE_A), 'b': torch.load(FILE_B)}, 'gen.pt').",
        )
    return domains


def seen_in_encoder(checkpoint: Checkpoint, tensors: Mapping[str, Tensor], encoder: str) -> dict[str, Any]:
    """What the tensors under the name `encoder` show of the architecture, by the fields of the configuration.

    Raises:
        CheckpointError: a tensor is missing.
    """
    path = checkpoint.path
    n_downsample = count(tensors, f"{encoder}.model.{{}}.conv.weight") - 1
    blocks = f"{encoder}.model.{n_downsample + 1}.model.{{}}.model.0.conv.weight"
    size(tensors, blocks.format(0), 0, path)  # One residual block at least.
    learned = any(name.endswith(".activation.weight") for name in tensors)
    return {
        "dim": size(tensors, f"{encoder}.model.0.conv.weight", 0, path),
        "n_downsample": n_downsample,
        "n_res": count(tensors, blocks),
        **visible_norm(tensors, f"{encoder}.model.0.norm"),
        **({"activ": "prelu"} if learned else {}),
    }


def stored(generators: Mapping[Domain, nn.Module]) -> dict[str, Tensor]:
    """The weights under the originals' keys: those of A behind `a.`, those of B behind `b.`."""
    return {
        f"{domain.lower()}.{name}": tensor
        for domain, generator in generators.items()
        for name, tensor in generator.state_dict().items()
    }


def place(generators: Mapping[Domain, nn.Module], device: torch.device, dtype: torch.dtype) -> None:
    """Move the generators to `device`; the decoders' last blocks multiply in `dtype`, all else in float32."""
    for generator in generators.values():
        generator.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        for decoder in (part for part in generator.modules() if isinstance(part, Decoder)):
            for block in decoder.residual_blocks[-_ROUNDED_BLOCKS:]:
                set_compute_dtype(block, dtype)


def original_files(generators: Mapping[Domain, nn.Module], step: int | None) -> dict[str, dict[str, dict[str, Tensor]]]:
    """The originals' file, {'a': ..., 'b': ...}, by the name that they give it after `step` steps."""
    name = "gen.pt" if step is None else f"gen_{step:08d}.pt"
    return {name: {domain.lower(): generator.state_dict() for domain, generator in sorted(generators.items())}}

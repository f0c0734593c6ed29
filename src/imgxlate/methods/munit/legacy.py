"""Loads MUNIT's networks: from the original's `gen_*.pt`, from re-saved variants of it, and from ours."""

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.methods.assembly import configure, fill, section, size
from imgxlate.methods.autoencoders import both_domains, seen_in_encoder
from imgxlate.methods.munit.config import MunitConfig
from imgxlate.methods.munit.networks import STYLE_DOWNSAMPLE, Generator
from imgxlate.methods.spec import Domain

_ADAPTIVE_CONV = re.compile(r"(dec\.model\.0\.model\.\d+\.model\.\d+)\.conv\.weight")


def load(checkpoint: Checkpoint, options: Mapping[str, Any]) -> tuple[MunitConfig, dict[Domain, Generator]]:
    """The architecture, and the generator of each domain; `options` is the original's yaml, or empty.

    Raises:
        CheckpointError: the file holds something else, one domain only, or contradicts `options`.
        UsageError: `options` is no configuration of MUNIT's.
    """
    weights = both_domains(checkpoint, "munit", "enc_content.model.0.conv.weight")
    config = configure(MunitConfig, _seen(checkpoint, weights["A"]), section(options, "gen"), checkpoint)
    return config, {
        domain: _build(config, tensors, f"{checkpoint.path}, domain {domain}") for domain, tensors in weights.items()
    }


def _seen(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    return {
        **seen_in_encoder(checkpoint, tensors, "enc_content"),
        "style_dim": size(tensors, f"enc_style.model.{STYLE_DOWNSAMPLE + 2}.weight", 0, checkpoint.path),
        "mlp_dim": size(tensors, "mlp.model.0.fc.weight", 0, checkpoint.path),
    }


def _build(config: MunitConfig, tensors: Mapping[str, Tensor], origin: str) -> Generator:
    with torch.device("meta"):
        network = Generator(config)
    return fill(network, {**_unused_statistics(tensors), **tensors}, origin)


def _unused_statistics(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The buffers of the adaptive norms, for files that were saved without them: nothing reads them."""
    buffers = {}
    for name, tensor in tensors.items():
        if found := _ADAPTIVE_CONV.fullmatch(name):
            buffers[f"{found[1]}.norm.running_mean"] = torch.zeros(tensor.shape[0])
            buffers[f"{found[1]}.norm.running_var"] = torch.ones(tensor.shape[0])
    return buffers

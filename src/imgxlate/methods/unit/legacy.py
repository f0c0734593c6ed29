"""Loads UNIT's networks: from the later release's `gen_*.pt`, from re-saved variants of it, and from ours."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.methods.assembly import configure, fill, section
from imgxlate.methods.autoencoders import both_domains, seen_in_encoder
from imgxlate.methods.spec import Domain
from imgxlate.methods.unit.config import UnitConfig
from imgxlate.methods.unit.networks import Generator

_OF_MUNIT = ("style_dim", "mlp_dim")  # Some of the original's yaml files have them; UNIT's code reads neither.


def load(checkpoint: Checkpoint, options: Mapping[str, Any]) -> tuple[UnitConfig, dict[Domain, Generator]]:
    """The architecture, and the generator of each domain; `options` is the original's yaml, or empty.

    Raises:
        CheckpointError: the file holds something else, one domain only, or contradicts `options`.
        UsageError: `options` is no configuration of UNIT's.
    """
    weights = both_domains(checkpoint, "unit", "enc.model.0.conv.weight")
    stated = {key: value for key, value in section(options, "gen").items() if key not in _OF_MUNIT}
    config = configure(UnitConfig, seen_in_encoder(checkpoint, weights["A"], "enc"), stated, checkpoint)
    return config, {
        domain: _build(config, tensors, f"{checkpoint.path}, domain {domain}") for domain, tensors in weights.items()
    }


def _build(config: UnitConfig, tensors: Mapping[str, Tensor], origin: str) -> Generator:
    with torch.device("meta"):
        network = Generator(config)
    return fill(network, tensors, origin)

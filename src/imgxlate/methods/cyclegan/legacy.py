"""Loads CycleGAN's generators: from the original's `*_net_G*.pth`, from files that hold both directions, and ours.

The generator that is named G_A takes images of A and gives images of B.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from imgxlate import checkpoint as checkpoints
from imgxlate.checkpoint import Checkpoint
from imgxlate.errors import CheckpointError
from imgxlate.methods import originals
from imgxlate.methods.assembly import configure, count, fill, size, visible_norm
from imgxlate.methods.cyclegan.config import CycleganConfig
from imgxlate.methods.cyclegan.networks import Generator, first_block
from imgxlate.methods.cyclegan.options import blocks
from imgxlate.methods.spec import Domain

_BLOCK = re.compile(r"model\.(\d+)\.conv_block\.")
_HALVINGS = 8  # ... of the sides, at most, before the residual blocks


def load(checkpoint: Checkpoint, options: Mapping[str, Any]) -> tuple[CycleganConfig, dict[Domain, Generator]]:
    """The architecture, and the generators by the domain that they take; of a file with one, its own comes first.

    A file with one generator, named after its direction, is completed by the one that lies beside it. `options` are the
    original's training options, or empty.

    Raises:
        CheckpointError: the file, or the one beside it, holds something else, or contradicts `options`.
        UsageError: `options` are no options of CycleGAN's.
    """
    weights = _generators(checkpoint)
    config = configure(CycleganConfig, _seen(checkpoint, next(iter(weights.values()))), _stated(options), checkpoint)
    generators = {domain: _build(config, tensors, checkpoint.path) for domain, tensors in weights.items()}
    beside = originals.opposite(checkpoint.path)
    if len(generators) == 1 and beside is not None and beside.is_file():
        generators |= {domain: _build(config, tensors, beside) for domain, tensors in _beside(beside).items()}
    return config, generators


def _generators(checkpoint: Checkpoint) -> dict[Domain, dict[str, Tensor]]:
    """The tensors of each generator, by the domain that it takes: A where no name tells."""
    networks = {
        prefix: tensors
        for prefix, tensors in originals.groups(checkpoint.tensors, "model.1.weight").items()
        if any(map(_BLOCK.match, tensors))
    }
    if not networks or checkpoint.header.get("method", "cyclegan") != "cyclegan":
        raise originals.refusal(checkpoint, "cyclegan")
    named = originals.by_domain(checkpoint, networks)
    if named:
        first = "B" if checkpoint.header.get("target") == "A" else "A"
        return dict(sorted(named.items(), key=lambda item: item[0] != first))
    if len(networks) > 1:
        raise CheckpointError(
            f"{checkpoint.path}: holds several generators, and their names say no direction: {', '.join(networks)}",
            hint="Save them as {'G_A': ..., 'G_B': ...}, where G_A turns A into B.",
        )
    return {originals.domain_in_file_name(checkpoint.path) or "A": next(iter(networks.values()))}


def _beside(path: Path) -> dict[Domain, dict[str, Tensor]]:
    try:
        return _generators(checkpoints.read(path))
    except CheckpointError as error:
        hint = "By its name it is the generator of the other direction: put it right, or move it away."
        raise CheckpointError(str(error), hint=hint) from error


def _seen(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    bias = "model.1.bias" in tensors
    norm = visible_norm(tensors, "model.2")
    if not bias and not norm:
        norm = {"norm": "none"}  # The original gives a bias to what an instance norm follows.
    first = min(int(found[1]) for found in map(_BLOCK.match, tensors) if found)
    halvings = next((n for n in range(1, _HALVINGS + 1) if first_block(n) == first), None)
    if halvings is None:
        raise originals.refusal(checkpoint, "cyclegan")
    n_blocks = count(tensors, "model.{}.conv_block.1.weight", first)
    folded = f"model.{first + n_blocks}.conv.weight" in tensors
    return {
        "ngf": size(tensors, "model.1.weight", 0, checkpoint.path),
        "n_blocks": n_blocks,
        "n_downsampling": halvings,
        "upsampling": "nearest" if folded else "transposed",
        "bias": bias,
        "dropout": f"model.{first}.conv_block.5.weight" not in tensors,
        **norm,
    }


def _stated(options: Mapping[str, Any]) -> dict[str, Any]:
    stated = {key: options[key] for key in ("ngf", "norm") if key in options}
    if "netG" in options:
        stated["n_blocks"] = blocks(options["netG"])
    if isinstance(options.get("no_dropout"), bool):
        stated["dropout"] = not options["no_dropout"]
    return stated


def _build(config: CycleganConfig, tensors: Mapping[str, Tensor], origin: Path) -> Generator:
    with torch.device("meta"):
        network = Generator(config)
    return fill(network, tensors, str(origin))

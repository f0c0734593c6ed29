"""CycleGAN's generators in files: the original's `*_net_G*.pth`, files with both directions, ours, and ONNX graphs.

The generator named G_A takes images of A and makes images of B.
"""

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from imgxlate import checkpoint as checkpoints
from imgxlate.checkpoint import Checkpoint
from imgxlate.errors import CheckpointError, UsageError
from imgxlate.methods.cyclegan.config import CycleganConfig, blocks
from imgxlate.methods.cyclegan.networks import Generator, first_block, stride
from imgxlate.methods.file_kinds import refusal
from imgxlate.methods.original_files import domain_in_file_name, opposite
from imgxlate.methods.protocol import IMAGE_AXES, Graph
from imgxlate.methods.shared.checkpoints import (
    build,
    by_domain,
    configure,
    count,
    networks_in,
    size,
    visible_norm,
)
from imgxlate.methods.spec import OTHER, Domain

_BLOCK = re.compile(r"model\.(\d+)\.conv_block\.")
_MAX_DOWNSAMPLING = 8  # before the residual blocks


def load(checkpoint: Checkpoint, options: Mapping[str, Any]) -> tuple[CycleganConfig, dict[Domain, Generator]]:
    """The architecture, and the generators by the domain whose images they take; the default direction comes first.

    A file with one generator, named after its direction, is completed by the file of the other direction beside it.
    `options` are the original's training options, or empty.

    Raises:
        CheckpointError: the file, or the one beside it, holds another network, or contradicts `options`.
        UsageError: `options` are no options of CycleGAN's.
    """
    weights = _generators(checkpoint)
    seen = _architecture(checkpoint, next(iter(weights.values())))
    config = configure(CycleganConfig, seen, _stated(options), checkpoint)
    make = partial(Generator, config)
    generators = {domain: build(make, tensors, str(checkpoint.path)) for domain, tensors in weights.items()}
    beside = opposite(checkpoint.path)
    if len(generators) == 1 and beside is not None and beside.is_file():
        other = _generators_beside(beside)
        generators |= {domain: build(make, tensors, str(beside)) for domain, tensors in other.items()}
    return config, generators


def original_files(generators: Mapping[Domain, Generator], step: int | None) -> dict[str, dict[str, Tensor]]:
    """The original's file for each of the generators, which are by the domain whose images they make.

    Raises:
        UsageError: the original has no such generators.
    """
    for generator in generators.values():
        _require_original(generator.config)
    label = "latest" if step is None else f"iter_{step}"
    return {
        f"{label}_net_G_{OTHER[target]}.pth": generator.state_dict()
        for target, generator in sorted(generators.items(), reverse=True)
    }


def graphs(generators: Mapping[Domain, Generator]) -> list[Graph]:
    """A graph for each of the generators, which are by the domain whose images they make."""
    return [
        Graph(
            name=f"{OTHER[target].lower()}2{target.lower()}",
            does=f"image of {OTHER[target]} to image of {target}",
            module=generator,
            inputs={"image": IMAGE_AXES},
            output="translated",
            multiples=dict.fromkeys(("height", "width"), stride(generator.config)),
        )
        for target, generator in generators.items()
    ]


def _generators(checkpoint: Checkpoint) -> dict[Domain, dict[str, Tensor]]:
    """The tensors of each generator, by the domain whose images it takes: A if no name shows it."""
    networks = {
        prefix: tensors
        for prefix, tensors in networks_in(checkpoint.tensors, "model.1.weight").items()
        if any(map(_BLOCK.match, tensors))
    }
    if not networks or checkpoint.header.get("method", "cyclegan") != "cyclegan":
        raise refusal(checkpoint, "cyclegan")
    named = by_domain(checkpoint, networks)
    if named:
        first = "B" if checkpoint.header.get("target") == "A" else "A"
        return dict(sorted(named.items(), key=lambda item: item[0] != first))
    if len(networks) > 1:
        raise CheckpointError(
            f"{checkpoint.path}: holds several generators, and their names show no direction: {', '.join(networks)}",
            hint="Save them as {'G_A': ..., 'G_B': ...}, where G_A turns A into B.",
        )
    return {domain_in_file_name(checkpoint.path) or "A": next(iter(networks.values()))}


def _generators_beside(path: Path) -> dict[Domain, dict[str, Tensor]]:
    try:
        return _generators(checkpoints.read(path))
    except CheckpointError as error:
        hint = "Its name is that of the generator of the other direction. Repair the file, or move it away."
        raise CheckpointError(str(error), hint=hint) from error


def _architecture(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """The fields of the configuration that the tensors show."""
    bias = "model.1.bias" in tensors
    norm = visible_norm(tensors, "model.2")
    if not bias and not norm:
        norm = {"norm": "none"}  # The original gives a bias to convolutions that an instance norm follows.
    first = min(int(found[1]) for found in map(_BLOCK.match, tensors) if found)
    n_downsampling = next((n for n in range(1, _MAX_DOWNSAMPLING + 1) if first_block(n) == first), None)
    if n_downsampling is None:
        raise refusal(checkpoint, "cyclegan")
    n_blocks = count(tensors, "model.{}.conv_block.1.weight", first)
    return {
        "ngf": size(tensors, "model.1.weight", 0, checkpoint.path),
        "n_blocks": n_blocks,
        "n_downsampling": n_downsampling,
        "upsampling": "nearest" if f"model.{first + n_blocks}.conv.weight" in tensors else "transposed",
        "bias": bias,
        "dropout": f"model.{first}.conv_block.5.weight" not in tensors,
        **norm,
    }


def _stated(options: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the configuration that the original's training options state."""
    stated = {key: options[key] for key in ("ngf", "norm") if key in options}
    if "netG" in options:
        stated["n_blocks"] = blocks(options["netG"])
    if isinstance(options.get("no_dropout"), bool):
        stated["dropout"] = not options["no_dropout"]
    return stated


def _require_original(config: CycleganConfig) -> None:
    original = CycleganConfig()
    for key in ("upsampling", "n_downsampling"):
        if getattr(config, key) != getattr(original, key):
            raise UsageError(
                f"the original has no generators with {key} = {getattr(config, key)}",
                hint=f"Type `--format onnx`, or train with `--set gen.{key}={getattr(original, key)}`.",
            )

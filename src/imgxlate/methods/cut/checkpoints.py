"""CUT's generator in files: the original's `*_net_G.pth`, wrapped ones, and ours."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.errors import CheckpointError
from imgxlate.methods.cut.config import OPTIONS, CutConfig
from imgxlate.methods.cut.networks import Generator
from imgxlate.methods.file_kinds import refusal
from imgxlate.methods.original_files import require_original
from imgxlate.methods.protocol import NetworkReading
from imgxlate.methods.shared import resnets
from imgxlate.methods.shared.checkpoints import build, configure
from imgxlate.methods.shared.layers import Layer, read_network
from imgxlate.methods.shared.structure import networks_by_structure
from imgxlate.methods.tensor_names import domain_in_file_name, domain_of, listed


def load(checkpoint: Checkpoint, options: Mapping[str, Any]) -> Generator:
    """The generator that `checkpoint` holds; `options` are the original's training options, or empty.

    Raises:
        CheckpointError: the file holds another network, or contradicts `options`.
        UsageError: `options` are no options of CUT's.
    """
    config, tensors = _read(checkpoint, options)
    return build(partial(Generator, config), tensors, str(checkpoint.path))


def networks(checkpoint: Checkpoint) -> list[NetworkReading]:
    """The generator that `checkpoint` holds, layer by layer.

    Raises:
        CheckpointError: it holds another network.
    """
    config, tensors = _read(checkpoint, {})
    with torch.device("meta"):
        network = Generator(config)
    return [read_network("generator of A to B", network, tensors, checkpoint)]


def original_files(generator: Generator, step: int | None) -> dict[str, dict[str, Tensor]]:
    """The original's file, by its name after `step` steps of training, if that is known.

    Raises:
        UsageError: the original has no such generator.
    """
    require_original(generator.config, n_downsampling=(2,), n_blocks=resnets.ORIGINAL_BLOCKS)
    resnets.require_original_norm(generator.config)
    return {f"{resnets.step_label(step)}_net_G.pth": generator.state_dict()}


def _read(checkpoint: Checkpoint, options: Mapping[str, Any]) -> tuple[CutConfig, dict[str, Tensor]]:
    """The architecture, and the tensors of the generator."""
    tensors = _generator(checkpoint)
    seen = _architecture(checkpoint, tensors)
    return configure(CutConfig, seen, OPTIONS.generator(options), checkpoint), tensors


def _generator(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """The tensors of the generator."""
    networks = resnets.generators_in(checkpoint.tensors) or networks_by_structure(
        checkpoint, _design, method="cut", title="CUT"
    )
    if checkpoint.header.get("method", "cut") != "cut":
        raise refusal(checkpoint, "cut")
    if len(networks) > 1:
        raise CheckpointError(
            f"{checkpoint.path}: holds several generators: {listed(networks)}",
            hint="CUT has one generator. Choose it by `--generator NAME`, or type `imgxlate translate cyclegan` for a "
            "model with one for each direction.",
        )
    [(prefix, tensors)] = networks.items()
    # Without anti-aliasing, the network is CycleGAN's. Names of CUT's files show no direction.
    directed = domain_of(prefix) or domain_in_file_name(checkpoint.path)
    if not resnets.filters(tensors) and not checkpoint.header and directed:
        raise refusal(checkpoint, "cut")
    return tensors


def _design(layers: Sequence[Layer]) -> Generator:
    """The generator that some layers of a file may be."""
    kernels = {layer.shape[2:] for layer in layers if layer.stream == "filter"}
    return Generator(CutConfig(**resnets.sizes(layers), antialias=(3, 3) in kernels, antialias_up=(4, 4) in kernels))


def _architecture(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """The fields of the configuration that the tensors show."""
    seen = resnets.architecture(checkpoint, tensors, "cut", "A")
    first, blurred = resnets.first_block(tensors), resnets.filters(tensors)
    return {
        **seen,
        "antialias": any(index < first for index in blurred),
        "antialias_up": any(index > first for index in blurred),
    }

"""CycleGAN's generators in files: the original's `*_net_G*.pth`, files with both directions, ours, and ONNX graphs.

The generator named G_A takes images of A and makes images of B.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from imgxlate import checkpoint as checkpoints
from imgxlate.checkpoint import Checkpoint
from imgxlate.errors import CheckpointError
from imgxlate.methods import tensor_names
from imgxlate.methods.cyclegan.config import OPTIONS, CycleganConfig
from imgxlate.methods.cyclegan.networks import AnyGenerator, Generator, Unet, make_generator
from imgxlate.methods.file_kinds import refusal
from imgxlate.methods.original_files import require_original
from imgxlate.methods.protocol import NetworkReading
from imgxlate.methods.shared import resnets, unets
from imgxlate.methods.shared.checkpoints import build, configure
from imgxlate.methods.shared.layers import Layer, read_network
from imgxlate.methods.shared.structure import networks_by_structure
from imgxlate.methods.spec import OTHER, Domain
from imgxlate.methods.tensor_names import by_domain, domain_in_file_name, listed, opposite
from imgxlate.nn import Upsampling

_UNET_DEPTHS = {"unet_128": 7, "unet_256": 8}  # how often each of the original's U-Nets halves height and width

_PAIRS = (("g", "f"), ("forward", "backward"), ("fwd", "bwd"))  # The paper calls the generators G and F.


def load(
    checkpoint: Checkpoint, options: Mapping[str, Any]
) -> tuple[CycleganConfig, dict[Domain, AnyGenerator], tuple[str, ...]]:
    """The architecture, the generators by the domain whose images they take, and notes for the user.

    The default direction comes first. A file with one generator, named after its direction, is completed by the file of
    the other direction beside it; if that is unusable, a note says so. `options` are the original's training options,
    or empty.

    Raises:
        CheckpointError: the file holds another network, or contradicts `options`.
        UsageError: `options` are no options of CycleGAN's.
    """
    config, weights = _read(checkpoint, options)
    notes = _notes(checkpoint, config)

    def built(domain: Domain, tensors: dict[str, Tensor], path: Path) -> AnyGenerator:
        return build(partial(make_generator, config, domain), tensors, str(path))

    generators = {domain: built(domain, tensors, checkpoint.path) for domain, tensors in weights.items()}
    beside = opposite(checkpoint.path)
    if len(generators) > 1 or beside is None or not beside.is_file():
        return config, generators, notes
    try:
        opened, _ = tensor_names.averaged(tensor_names.unwrapped(checkpoints.read(beside)))
        added = {domain: built(domain, tensors, beside) for domain, tensors in _generators(opened).items()}
    except CheckpointError as error:  # It may be half written, or of another network.
        return config, generators, (*notes, f"the generator of the other direction is left out: {error}")
    return config, generators | {domain: one for domain, one in added.items() if domain not in generators}, notes


def networks(checkpoint: Checkpoint) -> list[NetworkReading]:
    """The generators that `checkpoint` itself holds, layer by layer.

    Raises:
        CheckpointError: it holds another network.
    """
    config, weights = _read(checkpoint, {})
    with torch.device("meta"):
        generators = {domain: make_generator(config, domain) for domain in weights}
    return [
        read_network(f"generator of {domain} to {OTHER[domain]}", generator, weights[domain], checkpoint)
        for domain, generator in generators.items()
    ]


def original_files(generators: Mapping[Domain, AnyGenerator], step: int | None) -> dict[str, dict[str, Tensor]]:
    """The original's file for each of the generators, which are by the domain whose images they make.

    Raises:
        UsageError: the original has no such generators.
    """
    for config in (generator.config for generator in generators.values()):
        if config.network == "unet":
            require_original(config, n_downsampling=tuple(_UNET_DEPTHS.values()))
        else:
            require_original(config, upsampling=("transposed",), n_downsampling=(2,), n_blocks=resnets.ORIGINAL_BLOCKS)
        resnets.require_original_norm(config)
    return {
        f"{resnets.step_label(step)}_net_G_{OTHER[target]}.pth": generator.state_dict()
        for target, generator in sorted(generators.items(), reverse=True)
    }


def _read(checkpoint: Checkpoint, options: Mapping[str, Any]) -> tuple[CycleganConfig, dict[Domain, dict[str, Tensor]]]:
    """The architecture, and the tensors of each generator by the domain whose images it takes."""
    weights = _generators(checkpoint)
    source, tensors = next(iter(weights.items()))
    seen = _architecture(checkpoint, tensors, source)
    return configure(CycleganConfig, seen, _stated(options), checkpoint), weights


def _generators(checkpoint: Checkpoint) -> dict[Domain, dict[str, Tensor]]:
    """The tensors of each generator, by the domain whose images it takes: A if no name shows it."""
    networks = resnets.generators_in(checkpoint.tensors) or networks_by_structure(
        checkpoint, _design, method="cyclegan", title="CycleGAN"
    )
    blurred = any(map(resnets.filters, networks.values()))  # as CUT's are
    if blurred or checkpoint.header.get("method", "cyclegan") != "cyclegan":
        raise refusal(checkpoint, "cyclegan")
    named = by_domain(checkpoint, networks, _PAIRS)
    if named:
        first = "B" if checkpoint.header.get("target") == "A" else "A"
        return dict(sorted(named.items(), key=lambda item: item[0] != first))
    if len(networks) > 1:
        raise CheckpointError(
            f"{checkpoint.path}: holds several generators, and their names show no direction: {listed(networks)}",
            hint="Choose one by its name, as A to B: `--generator NAME`. Or name both, and first the one that takes A.",
        )
    return {domain_in_file_name(checkpoint.path) or "A": next(iter(networks.values()))}


def _notes(checkpoint: Checkpoint, config: CycleganConfig) -> tuple[str, ...]:
    """What the weights do not show, and is assumed."""
    if checkpoint.header or config.upsampling != "resize":
        return ()
    return (
        f"{checkpoint.path}: upsampling is taken to be that of PyTorch-GAN: repeated pixels, then a 3x3 convolution "
        "padded with zeros",
    )


def _design(layers: Sequence[Layer]) -> AnyGenerator:
    """The generator that some layers of a file may be."""
    kernels = {layer.shape[2:] for layer in layers if layer.stream == "convolution"}
    if kernels == {(4, 4)}:
        return Unet(CycleganConfig(network="unet", **unets.sizes(layers)))
    halving = {
        layer.shape[2:] for layer in layers if layer.stream == "convolution" and layer.shape[1] == 2 * layer.shape[0]
    }
    upsampling: Upsampling = "nearest" if (5, 5) in halving else "resize" if (3, 3) in halving else "transposed"
    return Generator(CycleganConfig(**resnets.sizes(layers), upsampling=upsampling))


def _architecture(checkpoint: Checkpoint, tensors: Mapping[str, Tensor], source: Domain) -> dict[str, Any]:
    """The fields of the configuration that the tensors show."""
    if unets.FIRST in tensors:
        return {"network": "unet", **unets.architecture(tensors, checkpoint.path, source)}
    seen = resnets.architecture(checkpoint, tensors, "cyclegan", source)
    up = resnets.first_block(tensors) + seen["n_blocks"]
    nearest, transposed = f"model.{up}.conv.weight" in tensors, f"model.{up}.weight" in tensors
    return {
        "network": "resnet",
        **seen,
        "upsampling": "nearest" if nearest else "transposed" if transposed else "resize",
    }


def _stated(options: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the configuration that the original's training options state."""
    depth = _UNET_DEPTHS.get(str(options.get("netG")))
    if depth is None:
        return OPTIONS.generator(options)
    stated = OPTIONS.generator({key: value for key, value in options.items() if key != "netG"})
    named = {key: value for key, value in stated.items() if key in ("ngf", "norm")}
    return {"network": "unet", "n_downsampling": depth, **named}

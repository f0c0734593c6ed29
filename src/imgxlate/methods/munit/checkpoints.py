"""MUNIT's networks in files: the original's `gen_*.pt`, re-saved variants of it, ours, and graphs for ONNX."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from imgxlate.checkpoint import Checkpoint
from imgxlate.methods.munit.config import MunitConfig
from imgxlate.methods.munit.networks import STYLE_DOWNSAMPLE, Generator
from imgxlate.methods.protocol import Graph, NetworkReading, image_axes
from imgxlate.methods.shared import autoencoders
from imgxlate.methods.shared.autoencoders import both_domains, encoder_architecture, stated_channels
from imgxlate.methods.shared.checkpoints import build, configure, section, size
from imgxlate.methods.shared.layers import Layer
from imgxlate.methods.spec import Domain

_ADAPTIVE_CONV = re.compile(r"(dec\.model\.0\.model\.\d+\.model\.\d+)\.conv\.weight")


def load(checkpoint: Checkpoint, options: Mapping[str, Any]) -> tuple[MunitConfig, dict[Domain, Generator]]:
    """The architecture, and the generator of each domain; `options` is the original's yaml, or empty.

    Raises:
        CheckpointError: the file holds another network, one domain only, or contradicts `options`.
        UsageError: `options` is no configuration of MUNIT's.
    """
    config, weights = _read(checkpoint, options)
    return config, {
        domain: build(
            partial(Generator, config, domain),
            {**_unused_statistics(tensors), **tensors},
            f"{checkpoint.path}, domain {domain}",
        )
        for domain, tensors in weights.items()
    }


def networks(checkpoint: Checkpoint) -> list[NetworkReading]:
    """The generators that `checkpoint` holds, layer by layer.

    Raises:
        CheckpointError: it holds another network, or one domain only.
    """
    config, weights = _read(checkpoint, {})
    return autoencoders.read_networks(partial(Generator, config), weights, checkpoint)


def graphs(generators: Mapping[Domain, Generator], config: MunitConfig) -> list[Graph]:
    """Content encoder, style encoder and decoder of each domain, so that content is encoded once for all styles."""
    return [graph for domain, generator in generators.items() for graph in _graphs(domain, generator, config)]


def _read(checkpoint: Checkpoint, options: Mapping[str, Any]) -> tuple[MunitConfig, dict[Domain, dict[str, Tensor]]]:
    """The architecture, and the tensors of each domain."""
    weights = both_domains(checkpoint, "munit", "enc_content.model.0.conv.weight", _design, "MUNIT")
    stated = {**section(options, "gen"), **stated_channels(options)}
    return configure(MunitConfig, _architecture(checkpoint, weights), stated, checkpoint), weights


def _design(layers: Sequence[Layer]) -> Generator:
    """The generator that some layers of a file may be."""
    linear = [layer.shape for layer in layers if layer.stream == "linear"] or [(1, 1)]
    mlp_dim, style_dim = min(linear, key=lambda shape: shape[1])
    return Generator(MunitConfig(**autoencoders.sizes(layers), style_dim=max(style_dim, 1), mlp_dim=max(mlp_dim, 1)))


def _architecture(checkpoint: Checkpoint, networks: Mapping[Domain, Mapping[str, Tensor]]) -> dict[str, Any]:
    """The fields of the configuration that the tensors show."""
    tensors = networks["A"]
    return {
        **encoder_architecture(checkpoint, networks, "enc_content"),
        "style_dim": size(tensors, f"enc_style.model.{STYLE_DOWNSAMPLE + 2}.weight", 0, checkpoint.path),
        "mlp_dim": size(tensors, "mlp.model.0.fc.weight", 0, checkpoint.path),
    }


def _unused_statistics(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The buffers of the adaptive norms, for files that were saved without them. No computation reads them."""
    buffers = {}
    for name, tensor in tensors.items():
        if found := _ADAPTIVE_CONV.fullmatch(name):
            buffers[f"{found[1]}.norm.running_mean"] = torch.zeros(tensor.shape[0])
            buffers[f"{found[1]}.norm.running_var"] = torch.ones(tensor.shape[0])
    return buffers


def _graphs(domain: Domain, generator: Generator, config: MunitConfig) -> Iterator[Graph]:
    stride = 2**config.n_downsample
    for name, encoder in (("content", generator.enc_content), ("style", generator.enc_style)):
        yield Graph(
            name=f"{name}_{domain.lower()}",
            does=f"image of {domain} to {name} code",
            module=encoder,
            inputs={"image": image_axes(config.channels(domain))},
            output=name,
            multiples={"height": stride, "width": stride},
        )
    yield Graph(
        name=f"decoder_{domain.lower()}",
        does=f"content code of an image and style code of {domain} to image of {domain}",
        module=_Decode(generator),
        inputs={
            "content": ("batch", config.dim * stride, "height", "width"),
            "style": ("batch", config.style_dim),
        },
        output="translated",
    )


class _Decode(nn.Module):
    """A generator's `decode` as a module, which ONNX export takes."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        """Decode (B, C, h, w) and (B, style_dim)."""
        return self.generator.decode(content, style)

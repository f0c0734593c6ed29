"""UNIT's networks in files: the later release's `gen_*.pt`, re-saved variants of it, ours, and graphs for ONNX."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from torch import Tensor, nn

from imgxlate.checkpoint import Checkpoint
from imgxlate.methods.protocol import Graph, NetworkReading, image_axes
from imgxlate.methods.shared import autoencoders
from imgxlate.methods.shared.autoencoders import both_domains, encoder_architecture, stated_channels
from imgxlate.methods.shared.checkpoints import build, configure, section
from imgxlate.methods.shared.layers import Layer
from imgxlate.methods.spec import DOMAINS, OTHER, Domain
from imgxlate.methods.unit.config import UnitConfig
from imgxlate.methods.unit.networks import Generator

_UNUSED = ("style_dim", "mlp_dim")  # Some of the original's yaml files have these keys of MUNIT's.


def load(checkpoint: Checkpoint, options: Mapping[str, Any]) -> tuple[UnitConfig, dict[Domain, Generator]]:
    """The architecture, and the generator of each domain; `options` is the original's yaml, or empty.

    Raises:
        CheckpointError: the file holds another network, one domain only, or contradicts `options`.
        UsageError: `options` is no configuration of UNIT's.
    """
    config, weights = _read(checkpoint, options)
    return config, {
        domain: build(partial(Generator, config, domain), tensors, f"{checkpoint.path}, domain {domain}")
        for domain, tensors in weights.items()
    }


def networks(checkpoint: Checkpoint) -> list[NetworkReading]:
    """The generators that `checkpoint` holds, layer by layer.

    Raises:
        CheckpointError: it holds another network, or one domain only.
    """
    config, weights = _read(checkpoint, {})
    return autoencoders.read_networks(partial(Generator, config), weights, checkpoint)


def graphs(generators: Mapping[Domain, Generator], config: UnitConfig) -> list[Graph]:
    """A graph for each direction."""
    return [
        Graph(
            name=f"{source.lower()}2{OTHER[source].lower()}",
            does=f"image of {source} to image of {OTHER[source]}",
            module=_Translation(generators[source], generators[OTHER[source]]),
            inputs={"image": image_axes(config.channels(source))},
            output="translated",
            multiples=dict.fromkeys(("height", "width"), 2**config.n_downsample),
        )
        for source in DOMAINS
    ]


def _read(checkpoint: Checkpoint, options: Mapping[str, Any]) -> tuple[UnitConfig, dict[Domain, dict[str, Tensor]]]:
    """The architecture, and the tensors of each domain."""
    weights = both_domains(checkpoint, "unit", "enc.model.0.conv.weight", _design, "UNIT")
    stated = {key: value for key, value in section(options, "gen").items() if key not in _UNUSED}
    stated |= stated_channels(options)
    return configure(UnitConfig, encoder_architecture(checkpoint, weights, "enc"), stated, checkpoint), weights


def _design(layers: Sequence[Layer]) -> Generator:
    """The generator that some layers of a file may be."""
    return Generator(UnitConfig(**autoencoders.sizes(layers)))


class _Translation(nn.Module):
    """Image of one domain to image of the other."""

    def __init__(self, source: Generator, target: Generator) -> None:
        super().__init__()
        self.enc, self.dec = source.enc, target.dec

    def forward(self, image: Tensor) -> Tensor:
        """Translate (B, C, H, W)."""
        translated: Tensor = self.dec(self.enc(image))
        return translated

"""MUNIT's networks for other programs: a graph for each encoder and decoder, so that content is encoded once."""

from collections.abc import Iterator, Mapping

from torch import Tensor, nn

from imgxlate.methods.export import PICTURES, Graph
from imgxlate.methods.munit.config import MunitConfig
from imgxlate.methods.munit.networks import Generator
from imgxlate.methods.spec import Domain


class Decoding(nn.Module):
    """Content code and style code to picture."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        """Decode (B, C, h, w) and (B, style_dim)."""
        return self.generator.decode(content, style)


def graphs(generators: Mapping[Domain, Generator], config: MunitConfig) -> list[Graph]:
    """Content encoder, style encoder and decoder of each domain."""
    return [graph for domain, generator in generators.items() for graph in _graphs(domain, generator, config)]


def _graphs(domain: Domain, generator: Generator, config: MunitConfig) -> Iterator[Graph]:
    stride = 2**config.n_downsample
    yield Graph(
        name=f"content_{domain.lower()}",
        does=f"image of {domain} to content code",
        module=generator.enc_content,
        inputs={"image": PICTURES},
        output="content",
        multiples={"height": stride, "width": stride},
    )
    yield Graph(
        name=f"style_{domain.lower()}",
        does=f"image of {domain} to style code",
        module=generator.enc_style,
        inputs={"image": PICTURES},
        output="style",
        multiples={"height": stride, "width": stride},
    )
    yield Graph(
        name=f"decoder_{domain.lower()}",
        does=f"content code of an image and style code of {domain} to image of {domain}",
        module=Decoding(generator),
        inputs={
            "content": ("batch", config.dim * stride, "height", "width"),
            "style": ("batch", config.style_dim),
        },
        output="translated",
    )

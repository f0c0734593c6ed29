"""UNIT's networks for other programs: a graph for each direction."""

from collections.abc import Mapping

from torch import Tensor, nn

from imgxlate.methods.export import PICTURES, Graph
from imgxlate.methods.spec import DOMAINS, OTHER, Domain
from imgxlate.methods.unit.networks import Generator


class Translation(nn.Module):
    """Image of one domain to image of the other."""

    def __init__(self, source: Generator, target: Generator) -> None:
        super().__init__()
        self.enc, self.dec = source.enc, target.dec

    def forward(self, image: Tensor) -> Tensor:
        """Translate (B, 3, H, W)."""
        picture: Tensor = self.dec(self.enc(image))
        return picture


def graphs(generators: Mapping[Domain, Generator], stride: int) -> list[Graph]:
    """A graph for each direction."""
    return [
        Graph(
            name=f"{source.lower()}2{OTHER[source].lower()}",
            does=f"image of {source} to image of {OTHER[source]}",
            module=Translation(generators[source], generators[OTHER[source]]),
            inputs={"image": PICTURES},
            output="translated",
            multiples={"height": stride, "width": stride},
        )
        for source in DOMAINS
    ]

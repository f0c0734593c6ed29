"""CycleGAN's generators for other programs: the original's `*_net_G_*.pth`, and a graph for each direction."""

from collections.abc import Mapping

from torch import Tensor

from imgxlate.errors import UsageError
from imgxlate.methods.cyclegan.config import CycleganConfig
from imgxlate.methods.cyclegan.networks import Generator, multiple
from imgxlate.methods.export import PICTURES, Graph
from imgxlate.methods.spec import OTHER, Domain

Generators = Mapping[Domain, Generator]
"""By the domain that they give."""


def original_files(generators: Generators, step: int | None) -> dict[str, dict[str, Tensor]]:
    """The original's file for each generator: G_A is the one that takes A.

    Raises:
        UsageError: the original has no such generators.
    """
    for generator in generators.values():
        _require_originals(generator.config)
    label = "latest" if step is None else f"iter_{step}"
    return {
        f"{label}_net_G_{OTHER[target]}.pth": generator.state_dict()
        for target, generator in sorted(generators.items(), reverse=True)
    }


def graphs(generators: Generators) -> list[Graph]:
    """A graph for each direction."""
    return [
        Graph(
            name=f"{OTHER[target].lower()}2{target.lower()}",
            does=f"image of {OTHER[target]} to image of {target}",
            module=generator,
            inputs={"image": PICTURES},
            output="translated",
            multiples=dict.fromkeys(("height", "width"), multiple(generator.config.n_downsampling)),
        )
        for target, generator in generators.items()
    ]


def _require_originals(config: CycleganConfig) -> None:
    usual = CycleganConfig()
    for key in ("upsampling", "n_downsampling"):
        if getattr(config, key) != getattr(usual, key):
            raise UsageError(
                f"the original has no generators with {key} = {getattr(config, key)}",
                hint=f"Type `--format onnx`, or train with `--set gen.{key}={getattr(usual, key)}`.",
            )

"""CycleGAN's generators for other programs: the original's `*_net_G_*.pth`, and a graph for each direction."""

from collections.abc import Mapping

from torch import Tensor

from imgxlate.errors import UsageError
from imgxlate.methods.cyclegan.networks import Generator
from imgxlate.methods.export import PICTURES, Graph
from imgxlate.methods.spec import OTHER, Domain

Generators = Mapping[Domain, Generator]
"""By the domain that they give."""


def original_files(generators: Generators, step: int | None) -> dict[str, dict[str, Tensor]]:
    """The original's file for each generator: G_A is the one that takes A.

    Raises:
        UsageError: the original has no such generators.
    """
    if any(generator.upsampling != "transposed" for generator in generators.values()):
        raise UsageError(
            "the original has no generators that upsample by repeating pixels",
            hint="Type `--format onnx`, or train with `--set gen.upsampling=transposed`.",
        )
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
            multiples={"height": 4, "width": 4},
        )
        for target, generator in generators.items()
    ]

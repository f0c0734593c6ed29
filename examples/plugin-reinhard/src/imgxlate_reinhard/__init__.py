"""Color transfer (Reinhard et al., 2001) as a method of imgxlate. This file imports no torch."""

from dataclasses import dataclass

from imgxlate import Capability, Citation, MethodConfig, MethodSpec


@dataclass(frozen=True, slots=True)
class ReinhardConfig(MethodConfig):
    """Reinhard's transfer has nothing to configure."""


SPEC = MethodSpec(
    name="reinhard",
    summary="Give the images of one domain the mean and spread of the other's colors.",
    citation=Citation(
        title="Color Transfer between Images",
        authors="Reinhard, Ashikhmin, Gooch and Shirley",
        year=2001,
        arxiv="",
    ),
    capabilities=frozenset({Capability.TRANSLATE}),
    config=ReinhardConfig,
    implementation="imgxlate_reinhard.method:Reinhard",
)

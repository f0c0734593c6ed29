"""Neural style: an image with the content of one image and the style of another, by optimization (Gatys et al.)."""

from imgxlate.methods.gatys.config import PRESETS, GatysConfig
from imgxlate.methods.gatys.figures import FIGURES
from imgxlate.methods.spec import Capability, Citation, MethodSpec

SPEC = MethodSpec(
    name="gatys",
    title="Neural style",
    summary="Paint an image in the style of another by optimization (neural style).",
    citation=Citation(
        title="A Neural Algorithm of Artistic Style",
        authors="Leon A. Gatys, Alexander S. Ecker, Matthias Bethge",
        year=2015,
        arxiv="1508.06576",
    ),
    capabilities=frozenset({Capability.STYLIZE}),
    config=GatysConfig,
    implementation="imgxlate.methods.gatys.method:Gatys",
    presets=PRESETS,
    figures=FIGURES,
)

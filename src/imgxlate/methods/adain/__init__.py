"""AdaIN: paint an image in the style of any other image in one pass, by the statistics of its features."""

from imgxlate.methods.adain.config import PRESETS, AdainConfig
from imgxlate.methods.spec import Capability, Citation, MethodSpec, TrainingSpec

SPEC = MethodSpec(
    name="adain",
    title="AdaIN",
    summary="Paint an image in the style of any other in one pass, by the mean and deviation of its features.",
    citation=Citation(
        title="Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization",
        authors="Xun Huang, Serge Belongie",
        year=2017,
        arxiv="1703.06868",
    ),
    capabilities=frozenset({Capability.TRANSLATE, Capability.GUIDE_STYLE, Capability.MIX_STYLES, Capability.TRAIN}),
    config=AdainConfig,
    implementation="imgxlate.methods.adain.method:Adain",
    training=TrainingSpec(implementation="imgxlate.methods.adain.training:AdainTraining", presets=PRESETS),
    generator_tensors=(r"decoder\.conv\d_\d\.conv\.weight$",),
)

"""MUNIT: many translations of one image, by a content code that both domains share and a style code of the target's."""

from imgxlate.methods.munit.config import PRESETS, SCALES, MunitConfig, from_original
from imgxlate.methods.spec import Capability, Citation, MethodSpec, TrainingSpec

SPEC = MethodSpec(
    name="munit",
    title="MUNIT",
    summary="Many translations of one image, by content and style codes.",
    citation=Citation(
        title="Multimodal Unsupervised Image-to-Image Translation",
        authors="Xun Huang, Ming-Yu Liu, Serge Belongie, Jan Kautz",
        year=2018,
        arxiv="1804.04732",
    ),
    capabilities=frozenset({Capability.TRANSLATE, Capability.TRAIN, Capability.SAMPLE_STYLES, Capability.GUIDE_STYLE}),
    config=MunitConfig,
    implementation="imgxlate.methods.munit.method:Munit",
    training=TrainingSpec(
        implementation="imgxlate.methods.munit.training:MunitTraining",
        presets=PRESETS,
        from_original=from_original,
        scaled_preset="small",
        scales=SCALES,
    ),
    generator_tensors=(r"enc_content\.model\.0\.conv\.weight$",),
)

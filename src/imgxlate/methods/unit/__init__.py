"""UNIT: translation through a latent space that both domains share."""

from imgxlate.methods.spec import Capability, Citation, MethodSpec, TrainingSpec
from imgxlate.methods.unit.config import PRESETS, SCALES, UnitConfig, from_original

SPEC = MethodSpec(
    name="unit",
    title="UNIT",
    summary="One translation of an image, through a latent space that both domains share.",
    citation=Citation(
        title="Unsupervised Image-to-Image Translation Networks",
        authors="Ming-Yu Liu, Thomas Breuel, Jan Kautz",
        year=2017,
        arxiv="1703.00848",
    ),
    capabilities=frozenset({Capability.TRANSLATE, Capability.TRAIN}),
    config=UnitConfig,
    implementation="imgxlate.methods.unit.method:Unit",
    training=TrainingSpec(
        implementation="imgxlate.methods.unit.training:UnitTraining",
        presets=PRESETS,
        from_original=from_original,
        scaled_preset="small",
        scales=SCALES,
    ),
    generator_tensors=(r"enc\.model\.0\.conv\.weight$",),
)

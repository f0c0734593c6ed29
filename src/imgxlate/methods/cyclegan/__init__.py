"""CycleGAN: one generator for each direction, held together by cycle consistency."""

from imgxlate.methods.cyclegan.config import PRESETS, SCALES, CycleganConfig, from_original
from imgxlate.methods.spec import Capability, Citation, MethodSpec, TrainingSpec

SPEC = MethodSpec(
    name="cyclegan",
    title="CycleGAN",
    summary="One translation of an image, by a generator for each direction.",
    citation=Citation(
        title="Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks",
        authors="Jun-Yan Zhu, Taesung Park, Phillip Isola, Alexei A. Efros",
        year=2017,
        arxiv="1703.10593",
    ),
    capabilities=frozenset({Capability.TRANSLATE, Capability.TRAIN}),
    config=CycleganConfig,
    implementation="imgxlate.methods.cyclegan.method:Cyclegan",
    training=TrainingSpec(
        implementation="imgxlate.methods.cyclegan.training:CycleganTraining",
        presets=PRESETS,
        from_original=from_original,
        scaled_preset="small",
        scales=SCALES,
    ),
    generator_tensors=(r"model\.\d+\.conv_block\.\d+\.weight$",),
)

"""CUT: one generator for one direction, whose output keeps the content of the input patch by patch."""

from imgxlate.methods.cut.config import PRESETS, SCALES, CutConfig, from_original
from imgxlate.methods.spec import Capability, Citation, MethodSpec, TrainingSpec

SPEC = MethodSpec(
    name="cut",
    title="CUT",
    summary="One translation of an image, by one generator that keeps its content patch by patch.",
    citation=Citation(
        title="Contrastive Learning for Unpaired Image-to-Image Translation",
        authors="Taesung Park, Alexei A. Efros, Richard Zhang, Jun-Yan Zhu",
        year=2020,
        arxiv="2007.15651",
    ),
    capabilities=frozenset({Capability.TRANSLATE, Capability.TRAIN}),
    config=CutConfig,
    implementation="imgxlate.methods.cut.method:Cut",
    training=TrainingSpec(
        implementation="imgxlate.methods.cut.training:CutTraining",
        presets=PRESETS,
        from_original=from_original,
        scaled_preset="small",
        scales=SCALES,
    ),
    generator_tensors=(r"model\.\d+\.conv_block\.\d+\.weight$", r"model\.\d+\.filt$"),
)

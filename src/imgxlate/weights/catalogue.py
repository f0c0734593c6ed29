"""The weights that are published for the built-in methods.

Hashes are those that the sources state; sizes are those of the parameters, 4 bytes each, where their number is known.
Not listed, because their networks differ from the ones here: imaginaire's, mmgeneration's and CUT's models, those of
UNIT's second version, and the normalised VGG-19 of AdaIN.
"""

from imgxlate.weights.bundled import MODELS, VGG19
from imgxlate.weights.cards import Card, Convention

_CYCLEGAN_SERVER = "efrosgans.eecs.berkeley.edu/cyclegan/pretrained_models"
_CYCLEGAN_DOMAINS = {
    "apple2orange": ("apple", "orange"),
    "orange2apple": ("orange", "apple"),
    "summer2winter_yosemite": ("summer", "winter"),
    "winter2summer_yosemite": ("winter", "summer"),
    "horse2zebra": ("horse", "zebra"),
    "zebra2horse": ("zebra", "horse"),
    "monet2photo": ("monet", "photo"),
    "style_monet": ("photo", "monet"),
    "style_cezanne": ("photo", "cezanne"),
    "style_ukiyoe": ("photo", "ukiyoe"),
    "style_vangogh": ("photo", "vangogh"),
    "sat2map": ("satellite", "map"),
    "map2sat": ("map", "satellite"),
    "cityscapes_photo2label": ("photo", "label"),
    "cityscapes_label2photo": ("label", "photo"),
    "facades_photo2label": ("photo", "label"),
    "facades_label2photo": ("label", "photo"),
    "iphone2dslr_flower": ("iphone", "dslr"),
}
_RESNET_9BLOCKS_BYTES = 4 * 11_378_179

_MUNIT_FOLDER = "https://drive.google.com/drive/folders/10IEa7gibOWmQQuJUIUOkh-CV4cm6k8__"
_MUNIT_DOMAINS = {
    "edges2shoes": ("edges", "shoes"),
    "edges2handbags": ("edges", "handbags"),
    "housecat2dog": ("cat", "dog"),
}
_NVIDIA_LICENCE = "CC BY-NC-SA 4.0: non-commercial use only"

_VGG_LICENCE = "CC BY 4.0 (Simonyan and Zisserman, Visual Geometry Group)"
_VGG_PAPER = "Simonyan and Zisserman: Very Deep Convolutional Networks, ICLR 2015, arXiv 1409.1556"
_VGG16_BYTES = 4 * 138_357_544
_VGG19_BYTES = 4 * 143_667_240


def _cyclegan(model: str, domains: tuple[str, str]) -> Card:
    return Card(
        name=f"cyclegan-{model}",
        kind="generator",
        method="cyclegan",
        summary=f"{domains[0]} to {domains[1]}, by the authors of CycleGAN",
        filename=f"{model}.pth",
        licence="BSD-2-Clause",
        citation="Zhu et al.: Unpaired Image-to-Image Translation, ICCV 2017, arXiv 1703.10593",
        page="https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix",
        # The server has refused https at times, so plain http comes second.
        urls=(f"https://{_CYCLEGAN_SERVER}/{model}.pth", f"http://{_CYCLEGAN_SERVER}/{model}.pth"),
        size=_RESNET_9BLOCKS_BYTES,
        domains=domains,
    )


def _munit(model: str, domains: tuple[str, str]) -> Card:
    return Card(
        name=f"munit-{model}",
        kind="generator",
        method="munit",
        summary=f"{domains[0]} to {domains[1]} and back, by the authors of MUNIT",
        filename=f"{model}.pt",
        licence=_NVIDIA_LICENCE,
        citation="Huang et al.: Multimodal Unsupervised Image-to-Image Translation, ECCV 2018, arXiv 1804.04732",
        page="https://github.com/NVlabs/MUNIT",
        domains=domains,
        manual=f"Download {model}.pt with a browser from {_MUNIT_FOLDER}",
    )


def _vgg(
    name: str, url: str, convention: Convention, summary: str, page: str, licence: str, size: int | None = None
) -> Card:
    filename = url.rpartition("/")[2]
    return Card(
        name=name,
        kind="features",
        method="gatys",
        summary=summary,
        filename=filename,
        licence=licence,
        citation=_VGG_PAPER,
        page=page,
        urls=(url,),
        size=size,
        prefix=filename.removesuffix(".pth").rpartition("-")[2] if "-" in filename else None,
        convention=convention,
    )


_UNIT_GTA2CITY = Card(
    name="unit-gta2city",
    kind="generator",
    method="unit",
    summary="game to street scenes and back, by the authors of UNIT",
    filename="unit_gta2city.pt",
    licence=_NVIDIA_LICENCE,
    citation="Liu et al.: Unsupervised Image-to-Image Translation Networks, NIPS 2017, arXiv 1703.00848",
    page="https://github.com/mingyuliutw/UNIT",
    domains=("gta", "city"),
    manual="Download unit_gta2city.pt with a browser from "
    "https://drive.google.com/open?id=1R9MH_p8tDmUsIAjKCu-jgoilWgANfObx",
)

_METRICS = (
    Card(
        name="lpips-alexnet",
        kind="metric",
        method="compare",
        summary="AlexNet, over which LPIPS is measured, by torchvision",
        filename="alexnet-owt-7be5be79.pth",
        licence="BSD-3-Clause",
        citation="Krizhevsky: One weird trick for parallelizing convolutional neural networks, arXiv 1404.5997",
        page="https://docs.pytorch.org/vision/stable/models/alexnet.html",
        urls=("https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",),
        size=4 * 61_100_840,
        prefix="7be5be79",
    ),
    Card(
        name="fid-inception",
        kind="metric",
        method="compare",
        summary="InceptionV3, over which FID and KID are measured, by torch-fidelity",
        filename="weights-inception-2015-12-05-6726825d.pth",
        licence="Apache-2.0",
        citation="Szegedy et al.: Rethinking the Inception Architecture for Computer Vision, arXiv 1512.00567",
        page="https://github.com/toshas/torch-fidelity",
        urls=(
            "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
            "weights-inception-2015-12-05-6726825d.pth",
        ),
        size=4 * 23_885_392,
        prefix="6726825d",
    ),
)

CATALOGUE = (
    VGG19,
    *MODELS,
    _vgg(
        "vgg19-torchvision",
        "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
        "torchvision",
        "VGG-19 trained again for torchvision",
        "https://docs.pytorch.org/vision/stable/models/vgg.html",
        "BSD-3-Clause",
        _VGG19_BYTES,
    ),
    _vgg(
        "vgg19-caffe",
        "https://web.eecs.umich.edu/~justincj/models/vgg19-d01eb7cb.pth",
        "caffe",
        "the original VGG-19, converted by J. Johnson: what neural-style-pt uses",
        "https://github.com/jcjohnson/pytorch-vgg",
        _VGG_LICENCE,
    ),
    _vgg(
        "vgg19-pystiche",
        "https://download.pystiche.org/models/vgg19-74e45263.pth",
        "caffe",
        "the original VGG-19, converted for pystiche",
        "https://github.com/pystiche/pystiche",
        _VGG_LICENCE,
    ),
    _vgg(
        "vgg19-gatys",
        "https://huggingface.co/fdan/neural_style_transfer_vgg/resolve/main/vgg_conv.pth",
        "caffe",
        "the original VGG-19's convolutions, converted by L. Gatys: a user's copy, the author's server being down",
        "https://github.com/leongatys/PytorchNeuralStyleTransfer",
        _VGG_LICENCE,
    ),
    _vgg(
        "vgg16-torchvision",
        "https://download.pytorch.org/models/vgg16-397923af.pth",
        "torchvision",
        "VGG-16 trained again for torchvision",
        "https://docs.pytorch.org/vision/stable/models/vgg.html",
        "BSD-3-Clause",
        _VGG16_BYTES,
    ),
    _vgg(
        "vgg16-features",
        "https://download.pytorch.org/models/vgg16_features-amdegroot-88682ab5.pth",
        "caffe-rgb",
        "the original VGG-16's convolutions, converted by M. deGroot for RGB, as torchvision has them",
        "https://docs.pytorch.org/vision/stable/models/vgg.html",
        _VGG_LICENCE,
        _VGG16_BYTES,
    ),
    _vgg(
        "vgg16-caffe",
        "https://web.eecs.umich.edu/~justincj/models/vgg16-00b39a1b.pth",
        "caffe",
        "the original VGG-16, converted by J. Johnson",
        "https://github.com/jcjohnson/pytorch-vgg",
        _VGG_LICENCE,
    ),
    _vgg(
        "vgg16-pystiche",
        "https://download.pystiche.org/models/vgg16-781be684.pth",
        "caffe",
        "the original VGG-16, converted for pystiche",
        "https://github.com/pystiche/pystiche",
        _VGG_LICENCE,
    ),
    *(_cyclegan(model, domains) for model, domains in _CYCLEGAN_DOMAINS.items()),
    *(_munit(model, domains) for model, domains in _MUNIT_DOMAINS.items()),
    _UNIT_GTA2CITY,
    *_METRICS,
)

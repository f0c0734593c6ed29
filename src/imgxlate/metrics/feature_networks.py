"""The feature networks behind the metrics: AlexNet and InceptionV3 as published, or the bundled VGG-19.

torchmetrics and torch-fidelity can download the published ones, but without a timeout, and they unpickle the files.
Here the same files come from the store and are read as tensors.
"""

import io
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from imgxlate import checkpoint
from imgxlate.callbacks import Notify
from imgxlate.checkpoint import Checkpoint
from imgxlate.errors import CheckpointError, ImgxlateError, WeightsError
from imgxlate.images.image_array import ImageArray
from imgxlate.images.tensors import as_color, resize, to_tensor
from imgxlate.metrics.distributions import SetFeatures
from imgxlate.metrics.diversity import PerceptualDistance
from imgxlate.metrics.measure import MetricsChoice
from imgxlate.nn import vgg_files
from imgxlate.nn.vgg import Vgg
from imgxlate.vision import torchvision
from imgxlate.weights import cards
from imgxlate.weights.store import Store

ALEXNET = "lpips-alexnet"
INCEPTION = "fid-inception"

BLOCK_ENDS = ("relu1_2", "relu2_2", "relu3_4", "relu4_4", "relu5_4")
"""The layers of VGG-19 that correspond to those that LPIPS takes from VGG-16."""

DEEPEST = "relu5_4"
"""The deepest features of VGG-19, which depend on the objects in an image more than on their positions."""

_LPIPS_WEIGHTS = "functional/image/lpips_models/alex.pth"  # in torchmetrics, whose classes download AlexNet themselves
_VGG_SIDE = 224  # pixels, as in the training of VGG-19
_INCEPTION_SIDE = 299  # pixels

Weights = Callable[[str], Checkpoint]
"""Reads the published weights of a name, such as `ALEXNET`."""

Network = TypeVar("Network")


def bundled_vgg(device: torch.device) -> Vgg:
    """The bundled VGG-19 on `device`, in float32."""
    network = vgg_files.load(checkpoint.read(Store().path(cards.find("vgg19"))))
    network.place(device, torch.float32)
    return network


def published_or_bundled(
    choice: MetricsChoice, published: Callable[[], Network], bundled: Network, names: tuple[str, str], notify: Notify
) -> Network:
    """The result of `published`; or `bundled`, if chosen or if a file is missing. `names` are those of the metrics.

    Raises:
        ImgxlateError: `choice` is `published`, and a file or a package is missing.
    """
    if choice == "vgg19":
        return bundled
    try:
        return published()
    except ImgxlateError as error:
        if choice == "published":
            raise
        reason = " ".join(str(error).split())
        notify(f"{names[0]}: not available, measuring {names[1]} with the bundled VGG-19 instead ({reason})")
        return bundled


def lpips(weights: Weights, device: torch.device) -> PerceptualDistance:
    """LPIPS v0.1 over torchvision's AlexNet. The learned weights of its channels are part of torchmetrics.

    Raises:
        WeightsError: AlexNet is missing.
        CheckpointError: the file holds another network.
    """
    network = AlexNet(weights(ALEXNET)).to(device)
    import torchmetrics  # It imports torchvision, which `imgxlate.vision` must import first, as AlexNet does.

    heads = checkpoint.read(Path(torchmetrics.__file__).parent / _LPIPS_WEIGHTS).tensors
    return PerceptualDistance(
        name="lpips",
        title="LPIPS",
        how="LPIPS v0.1 (Zhang et al., arXiv 1801.03924) with the weights that torchmetrics has, over torchvision's "
        "AlexNet (alexnet-owt-7be5be79), on pixels in [-1, 1]",
        network=network,
        weights=[heads[f"lin{layer}.model.1.weight"].to(device) for layer in range(AlexNet.layers)],
        divisor=1,
        device=device,
    )


def vgg_distance(vgg: Vgg) -> PerceptualDistance:
    """Eq. 1 of LPIPS over a VGG network with equal weights: the mean over the ends of its blocks of 1 - cosine.

    Half the squared difference of unit vectors is 1 - cosine: from 0 for identical images to 1 if no channel responds
    to both images.
    """

    def network(images: Tensor) -> list[Tensor]:
        features = vgg(images, BLOCK_ENDS)
        return [features[layer] for layer in BLOCK_ENDS]

    device = vgg.mean.device
    return PerceptualDistance(
        name="vgg19-distance",
        title="VGG-19 distance",
        how="Eq. 1 of LPIPS (arXiv 1801.03924) with all weights 1, over the bundled VGG-19 (8 bits a weight): "
        f"1 - cosine of the features, averaged over positions and over {', '.join(BLOCK_ENDS)}. It is not LPIPS, and "
        "its values do not compare with those of LPIPS",
        network=network,
        weights=[torch.ones(1, 1, 1, 1, device=device)] * len(BLOCK_ENDS),
        divisor=2 * len(BLOCK_ENDS),
        device=device,
    )


def has_fidelity() -> bool:
    """Whether torch-fidelity is installed, which FID and KID need."""
    return find_spec("torch_fidelity") is not None


def require_fidelity() -> None:
    """Check that torch-fidelity is installed.

    Raises:
        WeightsError: it is not.
    """
    if not has_fidelity():
        raise WeightsError(
            "FID and KID need torch-fidelity, which is not installed", hint='Type `pip install "imgxlate[metrics]"`.'
        )


def inception(weights: Weights, device: torch.device) -> SetFeatures:
    """The features of FID and KID: InceptionV3 with torch-fidelity's weights.

    Raises:
        WeightsError: the weights or torch-fidelity are missing.
        CheckpointError: the file holds another network.
    """
    require_fidelity()
    network = InceptionV3(weights(INCEPTION)).to(device)

    def features(image: ImageArray) -> Tensor:
        vectors: Tensor = network(torch.tensor(image.on_white().at_depth(8).rgb, device=device).permute(2, 0, 1)[None])
        return vectors

    return SetFeatures(
        frechet_name="fid",
        kernel_name="kid",
        how="InceptionV3 as TensorFlow published it for FID (weights-inception-2015-12-05-6726825d, pool3), as "
        f"torch-fidelity computes it; images are resized to {_INCEPTION_SIDE} x {_INCEPTION_SIDE}, antialiased",
        channels=2048,
        network=features,
    )


def vgg_features(vgg: Vgg) -> SetFeatures:
    """The deepest features of the bundled VGG-19, averaged over positions."""

    def features(image: ImageArray) -> Tensor:
        color = as_color(to_tensor(image.on_white().rgb), image.shown)
        resized = resize(color, (_VGG_SIDE, _VGG_SIDE)).to(vgg.mean.device)
        maps: Tensor = vgg(resized, (DEEPEST,))[DEEPEST]  # (1, 512, 14, 14)
        return maps.mean(dim=(2, 3))

    return SetFeatures(
        frechet_name="fd-vgg19",
        kernel_name="kd-vgg19",
        how=f"The bundled VGG-19 (8 bits a weight), {DEEPEST} averaged over positions; images are resized to "
        f"{_VGG_SIDE} x {_VGG_SIDE}, antialiased. It is neither FID nor KID, and its values do not compare with those",
        channels=512,
        network=features,
    )


class AlexNet(nn.Module):
    """AlexNet as LPIPS uses it, with torchvision's weights."""

    layers = 5
    shift: Tensor
    scale: Tensor

    def __init__(self, weights: Checkpoint) -> None:
        super().__init__()
        # Mean and deviation of ImageNet for pixels in [-1, 1] (PerceptualSimilarity, lpips/lpips.py, ScalingLayer).
        self.register_buffer("shift", torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1), persistent=False)
        with torch.device("meta"):  # Without drawing initial weights.
            self.features = torchvision("models").alexnet().features[:-1]  # Without the last pooling.
        tensors = {key: tensor for key, tensor in weights.tensors.items() if key in self.state_dict()}
        try:
            self.load_state_dict(tensors, assign=True)
        except RuntimeError as error:
            raise _another_network(weights, "AlexNet") from error

    def forward(self, images: Tensor) -> list[Tensor]:
        """The features (B, C, H', W') after each ReLU, of `images` (B, 3, H, W) in [-1, 1]."""
        maps = (images - self.shift) / self.scale
        found = []
        for layer in self.features:
            maps = layer(maps)
            if isinstance(layer, nn.ReLU):
                found.append(maps)
        return found


class InceptionV3(nn.Module):
    """InceptionV3 as published for FID, up to the last pooling, over images that are resized with antialiasing.

    The resizing is torchmetrics' (1.9, image/fid.py); torch-fidelity itself resizes without antialiasing.
    """

    def __init__(self, weights: Checkpoint) -> None:
        super().__init__()
        from torch_fidelity.feature_extractor_inceptionv3 import (  # type: ignore[import-untyped]
            FeatureExtractorInceptionV3,
        )

        # It unpickles its file. So it gets a file in memory with the tensors, which were read without unpickling.
        file = io.BytesIO()
        torch.save(dict(weights.tensors), file)
        file.seek(0)
        try:
            with torch.random.fork_rng(devices=[]):
                network = FeatureExtractorInceptionV3("inception-v3-compat", ["2048"], file)
        except RuntimeError as error:
            raise _another_network(weights, "FID's InceptionV3") from error
        self.layers = nn.Sequential(*(layer for name, layer in network.named_children() if name != "fc"))
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """The features (B, 2048) of `images` (B, 3, H, W) in uint8."""
        size = (_INCEPTION_SIDE, _INCEPTION_SIDE)
        resized = functional.interpolate(images.float(), size, mode="bilinear", antialias=True)
        features: Tensor = self.layers((resized - 128) / 128)
        return features.flatten(1)


def _another_network(weights: Checkpoint, name: str) -> CheckpointError:
    return CheckpointError(f"{weights.path}: is not {name}", hint="`imgxlate weights verify` checks downloaded files.")

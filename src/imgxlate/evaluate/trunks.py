"""The networks that the numbers are taken with: the published ones where they can be had, else the bundled VGG-19.

torchmetrics and torch-fidelity would fetch their weights themselves, with no limit to waiting and with unpickling. Here
the same files come through the store, and the libraries are given the tensors that were read from them.
"""

import importlib.util
import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

import torch

from imgxlate import checkpoint
from imgxlate.callbacks import Notify, Progress, ignore
from imgxlate.checkpoint import Checkpoint
from imgxlate.errors import CheckpointError, ImgxlateError, WeightsError
from imgxlate.evaluate.distances import Lpips, PerceptualDistance, VggDistance
from imgxlate.evaluate.distributions import InceptionFeatures, SetFeatures, VggFeatures
from imgxlate.nn import vgg_files
from imgxlate.nn.vgg import Vgg
from imgxlate.vision import torchvision
from imgxlate.weights import cards
from imgxlate.weights.store import Store

Choice = Literal["auto", "published", "vgg19"]
"""`published`: LPIPS, FID and KID, or an error; `vgg19`: the same formulas over the bundled network, under other names;
`auto`: the first where it can be had, else the second, saying so."""

Trunk = TypeVar("Trunk")

ALEXNET = "lpips-alexnet"
INCEPTION = "fid-inception"


@dataclass(frozen=True, slots=True)
class TrunkSource:
    """Which trunks are wanted and where they come from."""

    choice: Choice
    device: torch.device
    offline: bool = False
    progress: Progress = ignore
    notify: Notify = ignore
    store: Store = field(default_factory=Store)


def bundled_vgg(device: torch.device) -> Vgg:
    """The VGG-19 that ships with the package, on `device`, in float32."""
    network = vgg_files.load(checkpoint.read(Store().path(cards.find("vgg19"))))
    network.place(device, torch.float32)
    return network


def find_distance(source: TrunkSource, vgg: Vgg) -> PerceptualDistance:
    """What diversity is measured with: LPIPS, or the distance over `vgg`, the bundled network.

    Raises:
        ImgxlateError: the published one is demanded and cannot be had.
    """
    bundled: PerceptualDistance = VggDistance(vgg)
    return _chosen(source, _published_distance, bundled, "LPIPS", bundled.name)


def find_set_features(source: TrunkSource, vgg: Vgg) -> SetFeatures:
    """What sets of pictures are compared by: InceptionV3's features, for FID and KID, or those of `vgg`.

    Raises:
        ImgxlateError: the published one is demanded and cannot be had.
    """
    bundled: SetFeatures = VggFeatures(vgg)
    return _chosen(source, _published_set_features, bundled, "FID and KID", "fd-vgg19 and kd-vgg19")


def lpips(weights: Checkpoint, device: torch.device) -> Lpips:
    """LPIPS v0.1 with the AlexNet in `weights`, torchvision's file; the learned weights come with torchmetrics.

    Raises:
        CheckpointError: the file holds another network.
    """
    torchvision()  # It must be imported through its door before torchmetrics imports it.
    from torchmetrics.functional.image.lpips import _LPIPS

    with torch.random.fork_rng(devices=[]):  # It is filled with random numbers first.
        network = _LPIPS(net="alex", pnet_rand=True)
    # Its sequences keep the numbers of torchvision's layers: slice2.3.weight is features.3.weight.
    keys = {key: f"features.{key.partition('.')[2]}" for key in network.net.state_dict()}
    try:
        network.net.load_state_dict({key: weights.tensors[published] for key, published in keys.items()})
    except (KeyError, RuntimeError) as error:
        raise _another_network(weights, "AlexNet") from error
    return Lpips(network.to(device), device)


def inception(weights: Checkpoint, device: torch.device) -> InceptionFeatures:
    """FID's InceptionV3 with `weights`, torch-fidelity's file.

    Raises:
        CheckpointError: the file holds another network.
    """
    torchvision()
    from torchmetrics.image.fid import NoTrainInceptionV3

    # It unpickles what it is given: not the file that came over the network, but the tensors that were read from it.
    written = io.BytesIO()
    torch.save(dict(weights.tensors), written)
    written.seek(0)
    try:
        with torch.random.fork_rng(devices=[]):
            network = NoTrainInceptionV3("inception-v3-compat", ["2048"], written)  # type: ignore[arg-type]
    except RuntimeError as error:
        raise _another_network(weights, "FID's InceptionV3") from error
    return InceptionFeatures(network.to(device), device)


def _chosen(
    source: TrunkSource, published: Callable[[TrunkSource], Trunk], bundled: Trunk, wanted: str, instead: str
) -> Trunk:
    if source.choice == "vgg19":
        return bundled
    if source.choice == "published":
        return published(source)
    try:
        return published(replace(source, store=_hasty(source.store)))
    except ImgxlateError as error:
        reason = " ".join(str(error).split())
        source.notify(f"{wanted}: not to be had, measuring {instead} with the bundled VGG-19 instead ({reason})")
        return bundled


def _hasty(store: Store) -> Store:
    """The store, with less patience: where there is something to fall back on, a dead network is soon given up."""
    return replace(store, patience=replace(store.patience, connect=3.0, stall=10.0, tries=2))


def _published_distance(source: TrunkSource) -> PerceptualDistance:
    return lpips(_read(source, ALEXNET), source.device)


def _published_set_features(source: TrunkSource) -> SetFeatures:
    if importlib.util.find_spec("torch_fidelity") is None:
        raise WeightsError(
            "FID and KID need torch-fidelity, which is not installed", hint='Type `pip install "imgxlate[metrics]"`.'
        )
    return inception(_read(source, INCEPTION), source.device)


def _read(source: TrunkSource, name: str) -> Checkpoint:
    card = cards.find(name)
    return checkpoint.read(
        source.store.path(card, offline=source.offline, progress=source.progress, notify=source.notify)
    )


def _another_network(weights: Checkpoint, name: str) -> CheckpointError:
    return CheckpointError(
        f"{weights.path}: is not {name}", hint="`imgxlate weights verify` checks what was downloaded."
    )

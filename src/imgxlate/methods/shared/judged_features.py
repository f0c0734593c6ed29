"""Lets discriminators also judge the features of a VGG network, where a training's configuration says so."""

from collections.abc import Mapping
from typing import Protocol, TypeVar

from torch import nn

from imgxlate.checkpoint import Checkpoint
from imgxlate.data.config import DataConfig
from imgxlate.errors import CheckpointError
from imgxlate.methods.shared.crop import require_crop
from imgxlate.methods.spec import Domain
from imgxlate.nn import vgg_files
from imgxlate.nn.feature_discriminator import SMALLEST_SIDE, FeatureDiscriminator

Network = TypeVar("Network", bound=nn.Module)


class Judging(Protocol):
    """A training's configuration."""

    @property
    def judge_features(self) -> bool:
        """Whether discriminators judge features, too."""

    @property
    def data(self) -> DataConfig:
        """How images are prepared."""


def judging(
    config: Judging, features: Checkpoint | None, discriminators: Mapping[Domain, Network]
) -> dict[Domain, Network | FeatureDiscriminator]:
    """The discriminators of images of each domain, which also judge features where `config` says so.

    `features` is the network that `config.features` names.

    Raises:
        UsageError: the network is another VGG than VGG-19, or the crop is too small for it.
        CheckpointError: `features` is no VGG network, or is needed and missing.
    """
    if not config.judge_features:
        return dict(discriminators)
    if features is None:
        raise CheckpointError("the network of judge_features was not given", hint="Or set judge_features=false.")
    require_crop(config.data, "judge_features", least=SMALLEST_SIDE)
    network = vgg_files.load(features)
    return {
        domain: FeatureDiscriminator(pixels, network, config.data.format(domain).shown)
        for domain, pixels in discriminators.items()
    }

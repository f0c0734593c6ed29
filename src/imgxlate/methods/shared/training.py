"""Shared by the adversarial trainings: generators against discriminators, without the step itself."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from imgxlate.losses import GanLoss
from imgxlate.losses.adversarial import discriminator_loss, generator_loss, gradient_penalty
from imgxlate.methods.protocol import Noise
from imgxlate.methods.shared.augmentation import augment as augment_images
from imgxlate.methods.shared.config import Schedule, augmentations
from imgxlate.methods.shared.cuda_graphs import StepGraphs
from imgxlate.methods.shared.optimization import TrainedNetworks, join_states, split_state
from imgxlate.methods.shared.perceptual import PerceptualLoss
from imgxlate.methods.spec import Domain, TrainingConfig
from imgxlate.nn.feature_discriminator import FeatureDiscriminator
from imgxlate.nn.precision import MixedPrecision
from imgxlate.nn.spectral import plain_state


class AdversarialTraining:
    """Generators and discriminators in training: all of `Trainable` except `create`, `architecture` and `train_step`.

    `parts` are the names of generators and discriminators in the state.
    """

    parts = ("gen", "dis")

    def __init__(
        self,
        config: TrainingConfig,
        generators: Mapping[str, nn.Module],  # by the names that files have for them
        discriminators: Mapping[str, nn.Module],  # each returns its scores at each of its scales
        *,
        schedule: Schedule,
        gan: GanLoss,
        compilable: Sequence[nn.Module],  # parts of the generators that torch may compile
        perceptual: PerceptualLoss | None = None,
        lr_dis: float | None = None,  # learning rate of the discriminators; None: that of the generators
        muon: bool = False,  # whether Muon updates the convolutions
        augment: str = "",  # what the images that the discriminators see go through, by names of `Augmentation`
    ) -> None:
        self._generators = TrainedNetworks(generators, config, schedule, muon=muon, rests_in_warm_up=True)
        rates = config if lr_dis is None else replace(config, lr=lr_dis)
        self._discriminators = TrainedNetworks(discriminators, rates, schedule, muon=muon)
        self._perceptual = perceptual
        self._gan = gan
        self._augmentations = augmentations(augment)
        self._judged = {d.network for d in discriminators.values() if isinstance(d, FeatureDiscriminator)}
        self._compilable = [*compilable, *discriminators.values()]
        self._device = torch.device("cpu")
        self._dtype = torch.float32
        self._precision = MixedPrecision()
        self._graphs = StepGraphs(self._device, compiled=False)

    def place(self, device: torch.device, dtype: torch.dtype, *, compiled: bool) -> None:
        """Move everything to `device`, to multiply in `dtype`; weights, norms and losses are in float32 at least."""
        self._device = device
        self._dtype = torch.promote_types(dtype, torch.float32)
        self._precision = MixedPrecision(bf16=dtype is torch.bfloat16)
        self._graphs = StepGraphs(device, compiled=compiled)
        for trained in (self._generators, self._discriminators):
            trained.place(device, self._dtype)
        for vgg in self._judged:
            vgg.place(device, self._dtype)
        if self._perceptual:
            self._perceptual.place(device, dtype, compiled=compiled)
        for network in self._compilable if compiled else ():
            network.compile(dynamic=False)

    def state(self) -> dict[str, Tensor]:
        """Networks and optimizers, behind the names of the two parts."""
        states = (self._generators.state(), self._discriminators.state())
        return join_states(dict(zip(self.parts, states, strict=True)))

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore a state that `state` returned.

        Raises:
            CheckpointError: the tensors do not fit the configuration; names the first that does not.
        """
        states = split_state(tensors, self.parts)
        for trained, part in zip((self._generators, self._discriminators), self.parts, strict=True):
            trained.load_state(states[part])

    def generators(self) -> dict[str, Tensor]:
        """The generators' live weights, by the names that files have for them."""
        return plain_state(self._generators.networks)

    def _augment(self, images: dict[Domain, Tensor], noise: Noise) -> dict[Domain, Tensor]:
        """The images (B, C, H, W) of some domains as the discriminators see them; unchanged without augmentation."""
        return {domain: augment_images(batch, self._augmentations, noise) for domain, batch in images.items()}

    def discriminators(self) -> dict[str, Tensor]:
        """The discriminators' live weights, by the names that `state` has for them."""
        return join_states({self.parts[1]: self._discriminators.weights()})

    def _generator_loss(self, discriminator: nn.Module, fake: Tensor) -> Tensor:
        """The adversarial loss of a generator for its output `fake`, summed over the discriminator's scales."""
        return total(generator_loss(scores, self._gan) for scores in self._precision.score(discriminator, fake))

    def _discriminator_loss(self, discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
        """The adversarial loss of a discriminator, summed over its scales. All images go through it as one batch."""
        scales = self._precision.score(discriminator, torch.cat([real, fake]))
        pairs = (torch.split(scores, [len(real), len(fake)]) for scores in scales)
        return total(discriminator_loss(real_scores, fake_scores, self._gan) for real_scores, fake_scores in pairs)

    def _gradient_penalty(self, discriminator: nn.Module, real: Tensor) -> Tensor:
        """R1: how steeply the scores change at `real` images, summed over the discriminator's scales.

        Scores of features are left out: the spectral norm of what gives them limits how steeply they change.
        """
        if isinstance(discriminator, FeatureDiscriminator):
            discriminator = discriminator.pixels
        images = real.detach().requires_grad_()
        # `forward` itself is never compiled: torch's compiler has no gradients of gradients.
        return gradient_penalty(self._precision.score(discriminator.forward, images), images)


def total(terms: Iterable[Tensor]) -> Tensor:
    """The sum of losses without axes."""
    return torch.stack(list(terms)).sum()

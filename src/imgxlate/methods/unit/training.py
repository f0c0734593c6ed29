"""UNIT's training, as the authors' later release has it (arXiv 1703.00848): one step, in the order of the equations."""

from functools import partial
from itertools import starmap
from operator import itemgetter
from typing import Self

import torch
from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.data.batch import Batch
from imgxlate.losses.reconstruction import absolute_error, kl_divergence
from imgxlate.methods.protocol import Losses, Noise, StepContext
from imgxlate.methods.shared.accumulation import EncodedParts, Images, micro_batches
from imgxlate.methods.shared.autoencoders import make_discriminators, make_generators, require_trainable
from imgxlate.methods.shared.config import schedule
from imgxlate.methods.shared.cuda_graphs import graphed
from imgxlate.methods.shared.judged_features import judging
from imgxlate.methods.shared.perceptual import PerceptualLoss
from imgxlate.methods.shared.training import AdversarialTraining, total
from imgxlate.methods.spec import DOMAINS, OTHER, Domain
from imgxlate.methods.unit.config import UnitConfig, UnitTrainingConfig
from imgxlate.methods.unit.networks import Generator, minimum_side, share_latent
from imgxlate.nn.discriminators import MultiScaleDiscriminator
from imgxlate.nn.feature_discriminator import FeatureDiscriminator
from imgxlate.nn.initialization import seeded

_CYCLE = {"A": "aba", "B": "bab"}
"""The path of an image of each domain to the other domain and back."""

Codes = dict[Domain, Tensor]
"""Means or samples of the latent codes (B, C, h, w) of the images of each domain."""


class UnitTraining(AdversarialTraining):
    """A UNIT model in training."""

    def __init__(
        self,
        config: UnitTrainingConfig,
        generators: dict[Domain, Generator],
        discriminators: dict[Domain, MultiScaleDiscriminator | FeatureDiscriminator],
        perceptual: PerceptualLoss | None,
    ) -> None:
        super().__init__(
            config,
            {domain.lower(): network for domain, network in generators.items()},
            {domain.lower(): network for domain, network in discriminators.items()},
            schedule=schedule(config.lr_policy, config.iterations, config.step_size, config.gamma),
            gan=config.dis.gan_type,
            compilable=[part for generator in generators.values() for part in (generator.enc, generator.dec)],
            perceptual=perceptual,
            lr_dis=config.lr_dis,
            augment=config.augment,
            muon=config.optimizer == "muon",
        )
        self.config = config
        self._gen = generators
        self._dis = discriminators

    @classmethod
    def create(cls, config: UnitTrainingConfig, features: Checkpoint | None) -> Self:
        """Networks with initial weights from `config.seed`; `features` is the network that `config.features` names.

        Raises:
            UsageError: the crop is too small for the networks or no multiple of their stride, or a value is invalid.
            CheckpointError: `features` is no VGG network, or is needed and missing.
        """
        perceptual = PerceptualLoss.load(config.vgg, features, config.data) if config.vgg_w else None
        side = minimum_side(config.gen)
        require_trainable(config.gen, config.dis, config.data, minimum_side=side, perceptual=perceptual)
        with seeded(config.seed):
            generators = make_generators(partial(Generator, config.gen), config.init, spectral=config.spectral_gen)
            discriminators = judging(config, features, make_discriminators(config.dis, config.gen))
        if config.share_latent:
            share_latent(generators["A"], generators["B"])
        return cls(config, generators, discriminators, perceptual)

    def architecture(self) -> UnitConfig:
        """The configuration of the generators."""
        return self.config.gen

    @graphed
    def train_step(self, batch: Batch, context: StepContext) -> Losses:
        """Update the discriminators, then the generators. Returns the losses and the norms of the gradients.

        Both updates start from the same generators, so images are encoded once.
        """
        parts = micro_batches(batch, context.noise, self.config.accumulate, self._dtype)
        encoded = EncodedParts(parts, self._means)
        losses, norm = self._discriminators.update_by_parts(
            starmap(self._discriminator_losses, encoded), itemgetter("dis_total"), context
        )
        with self._discriminators.frozen():
            generator_losses, generator_norm = self._generators.update_by_parts(
                starmap(self._generator_losses, encoded), itemgetter("gen_total"), context
            )
        return losses | generator_losses | {"grad_dis": norm, "grad_gen": generator_norm}

    def _means(self, images: Images) -> Codes:
        """The means of the latent codes of the images of each domain."""
        return {domain: self._encode(domain, images[domain]) for domain in DOMAINS}

    def _encode(self, domain: Domain, images: Tensor) -> Tensor:
        """The means of the latent codes, by the encoder of `domain` (Sec. 3)."""
        return self._precision.run(self._gen[domain].encode, images)

    def _decode(self, domain: Domain, codes: Tensor) -> Tensor:
        return self._precision.run(self._gen[domain].decode, codes)

    def _discriminator_losses(self, images: Images, means: Codes, noise: Noise) -> Losses:
        """The adversarial loss (Eq. 5) as the discriminators maximize it, and the gradient penalty."""
        config, codes = self.config, _sample(means, noise)
        with torch.no_grad():
            fakes = {domain: self._decode(domain, codes[OTHER[domain]]) for domain in DOMAINS}
        reals, fakes = self._augment(images, noise), self._augment(fakes, noise)
        a, b = (self._discriminator_loss(self._dis[domain], reals[domain], fakes[domain]) for domain in DOMAINS)
        losses = {"dis_a": a, "dis_b": b, "dis_total": config.gan_w * (a + b)}
        if config.dis.r1_w:
            a, b = (self._gradient_penalty(self._dis[domain], reals[domain]) for domain in DOMAINS)
            losses |= {"dis_r1_a": a, "dis_r1_b": b, "dis_total": losses["dis_total"] + config.dis.r1_w * (a + b)}
        return losses

    def _generator_losses(self, images: Images, means: Codes, noise: Noise) -> Losses:
        """Every loss of the generators (Eq. 2), and as `gen_total` their weighted sum."""
        codes = _sample(means, noise)
        reconstructions, fakes = {}, {}
        for domain in DOMAINS:
            reconstructions[domain], fakes[domain] = self._precision.run_together(
                self._gen[domain].decode, (codes[domain],), (codes[OTHER[domain]],)
            )
        # The code of a translated image is again a code of the source image. The one of B, encoded from the fake of A,
        # comes first: noise is drawn in this order, as in the original (trainer.py).
        fake_means = {OTHER[domain]: self._encode(domain, fakes[domain]) for domain in DOMAINS}
        cycle = self._cycle_losses(images, fake_means, noise)
        seen = self._augment(fakes, noise)
        perceptual = self._perceptual(fakes, images) if self._perceptual else None
        losses: Losses = {}
        for domain in DOMAINS:
            terms = {
                "recon_x": absolute_error(reconstructions[domain], images[domain]),  # Eq. 3, of a Laplacian
                "recon_kl": kl_divergence(means[domain]),  # Eq. 3
                "adv": self._generator_loss(self._dis[domain], seen[domain]),  # Eq. 5
                "cyc_x": cycle[domain],  # Eq. 7
                "vgg": perceptual[domain] if perceptual else images[domain].new_zeros(()),
            }
            losses |= {f"gen_{name}_{domain.lower()}": loss for name, loss in terms.items()}
            losses[f"gen_recon_kl_cyc_{_CYCLE[domain]}"] = kl_divergence(fake_means[domain])  # Eq. 7
        return losses | {"gen_total": self._weighted(losses)}

    def _cycle_losses(self, images: Images, fake_means: Codes, noise: Noise) -> Images:
        """Cycle consistency (Eq. 7): images to the other domain and back, with noise in both directions."""
        if not self.config.recon_x_cyc_w:
            return {domain: images[domain].new_zeros(()) for domain in DOMAINS}
        codes = _sample(fake_means, noise)
        return {domain: absolute_error(self._decode(domain, codes[domain]), images[domain]) for domain in DOMAINS}

    def _weighted(self, losses: Losses) -> Tensor:
        """The weighted sum of the losses of both domains."""
        weights = {
            "gen_adv": self.config.gan_w,
            "gen_recon_x": self.config.recon_x_w,
            "gen_recon_kl": self.config.recon_kl_w,
            "gen_cyc_x": self.config.recon_x_cyc_w,
            "gen_vgg": self.config.vgg_w,
        }
        terms = ((losses[f"{name}_a"] + losses[f"{name}_b"]) * weight for name, weight in weights.items())
        cycle_kl = losses["gen_recon_kl_cyc_aba"] + losses["gen_recon_kl_cyc_bab"]
        return total(terms) + self.config.recon_kl_cyc_w * cycle_kl


def _sample(means: Codes, noise: Noise) -> Codes:
    """Samples of N(mean, I), drawn in the order of `means` (Sec. 3)."""
    return {domain: mean + noise(mean.shape[1:]).to(mean) for domain, mean in means.items()}

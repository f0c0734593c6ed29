"""MUNIT's training (arXiv 1804.04732): one step, in the order of the paper's equations."""

from dataclasses import dataclass
from functools import partial
from itertools import starmap
from operator import itemgetter
from typing import Self

import torch
from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.data.batch import Batch
from imgxlate.losses.reconstruction import absolute_error
from imgxlate.methods.munit.config import MunitConfig, MunitTrainingConfig
from imgxlate.methods.munit.networks import Generator, minimum_side
from imgxlate.methods.protocol import Losses, Noise, StepContext
from imgxlate.methods.shared.accumulation import EncodedParts, Images, micro_batches
from imgxlate.methods.shared.autoencoders import make_discriminators, make_generators, require_trainable
from imgxlate.methods.shared.config import schedule
from imgxlate.methods.shared.cuda_graphs import graphed
from imgxlate.methods.shared.judged_features import judging
from imgxlate.methods.shared.perceptual import PerceptualLoss
from imgxlate.methods.shared.training import AdversarialTraining, total
from imgxlate.methods.spec import DOMAINS, OTHER, Domain
from imgxlate.nn.discriminators import MultiScaleDiscriminator
from imgxlate.nn.feature_discriminator import FeatureDiscriminator
from imgxlate.nn.initialization import seeded


@dataclass(frozen=True, slots=True)
class Code:
    """The two codes of a batch of images."""

    content: Tensor  # (B, C, h, w)
    style: Tensor  # (B, style_dim)


Codes = dict[Domain, Code]


class MunitTraining(AdversarialTraining):
    """A MUNIT model in training."""

    def __init__(
        self,
        config: MunitTrainingConfig,
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
            compilable=[part for g in generators.values() for part in (g.enc_style, g.enc_content, g.dec)],
            perceptual=perceptual,
            lr_dis=config.lr_dis,
            augment=config.augment,
            muon=config.optimizer == "muon",
        )
        self.config = config
        self._gen = generators
        self._dis = discriminators

    @classmethod
    def create(cls, config: MunitTrainingConfig, features: Checkpoint | None) -> Self:
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
        return cls(config, generators, discriminators, perceptual)

    def architecture(self) -> MunitConfig:
        """The configuration of the generators."""
        return self.config.gen

    @graphed
    def train_step(self, batch: Batch, context: StepContext) -> Losses:
        """Update the discriminators, then the generators. Returns the losses and the norms of the gradients.

        Both updates start from the same generators, so images are encoded once.
        """
        parts = micro_batches(batch, context.noise, self.config.accumulate, self._dtype)
        encoded = EncodedParts(parts, self._encode)
        losses, norm = self._discriminators.update_by_parts(
            starmap(self._discriminator_losses, encoded), itemgetter("dis_total"), context
        )
        with self._discriminators.frozen():
            generator_losses, generator_norm = self._generators.update_by_parts(
                starmap(self._generator_losses, encoded), itemgetter("gen_total"), context
            )
        return losses | generator_losses | {"grad_dis": norm, "grad_gen": generator_norm}

    def _encode(self, images: Images) -> Codes:
        """Content and style code of the images of each domain, by its own encoders (Sec. 3)."""
        run, codes = self._precision.run, {}
        for domain, generator in self._gen.items():
            content, style = (run(encoder, images[domain]) for encoder in (generator.enc_content, generator.enc_style))
            codes[domain] = Code(content, style)
        return codes

    def _sample_styles(self, codes: Codes, noise: Noise) -> dict[Domain, Tensor]:
        """Style codes of each domain from the prior N(0, I)."""
        return {domain: noise((self.config.gen.style_dim,)).to(codes[domain].style) for domain in DOMAINS}

    def _discriminator_losses(self, images: Images, codes: Codes, noise: Noise) -> Losses:
        """The adversarial loss (Eq. 4) as the discriminators maximize it, and the gradient penalty."""
        config, styles = self.config, self._sample_styles(codes, noise)
        with torch.no_grad():
            fakes = {
                domain: self._precision.run(self._gen[domain].decode, codes[OTHER[domain]].content, styles[domain])
                for domain in DOMAINS
            }
        reals, fakes = self._augment(images, noise), self._augment(fakes, noise)
        a, b = (self._discriminator_loss(self._dis[domain], reals[domain], fakes[domain]) for domain in DOMAINS)
        losses = {"dis_a": a, "dis_b": b, "dis_total": config.gan_w * (a + b)}
        if config.dis.r1_w:
            a, b = (self._gradient_penalty(self._dis[domain], reals[domain]) for domain in DOMAINS)
            losses |= {"dis_r1_a": a, "dis_r1_b": b, "dis_total": losses["dis_total"] + config.dis.r1_w * (a + b)}
        return losses

    def _generator_losses(self, images: Images, codes: Codes, noise: Noise) -> Losses:
        """Every loss of the generators (Sec. 4 and 5.1), and as `gen_total` their weighted sum."""
        styles = self._sample_styles(codes, noise)
        reconstructions, fakes = {}, {}
        for domain in DOMAINS:
            reconstructions[domain], fakes[domain] = self._precision.run_together(
                self._gen[domain].decode,
                (codes[domain].content, codes[domain].style),
                (codes[OTHER[domain]].content, styles[domain]),
            )
        fake_codes = self._encode(fakes)
        seen = self._augment(fakes, noise)
        perceptual = self._perceptual(fakes, images) if self._perceptual else None
        losses: Losses = {}
        for domain in DOMAINS:
            content = codes[domain].content
            target = content.detach() if self.config.detach_content else content
            terms = {
                "recon_x": absolute_error(reconstructions[domain], images[domain]),  # Eq. 1
                "recon_c": absolute_error(fake_codes[OTHER[domain]].content, target),  # Eq. 2
                "recon_s": absolute_error(fake_codes[domain].style, styles[domain]),  # Eq. 3
                "adv": self._generator_loss(self._dis[domain], seen[domain]),  # Eq. 4
                "cycrecon_x": self._cycle_loss(domain, images, codes, fake_codes),  # Sec. 5.1
                "vgg": perceptual[domain] if perceptual else images[domain].new_zeros(()),  # Sec. 5.1
            }
            losses |= {f"gen_{name}_{domain.lower()}": loss for name, loss in terms.items()}
        return losses | {"gen_total": self._weighted(losses)}

    def _cycle_loss(self, domain: Domain, images: Images, codes: Codes, fake_codes: Codes) -> Tensor:
        """Style-augmented cycle consistency (Sec. 5.1): to the other domain and back with the image's own style."""
        if not self.config.recon_x_cyc_w:
            return images[domain].new_zeros(())
        content, style = fake_codes[OTHER[domain]].content, codes[domain].style
        return absolute_error(self._precision.run(self._gen[domain].decode, content, style), images[domain])

    def _weighted(self, losses: Losses) -> Tensor:
        """The weighted sum of the losses of both domains (Eq. 5, and Sec. 5.1)."""
        weights = {
            "gen_adv": self.config.gan_w,
            "gen_recon_x": self.config.recon_x_w,
            "gen_recon_s": self.config.recon_s_w,
            "gen_recon_c": self.config.recon_c_w,
            "gen_cycrecon_x": self.config.recon_x_cyc_w,
            "gen_vgg": self.config.vgg_w,
        }
        return total((losses[f"{name}_a"] + losses[f"{name}_b"]) * weight for name, weight in weights.items())

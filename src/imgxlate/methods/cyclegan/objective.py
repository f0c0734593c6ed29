"""What CycleGAN's generators and discriminators are trained for (arXiv 1703.10593, Sec. 3 and 5.2)."""

from dataclasses import dataclass

from torch import Tensor

from imgxlate.losses.adversarial import discriminator_loss, generator_loss
from imgxlate.losses.reconstruction import absolute_error
from imgxlate.methods.cyclegan.config import CycleganTrainingConfig


@dataclass(frozen=True, slots=True)
class Round:
    """Pictures (B, 3, H, W) of both domains, and what the generators make of them."""

    real_a: Tensor
    real_b: Tensor
    fake_a: Tensor  # of real_b
    fake_b: Tensor  # of real_a
    cycled_a: Tensor  # of fake_b
    cycled_b: Tensor  # of fake_a
    kept_a: Tensor | None  # real_a from the generator that gives pictures of A; None: not asked for
    kept_b: Tensor | None


def generator_losses(
    made: Round, scores_a: Tensor, scores_b: Tensor, config: CycleganTrainingConfig
) -> dict[str, Tensor]:
    """The weighted losses of the generators by the original's names; their sum is what they minimise.

    `scores_a` and `scores_b` are the discriminators', of `made.fake_a` and `made.fake_b`. G_A is the generator that
    takes A, cycle_A the way from A to B and back, idt_A what G_A does to pictures that are of B.
    """
    losses = {
        "G_A": generator_loss(scores_b, config.gan_mode),  # Eq. 1
        "G_B": generator_loss(scores_a, config.gan_mode),
        "cycle_A": absolute_error(made.cycled_a, made.real_a) * config.lambda_a,  # Eq. 2
        "cycle_B": absolute_error(made.cycled_b, made.real_b) * config.lambda_b,
    }
    if made.kept_a is not None and made.kept_b is not None:  # Sec. 5.2, L_identity
        losses["idt_A"] = absolute_error(made.kept_b, made.real_b) * (config.lambda_b * config.lambda_identity)
        losses["idt_B"] = absolute_error(made.kept_a, made.real_a) * (config.lambda_a * config.lambda_identity)
    return losses


def judgement_loss(real: Tensor, fake: Tensor, config: CycleganTrainingConfig) -> Tensor:
    """The loss of a discriminator, halved to slow it down (Appendix 7.1), from its scores."""
    return discriminator_loss(real, fake, config.gan_mode) * 0.5

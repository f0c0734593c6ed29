"""What UNIT's generators are trained for, as the authors' later release has it (arXiv 1703.00848, Sec. 3)."""

from torch import Tensor

from imgxlate.losses.kl import divergence_from_standard
from imgxlate.losses.reconstruction import absolute_error
from imgxlate.methods.pair_networks import Losses, Networks, Pictures, weighted_sum
from imgxlate.methods.protocol import Noise
from imgxlate.methods.spec import DOMAINS, OTHER, Domain
from imgxlate.methods.unit.config import UnitTrainingConfig
from imgxlate.methods.unit.networks import Generator

_ROUND = {"A": "aba", "B": "bab"}
"""The way of a picture of a domain to the other and back."""


class UnitObjective:
    """Reconstructions of pictures, directly and over the other domain, and pictures that pass for the other's."""

    def __init__(self, config: UnitTrainingConfig, networks: Networks[Generator]) -> None:
        self._networks = networks
        self._weights = {
            "gen_adv": config.gan_w,
            "gen_recon_x": config.recon_x_w,
            "gen_recon_kl": config.recon_kl_w,
            "gen_cyc_x": config.recon_x_cyc_w,
            "gen_vgg": config.vgg_w,
        }
        self._round_weight = config.recon_kl_cyc_w
        self._cycle = config.recon_x_cyc_w > 0

    def encode(self, pictures: Pictures) -> Pictures:
        """The means of the latent codes (B, C, h, w) of the pictures of each domain, by its own encoder."""
        return {domain: self._encode(domain, pictures[domain]) for domain in DOMAINS}

    def translate(self, codes: Pictures, noise: Noise) -> Pictures:
        """Pictures of each domain, of the other's codes with noise."""
        drawn = _sampled(codes, noise)
        return {domain: self._decode(domain, drawn[OTHER[domain]]) for domain in DOMAINS}

    def generator_losses(self, pictures: Pictures, codes: Pictures, noise: Noise) -> Losses:
        """Every loss of both domains, and `gen_total`."""
        drawn = _sampled(codes, noise)
        own, made = {}, {}
        for domain in DOMAINS:
            own[domain], made[domain] = self._networks.run_together(
                self._networks.generators[domain].decode, (drawn[domain],), (drawn[OTHER[domain]],)
            )
        # The code of a made picture is the code of the other domain's picture once more. The code of B, read off the
        # picture of A, comes first: noise is drawn in this order, as by the original (trainer.py).
        again = {OTHER[domain]: self._encode(domain, made[domain]) for domain in DOMAINS}
        cycled = self._cycle_losses(pictures, again, noise)
        perceptual = self._networks.perceptual_losses(made, pictures)
        losses: Losses = {}
        for domain in DOMAINS:
            parts = {
                "recon_x": absolute_error(own[domain], pictures[domain]),  # Eq. 3, of a Laplacian
                "recon_kl": divergence_from_standard(codes[domain]),  # Eq. 3
                "adv": self._networks.adversarial_loss(domain, made[domain]),  # Eq. 5
                "cyc_x": cycled[domain],  # Eq. 7
                "vgg": perceptual[domain],
            }
            losses |= {f"gen_{name}_{domain.lower()}": loss for name, loss in parts.items()}
            losses[f"gen_recon_kl_cyc_{_ROUND[domain]}"] = divergence_from_standard(again[domain])  # Eq. 7
        return losses | {"gen_total": self._total(losses)}

    def _encode(self, domain: Domain, pictures: Tensor) -> Tensor:
        return self._networks.run(self._networks.generators[domain].encode, pictures)

    def _decode(self, domain: Domain, codes: Tensor) -> Tensor:
        return self._networks.run(self._networks.generators[domain].decode, codes)

    def _cycle_losses(self, pictures: Pictures, again: Pictures, noise: Noise) -> dict[Domain, Tensor]:
        """Cycle consistency: pictures to the other domain and back, with noise on both ways."""
        if not self._cycle:
            return {domain: pictures[domain].new_zeros(()) for domain in DOMAINS}
        drawn = _sampled(again, noise)
        return {domain: absolute_error(self._decode(domain, drawn[domain]), pictures[domain]) for domain in DOMAINS}

    def _total(self, losses: Losses) -> Tensor:
        rounds = losses["gen_recon_kl_cyc_aba"] + losses["gen_recon_kl_cyc_bab"]
        return weighted_sum(losses, self._weights) + self._round_weight * rounds


def _sampled(codes: Pictures, noise: Noise) -> Pictures:
    """Samples of N(code, I), drawn in the order of `codes` (Sec. 3)."""
    return {domain: mean + noise(mean.shape[1:]).to(mean) for domain, mean in codes.items()}

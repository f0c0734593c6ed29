"""What MUNIT's generators are trained for (arXiv 1804.04732, Sec. 4 and 5.1)."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from imgxlate.losses.reconstruction import absolute_error
from imgxlate.methods.munit.config import MunitTrainingConfig
from imgxlate.methods.munit.networks import Generator
from imgxlate.methods.pair_networks import Losses, Networks, Pictures, weighted_sum
from imgxlate.methods.protocol import Noise
from imgxlate.methods.spec import DOMAINS, OTHER, Domain


@dataclass(frozen=True, slots=True)
class Code:
    """What a generator's encoders make of pictures."""

    content: Tensor  # (B, C, h, w)
    style: Tensor  # (B, style_dim)


Codes = Mapping[Domain, Code]


class MunitObjective:
    """The reconstructions of pictures and codes, and the pictures that pass for the other domain's."""

    def __init__(self, config: MunitTrainingConfig, networks: Networks[Generator]) -> None:
        self._style_dim = config.gen.style_dim
        self._networks = networks
        self._weights = {  # Eq. 5, and Sec. 5.1
            "gen_adv": config.gan_w,
            "gen_recon_x": config.recon_x_w,
            "gen_recon_s": config.recon_s_w,
            "gen_recon_c": config.recon_c_w,
            "gen_cycrecon_x": config.recon_x_cyc_w,
            "gen_vgg": config.vgg_w,
        }
        self._cycle = config.recon_x_cyc_w > 0

    def encode(self, pictures: Pictures) -> Codes:
        """Content and style codes of the pictures of each domain, by its own encoders."""
        return {domain: self._encode(domain, pictures[domain]) for domain in DOMAINS}

    def translate(self, codes: Codes, noise: Noise) -> Pictures:
        """Pictures of each domain: the other's content, with styles drawn for A, then for B."""
        styles = self._draw(codes, noise)
        return {
            domain: self._networks.run(
                self._networks.generators[domain].decode, codes[OTHER[domain]].content, styles[domain]
            )
            for domain in DOMAINS
        }

    def generator_losses(self, pictures: Pictures, codes: Codes, noise: Noise) -> Losses:
        """Every loss of both domains, and `gen_total`."""
        styles = self._draw(codes, noise)
        own, made = {}, {}
        for domain in DOMAINS:
            own[domain], made[domain] = self._networks.run_together(
                self._networks.generators[domain].decode,
                (codes[domain].content, codes[domain].style),
                (codes[OTHER[domain]].content, styles[domain]),
            )
        again = {domain: self._encode(domain, made[domain]) for domain in DOMAINS}
        perceptual = self._networks.perceptual_losses(made, pictures)
        losses: Losses = {}
        for domain in DOMAINS:
            parts = {
                "recon_x": absolute_error(own[domain], pictures[domain]),  # Eq. 1
                "recon_c": absolute_error(again[OTHER[domain]].content, codes[domain].content),  # Eq. 2
                "recon_s": absolute_error(again[domain].style, styles[domain]),  # Eq. 3
                "adv": self._networks.adversarial_loss(domain, made[domain]),  # Eq. 4
                "cycrecon_x": self._cycle_loss(domain, pictures, codes, again),
                "vgg": perceptual[domain],
            }
            losses |= {f"gen_{name}_{domain.lower()}": loss for name, loss in parts.items()}
        return losses | {"gen_total": weighted_sum(losses, self._weights)}

    def _encode(self, domain: Domain, pictures: Tensor) -> Code:
        generator = self._networks.generators[domain]
        return Code(
            self._networks.run(generator.enc_content, pictures), self._networks.run(generator.enc_style, pictures)
        )

    def _draw(self, codes: Codes, noise: Noise) -> dict[Domain, Tensor]:
        return {domain: noise((self._style_dim,)).to(codes[domain].style) for domain in DOMAINS}

    def _cycle_loss(self, domain: Domain, pictures: Pictures, codes: Codes, again: Codes) -> Tensor:
        """Style-augmented cycle consistency (Sec. 5.1): to the other domain and back with the picture's own style."""
        if not self._cycle:
            return pictures[domain].new_zeros(())
        generator = self._networks.generators[domain]
        back = self._networks.run(generator.decode, again[OTHER[domain]].content, codes[domain].style)
        return absolute_error(back, pictures[domain])

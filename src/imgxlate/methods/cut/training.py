"""CUT's training (arXiv 2007.15651, Sec. 3): one step, in the order of the original's code."""

from collections.abc import Sequence
from functools import partial
from itertools import chain
from operator import itemgetter
from typing import Self

import torch
from torch import Tensor, nn

from imgxlate.checkpoint import Checkpoint
from imgxlate.data.batch import Batch
from imgxlate.errors import UsageError
from imgxlate.losses.contrastive import patch_nce
from imgxlate.methods.cut.config import CutConfig, CutTrainingConfig
from imgxlate.methods.cut.networks import Encoder, Generator, Projections, make_discriminator
from imgxlate.methods.protocol import Losses, Noise, StepContext
from imgxlate.methods.shared import resnets
from imgxlate.methods.shared.accumulation import EncodedParts, Images, micro_batches
from imgxlate.methods.shared.config import linear_decay
from imgxlate.methods.shared.cuda_graphs import between_graphs, graphed
from imgxlate.methods.shared.judged_features import judging
from imgxlate.methods.shared.optimization import join_states
from imgxlate.methods.shared.training import AdversarialTraining, total
from imgxlate.nn.initialization import initialize, seeded
from imgxlate.nn.precision import at_least_float32

_GAIN = 0.02  # of the initial weights (taesungp/contrastive-unpaired-translation, options/base_options.py)

Features = Sequence[Tensor]
"""The outputs (B, C, H, W) of the contrasted layers."""


class CutTraining(AdversarialTraining):
    """A CUT model in training, by the original's names: G takes images of A, D judges images of B, F projects."""

    parts = ("generators", "discriminators")

    def __init__(self, config: CutTrainingConfig, features: Checkpoint | None = None) -> None:
        with seeded(config.seed):
            generator = initialize(Generator(config.gen), config.init, _GAIN)
            pixels = initialize(make_discriminator(config), config.init, _GAIN)
            encoder = Encoder(generator, config.nce_layers)
            projections = initialize(Projections(encoder.widths, config.nce_dim), config.init, _GAIN)
            discriminator = judging(config, features, {"B": pixels})["B"]
        decoder = nn.Sequential(*list(generator.model)[len(encoder.model) :])
        super().__init__(
            config,
            {"G": generator, "F": projections},
            {"D": discriminator},
            schedule=linear_decay(config.iterations, config.lr_decay_share),
            gan=config.gan_mode,
            compilable=[encoder, decoder],
            lr_dis=config.lr_dis,
            augment=config.augment,
            muon=config.optimizer == "muon",
        )
        self.config = config
        self._encoder, self._decoder = encoder, decoder  # together they are G
        self._f, self._d = projections, discriminator

    @classmethod
    def create(cls, config: CutTrainingConfig, features: Checkpoint | None) -> Self:
        """Networks with initial weights from `config.seed`; `features` is the network that `config.features` names.

        Raises:
            UsageError: a value of `config` is invalid, such as a crop that the networks cannot take.
            CheckpointError: `features` is no VGG network, or is needed and missing.
        """
        resnets.require_trainable("CUT", config.gen, config.n_layers, config.data)
        _require_layers(config)
        if config.gen.channels_a != config.gen.channels_b:
            raise UsageError(
                f"CUT needs images of the same number of channels, because its generator encodes inputs and outputs: "
                f"those of A have {config.gen.channels_a} and those of B {config.gen.channels_b}",
                hint="Type `imgxlate train cyclegan`, munit or unit instead, which take different numbers.",
            )
        return cls(config, features)

    def architecture(self) -> CutConfig:
        """The configuration of the generator."""
        return self.config.gen

    def generators(self) -> dict[str, Tensor]:
        """The generator's live weights, by the names that files have for them; F is not part of a model."""
        return {name: tensor for name, tensor in super().generators().items() if name.startswith("G.")}

    def discriminators(self) -> dict[str, Tensor]:
        """The live weights of D, and those of F, which a model does not have either, by the names of `state`."""
        own = {name: tensor for name, tensor in self._generators.weights().items() if name.startswith("weights.F.")}
        return super().discriminators() | join_states({self.parts[0]: own})

    @graphed
    def train_step(self, batch: Batch, context: StepContext) -> Losses:
        """Update D, then G and F together. Returns the losses and the norms of the gradients."""
        parts = micro_batches(batch, context.noise, self.config.accumulate, self._dtype)
        is_mirrored = self._draw_mirroring(context)
        positions: dict[str, Sequence[Tensor]] = {}  # those of the first part are those of all
        translated = EncodedParts(parts, partial(self._translate, is_mirrored=is_mirrored))
        judged, judged_norm = self._discriminators.update_by_parts(
            (
                self._discriminator_losses(images["B"], outputs[0].detach(), noise)
                for images, (outputs, _), noise in translated
            ),
            lambda losses: total(losses.values()),
            context,
        )
        with self._discriminators.frozen():
            losses, norm = self._generators.update_by_parts(
                (
                    self._generator_losses(*pairs, positions, is_mirrored, noise, context)
                    for _, pairs, noise in translated
                ),
                itemgetter("G"),
                context,
            )
        return losses | judged | {"grad_D": judged_norm, "grad_G": norm}

    def _generator_losses(
        self,
        outputs: Sequence[Tensor],
        keys: Sequence[Features],
        positions: dict[str, Sequence[Tensor]],
        is_mirrored: Tensor | None,
        noise: Noise,
        context: StepContext,
    ) -> Losses:
        """Every loss of G and F, and as `G` their weighted sum. Positions that are not in `positions` are drawn."""
        seen = self._augment({"B": outputs[0]}, noise)
        losses = {"G_GAN": self._generator_loss(self._d, seen["B"]) * self.config.lambda_gan}
        contrasts = {}
        for name, output, key in zip(("NCE", "NCE_Y"), outputs, keys, strict=False):
            queries = self._encode(output)
            if name not in positions:
                positions[name] = self._draw_positions(key, context)
            contrasts[name] = self._contrast(queries, key, positions[name], is_mirrored) * self.config.lambda_nce
        losses["G"] = losses["G_GAN"] + total(contrasts.values()) / len(contrasts)  # Sec. 3, Final objective
        return losses | contrasts

    def _translate(self, images: Images, is_mirrored: Tensor | None) -> tuple[Sequence[Tensor], list[Features]]:
        """The outputs of G for the images to contrast, and the features of these images, without a gradient."""
        sources = (images["A"], images["B"]) if self.config.nce_identity else (images["A"],)
        real = torch.cat([*sources])
        if is_mirrored is None:
            features = self._encode(real)
            fake, keys = self._decode(features), [each.detach() for each in features]
        else:
            fake = self._decode(self._encode(torch.where(is_mirrored, real.flip(3), real)))
            with torch.no_grad():
                keys = self._encode(real)
        size = len(sources[0])
        return torch.split(fake, size), [
            [*part] for part in zip(*(torch.split(each, size) for each in keys), strict=True)
        ]

    def _encode(self, images: Tensor) -> list[Tensor]:
        with self._precision.autocast(self._device):
            features: list[Tensor] = self._encoder(images)
        return features

    def _decode(self, features: Features) -> Tensor:
        return self._precision.run(self._decoder, features[-1])

    def _discriminator_losses(self, real_b: Tensor, fake_b: Tensor, noise: Noise) -> Losses:
        """The loss of the discriminator, halved as in the original, and its penalty."""
        real, fake = (self._augment({"B": images}, noise)["B"] for images in (real_b, fake_b))
        losses = {"D": self._discriminator_loss(self._d, real, fake) * 0.5}
        if self.config.r1_w:
            losses["R1"] = self._gradient_penalty(self._d, real) * self.config.r1_w
        return losses

    def _contrast(
        self, queries: Features, keys: Features, positions: Sequence[Tensor], is_mirrored: Tensor | None
    ) -> Tensor:
        """PatchNCE of the features of translated images and of their inputs, averaged over the layers."""
        in_queries = positions
        if is_mirrored is not None:
            pairs = zip(positions, queries, strict=True)
            in_queries = [torch.where(is_mirrored, _mirrored(place, each.shape[3]), place) for place, each in pairs]
        projected = self._project(queries, in_queries)
        with torch.no_grad():
            targets = self._project(keys, positions)
        errors = [patch_nce(*pair, self.config.temperature) for pair in zip(projected, targets, strict=True)]
        return torch.stack(errors).mean()

    def _project(self, features: Features, positions: Sequence[Tensor]) -> list[Tensor]:
        """Unit vectors (B, N, nce_dim) for the features of each layer at N positions."""
        samples = [_sampled(each, place) for each, place in zip(features, positions, strict=True)]
        with self._precision.autocast(self._device):
            vectors: list[Tensor] = self._f(samples)
        return vectors

    def _draw_mirroring(self, context: StepContext) -> Tensor | None:
        """Whether this step mirrors its input, as a tensor without axes; None: no step does."""
        if not self.config.flip_equivariance:
            return None
        is_mirrored = torch.empty((), dtype=torch.bool, device=self._device)

        def draw(context: StepContext) -> None:
            is_mirrored.fill_(context.random.random() < 0.5)

        between_graphs(draw, context)
        return is_mirrored

    def _draw_positions(self, features: Features, context: StepContext) -> Sequence[Tensor]:
        """Positions (N,) in the features of each layer, without repetition, counted row by row: for all images."""
        sizes = [each.shape[2] * each.shape[3] for each in features]
        counts = [min(self.config.n_patches, size) for size in sizes]
        drawn = torch.empty(sum(counts), dtype=torch.int64, device=self._device)  # one copy from the processor

        def draw(context: StepContext) -> None:
            samples = (context.random.sample(range(size), count) for size, count in zip(sizes, counts, strict=True))
            drawn.copy_(torch.tensor([*chain.from_iterable(samples)]))

        between_graphs(draw, context)
        return torch.split(drawn, counts)


def _sampled(features: Tensor, positions: Tensor) -> Tensor:
    """The features (B, C, H, W) at the positions (N,), in float32 at least: (B, N, C)."""
    return at_least_float32(features.permute(0, 2, 3, 1).flatten(1, 2).index_select(1, positions))


def _mirrored(positions: Tensor, width: int) -> Tensor:
    """The same positions in an image of that width that is mirrored: as far from the other edge."""
    return positions + (width - 1 - 2 * (positions % width))


def _require_layers(config: CutTrainingConfig) -> None:
    layers, last = config.nce_layers, config.gen.first_block + config.gen.n_blocks - 1
    if list(layers) != sorted(set(layers)) or layers[-1] > last:
        usable = sorted({layer for layer in layers if layer < last} | {last})
        raise UsageError(
            f"nce_layers is {list(layers)}; its indices must increase, up to {last}, that of the last residual block",
            hint=f"Type `--set 'nce_layers={usable}'`.",
        )

"""CycleGAN's training (arXiv 1703.10593): one step, in the order of the paper's equations."""

import random
from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.data.batch import Batch
from imgxlate.errors import CheckpointError, UsageError
from imgxlate.losses.reconstruction import absolute_error
from imgxlate.methods.cyclegan.config import CycleganConfig, CycleganTrainingConfig
from imgxlate.methods.cyclegan.networks import Generator, make_discriminator
from imgxlate.methods.protocol import Losses, Noise, StepContext
from imgxlate.methods.shared import resnets
from imgxlate.methods.shared.accumulation import Images, MicroBatch, micro_batches
from imgxlate.methods.shared.config import linear_decay
from imgxlate.methods.shared.cuda_graphs import between_graphs, graphed
from imgxlate.methods.shared.judged_features import judging
from imgxlate.methods.shared.optimization import join_states
from imgxlate.methods.shared.training import AdversarialTraining, total
from imgxlate.methods.spec import DOMAINS, OTHER
from imgxlate.nn.initialization import initialize, seeded


class CycleganTraining(AdversarialTraining):
    """A CycleGAN model in training, by the original's names: G_A takes images of A, D_A judges images of B."""

    parts = ("generators", "discriminators")

    def __init__(self, config: CycleganTrainingConfig, features: Checkpoint | None = None) -> None:
        with seeded(config.seed):
            generators = {f"G_{source}": initialize(Generator(config.gen, source), config.init) for source in DOMAINS}
            pixels = {OTHER[of]: initialize(make_discriminator(config, OTHER[of]), config.init) for of in DOMAINS}
            judges = judging(config, features, pixels)
            discriminators = {f"D_{source}": judges[OTHER[source]] for source in DOMAINS}
        super().__init__(
            config,
            generators,
            discriminators,
            schedule=linear_decay(config.iterations, config.lr_decay_share),
            gan=config.gan_mode,
            compilable=list(generators.values()),
            lr_dis=config.lr_dis,
            augment=config.augment,
            muon=config.optimizer == "muon",
        )
        self.config = config
        self._g_a, self._g_b = generators.values()
        self._d_a, self._d_b = discriminators.values()
        self._pools = {domain: ImagePool(config.pool_size) for domain in DOMAINS}

    @classmethod
    def create(cls, config: CycleganTrainingConfig, features: Checkpoint | None) -> Self:
        """Networks with initial weights from `config.seed`; `features` is the network that `config.features` names.

        Raises:
            UsageError: a value of `config` is invalid, such as a crop that the networks cannot take.
            CheckpointError: `features` is no VGG network, or is needed and missing.
        """
        if config.gen.network != "resnet":
            raise UsageError(
                f"gen.network = {config.gen.network!r} cannot be trained here: U-Nets only translate",
                hint="Leave gen.network at 'resnet', which all models of the paper have.",
            )
        resnets.require_trainable("CycleGAN", config.gen, config.n_layers, config.data)
        if config.lambda_identity and config.gen.channels_a != config.gen.channels_b:
            raise UsageError(
                f"lambda_identity is {config.lambda_identity}: the identity loss needs images of the same number of "
                f"channels, but those of A have {config.gen.channels_a} and those of B {config.gen.channels_b}",
                hint="Type `--set lambda_identity=0`.",
            )
        return cls(config, features)

    def architecture(self) -> CycleganConfig:
        """The configuration of the generators."""
        return self.config.gen

    @graphed
    def train_step(self, batch: Batch, context: StepContext) -> Losses:
        """Update the generators, then the discriminators. Returns the losses and the norms of the gradients."""
        parts = micro_batches(batch, context.noise, self.config.accumulate, self._dtype)
        fakes: list[Images] = []

        def generator_losses(part: MicroBatch) -> Losses:
            losses, fake_a, fake_b = self._generator_losses(part.images["A"], part.images["B"], part.noise)
            fakes.append({"A": fake_a.detach(), "B": fake_b.detach()})
            return losses

        with self._discriminators.frozen():
            losses, norm = self._generators.update_by_parts(map(generator_losses, parts), _sum, context)
        # The discriminators may see fakes of earlier steps instead (Sec. 4).
        seen = self._exchange({domain: torch.cat([fake[domain] for fake in fakes]) for domain in ("B", "A")}, context)
        seen_parts = zip(*(seen[domain].chunk(len(parts)) for domain in DOMAINS), strict=True)
        judged, judged_norm = self._discriminators.update_by_parts(
            (
                self._discriminator_losses(part.images, {"A": fake_a, "B": fake_b}, part.noise)
                for part, (fake_a, fake_b) in zip(parts, seen_parts, strict=True)
            ),
            _sum,
            context,
        )
        return losses | {"grad_G": norm} | judged | {"grad_D": judged_norm}

    def _generator_losses(self, real_a: Tensor, real_b: Tensor, noise: Noise) -> tuple[Losses, Tensor, Tensor]:
        """The weighted losses of the generators, whose sum they minimize, and the fakes of A and of B."""
        config, run, run_together = self.config, self._precision.run, self._precision.run_together
        if config.lambda_identity:
            fake_b, same_b = run_together(self._g_a, (real_a,), (real_b,))
            fake_a, same_a = run_together(self._g_b, (real_b,), (real_a,))
        else:
            fake_b, fake_a = run(self._g_a, real_a), run(self._g_b, real_b)
        cycled_a, cycled_b = run(self._g_b, fake_b), run(self._g_a, fake_a)
        seen = self._augment({"A": fake_a, "B": fake_b}, noise)
        losses = {
            "G_A": self._generator_loss(self._d_a, seen["B"]),  # Eq. 1
            "G_B": self._generator_loss(self._d_b, seen["A"]),
            "cycle_A": absolute_error(cycled_a, real_a) * config.lambda_a,  # Eq. 2
            "cycle_B": absolute_error(cycled_b, real_b) * config.lambda_b,
        }
        if config.lambda_identity:  # Sec. 5.2, L_identity
            losses["idt_A"] = absolute_error(same_b, real_b) * (config.lambda_b * config.lambda_identity)
            losses["idt_B"] = absolute_error(same_a, real_a) * (config.lambda_a * config.lambda_identity)
        return losses, fake_a, fake_b

    def _discriminator_losses(self, reals: Images, fakes: Images, noise: Noise) -> Losses:
        """The losses of the discriminators (Eq. 1), halved to slow them down (Appendix 7.1), and their penalties."""
        reals, fakes = self._augment(reals, noise), self._augment(fakes, noise)
        losses = {
            "D_A": self._discriminator_loss(self._d_a, reals["B"], fakes["B"]) * 0.5,
            "D_B": self._discriminator_loss(self._d_b, reals["A"], fakes["A"]) * 0.5,
        }
        if self.config.r1_w:
            losses["R1_A"] = self._gradient_penalty(self._d_a, reals["B"]) * self.config.r1_w
            losses["R1_B"] = self._gradient_penalty(self._d_b, reals["A"]) * self.config.r1_w
        return losses

    def _exchange(self, fakes: Images, context: StepContext) -> Images:
        """The images that the discriminators see instead of `fakes`, which are this process's part of the batch."""
        if not self.config.pool_size:
            return fakes
        seen = {domain: torch.empty_like(images) for domain, images in fakes.items()}
        pools = self._pools  # `exchange` may be kept beyond this step, and must not keep the networks with it.

        def exchange(context: StepContext) -> None:
            for domain, images in fakes.items():
                exchanged = pools[domain].exchange(context.group.gather(images), context.random)
                seen[domain].copy_(exchanged[context.group.rank * len(images) :][: len(images)])

        between_graphs(exchange, context)
        return seen

    def place(self, device: torch.device, dtype: torch.dtype, *, compiled: bool) -> None:
        """Move everything to `device`, to multiply in `dtype`; weights, norms and losses are in float32 at least."""
        super().place(device, dtype, compiled=compiled)
        for pool in self._pools.values():
            pool.place(device, self._dtype)

    def state(self) -> dict[str, Tensor]:
        """Networks, optimizers and image pools."""
        pools = {domain: dict(enumerate(pool.images)) for domain, pool in self._pools.items()}
        return super().state() | join_states({"pools": join_states(pools)})

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore a state that `state` returned.

        Raises:
            CheckpointError: the tensors do not fit the configuration; names the first that does not.
        """
        pools = {name: tensor for name, tensor in tensors.items() if name.startswith("pools.")}
        super().load_state({name: tensor for name, tensor in tensors.items() if name not in pools})
        self._load_pools(pools)

    def _load_pools(self, tensors: Mapping[str, Tensor]) -> None:
        data, slots = self.config.data, range(self.config.pool_size)
        wanted = {domain: [f"pools.{domain}.{slot}" for slot in slots] for domain in DOMAINS}
        for name, tensor in tensors.items():
            known = any(name in names for names in wanted.values())
            channels = self.config.gen.channels_a if name.startswith("pools.A.") else self.config.gen.channels_b
            if not known or tensor.shape != (channels, data.crop_height, data.crop_width):
                raise CheckpointError(f"the state has {name} of {tuple(tensor.shape)}, which does not fit")
        for domain, pool in self._pools.items():
            filled = sum(name in tensors for name in wanted[domain])
            for name in wanted[domain][:filled]:
                if name not in tensors:
                    raise CheckpointError(f"the state lacks {name}, but has a later image of the pool")
            pool.images = [tensors[name].clone() for name in wanted[domain][:filled]]
            pool.place(self._device, self._dtype)


def _sum(losses: Losses) -> Tensor:
    return total(losses.values())


class ImagePool:
    """Up to `size` translated images of earlier steps (Sec. 4). All processes have the same pool."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.images: list[Tensor] = []  # (C, H, W) each

    def exchange(self, fakes: Tensor, rng: random.Random) -> Tensor:
        """The images that the discriminator sees instead of `fakes` (B, C, H, W), which are those of all processes.

        Until the pool is full, each image is kept and returned. Afterwards one in two is returned; any other replaces
        an older image, which is returned instead.
        """
        return torch.stack([self._exchange(image, rng) for image in fakes]) if self.size else fakes

    def place(self, device: torch.device, dtype: torch.dtype) -> None:
        """Move the images to `device`, in `dtype`."""
        self.images = [image.to(device, dtype) for image in self.images]

    def _exchange(self, image: Tensor, rng: random.Random) -> Tensor:
        if len(self.images) < self.size:
            self.images.append(image.clone())
            return image
        if rng.random() < 0.5:
            return image
        slot = rng.randrange(self.size)
        older, self.images[slot] = self.images[slot], image.clone()
        return older

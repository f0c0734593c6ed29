"""Shared by MUNIT and UNIT: an autoencoder for each domain, trained against multi-scale discriminators."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from imgxlate.checkpoint import Checkpoint
from imgxlate.data.config import DataConfig
from imgxlate.errors import CheckpointError, UsageError
from imgxlate.methods.file_kinds import refusal
from imgxlate.methods.original_files import require_original
from imgxlate.methods.protocol import NetworkReading
from imgxlate.methods.shared.checkpoints import count, size, visible_norm
from imgxlate.methods.shared.config import DiscriminatorConfig
from imgxlate.methods.shared.crop import require_crop
from imgxlate.methods.shared.layers import MAX_BLOCKS, Layer, read_network, width_of_stem
from imgxlate.methods.shared.perceptual import PerceptualLoss
from imgxlate.methods.shared.structure import Design, networks_by_structure
from imgxlate.methods.spec import DOMAINS, Domain, MethodConfig
from imgxlate.methods.tensor_names import by_domain, listed, networks_in
from imgxlate.nn import Init
from imgxlate.nn.autoencoder import Decoder
from imgxlate.nn.convolution import set_compute_dtype
from imgxlate.nn.discriminators import MultiScaleDiscriminator, smallest_side
from imgxlate.nn.initialization import initialize
from imgxlate.nn.spectral import normalize_spectrally

MAX_DOWNSAMPLE = 8  # how often an encoder may halve height and width

Generator = TypeVar("Generator", bound=nn.Module)

_DOMAIN_WORDS = (("source", "target"), ("src", "tgt"), ("src", "trg"), ("x", "y"), ("1", "2"))

# The last residual blocks of a decoder that may compute in bfloat16: the error in the image stays within two gray
# levels. Rounding in earlier blocks is amplified.
_BF16_BLOCKS = 2


def both_domains(
    checkpoint: Checkpoint, method: str, anchor: str, design: Design, title: str
) -> dict[Domain, dict[str, Tensor]]:
    """The tensors of each domain's autoencoder, which is recognized by its tensor named `anchor`, or by its layers.

    Raises:
        CheckpointError: the file holds another network, or one domain only.
    """
    networks = networks_in(checkpoint.tensors, anchor) or networks_by_structure(
        checkpoint, design, method=method, title=title
    )
    if checkpoint.header.get("method", method) != method:
        raise refusal(checkpoint, method)
    domains = by_domain(checkpoint, networks, _DOMAIN_WORDS)
    if len(networks) > 1 and len(domains) != len(DOMAINS):
        raise CheckpointError(
            f"{checkpoint.path}: the names of its networks do not show their domains: {listed(networks)}",
            hint="Name both, A's first: `--generator NAME --generator NAME`.",
        )
    if len(domains) != len(DOMAINS):
        raise CheckpointError(
            f"{checkpoint.path}: holds the network of one domain only; {method} encodes with one and decodes with the "
            "other",
            hint="Give the file with both, gen_*.pt; or join two: "
            "torch.save({'a': torch.load(FILE_A), 'b': torch.load(FILE_B)}, 'gen.pt').",
        )
    return domains


def sizes(layers: Sequence[Layer]) -> dict[str, Any]:
    """The fields of the configuration that layers show by their shapes, whatever their names: for a `Design`."""
    shapes = Counter(layer.shape for layer in layers if layer.stream == "convolution")
    dim = width_of_stem(shapes, lambda width: (2 * width, width, 4, 4))
    n_downsample = min(sum(shapes[shape] for shape in shapes if shape[2:] == (5, 5)) or 2, MAX_DOWNSAMPLE)
    width = dim * 2**n_downsample
    n_res = min(max(shapes[(width, width, 3, 3)] // 4, 1), MAX_BLOCKS)
    given = [layer for layer in layers if layer.stream == "norm"]
    learned = len(given) > n_downsample  # The decoder's layer norms always have parameters.
    norm = "batch" if any(each.has_statistics for each in given) else "instance_affine"
    return {"dim": dim, "n_downsample": n_downsample, "n_res": n_res, "norm": norm if learned else "instance"}


def encoder_architecture(
    checkpoint: Checkpoint, networks: Mapping[Domain, Mapping[str, Tensor]], encoder: str
) -> dict[str, Any]:
    """The fields of the configuration that the tensors under the name `encoder` show.

    Raises:
        CheckpointError: a tensor is missing.
    """
    path, tensors = checkpoint.path, networks["A"]
    n_downsample = count(tensors, f"{encoder}.model.{{}}.conv.weight") - 1
    blocks = f"{encoder}.model.{n_downsample + 1}.model.{{}}.model.0.conv.weight"
    size(tensors, blocks.format(0), 0, path)  # There is at least one residual block.
    learned = any(name.endswith(".activation.weight") for name in tensors)
    return {
        **{f"channels_{d.lower()}": size(networks[d], f"{encoder}.model.0.conv.weight", 1, path) for d in DOMAINS},
        "dim": size(tensors, f"{encoder}.model.0.conv.weight", 0, path),
        "n_downsample": n_downsample,
        "n_res": count(tensors, blocks),
        **visible_norm(tensors, f"{encoder}.model.0.norm"),
        **({"activ": "prelu"} if learned else {}),
    }


def read_networks(
    make: Callable[[Domain], nn.Module], weights: Mapping[Domain, Mapping[str, Tensor]], checkpoint: Checkpoint
) -> list[NetworkReading]:
    """The autoencoder of each domain, layer by layer, with the tensors of `checkpoint` that were taken for it."""
    with torch.device("meta"):
        networks = {domain: make(domain) for domain in DOMAINS}
    return [
        read_network(f"generator of {domain}", network, weights[domain], checkpoint)
        for domain, network in networks.items()
    ]


def weights(generators: Mapping[Domain, nn.Module]) -> dict[str, Tensor]:
    """The weights under the originals' keys: those of A behind `a.`, those of B behind `b.`."""
    return {
        f"{domain.lower()}.{name}": tensor
        for domain, generator in generators.items()
        for name, tensor in generator.state_dict().items()
    }


def original_files(
    config: MethodConfig, generators: Mapping[Domain, nn.Module], step: int | None
) -> dict[str, dict[str, dict[str, Tensor]]]:
    """The originals' file, {'a': ..., 'b': ...}, under the name that they give it after `step` steps.

    Raises:
        UsageError: the originals have no such generators.
    """
    require_original(config, norm=("instance",))
    name = "gen.pt" if step is None else f"gen_{step:08d}.pt"
    return {name: {domain.lower(): generator.state_dict() for domain, generator in sorted(generators.items())}}


def place(generators: Mapping[Domain, nn.Module], device: torch.device, dtype: torch.dtype) -> None:
    """Move the generators to `device`; the decoders' last blocks multiply in `dtype`, all else in float32."""
    for generator in generators.values():
        generator.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        for decoder in (part for part in generator.modules() if isinstance(part, Decoder)):
            for block in decoder.residual_blocks[-_BF16_BLOCKS:]:
                set_compute_dtype(block, dtype)


def stated_channels(options: Mapping[str, Any]) -> dict[str, Any]:
    """The channels that the originals' yaml states, by the names of our fields."""
    names = {f"channels_{letter}": f"input_dim_{letter}" for letter in "ab"}
    return {ours: options[theirs] for ours, theirs in names.items() if theirs in options}


def make_generators(make: Callable[[Domain], Generator], init: Init, *, spectral: bool) -> dict[Domain, Generator]:
    """The generator of each domain with its initial weights; `spectral`: they are normalized spectrally."""
    generators = {domain: make(domain) for domain in DOMAINS}
    generators = {domain: initialize(network, init) for domain, network in generators.items()}
    return {domain: normalize_spectrally(g) if spectral else g for domain, g in generators.items()}


def make_discriminators(config: DiscriminatorConfig, gen: MethodConfig) -> dict[Domain, MultiScaleDiscriminator]:
    """The discriminator of each domain, with weights drawn from N(0, 0.02^2) (NVlabs/MUNIT, trainer.py)."""

    def make(domain: Domain) -> MultiScaleDiscriminator:
        return MultiScaleDiscriminator(
            config.dim,
            n_layer=config.n_layer,
            num_scales=config.num_scales,
            norm=config.norm,
            activ=config.activ,
            pad_type=config.pad_type,
            channels=gen.channels(domain),
        )

    discriminators = {domain: initialize(make(domain), "gaussian") for domain in DOMAINS}
    if config.norm == "spectral":
        discriminators = {domain: normalize_spectrally(network) for domain, network in discriminators.items()}
    return discriminators


def require_trainable(
    gen: Any, dis: DiscriminatorConfig, data: DataConfig, *, minimum_side: int, perceptual: PerceptualLoss | None
) -> None:
    """Check combinations of options; `minimum_side` is the generators' own.

    Raises:
        UsageError: the crop is too small for a network or not a multiple of the generators' stride, or `gen.norm` lets
            images of a batch affect each other.
    """
    if gen.norm == "batch":
        raise UsageError(
            "gen.norm = 'batch' cannot be trained: images of a batch would depend on each other",
            hint="Type `--set gen.norm=instance`, as the original has it.",
        )
    by_features = perceptual.smallest_side if perceptual else 1
    require_crop(
        data,
        "this configuration",
        least=max(minimum_side, by_features, smallest_side(dis.n_layer, dis.num_scales, dis.norm)),
        multiple=2**gen.n_downsample,
        others=", or lower dis.num_scales, dis.n_layer or gen.n_downsample",
    )

"""Recognizes files of weights by their tensors, so that errors name the contents of a wrong file and the right one."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.errors import CheckpointError
from imgxlate.methods import registry

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file that a user may give."""

    title: str  # completes "this file holds ..."
    fits: Callable[[Tensors], bool]
    method: str | None = None  # our method that translates with it
    advice: str = ""  # the file to give instead
    generator: tuple[str, str] | None = None  # pattern and replacement: the generator's file name, from this file's


def recognize(tensors: Tensors) -> FileKind | None:
    """The kind of a file with these tensors; None if it is unknown."""
    return next((kind for kind in (*_generators(), *_KINDS) if kind.fits(tensors)), None)


def refusal(checkpoint: Checkpoint, wanted: str, departure: str = "") -> CheckpointError:
    """The error that says what `checkpoint` holds and which file to give instead; `wanted` is the chosen method.

    `departure` says at which layer an unknown network differs from the method's.
    """
    if checkpoint.header.get("method", wanted) != wanted:
        return _other_method(checkpoint, f"a model of {checkpoint.header['method']}", str(checkpoint.header["method"]))
    kind = recognize(checkpoint.tensors)
    if kind is None or kind.method == wanted:
        unknown = kind is None and not checkpoint.header
        contents = f"an unknown network, not a generator of {wanted}" if unknown else f"no whole model of {wanted}"
        names = ", ".join(list(checkpoint.tensors)[:3])
        return CheckpointError(
            f"{checkpoint.path}: holds {contents}: {departure or f'its tensors are {names}, ...'}",
            hint=f"Give the generators as {wanted}'s own program saves them.",
        )
    if kind.method:
        return _other_method(checkpoint, kind.title, kind.method)
    meant = next((file for file in _candidates(checkpoint.path, kind) if file.is_file()), None)
    return CheckpointError(
        f"{checkpoint.path}: this file holds {kind.title}, not a generator of {wanted}",
        hint=f"{kind.advice} Here: {meant}" if meant else kind.advice,
    )


def _other_method(checkpoint: Checkpoint, title: str, method: str) -> CheckpointError:
    return CheckpointError(
        f"{checkpoint.path}: this file holds {title}",
        hint=f"Type `imgxlate translate {method} ... --checkpoint {checkpoint.path}`.",
    )


def _candidates(path: Path, kind: FileKind) -> Iterator[Path]:
    """Files beside `path` that may hold the generators."""
    if kind.generator:
        files = [path.with_name(re.sub(*kind.generator, path.name))]
    else:
        files = sorted(path.parent.glob("gen_*.pt"), reverse=True)
    return (file for file in files if file != path)


def _generators() -> Iterator[FileKind]:
    """The generators of the installed methods; those that are recognized by more names come first."""
    specs, _ = registry.discover()
    for spec in sorted(specs.values(), key=lambda spec: -len(spec.generator_tensors)):
        if spec.generator_tensors:
            title = f"generators of {spec.title or spec.name}"
            yield FileKind(title, _has(*spec.generator_tensors), spec.name)


def _has(*patterns: str) -> Callable[[Tensors], bool]:
    """Whether each pattern fits the name of a tensor, from the beginning or behind a dot."""
    compiled = [re.compile(r"(?:^|\.)(?:" + pattern + ")") for pattern in patterns]
    return lambda tensors: all(any(map(each.search, tensors)) for each in compiled)


def _is_patch_discriminator(tensors: Tensors) -> bool:
    """A stack of convolutions with 4x4 kernels (1x1 in a pixel discriminator), the last of which has one channel."""
    shapes = _convolutions(tensors, r"(?:^|\.)(?:model|net)\.(\d{1,4})\.weight$")
    kernels = {shape[2:] for shape in shapes.values()}
    return len(shapes) > 1 and 0 in shapes and shapes[max(shapes)][0] == 1 and kernels in ({(4, 4)}, {(1, 1)})


def _is_unet(tensors: Tensors) -> bool:
    """A 4x4 convolution of an RGB image around a nested network of the same kind."""
    first = _convolutions(tensors, r"(?:^|\.)model\.model\.(0)\.weight$")
    nested = _convolutions(tensors, r"(?:^|\.)model\.model\.1\.model\.(\d{1,4})\.weight$")
    return bool(nested) and {shape[2:] for shape in (first | nested).values()} == {(4, 4)}


def _is_classifier(tensors: Tensors) -> bool:
    """A convolution of an RGB image under the name that VGGs or ResNets have for it, and another layer of theirs."""
    pairs = (
        (r"(?:^|\.)features\.(0)\.weight$", r"features\.[1-9]\d*\.weight$"),
        (r"(?:^|\.)conv1_(1)\.weight$", r"conv1_2\.weight$"),
        (r"(?:^|\.)conv(1)\.weight$", r"layer1\.0\.conv1\.weight$"),
    )
    return any(
        [shape[1] for shape in _convolutions(tensors, first).values()] == [3] and _has(other)(tensors)
        for first, other in pairs
    )


def _convolutions(tensors: Tensors, pattern: str) -> dict[int, tuple[int, ...]]:
    """The shapes of the tensors with four axes whose names match, by the number in the name."""
    found = ((re.search(pattern, name), tensor) for name, tensor in tensors.items() if tensor.dim() == 4)
    return {int(match[1]): tuple(tensor.shape) for match, tensor in found if match}


# The first that fits applies, if there are no generators of a method in the file.
_KINDS = (
    FileKind(
        "a U-Net generator (pix2pix, or CycleGAN with --netG unet_128 or unet_256)",
        _is_unet,
        method="cyclegan",
    ),
    FileKind(
        "a model of UNIT's first release (NIPS 2017)",
        _has(r"(?:encode_[AB]|enc_shared|decode_[AB])\.\d"),
        advice="UNIT runs here with the files of its later release, gen_*.pt.",
    ),
    FileKind(
        "a model of imaginaire's MUNIT",
        _has(r"autoencoder_[ab]\.style_encoder\."),
        advice="It differs from NVlabs/MUNIT: every adaptive norm has a fully connected layer of its own, such a norm "
        "follows each upsampling in place of a layer norm, and no tanh ends the decoder. The order of norm and "
        "convolution in residual blocks is in its yaml only. Give gen_*.pt of NVlabs/MUNIT.",
    ),
    FileKind(
        "a model of imaginaire's UNIT",
        _has(r"autoencoder_[ab]\."),
        advice="It differs from mingyuliutw/UNIT: upsampling is followed by an instance norm in place of a layer norm, "
        "and no tanh ends the decoder. The order of norm and convolution in residual blocks is in its yaml only. Give "
        "gen_*.pt of mingyuliutw/UNIT.",
    ),
    FileKind(
        "a model of mmgeneration",
        _has(r"generators\.(?:a2b|b2a)\."),
        advice="Give *_net_G*.pth of junyanz/pytorch-CycleGAN-and-pix2pix.",
    ),
    FileKind(
        "a discriminator of MUNIT or UNIT",
        _has(r"cnns\.0\.0\.conv\."),
        advice="Give the file with the generators: gen_*.pt, with the same number.",
        generator=(r"^dis_(\d+)", r"gen_\1"),
    ),
    FileKind(
        "the state of an optimizer",
        _has(r"state\.\d+\.(?:exp_avg|exp_avg_sq|momentum_buffer|step)$"),
        advice="Give the file with the generators from the same folder: gen_*.pt.",
    ),
    FileKind(
        "a patch discriminator (CycleGAN, CUT or pix2pix)",
        _is_patch_discriminator,
        advice="Give the file of the generator: *_net_G*.pth.",
        generator=(r"_net_D", "_net_G"),
    ),
    FileKind(
        "the projections of CUT",
        _has(r"mlp_0\.0\.weight$", r"mlp_0\.2\.weight$"),
        advice="Only training needs them. Give the file of the generator: *_net_G.pth.",
        generator=(r"_net_F", "_net_G"),
    ),
    FileKind(
        "an image classifier",
        _is_classifier,
        advice="`imgxlate neural-style` takes a VGG's weights, by --features.",
    ),
)

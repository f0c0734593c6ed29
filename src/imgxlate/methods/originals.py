"""What the originals' files look like: which network a set of tensor names is, and where in a file each one sits."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.errors import CheckpointError
from imgxlate.methods.spec import Domain


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file, told by the name of a tensor."""

    title: str  # completes "this file holds ..."
    sign: re.Pattern[str]  # found in the name of one of its tensors
    method: str | None = None  # the method of ours that translates with it
    advice: str = ""  # what to give instead
    beside: tuple[str, str] | None = (
        None  # pattern and replacement: the name of the file that is meant, from this one's
    )


_AS_GENERATOR = (r"^dis_(\d+)", r"gen_\1")

# The first that fits counts: files that hold generators beside other things are generators' files.
_KINDS = (
    Kind("generators of MUNIT", re.compile(r"(?:^|\.)enc_content\.model\.0\.conv\.weight$"), "munit"),
    Kind("generators of UNIT", re.compile(r"(?:^|\.)enc\.model\.0\.conv\.weight$"), "unit"),
    Kind(
        "a generator of CUT",
        re.compile(r"(?:^|\.)model\.\d+\.filt$"),
        advice="Its layers differ from CycleGAN's; give a generator of CycleGAN.",
    ),
    Kind("a generator of CycleGAN", re.compile(r"(?:^|\.)model\.\d+\.conv_block\.\d+\.weight$"), "cyclegan"),
    Kind(
        "a U-Net generator (pix2pix, or CycleGAN with --netG unet_128 or unet_256)",
        re.compile(r"(?:^|\.)model\.model\.\d+\.(?:model\.\d+\.)?weight$"),
        advice="CycleGAN runs here with ResNet generators: --netG resnet_9blocks or resnet_6blocks.",
    ),
    Kind(
        "a model of UNIT's first release (NIPS 2017)",
        re.compile(r"(?:^|\.)(?:encode_[AB]|enc_shared|decode_[AB])\.\d"),
        advice="UNIT runs here with the files of its later release, gen_*.pt.",
    ),
    Kind(
        "a model of imaginaire",
        re.compile(r"(?:^|\.)autoencoder_[ab]\."),
        advice="Its networks differ from the originals'; give gen_*.pt of NVlabs/MUNIT or mingyuliutw/UNIT.",
    ),
    Kind(
        "a model of mmgeneration",
        re.compile(r"(?:^|\.)generators\.(?:a2b|b2a)\."),
        advice="Give *_net_G*.pth of junyanz/pytorch-CycleGAN-and-pix2pix.",
    ),
    Kind(
        "a discriminator of MUNIT or UNIT",
        re.compile(r"(?:^|\.)cnns\.0\.0\.conv\."),
        advice="Give the file with the generators: gen_*.pt, with the same number.",
        beside=_AS_GENERATOR,
    ),
    Kind(
        "the state of an optimiser",
        re.compile(r"(?:^|\.)state\.\d+\.(?:exp_avg|exp_avg_sq|momentum_buffer|step)$"),
        advice="Give the file with the generators from the same folder: gen_*.pt.",
    ),
    Kind(
        "a patch discriminator (CycleGAN or pix2pix)",
        re.compile(r"(?:^|\.)(?:model\.0\.weight|net\.0\.weight)$"),
        advice="Give the file of the generator: *_net_G*.pth.",
        beside=(r"_net_D", "_net_G"),
    ),
    Kind(
        "an image classifier",
        re.compile(r"(?:^|\.)(?:features\.\d+|conv1_1|layer1\.0\.conv1|classifier\.\d+)\.weight$"),
        advice="`imgxlate neural-style` takes a VGG's weights, by --features.",
    ),
)

_WRAPPERS = frozenset({"module", "state_dict", "model", "net", "network", "params", "_orig_mod"})
_DIRECTION = r"(a(?:2|_?to_?)?b|b(?:2|_?to_?)?a|a|b)$"
_NETWORK_NAME = re.compile(r"(?:^|[_-]|net|gen|generator|g)" + _DIRECTION, re.IGNORECASE)
_FILE_NAME = re.compile(r"(?:^|[_-])(?:net)?(?:g|gen|generator)_?" + _DIRECTION, re.IGNORECASE)


def recognise(tensors: Mapping[str, Tensor]) -> Kind | None:
    """What the names of the tensors say that a file is; None where they say nothing that is known here."""
    return next((kind for kind in _KINDS if any(map(kind.sign.search, tensors))), None)


def refusal(checkpoint: Checkpoint, wanted: str) -> CheckpointError:
    """The error that says what `checkpoint` is and which file to give instead; `wanted` is the method asked for."""
    if checkpoint.header.get("method", wanted) != wanted:
        return _another_methods(checkpoint, "a model", str(checkpoint.header["method"]))
    kind = recognise(checkpoint.tensors)
    if kind is None or kind.method == wanted:
        names = ", ".join(list(checkpoint.tensors)[:3])
        return CheckpointError(
            f"{checkpoint.path}: holds no whole model of {wanted}: its tensors are {names}, ...",
            hint=f"Give the generators as {wanted}'s own program saves them.",
        )
    if kind.method:
        return _another_methods(checkpoint, kind.title, kind.method)
    meant = _file_beside(checkpoint.path, kind)
    return CheckpointError(
        f"{checkpoint.path}: this file holds {kind.title}, not a generator of {wanted}",
        hint=f"{kind.advice} Here: {meant}" if meant else kind.advice,
    )


def groups(tensors: Mapping[str, Tensor], anchor: str) -> dict[str, dict[str, Tensor]]:
    """The networks in a flat file: those names that end in `anchor` say with which prefixes.

    A tensor belongs to the longest prefix that its name begins with, and goes by the rest of its name.
    """
    prefixes = [name.removesuffix(anchor) for name in tensors if name == anchor or name.endswith(f".{anchor}")]
    found: dict[str, dict[str, Tensor]] = {prefix: {} for prefix in sorted(prefixes, key=len, reverse=True)}
    for name, tensor in tensors.items():
        prefix = next((prefix for prefix in found if name.startswith(prefix)), None)
        if prefix is not None:
            found[prefix][name.removeprefix(prefix)] = tensor
    return found


def domain_of(prefix: str) -> Domain | None:
    """The domain in a network's name, such as `gen_a.`, `netG_A.module.` or `G_AB.`: the one that it takes."""
    words = [word for word in prefix.split(".") if word and word.lower() not in _WRAPPERS]
    return _first_domain(_NETWORK_NAME.search(words[-1])) if words else None


def by_domain(checkpoint: Checkpoint, networks: Mapping[str, dict[str, Tensor]]) -> dict[Domain, dict[str, Tensor]]:
    """The networks by the domain in their names; those whose names have none are left out.

    Raises:
        CheckpointError: two of them are for the same domain.
    """
    found: dict[Domain, dict[str, Tensor]] = {}
    for prefix, tensors in networks.items():
        domain = domain_of(prefix)
        if domain in found:
            raise CheckpointError(
                f"{checkpoint.path}: holds more than one network for domain {domain}: {', '.join(sorted(networks))}",
                hint="Save the ones to use in a file of their own.",
            )
        if domain:
            found[domain] = tensors
    return found


def domain_in_file_name(path: Path) -> Domain | None:
    """The domain that the generator in a file such as `latest_net_G_A.pth` or `gen_AB.pth` takes, by the name."""
    return _first_domain(_FILE_NAME.search(path.stem))


def opposite(path: Path) -> Path | None:
    """The file of the other direction, by the name of this one: `latest_net_G_B.pth` for `latest_net_G_A.pth`."""
    found = _FILE_NAME.search(path.stem)
    if found is None:
        return None
    swapped = found[1].translate(str.maketrans("ABab", "BAba"))
    return path.with_name(path.stem[: found.start(1)] + swapped + path.suffix)


def _first_domain(found: re.Match[str] | None) -> Domain | None:
    if found is None:
        return None
    return "A" if found[1].lower().startswith("a") else "B"


def _another_methods(checkpoint: Checkpoint, title: str, method: str) -> CheckpointError:
    return CheckpointError(
        f"{checkpoint.path}: this file holds {title}" + (f" of {method}" if title == "a model" else ""),
        hint=f"Type `imgxlate translate {method} ... --checkpoint {checkpoint.path}`.",
    )


def _file_beside(path: Path, kind: Kind) -> Path | None:
    return next((file for file in _candidates(path, kind) if file.is_file()), None)


def _candidates(path: Path, kind: Kind) -> Iterator[Path]:
    if kind.beside:
        yield path.with_name(re.sub(*kind.beside, path.name))
    else:
        yield from sorted(path.parent.glob("gen_*.pt"), reverse=True)

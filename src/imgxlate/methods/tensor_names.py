"""Names of tensors in files of other programs: wrappers around modules, averaged weights, choosing networks."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.errors import CheckpointError, UsageError
from imgxlate.methods.spec import DOMAINS

# Modules that DataParallel, torch.compile, FSDP and DeepSpeed put around others.
_WRAPPERS = frozenset({"module", "_orig_mod", "_fsdp_wrapped_module", "_forward_module"})
_CONTAINERS = frozenset({"state_dict", "model", "models", "net", "network", "networks", "params", "weights"})
_AVERAGED = frozenset({"ema", "averaged", "average", "avg", "swa", "shadow"})
_TRAINED = frozenset({"online"})  # the name of the other copy, beside `ema`
_SHOWN = 12  # names in a message


def unwrapped(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint without wrappers in the names of its tensors."""
    names = {name: ".".join(word for word in name.split(".") if word not in _WRAPPERS) for name in checkpoint.tensors}
    if len(set(names.values())) < len(names) or not all(names.values()):
        return checkpoint
    return _renamed(checkpoint, {names[name]: tensor for name, tensor in checkpoint.tensors.items()})


def averaged(checkpoint: Checkpoint) -> tuple[Checkpoint, tuple[str, ...]]:
    """The checkpoint with averaged weights in the place of the trained ones, under the names of these.

    Returns the checkpoint, and the names of the networks that it holds twice, such as "netG_A_ema".
    """
    ours = {name for name in checkpoint.tensors if _words_of_average(name)}
    trained = {_key(name): name for name in checkpoint.tensors if name not in ours}
    if not ours:
        return checkpoint, ()
    tensors = {name: tensor for name, tensor in checkpoint.tensors.items() if name not in ours}
    twice = list[str]()
    for name in (name for name in checkpoint.tensors if name in ours):
        other = trained.get(_key(name))
        if other:
            twice.append(_words_of_average(name))
        tensors[other or _plain(name)] = checkpoint.tensors[name]
    return _renamed(checkpoint, tensors), tuple(dict.fromkeys(twice))


def chosen(checkpoint: Checkpoint, names: Sequence[str]) -> Checkpoint:
    """The networks of those names alone. Of two, the first takes images of A, and the second images of B.

    Raises:
        UsageError: the file is one of ours, or more than two names are given.
        CheckpointError: the file has no network of a name; lists its names.
    """
    if checkpoint.header:
        raise UsageError(
            f"{checkpoint.path}: a model of imgxlate has its generators by direction",
            hint="Leave --generator out, and choose with --to.",
        )
    if len(names) > len(DOMAINS):
        raise UsageError("--generator is given more than twice", hint="Give the generator of A, then that of B.")
    prefixes = [f"{domain}." for domain in DOMAINS] if len(names) > 1 else [f"{name}." for name in names]
    parts = [_under(checkpoint, name) for name in names]
    named = zip(prefixes, parts, strict=True)
    return _renamed(checkpoint, {prefix + name: tensor for prefix, part in named for name, tensor in part.items()})


def network_names(tensors: Mapping[str, Tensor]) -> list[str]:
    """The names of the networks in a file, as far as the names of its tensors show them."""
    words = [name.split(".") for name in tensors]
    depth = 0
    while len({tuple(each[: depth + 1]) for each in words}) == 1 and all(len(each) > depth + 1 for each in words):
        depth += 1
    convolved = {name for name, tensor in tensors.items() if tensor.dim() == 4}
    found = [name.split(".")[depth] for name in tensors if name in convolved and name.count(".") > depth]
    names = list(dict.fromkeys(found))
    return [] if all(name.isdigit() for name in names) else names


def _renamed(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Checkpoint:
    return replace(checkpoint, tensors=tensors)


def _words_of_average(name: str) -> str:
    """The words of a name up to those that say that it is an average; empty if none says so."""
    words = name.split(".")
    places = [place for place, word in enumerate(words[:-1]) if _AVERAGED & set(_pieces(word))]
    return ".".join(words[: places[0] + 1]) if places else ""


def _pieces(word: str) -> list[str]:
    return re.split(r"[_-]", word.lower())


def _plain(name: str) -> str:
    """A name without the words that say that it is an average, or that it is not."""
    *words, leaf = name.split(".")
    kept = ("_".join(piece for piece in re.split(r"[_-]", word) if piece.lower() not in _AVERAGED) for word in words)
    return ".".join([*filter(None, kept), leaf])


def _key(name: str) -> str:
    """A name that the averaged and the trained tensor have in common."""
    *words, leaf = _plain(name).split(".")
    words = ["_".join(piece for piece in word.split("_") if piece not in _TRAINED) for word in words]
    while words and (not words[0] or words[0] in _CONTAINERS):
        del words[0]
    return ".".join([*words, leaf])


def _under(checkpoint: Checkpoint, network: str) -> dict[str, Tensor]:
    """The tensors of a network, without its name, which may be behind those of containers."""
    pattern = re.compile(rf"(?:^|.*?\.){re.escape(network)}\.(.+)", re.DOTALL)
    found = {name: match for name in checkpoint.tensors if (match := pattern.fullmatch(name))}
    places = {name[: match.start(1)] for name, match in found.items()}
    if len(places) == 1:
        return {match[1]: checkpoint.tensors[name] for name, match in found.items()}
    known = network_names(checkpoint.tensors)
    listed = ", ".join(known[:_SHOWN]) + (", ..." if len(known) > _SHOWN else "")
    hint = f"Its networks: {listed}." if known else "The names of its tensors show no networks: leave --generator out."
    problem = "holds several networks" if places else "holds no network"
    raise CheckpointError(f"{checkpoint.path}: {problem} named {network!r}", hint=hint)

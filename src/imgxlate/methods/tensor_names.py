"""Names in files of other programs: wrappers around modules, averaged weights, networks and their directions."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.errors import CheckpointError, UsageError
from imgxlate.methods.spec import DOMAINS, Domain

# Words that tell no network from another: modules that DataParallel, torch.compile, FSDP and DeepSpeed put around
# others, and dictionaries that programs save networks in.
_WRAPPERS = frozenset({"module", "_orig_mod", "_fsdp_wrapped_module", "_forward_module"})
_CONTAINERS = frozenset({"state_dict", "model", "models", "net", "network", "networks", "params", "weights"})
_NO_NAMES = _WRAPPERS | _CONTAINERS
_AVERAGED = frozenset({"ema", "averaged", "average", "avg", "swa", "shadow"})
_TRAINED = frozenset({"online"})  # the name of the other copy, beside `ema`
_SHOWN = 12  # names in a message

# The part of a name that says a direction or a domain, with nothing or a separator behind it: "a2b", "BA", "_A".
_BETWEEN = r"(?:2|_?to_?)"
_DIRECTION = (
    rf"(a{_BETWEEN}?b|b{_BETWEEN}?a|x{_BETWEEN}y|y{_BETWEEN}x|1_?to_?2|2_?to_?1|(?<=g)12|(?<=g)21|a|b)(?=$|[_.-])"
)

_FILE_NAME = re.compile(r"(?:^|[_-])(?:net)?(?:g|gen|generator)_?" + _DIRECTION, re.IGNORECASE)
_SWAPPED = str.maketrans("ABabXYxy", "BAbaYXyx")
_SWAPPED_NUMBERS = str.maketrans("12", "21")  # of "1to2"; in "A2B", the number is a word
_NETWORK_NAME = re.compile(r"(?:^|[_-]|net|gen|generator|g)" + _DIRECTION, re.IGNORECASE)
_SEPARATORS = ("2", "_to_", "to")  # of "photo2monet"


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


def networks_in(tensors: Mapping[str, Tensor], anchor: str) -> dict[str, dict[str, Tensor]]:
    """The networks in a flat file by their prefixes, which precede the tensors named `anchor`.

    A tensor belongs to the longest prefix of its name, and is named by the rest of it.
    """
    prefixes = [name.removesuffix(anchor) for name in tensors if name == anchor or name.endswith(f".{anchor}")]
    found: dict[str, dict[str, Tensor]] = {prefix: {} for prefix in sorted(prefixes, key=len, reverse=True)}
    for name, tensor in tensors.items():
        prefix = next((prefix for prefix in found if name.startswith(prefix)), None)
        if prefix is not None:
            found[prefix][name.removeprefix(prefix)] = tensor
    return found


def by_domain(
    checkpoint: Checkpoint,
    networks: Mapping[str, dict[str, Tensor]],
    pairs: Iterable[tuple[str, str]],  # words for A and B in names that else are equal
) -> dict[Domain, dict[str, Tensor]]:
    """The networks by the domain in their prefixes; networks without one are left out.

    If no prefix has a domain, two networks may be a pair by their names.

    Raises:
        CheckpointError: two of them are for the same domain.
    """
    found: dict[Domain, dict[str, Tensor]] = {}
    for prefix, tensors in networks.items():
        domain = domain_of(prefix)
        if domain in found:
            names = ", ".join(sorted(_name(prefix) for prefix in networks))
            raise CheckpointError(
                f"{checkpoint.path}: holds more than one network for domain {domain}: {names}",
                hint="Choose the one to use by its name: --generator NAME.",
            )
        if domain:
            found[domain] = tensors
    return found or _by_pair(checkpoint, networks, pairs)


def listed(networks: Iterable[str]) -> str:
    """The names of networks, by their prefixes, for a message."""
    return ", ".join(sorted(filter(None, map(_name, networks))))


def domain_of(prefix: str) -> Domain | None:
    """The domain whose images a network takes, by its prefix, such as `gen_a.`, `netG_A.module.` or `G_AB.`."""
    words = [word for word in prefix.split(".") if word and word.lower() not in _NO_NAMES]
    directions = (_domain_of_direction(_NETWORK_NAME.search(word)) for word in reversed(words))
    return next(filter(None, directions), None)


def domain_in_file_name(path: Path) -> Domain | None:
    """The domain whose images the generator in a file takes, by the file's name: `latest_net_G_A.pth`, `gen_AB.pth`."""
    return _domain_of_direction(_FILE_NAME.search(path.stem))


def opposite(path: Path) -> Path | None:
    """The file of the other direction, by the name of this one: `latest_net_G_B.pth` for `latest_net_G_A.pth`."""
    found = _FILE_NAME.search(path.stem)
    if found is None:
        return None
    swapped = found[1].translate(_SWAPPED_NUMBERS if found[1][0] in "12" else _SWAPPED)
    return path.with_name(path.stem[: found.start(1)] + swapped + path.stem[found.end(1) :] + path.suffix)


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
    first = ", ".join(known[:_SHOWN]) + (", ..." if len(known) > _SHOWN else "")
    hint = f"Its networks: {first}." if known else "The names of its tensors show no networks: leave --generator out."
    problem = "holds several networks" if places else "holds no network"
    raise CheckpointError(f"{checkpoint.path}: {problem} named {network!r}", hint=hint)


def _renamed(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> Checkpoint:
    return replace(checkpoint, tensors=tensors)


def _name(prefix: str) -> str:
    """The name of a network that `--generator` takes."""
    words = [word for word in prefix.split(".") if word]
    for end in (-1, 0):
        while len(words) > 1 and words[end].lower() in _NO_NAMES:
            words.pop(end)
    return ".".join(words)


def _by_pair(
    checkpoint: Checkpoint, networks: Mapping[str, dict[str, Tensor]], pairs: Iterable[tuple[str, str]]
) -> dict[Domain, dict[str, Tensor]]:
    """Two networks by the domains whose images they take, if their names are a pair: "G" and "F", "a2b" and "b2a"."""
    if len(networks) != len(DOMAINS):
        return {}
    places = {
        prefix: next(i for i, name in enumerate(checkpoint.tensors) if name.startswith(prefix)) for prefix in networks
    }
    first, second = sorted(networks, key=places.__getitem__)
    one, other = (_name(prefix).lower() for prefix in (first, second))
    for word_a, word_b in pairs:
        if _replaced(one, word_a, word_b) == other:
            return {"A": networks[first], "B": networks[second]}
        if _replaced(other, word_a, word_b) == one:
            return {"A": networks[second], "B": networks[first]}
    if any(other == _reversed(one, separator) for separator in _SEPARATORS):
        return {"A": networks[first], "B": networks[second]}
    return {}


def _replaced(name: str, word: str, other: str) -> str | None:
    """`name` with `other` in the place of `word` at its end; None if it does not end so."""
    found = re.fullmatch(rf"(|.*[^a-z]|gen|net|net_?g|g){re.escape(word)}", name)
    return None if found is None else found[1] + other


def _reversed(name: str, separator: str) -> str | None:
    """`name` with the words on both sides of `separator` exchanged; None if it has none."""
    found = re.fullmatch(rf"(|.*[^a-z0-9])([a-z0-9]+)({separator})([a-z0-9]+)", name)
    return None if found is None else "".join(found.group(1, 4, 3, 2))


def _domain_of_direction(found: re.Match[str] | None) -> Domain | None:
    """The domain whose images a network of that direction takes; None without a match of `_DIRECTION`."""
    if found is None:
        return None
    return "A" if found[1][0].lower() in "ax1" else "B"

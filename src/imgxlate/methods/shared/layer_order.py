"""The order of layers in a file: that of the file, of numbers in names, or the one that shapes allow."""

import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from imgxlate.methods.shared.layers import STREAMS, Layer, Node, Stream

Pairs = frozenset[tuple[Layer, Layer]]
"""Pairs of a layer of the network, and the layer of the file that it is."""

_Position = Counter[Stream]  # how many layers of each stream are found already
_Taken = tuple[int, ...]  # how many parts of each chain are found already

_DIGITS = re.compile(r"\d+")
_MAX_STATES = 20_000  # of a search


class UnclearOrderError(Exception):
    """The search for the order of parts takes too long: too many have the same shapes."""


def ways(node: Node, wanted: Sequence[Layer]) -> list[Pairs]:
    """The ways in which the layers of a part of a file are all those of a network: none, one, or two of several.

    The order of the file counts, if numbers in names do not contradict it. Otherwise the numbers count, and shapes; or
    the order of the file, if the numbers allow none. The numbers are widths then.

    Raises:
        UnclearOrderError: there are too many ways to try.
    """
    streams = {stream: [layer for layer in wanted if layer.stream == stream] for stream in STREAMS}
    by_file = _Search(streams, in_file_order=True).ways(node, Counter()) if _has_order(node) else []
    if by_file and is_ordered(node):
        return by_file
    by_numbers = _Search(streams, in_file_order=False).ways(node, Counter())
    return list(dict.fromkeys([*by_file, *by_numbers]))[:2]


def is_ordered(node: Node) -> bool:
    """Whether the order of the file may be that of the network, and numbers in names agree."""
    return _has_order(node) and all(map(_follows_numbers, node.walk()))


def in_order(node: Node) -> list[Layer]:
    """The layers of a part: in the order of the file, or else in that of the numbers in names."""
    if is_ordered(node):
        return node.layers()
    own = [node.layer] if node.layer else []
    return own + [layer for chain in _chains(node) for child in chain for layer in in_order(child)]


def _has_order(node: Node) -> bool:
    """Whether the file keeps the layers of each part together, and does not sort its tensors by name."""
    places = {name: place for part in node.walk() for name, place in part.places.items()}
    by_part = [part.places.values() for part in node.walk() if part.places]
    whole = all(max(before) < min(after) for before, after in itertools.pairwise(by_part))
    names = sorted(places, key=places.__getitem__)
    return whole and not (len(by_part) > 1 and names == sorted(names))


@dataclass(slots=True)
class _Search:
    """A search for the layers of a network in a file. Each part of the file holds consecutive layers of each stream."""

    streams: Mapping[Stream, Sequence[Layer]]  # the layers of the network
    in_file_order: bool
    states: int = 0  # that were tried

    def ways(self, part: Node, start: _Position) -> list[Pairs]:
        """Up to two ways in which the layers of a part are those of the network from `start` on."""
        own = self._own(part, start)
        if own is None:
            return []
        chains = [list(part.children.values())] if self.in_file_order else _chains(part)
        begin = start + Counter(wanted.stream for wanted, _ in own)
        # By the parts that are found already: where the next one begins, and the ways so far.
        reached: dict[_Taken, tuple[_Position, list[Pairs]]] = {(0,) * len(chains): (begin, [own])}
        for _ in range(len(part.children)):
            reached = self._with_one_more(reached, chains)
        return next((found for _, found in reached.values()), [])

    def _own(self, part: Node, start: _Position) -> Pairs | None:
        """The part's own layer, if it has one, as the next layer of the network; None if it is another one."""
        if part.layer is None:
            return frozenset()
        layers, place = self.streams[part.layer.stream], start[part.layer.stream]
        if place < len(layers) and _fits(part.layer, layers[place]):
            return frozenset({(layers[place], part.layer)})
        return None

    def _with_one_more(
        self, reached: Mapping[_Taken, tuple[_Position, list[Pairs]]], chains: Sequence[Sequence[Node]]
    ) -> dict[_Taken, tuple[_Position, list[Pairs]]]:
        """The states that follow those in `reached`, each with one more part, the next of a chain."""
        following: dict[_Taken, tuple[_Position, list[Pairs]]] = {}
        for (taken, (start, so_far)), number in itertools.product(reached.items(), range(len(chains))):
            if taken[number] == len(chains[number]):
                continue
            self.states += 1
            if self.states > _MAX_STATES:
                raise UnclearOrderError
            child = chains[number][taken[number]]
            joined = [before | own for own in self.ways(child, start) for before in so_far]
            if joined:
                after = (*taken[:number], taken[number] + 1, *taken[number + 1 :])
                end = start + Counter(layer.stream for layer in child.layers())
                known = following.setdefault(after, (end, []))[1]
                known += [way for way in dict.fromkeys(joined) if way not in known]
                del known[2:]
        return following


def _chains(part: Node) -> list[list[Node]]:
    """The parts of a part, in lists whose order is known: by the numbers in names that else are equal."""
    chains: dict[str, list[tuple[list[tuple[int, str]], Node]]] = {}
    for word, child in part.children.items():
        digits = [found.lstrip("0") for found in _DIGITS.findall(word)]
        # Of two numbers without zeros in front, the longer one is the larger one.
        chains.setdefault(_DIGITS.sub("#", word), []).append(([(len(each), each) for each in digits], child))
    return [[child for _, child in sorted(chain, key=lambda entry: entry[0])] for chain in chains.values()]


def _follows_numbers(part: Node) -> bool:
    """Whether parts whose order is known by numbers are in this order in the file, too."""
    places = {child.name: place for place, child in enumerate(part.children.values())}
    pairs = (pair for chain in _chains(part) for pair in itertools.pairwise(chain))
    return all(places[before.name] < places[after.name] for before, after in pairs)


def _fits(given: Layer, wanted: Layer) -> bool:
    """Whether a layer of a file can be that layer of a network. A missing bias is zero."""
    roles = {role for role in given.names if role != "num_batches_tracked"}
    needed = {role for role in wanted.names if role not in ("bias", "num_batches_tracked")}
    surplus = roles - wanted.names.keys() - {"running_mean", "running_var"}
    return given.shape == wanted.shape and needed <= roles and not surplus

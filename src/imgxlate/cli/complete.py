"""What the shell proposes for a word that is being typed. Imports no torch."""

from collections.abc import Callable

import typer

from imgxlate.methods import registry
from imgxlate.methods.spec import Capability
from imgxlate.weights import cards
from imgxlate.weights.store import Store


def methods_with(capability: Capability) -> Callable[[str], list[str]]:
    """A completer over the methods that can do `capability`."""

    def complete(incomplete: str) -> list[str]:
        specs, _ = registry.discover()
        return [s.name for s in specs.values() if capability in s.capabilities and s.name.startswith(incomplete)]

    return complete


def compared(incomplete: str) -> list[str]:
    """The methods that can be compared, after those that are there already: "munit,un" becomes "munit,unit"."""
    before, comma, last = incomplete.rpartition(",")
    specs, _ = registry.discover()
    able = [s.label for s in specs.values() if {Capability.TRANSLATE, Capability.STYLIZE} & s.capabilities]
    return [f"{before}{comma}{label}" for label in able if label.startswith(last)]


def training_presets(context: typer.Context, incomplete: str) -> list[str]:
    """The presets that the method on the line can be trained with; those of every method where it is none yet."""
    specs, _ = registry.discover()
    method = context.params.get("method")
    chosen = [specs[method]] if method in specs else specs.values()
    names = dict.fromkeys(name for spec in chosen if spec.training for name in spec.training.presets)
    return [name for name in names if name.startswith(incomplete)]


def weights(incomplete: str) -> list[str]:
    """The names of all weights: cards, and what was imported."""
    names = {*cards.cards(), *(record.name for record in Store().records())}
    return [name for name in sorted(names) if name.startswith(incomplete)]

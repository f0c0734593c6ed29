"""Shell completion of methods, presets and weights. Imports no torch."""

from collections.abc import Callable, Iterable

import typer

from imgxlate.methods import registry
from imgxlate.methods.spec import Capability


def methods_with(capability: Capability) -> Callable[[str], list[str]]:
    """A completer for the methods that have `capability`."""

    def complete(incomplete: str) -> list[str]:
        specs, _ = registry.discover()
        return _starting(incomplete, (spec.name for spec in specs.values() if capability in spec.capabilities))

    return complete


def compared(incomplete: str) -> list[str]:
    """The methods that can be compared, after those already typed: "munit,un" becomes "munit,unit"."""
    before, comma, last = incomplete.rpartition(",")
    specs, _ = registry.discover()
    able = [spec.label for spec in specs.values() if {Capability.TRANSLATE, Capability.STYLIZE} & spec.capabilities]
    return [f"{before}{comma}{label}" for label in _starting(last, able)]


def training_presets(context: typer.Context, incomplete: str) -> list[str]:
    """The training presets of the method on the command line, or of all methods if it names none yet."""
    specs, _ = registry.discover()
    method = context.params.get("method")
    chosen = [specs[method]] if method in specs else specs.values()
    return _starting(incomplete, (name for spec in chosen if spec.training for name in spec.training.presets))


def weights(incomplete: str) -> list[str]:
    """The names of all weights: those that have a card, and those that were imported."""
    from imgxlate.weights.store import Store  # Imported late: every command line loads this module.

    return _starting(incomplete, sorted(Store().cards()))


def public_sets(incomplete: str) -> list[str]:
    """The names of the public data sets."""
    from imgxlate.data import public_sets  # Imported late, as above.

    return _starting(incomplete, public_sets.public_sets())


def _starting(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete)]

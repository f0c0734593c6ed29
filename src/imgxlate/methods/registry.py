"""Finds methods: the built-in ones and plug-ins, all through the entry-point group `imgxlate.methods`."""

import contextlib
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from imgxlate.config import did_you_mean, overridden
from imgxlate.errors import ImgxlateError, TerminatedError, UsageError
from imgxlate.methods.spec import Capability, MethodConfig, MethodSpec

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from imgxlate.methods.protocol import Trainable

GROUP = "imgxlate.methods"

# The same rows as in pyproject.toml, for a source tree that is not installed.
BUILT_IN = {
    "munit": "imgxlate.methods.munit:SPEC",
    "unit": "imgxlate.methods.unit:SPEC",
    "cyclegan": "imgxlate.methods.cyclegan:SPEC",
    "cut": "imgxlate.methods.cut:SPEC",
    "adain": "imgxlate.methods.adain:SPEC",
    "gatys": "imgxlate.methods.gatys:SPEC",
}


# The part of an error message that says what a method cannot do; it follows the method's name.
LACKS = {
    Capability.TRANSLATE: "does not translate images",
    Capability.SAMPLE_STYLES: "has no style codes to sample",
    Capability.GUIDE_STYLE: "takes no style from an image",
    Capability.MIX_STYLES: "does not mix styles",
    Capability.STYLIZE: "does not paint in the style of other images",
    Capability.TRAIN: "cannot be trained",
}


@dataclass(frozen=True, slots=True)
class BrokenMethod:
    """A plug-in whose spec failed to load, and why."""

    name: str
    source: str  # the entry point's value
    reason: str


@cache
def discover() -> tuple[dict[str, MethodSpec], tuple[BrokenMethod, ...]]:
    """Every method by name, and the plug-ins that failed. Each failure is reported once, in a line on stderr."""
    specs: dict[str, MethodSpec] = {}
    broken: list[BrokenMethod] = []
    for entry in _entries():
        try:
            specs[entry.name] = _load_spec(entry)
        except TerminatedError:
            raise
        except (Exception, SystemExit) as error:  # A plug-in may fail in any way; all else must work.
            reason = _as_one_line(error)
            broken.append(BrokenMethod(entry.name, entry.value, reason))
            sys.stderr.write(f"warning: plug-in {entry.name} ({entry.value}) cannot be loaded: {reason}\n")
    return specs, tuple(broken)


def built_in(capability: Capability) -> MethodSpec:
    """The first built-in method that has a capability. It does not look for plug-ins, which takes time."""
    specs: Iterator[MethodSpec] = map(resolve_name, BUILT_IN.values())
    return next(spec for spec in specs if capability in spec.capabilities)


def find(name: str, capability: Capability | None = None) -> MethodSpec:
    """The method of that name.

    Raises:
        UsageError: there is none, or it lacks `capability`; names the methods that have it.
    """
    specs, broken = discover()
    able = [spec.name for spec in specs.values() if capability in (None, *spec.capabilities)]
    if name in specs:
        if capability and name not in able:
            others = f"Methods for that: {', '.join(able)}." if able else "No installed method does that."
            raise UsageError(f"{name} {LACKS[capability]}", hint=others)
        return specs[name]
    for failure in broken:
        if failure.name == name:
            raise UsageError(f"the plug-in {name} cannot be loaded: {failure.reason}", hint="See `imgxlate methods`.")
    raise UsageError(f"there is no method {name!r}", hint=did_you_mean(name, able) or f"Methods: {', '.join(able)}.")


def configure(
    spec: MethodSpec,
    preset: str,
    changes: Mapping[str, Any],
    assignments: Sequence[str] = (),
    *,
    figure: str | None = None,
) -> MethodConfig:
    """A preset of a method with other values, and with `assignments` of the form KEY=VALUE.

    For a figure of its paper, the preset is first adapted to the figure.

    Raises:
        UsageError: there is no such preset or key, or a value is invalid.
    """
    if preset not in spec.presets:
        hint = did_you_mean(preset, spec.presets) or f"Presets: {', '.join(spec.presets)}."
        raise UsageError(f"there is no preset {preset!r}", hint=hint)
    start = spec.presets[preset]
    return overridden(spec.figures[figure].start(start) if figure else start, changes, assignments)


def labels() -> frozenset[str]:
    """The words that mark outputs in their file names: "munit", "neural-style"."""
    specs, _ = discover()
    return frozenset(label for spec in specs.values() for label in (spec.name, spec.label, *spec.figures))


def implementation(spec: MethodSpec) -> Any:
    """Import the implementation of a method.

    Raises:
        ImgxlateError: it cannot be imported; names the method and the implementation.
    """
    return _imported(spec, spec.implementation)


def trainable(spec: MethodSpec) -> "type[Trainable]":
    """Import the implementation of a method's training.

    Raises:
        UsageError: the method cannot be trained.
        ImgxlateError: it cannot be imported; names the method and the implementation.
    """
    if spec.training is None:
        raise UsageError(f"{spec.name} {LACKS[Capability.TRAIN]}")
    found: type[Trainable] = _imported(spec, spec.training.implementation)
    return found


def _imported(spec: MethodSpec, reference: str) -> Any:
    module, _, attribute = reference.partition(":")
    try:
        with _printing_to_stderr(module):
            return getattr(import_module(module), attribute)
    except (ImgxlateError, TerminatedError):
        raise
    except (Exception, SystemExit) as error:
        raise ImgxlateError(
            f"the method {spec.name} cannot be loaded, its implementation is {reference}: {_as_one_line(error)}",
            hint="`imgxlate doctor` checks the libraries that methods need; --debug shows where the import fails.",
        ) from error


_REDIRECTION = threading.RLock()
"""Python has one standard output for all threads. If two redirected it at a time, neither might restore it."""


@contextlib.contextmanager
def _printing_to_stderr(module: str) -> Iterator[None]:
    """Send what the first import of `module` prints to standard error, because standard output is for data."""
    if module in sys.modules:
        yield
        return
    with _REDIRECTION, contextlib.redirect_stdout(sys.stderr):
        yield


def _entries() -> "Iterator[EntryPoint]":
    from importlib.metadata import EntryPoint, entry_points  # Imported late, so that `--help` stays fast.

    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    for name, value in BUILT_IN.items():
        found.pop(name, None)  # A plug-in cannot take a built-in method's place.
        yield EntryPoint(name, value, GROUP)
    yield from sorted(found.values(), key=lambda entry: entry.name)


def _load_spec(entry: "EntryPoint") -> MethodSpec:
    with _printing_to_stderr(entry.module):
        spec = entry.load()
    if not isinstance(spec, MethodSpec):
        raise TypeError(f"{entry.value} is a {type(spec).__name__}, not a MethodSpec")
    if spec.name != entry.name:
        raise ValueError(f"the spec is named {spec.name!r}, its entry point {entry.name!r}")
    return spec


def _as_one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")

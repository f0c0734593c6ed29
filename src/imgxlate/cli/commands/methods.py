"""`imgxlate methods`: the installed methods."""

from dataclasses import asdict
from typing import Any

from imgxlate.cli import options
from imgxlate.cli.output import Output
from imgxlate.methods import registry
from imgxlate.methods.registry import BrokenMethod
from imgxlate.methods.spec import Citation, MethodSpec


@options.command()
def methods(out: Output) -> None:
    """List all methods: built-in ones, plug-ins, and plug-ins that cannot be loaded."""
    specs, broken = registry.discover()
    if out.as_json:
        return out.document({"methods": [_row(spec) for spec in specs.values()], "broken": list(map(asdict, broken))})
    rows = [_cells(spec) for spec in specs.values()] + [_broken_cells(failure) for failure in broken]
    return out.table(("METHOD", "CAN", "PAPER", "SUMMARY", "PRESETS"), rows)


def _row(spec: MethodSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "summary": spec.summary,
        "capabilities": _capabilities(spec),
        "citation": asdict(spec.citation),
        "presets": list(spec.presets),
        "training_presets": _training_presets(spec),
        "implementation": spec.implementation,
    }


def _cells(spec: MethodSpec) -> tuple[str, ...]:
    presets = ", ".join((*spec.presets, *_training_presets(spec)))
    return spec.name, ", ".join(_capabilities(spec)), _paper(spec.citation), spec.summary, presets


def _training_presets(spec: MethodSpec) -> list[str]:
    return list(spec.training.presets) if spec.training else []


def _paper(citation: Citation) -> str:
    return f"arXiv:{citation.arxiv}" if citation.arxiv else f"{citation.authors}, {citation.year}"


def _broken_cells(failure: BrokenMethod) -> tuple[str, ...]:
    return failure.name, "nothing", "", f"cannot be loaded: {failure.reason}", ""


def _capabilities(spec: MethodSpec) -> list[str]:
    return sorted(spec.capabilities)

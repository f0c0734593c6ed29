import dataclasses
import re
from pathlib import Path

from imgxlate.methods.gatys import SPEC
from imgxlate.methods.gatys.config import GatysConfig

PAGE = Path(__file__).parents[3] / "docs" / "methods" / "neural-style.md"


def rows() -> list[list[str]]:
    """The cells of the page's table rows that begin with an option's name."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if re.match(r"\| `\w+` \|", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def shown(value: object) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_the_page_has_every_option_with_its_default_and_source() -> None:
    table = [row for row in rows() if len(row) == 4]
    assert table == [
        [f"`{field.name}`", shown(field.default), field.metadata["doc"], field.metadata["source"]]
        for field in dataclasses.fields(GatysConfig)
    ]


def test_the_page_has_every_difference_of_the_presets() -> None:
    table = {row[0]: row[1:] for row in rows() if len(row) == 1 + len(SPEC.presets)}
    values = {
        f"`{field.name}`": [shown(getattr(preset, field.name)) for preset in SPEC.presets.values()]
        for field in dataclasses.fields(GatysConfig)
    }
    assert table == {name: cells for name, cells in values.items() if len(set(cells)) > 1}

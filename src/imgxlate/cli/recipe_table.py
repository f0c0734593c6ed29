"""The configuration of a run as `imgxlate train --show-config` prints it."""

import json
from typing import Any

from imgxlate.cli.output import Output
from imgxlate.config import flattened, keys
from imgxlate.training.recipes import NONE, Recipe


def show(output: Output, recipe: Recipe) -> None:
    """Print each value with its origin and meaning on stdout: a table, or with `--json` one document."""
    about = keys(type(recipe.config))
    values = flattened(recipe.config)
    if output.as_json:
        rows = [
            {"key": key, "value": value, "origin": recipe.origins[key]}
            | {"doc": about[key].doc, "source": about[key].source}
            for key, value in values.items()
        ]
        output.document({"method": recipe.method, "preset": recipe.preset, "config": rows})
    else:
        cells = [(key, _typed(value), recipe.origins[key], about[key].doc) for key, value in values.items()]
        output.table(("KEY", "VALUE", "ORIGIN", "MEANING"), cells)


def _typed(value: Any) -> str:
    """A value as `--set` takes it."""
    if value is None:
        return NONE
    return value if isinstance(value, str) and value else json.dumps(value)

"""Why an input does not exist, judged by its name, and what to type instead. Imports no Pillow, numpy or torch."""

import contextlib
import difflib
import glob
import os
import re
from pathlib import Path

_NEAR = 0.7  # how similar a name must be to be proposed


def explain(name: str) -> tuple[str, str | None]:
    """The reason why there is no file of that name, and a hint or None."""
    if address := web_address(name):
        return "a web address, not a file", f"Download it first: `curl -LO {address}`."
    if local := re.match(r"file:/+(.+)", name):
        return "a file address, not a path", f"Give the path: /{local[1]}."
    if name[:1] in "'\"" and name[-1:] == name[:1]:
        return "no such file: the quotes are part of the name", f"Leave them out, or use double quotes: {name[1:-1]}."
    if name.startswith("~"):
        return "no such file: the shell replaces ~ only outside of quotes", f"Type {os.path.expanduser(name)}."  # noqa: PTH111
    if glob.has_magic(name):
        return "no file matches this pattern", None
    return "no such file", _nearest(Path(name))


def web_address(name: str) -> str | None:
    """The web address that a path was made of, which made one slash of two; None: it is no web address."""
    found = re.match(r"(https?|ftp|s3|gs):/+(.+)", name)
    return f"{found[1]}://{found[2]}" if found else None


def _nearest(path: Path) -> str | None:
    """The file in the same folder whose name is most similar, without regard to case."""
    with contextlib.suppress(OSError, ValueError):
        names = {entry.name.lower(): entry.name for entry in path.parent.iterdir()}
        if near := difflib.get_close_matches(path.name.lower(), names, 1, _NEAR):
            return f"Did you mean {path.with_name(names[near[0]])}?"
    return None

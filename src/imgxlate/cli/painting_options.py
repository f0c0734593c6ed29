"""The options of `imgxlate neural-style`, as they were given or as a record has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from imgxlate.cli.recording import Recording
from imgxlate.cli.regions import RegionFiles
from imgxlate.images.names import Naming


@dataclass(frozen=True, slots=True, kw_only=True)
class PaintingOptions:
    """What to paint, and how. `--fast` has no use for the options of the optimization."""

    content: str
    styles: list[str]  # the arguments after CONTENT
    named_styles: list[str]  # of --style
    output: str | None
    depth: Literal["8", "16"]
    naming: Naming
    given: Mapping[str, Any]  # options of a configuration, by key
    mask: Path | None
    regions: Sequence[RegionFiles]
    record: bool
    like: Path | None
    kept: Recording  # what outputs keep of the metadata of their inputs

    # In one pass
    strength: float | None
    model: str | None
    checkpoint: Path | None

    # By optimization
    preset: str | None
    assignments: list[str]  # of --set
    init: str | None
    features: str
    save_every: int | None
    figure: str | None  # the name of the figure to paint
    sweep_ratios: str | None

    @property
    def init_file(self) -> Path | None:
        """The image to start from, if it is in a file."""
        return None if self.init in (None, "content", "style", "noise", "fast") else Path(str(self.init))

"""What `compare` shares with the commands that translate."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imgxlate.cli.output import Output
from imgxlate.errors import UsageError
from imgxlate.images.inputs import STDIO
from imgxlate.torchrun import Rank

if TYPE_CHECKING:
    from imgxlate.images.image_array import ImageArray

_FAR_LARGER = 3  # times as long as the side that a model was trained at


def require_shareable(place: Rank, output: str | None, extras: list[Path]) -> Rank:
    """Refuse what all processes together would have to write.

    Raises:
        UsageError: there are several processes, and one output of them all.
    """
    if place.size > 1 and (extras or output == STDIO):
        what = extras[0] if extras else "standard output"
        raise UsageError(f"{place.size} processes share the files out, and none has all of {what}")
    return place


@dataclass(slots=True)
class SizeAdvice:
    """Says once, of the first image that is far larger than what the model was trained on, how to get better ones."""

    out: Output
    model: str
    trained: int | None  # shorter side of the pictures that it learnt from; None: not known
    size: int | None  # what --size says
    given: bool = False

    def consider(self, name: str, picture: "ImageArray") -> None:
        """Look at an input."""
        side = min(picture.size)
        if self.given or self.size or self.trained is None or side < _FAR_LARGER * self.trained:
            return
        self.given = True
        self.out.note(
            f"{name}: its shorter side has {side} pixels, and {self.model} was trained on pictures of {self.trained}: "
            f"with `--size {2 * self.trained}` or less, more of it may change"
        )

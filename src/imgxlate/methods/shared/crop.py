"""The crops that networks can be trained on."""

from imgxlate.data.config import DataConfig
from imgxlate.errors import UsageError


def require_crop(data: DataConfig, subject: str, *, least: int, multiple: int = 1, others: str = "") -> None:
    """Check that the sides of the crop are multiples of `multiple`, and at least `least`, which `subject` needs.

    `others` names further values to change, for the hint.

    Raises:
        UsageError: a side is another number of pixels.
    """
    least = -(-least // multiple) * multiple
    for key in ("crop_height", "crop_width"):
        side = getattr(data, key)
        if side < least or side % multiple:
            multiples = f"a multiple of {multiple}, and " if multiple > 1 else ""
            raise UsageError(
                f"data.{key} is {side}; {subject} needs {multiples}at least {least}",
                hint=f"Type `--set data.{key}={max(least, side // multiple * multiple)}`{others}.",
            )

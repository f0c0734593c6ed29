"""Advice on inputs that are far larger than the model's training images."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imgxlate.cli.output import Output
from imgxlate.images.inputs import Source

if TYPE_CHECKING:
    from imgxlate.images.image_array import ImageArray
    from imgxlate.inference.model import Model


@dataclass(slots=True)
class SizeAdvice:
    """Gives advice, once, if an input is far larger than the model's training images."""

    out: Output
    model: "Model"
    size: int | None  # of --size or --work-size
    with_work_size: bool = False  # whether the command has --work-size
    given: bool = False

    def consider(self, source: Source, image: "ImageArray") -> None:
        """Note the advice if this input is the first that is too large."""
        from imgxlate.inference.translation import size_advice

        advice = size_advice(image, self.model.name, self.model.trained_size, with_work_size=self.with_work_size)
        if advice and not (self.given or self.size):
            self.given = True
            self.out.note(f"{source.name}: {advice}")

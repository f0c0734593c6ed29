"""The styles that a command uses: sampled, encoded from images, or read from a file."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imgxlate.errors import UsageError
from imgxlate.inference import style_codes
from imgxlate.inference.style_codes import StyleCodes
from imgxlate.methods import registry
from imgxlate.methods.spec import Capability, MethodSpec

if TYPE_CHECKING:
    from imgxlate.inference.model import Model


@dataclass(frozen=True, slots=True)
class StyleSource:
    """A source of style codes, chosen before a model is loaded."""

    count: int  # number of styles
    images: tuple[str, ...] = ()  # files to encode
    stored: StyleCodes | None = None  # codes of a styles file
    file: Path | None = None  # the styles file

    def codes(
        self, model: "Model", *, to: str | None, size: int | None, seed: int, work_size: int | None = None
    ) -> StyleCodes | None:
        """The codes for a model, or None if its method has no styles.

        Raises:
            UsageError: the codes of the file have another length than the model's.
            ImageError: a style image cannot be read.
        """
        if model.style_dim is None:
            return None
        if self.images:
            encoded = (model.encode_style(image, to=to, size=size, work_size=work_size)[0] for image in self.images)
            return StyleCodes(tuple(tuple(code.tolist()) for code in encoded))
        if self.stored is None:
            return style_codes.sample(self.count, model.style_dim, seed)
        self.stored.require_length(model.style_dim, str(self.file))
        return self.stored


def choose_styles(
    spec: MethodSpec, count: int | None, images: list[str], file: Path | None, *, saved: bool = False
) -> StyleSource:
    """The source of the styles: `count` samples, images, or a styles file. `saved`: whether the codes will be written.

    Raises:
        UsageError: several sources are given, the method lacks one, or the styles file is invalid.
    """
    if sum((count is not None, bool(images), file is not None)) > 1:
        raise UsageError("--n-styles, --style and --styles exclude each other")
    if images:
        registry.find(spec.name, Capability.GUIDE_STYLE)
        return StyleSource(len(images), images=tuple(images))
    if file:
        if not spec.needs_style_image:
            registry.find(spec.name, Capability.SAMPLE_STYLES)
        stored = style_codes.read(file, spec.name)
        return StyleSource(len(stored.codes), stored=stored, file=file)
    if saved or (count or 1) > 1:
        registry.find(spec.name, Capability.SAMPLE_STYLES)
    if spec.needs_style_image:
        raise UsageError(f"{spec.name} takes its style from an image", hint="Type `--style IMAGE`.")
    return StyleSource(count or 1)

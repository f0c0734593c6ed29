"""The styles that a command uses: sampled, encoded from images, or read from a file."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imgxlate.config import style_shares
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
    weights: tuple[float, ...] = ()  # of the images, to mix them into one style; none: each is a style
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
            encoded = [model.encode_style(image, to=to, size=size, work_size=work_size)[0] for image in self.images]
            if self.weights:
                shares = style_shares(self.weights, len(encoded))
                encoded = [sum(share * code for share, code in zip(shares, encoded, strict=True))]
            return StyleCodes(tuple(tuple(code.tolist()) for code in encoded))
        if self.stored is None:
            return style_codes.sample(self.count, model.style_dim, seed)
        self.stored.require_length(model.style_dim, str(self.file))
        return self.stored


def choose_styles(
    spec: MethodSpec,
    count: int | None,
    images: list[str],
    file: Path | None,
    *,
    weights: tuple[float, ...] = (),  # of the images, to mix them; none: each is a style of its own
    saved: bool = False,  # whether the codes will be written
) -> StyleSource:
    """The source of the styles: `count` samples, images, or a styles file.

    Raises:
        UsageError: several sources are given, the method lacks one, the weights do not fit the images, or the styles
            file is invalid.
    """
    if weights:
        registry.find(spec.name, Capability.MIX_STYLES)
        style_shares(weights, len(images))
    if sum((count is not None, bool(images), file is not None)) > 1:
        raise UsageError("--n-styles, --style and --styles exclude each other")
    if images:
        registry.find(spec.name, Capability.GUIDE_STYLE)
        return StyleSource(1 if weights else len(images), images=tuple(images), weights=weights)
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

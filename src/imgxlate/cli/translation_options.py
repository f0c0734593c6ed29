"""The options of `imgxlate translate`, as they were given or as a record has them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from imgxlate.cli import recording, style_options
from imgxlate.cli.loading import load_model
from imgxlate.cli.options import Settings
from imgxlate.cli.output import Output
from imgxlate.cli.recording import Recording
from imgxlate.images.names import Naming
from imgxlate.inference import provenance
from imgxlate.inference.provenance import TranslationRecord
from imgxlate.inference.style_codes import StyleCodes
from imgxlate.inference.style_source import StyleSource, choose_styles
from imgxlate.methods.spec import MethodSpec

if TYPE_CHECKING:
    from imgxlate.inference.model import Model
    from imgxlate.nn import NormStatistics


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslationOptions:
    """What to translate, and how."""

    spec: MethodSpec
    inputs: list[str]
    output: str | None
    naming: Naming
    mask: Path | None
    record: bool
    like: Path | None
    kept: Recording  # what outputs keep of the metadata of their inputs

    # The model
    model: str | None
    checkpoint: Path | None
    config: Path | None
    generators: Sequence[str]
    norm_statistics: "NormStatistics | None"

    # The outputs
    to: str | None
    size: int | None
    work_size: int | None
    depth: Literal["8", "16"]
    grid: Path | None

    # The styles
    n_styles: int | None
    style_images: list[str]
    style_weights: str | None
    strength: float | None
    styles_file: Path | None
    save_styles: Path | None

    @property
    def part(self) -> float:
        """How much of the style to take, from 0 to 1."""
        return 1.0 if self.strength is None else self.strength

    def as_made(self, like: Path, made: TranslationRecord, settings: Settings) -> tuple[Self, Settings]:
        """The options and settings of the record `made`, which the file `like` has.

        Raises:
            UsageError: an option that the record sets is given, or another method made the file.
        """
        others: dict[str, object] = {"--to": self.to, "--size": self.size, "--work-size": self.work_size}
        others |= {"--depth": self.depth == "16", "--norm-statistics": self.norm_statistics}
        others |= {"--n-styles": self.n_styles, "--style": self.style_images, "--styles": self.styles_file}
        others |= {"--save-styles": self.save_styles, "--style-weights": self.style_weights}
        others |= {"--strength": self.strength is not None, "--generator": self.generators}
        others |= {"--keep-metadata": self.kept.keep_metadata}
        recording.require_alone(like, made, self.spec, others)
        named = self.model or self.checkpoint
        as_made = replace(
            self,
            model=self.model if named else provenance.find_weights(made, "--checkpoint"),
            generators=made.generators,
            norm_statistics=made.norm_statistics,
            to=made.to,
            size=made.size,
            work_size=made.work_size,
            depth="16" if made.depth == 16 else "8",
            strength=made.strength,
            record=True,
            kept=Recording(made.keep_metadata, made.keep_gps),
        )
        return as_made, recording.settings_like(settings, made)

    def style_source(self, made: TranslationRecord | None = None) -> StyleSource:
        """The source of the styles; with `--like`, the style of the record `made`.

        Raises:
            UsageError: as `choose_styles`.
        """
        if made:
            stored = StyleCodes((made.style,), made.seed) if made.style else None
            return StyleSource(1, stored=stored, file=self.like)
        weights, saved = style_options.parse_weights(self.style_weights), self.save_styles is not None
        return choose_styles(
            self.spec, self.n_styles, self.style_images, self.styles_file, weights=weights, saved=saved
        )

    def load(self, out: Output, settings: Settings) -> "Model":
        """The model, downloaded if it is missing.

        Raises:
            ImgxlateError: as `imgxlate.load`.
        """
        return load_model(
            out,
            self.spec,
            self.model,
            self.checkpoint,
            self.config,
            settings,
            norm_statistics=self.norm_statistics,
            generators=self.generators,
            to=self.to,
        )

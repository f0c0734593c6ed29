"""Samples: translations of the same test images with the same styles, drawn now and then during training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from imgxlate import atomic
from imgxlate.data.config import DataConfig
from imgxlate.data.dataset import Rejected
from imgxlate.images.encode import encode
from imgxlate.images.grids import contact_sheet
from imgxlate.images.image_array import ImageArray
from imgxlate.inference.model import Model
from imgxlate.methods.spec import DOMAINS, OTHER, Domain
from imgxlate.training import loaded_images
from imgxlate.training.run_folder import RunFolder

_STYLES = 4  # sampled style codes, the same in every sample
_CELL = 128, 256  # pixels: the smallest and largest longer side of an image on the sheet


def is_due(step: int, every: int) -> bool:
    """Whether samples are drawn after `step` steps: after 1, 2, 5, 10, 20, 50, ... and each multiple of `every`."""
    return str(step).rstrip("0") in ("1", "2", "5") or (every > 0 and step > 0 and step % every == 0)


@dataclass(frozen=True, slots=True)
class Samples:
    """The test images of both domains, decoded, and the seed of the styles."""

    images: Mapping[Domain, tuple[ImageArray, ...]]
    rejected: tuple[Rejected, ...]  # files that could not be read
    seed: int  # of the sampled style codes
    notes: Mapping[str, Path] = field(default_factory=dict)  # on how files were read, each with the first such file

    def draw(self, model: Model, step: int) -> ImageArray | None:
        """Draw a sheet of translations after `step` steps, or return None if there are no images.

        Each row shows one image: the input; its translation, with several styles if the method samples them; if it has
        styles, a style image of the other domain and the translation with its style; and, if the model translates both
        ways, the first translation translated back.
        """
        rows, labels = [], []
        for to in DOMAINS[::-1]:
            if to in model.translator.targets:
                rows += [self._row(model, index, to) for index in range(len(self.images[OTHER[to]]))]
                labels += [f"to {model.name_of(to)}"] * len(self.images[OTHER[to]])
        if not rows:
            return None
        longest = max(side for row in rows for image in row if image for side in image.size)
        cell = min(max(longest, _CELL[0]), _CELL[1])
        return contact_sheet(
            rows, column_headers=_headers(model), row_headers=labels, cell=cell, title=f"{model.name}, step {step}"
        )

    def _row(self, model: Model, index: int, to: Domain) -> list[ImageArray | None]:
        image = self.images[OTHER[to]][index]
        outputs = list(model.translate_array(image, to, self._codes(model))) if not model.spec.needs_style_image else []
        guided = self._guided(model, image, index, to)
        return [image, *outputs, *guided, *(_back(model, image, outputs[0], to) if outputs else [])]

    def _guided(self, model: Model, image: ImageArray, index: int, to: Domain) -> list[ImageArray | None]:
        """A style image of the domain `to`, and `image` translated with its style."""
        if model.style_dim is None:
            return []
        style_images = self.images[to]
        if not style_images:
            return [None, None]
        style = style_images[index % len(style_images)]
        return [style, *model.translate_array(image, to, model.encode_array(style, to))]

    def _codes(self, model: Model) -> Tensor | None:
        return torch.from_numpy(model.sample_styles(_STYLES, seed=self.seed)) if model.style_dim else None


def load(files_a: Sequence[Path], files_b: Sequence[Path], count: int, data: DataConfig, seed: int) -> Samples:
    """Decode the first `count` readable files of each domain, scaled to the size of the training images."""
    loaded = loaded_images.load(files_a, files_b, count, data)
    return Samples(loaded.images, loaded.rejected, seed, loaded.notes)


def write(run: RunFolder, step: int, sheet: ImageArray) -> Path:
    """Write the sheet of a step, as the latest one first: if the step's file is there, the latest one is up to date.

    Raises:
        OutputError: a file cannot be written.
    """
    data = encode(sheet, ".png")
    for path in (run.latest_sample, run.sample_at(step)):
        atomic.write_bytes(path, data)
    return run.sample_at(step)


def _back(model: Model, image: ImageArray, output: ImageArray, to: Domain) -> list[ImageArray | None]:
    """`output`, the translation of `image`, translated back with the style of `image`."""
    origin = OTHER[to]
    if origin not in model.translator.targets:
        return []
    codes = model.encode_array(image, origin) if model.style_dim else None
    return list(model.translate_array(output, origin, codes))


def _headers(model: Model) -> list[str]:
    back = ["and back"] if len(model.translator.targets) == len(DOMAINS) else []
    if model.style_dim is None:
        return ["input", "output", *back]
    if model.spec.needs_style_image:
        return ["input", "style of", "gives"]
    return ["input", *(f"style {index:02d}" for index in range(_STYLES)), "style of", "gives", *back]

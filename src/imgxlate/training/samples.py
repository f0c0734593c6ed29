"""Samples: what the model makes of the same test pictures, with the same styles, as training goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from imgxlate import atomic
from imgxlate.data.batch import Rejected
from imgxlate.data.config import DataConfig
from imgxlate.errors import ImageError
from imgxlate.images.decode import decode
from imgxlate.images.encode import encode
from imgxlate.images.grids import contact_sheet
from imgxlate.images.image_array import ImageArray
from imgxlate.images.sizes import centred
from imgxlate.inference.model import Model
from imgxlate.inference.translation import resized
from imgxlate.methods.spec import DOMAINS, OTHER, Domain
from imgxlate.training.run_folder import RunFolder

_STYLES = 4  # sampled style codes, the same in every sample
_LONGEST = 3  # how many times as long as the other a side of a sample may be
_CELL = 128, 256  # pixels: the smallest and largest longer side of a picture on the sheet


def times(step: int, every: int) -> bool:
    """Whether there is a sample after `step` steps: after 1, 2, 5, 10, 20, 50, ... and each multiple of `every`."""
    return str(step).rstrip("0") in ("1", "2", "5") or (every > 0 and step > 0 and step % every == 0)


@dataclass(frozen=True, slots=True)
class Samples:
    """Test pictures of both domains, decoded, and the styles to paint them in."""

    pictures: dict[Domain, tuple[ImageArray, ...]]
    rejected: tuple[Rejected, ...]  # files that could not be read
    seed: int  # the sampled styles follow from it

    def draw(self, model: Model, step: int) -> ImageArray | None:
        """One sheet of what `model` makes of the pictures after `step` steps; None where there are no pictures.

        A row is a picture of either domain: itself; its translation, with each of some sampled styles where the method
        has styles, and with the style of a picture of the other domain, which stands before it; and its first
        translation, translated back, where the model goes both ways.
        """
        rows, labels = [], []
        for to in DOMAINS[::-1]:
            if to in model.translator.targets:
                rows += [self._row(model, index, to) for index in range(len(self.pictures[OTHER[to]]))]
                labels += [f"to {model.name_of(to)}"] * len(self.pictures[OTHER[to]])
        if not rows:
            return None
        longest = max(side for row in rows for picture in row if picture for side in picture.size)
        cell = min(max(longest, _CELL[0]), _CELL[1])
        return contact_sheet(
            rows, column_headers=_headers(model), row_headers=labels, cell=cell, title=f"{model.name}, step {step}"
        )

    def _row(self, model: Model, index: int, to: Domain) -> list[ImageArray | None]:
        picture = self.pictures[OTHER[to]][index]
        outputs = list(model.translate_array(picture, to, self._codes(model)))
        return [picture, *outputs, *self._guided(model, picture, index, to), *_back(model, picture, outputs[0], to)]

    def _guided(self, model: Model, picture: ImageArray, index: int, to: Domain) -> list[ImageArray | None]:
        """A picture of the domain `to`, and `picture` translated with its style."""
        if model.style_dim is None:
            return []
        guides = self.pictures[to]
        if not guides:
            return [None, None]
        guide = guides[index % len(guides)]
        return [guide, *model.translate_array(picture, to, model.encode_array(guide, to))]

    def _codes(self, model: Model) -> Tensor | None:
        return torch.from_numpy(model.sample_styles(_STYLES, seed=self.seed)) if model.style_dim else None


def load(files_a: Sequence[Path], files_b: Sequence[Path], count: int, data: DataConfig, seed: int) -> Samples:
    """Decode the first `count` files of each domain that can be read, at the size that the networks are trained on."""
    side = min(data.crop_height, data.crop_width)
    if data.resize != "none":
        side = min(side, data.new_size)
    rejected: list[Rejected] = []
    a, b = (_decoded(files, count, side, rejected) for files in (files_a, files_b))
    return Samples({"A": a, "B": b}, tuple(rejected), seed)


def write(run: RunFolder, step: int, sheet: ImageArray) -> Path:
    """Write a sheet as the sample after `step` steps, and as the latest one.

    Raises:
        OutputError: it cannot be written.
    """
    data = encode(sheet, ".png")
    for path in (run.sample_at(step), run.latest_sample):
        atomic.write_bytes(path, data)
    return run.sample_at(step)


def _decoded(files: Sequence[Path], count: int, side: int, rejected: list[Rejected]) -> tuple[ImageArray, ...]:
    pictures: list[ImageArray] = []
    for file in files:
        if len(pictures) == count:
            break
        try:
            pictures.append(resized(_middle(decode(file)), side))
        except ImageError as error:
            rejected.append(Rejected(file, error.reason))
    return tuple(pictures)


def _middle(picture: ImageArray) -> ImageArray:
    """The middle of a picture that is much longer one way than the other; of others, all."""
    height, width = (min(side, _LONGEST * min(picture.size)) for side in picture.size)
    box = centred((height, width), picture.size)
    return ImageArray(picture.rgb[box.top : box.top + height, box.left : box.left + width])


def _back(model: Model, picture: ImageArray, output: ImageArray, to: Domain) -> list[ImageArray | None]:
    """`output`, which was made of `picture`, translated back, with the style that `picture` has."""
    origin = OTHER[to]
    if origin not in model.translator.targets:
        return []
    codes = model.encode_array(picture, origin) if model.style_dim else None
    return list(model.translate_array(output, origin, codes))


def _headers(model: Model) -> list[str]:
    back = ["and back"] if len(model.translator.targets) == len(DOMAINS) else []
    if model.style_dim is None:
        return ["input", "output", *back]
    return ["input", *(f"style {index:02d}" for index in range(_STYLES)), "style of", "gives", *back]

"""Translation of large images in bands of rows, within a budget of memory. The result is that of the whole image."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import torch
from torch import Tensor

from imgxlate.callbacks import ignore
from imgxlate.images.image_array import Depth, ImageArray, empty_colors
from imgxlate.images.tensors import Padding, from_tensor, to_tensor
from imgxlate.methods.protocol import Staged, StagedStyleSampler, Translator
from imgxlate.methods.spec import Domain
from imgxlate.nn.bands import Rows
from imgxlate.nn.maps import BlockPool, Map, RowSource, Shape
from imgxlate.nn.passes import Pass, Shares, plan_passes, run_passes, whole_memory
from imgxlate.nn.stages import Moments

_BAND_SHARE = 12  # A band is planned with this part of the memory.
_GAPS = 3  # A band takes this many times its planned memory: blocks that are freed leave gaps.
_IMAGES = 4  # images in memory at once, beside the input: outputs that are encoded and written


@dataclass(frozen=True, slots=True)
class BandProgress:
    """The progress of an image that is translated in bands."""

    done: float  # the part of the work for all styles that is done, from 0 to 1
    bands: int  # the most bands of a pass over the image


OnBand = Callable[[BandProgress], None]


@torch.inference_mode()
def translation_memory(translator: Staged, image: ImageArray, to: Domain, codes: Tensor | None) -> int:
    """The memory, in bytes, that translating the whole image takes. This is an estimate."""
    stages = [*translator.content_stages(to), *translator.image_stages(to, None if codes is None else codes[:1])]
    return whole_memory(stages, ImageRows(translator, image).shape)


def encoding_memory(translator: StagedStyleSampler, image: ImageArray, domain: Domain) -> int:
    """The memory, in bytes, that encoding the style of the whole image takes. This is an estimate."""
    return whole_memory(translator.style_stages(domain), ImageRows(translator, image).shape)


@torch.inference_mode()
def translate(
    translator: Staged,
    device: torch.device,
    image: ImageArray,
    to: Domain,
    codes: Tensor | None,  # (S, style_dim) on `device`; None: the method has no styles
    total: int,  # bytes of memory
    *,
    depth: Depth = 8,
    on_band: OnBand = ignore,
) -> Iterator[ImageArray]:
    """Yield an image for each style code, or one image if the method has no styles, with the input's transparency.

    Raises:
        DeviceError: a scratch file cannot be written.
    """
    source = ImageRows(translator, image, device)
    shares = _split(total, image)
    styles = [None] if codes is None else torch.split(codes, 1)
    stages = translator.content_stages(to)
    encoding = plan_passes(stages, source.shape, shares) if stages else []
    shape = encoding[-1].output if encoding else source.shape
    beside = replace(shares, maps=max(shares.maps - shape.bytes, 0)) if encoding else shares  # the content code is kept
    decodings = [
        plan_passes(translator.image_stages(to, style), shape, own)
        for style, own in zip(styles, [*[beside] * (len(styles) - 1), shares], strict=True)  # up to the last style
    ]
    count = _Counter([encoding, *decodings], on_band)
    with contextlib.closing(_pool(shares, [encoding, *decodings], device)) as pool:
        code = Map(shape, pool)
        content: RowSource = code if encoding else source
        if encoding:
            run_passes(encoding, source, code.append, pool, on_products=count)
        for decoding in decodings:
            output = _Output(image, source.padding, depth, decoding[-1].output.channels)
            is_last = decoding is decodings[-1]
            run_passes(decoding, content, output.write, pool, frees_source=is_last, on_products=count)
            yield image.with_rgb(output.rgb)


@torch.inference_mode()
def encode_style(
    translator: StagedStyleSampler, device: torch.device, image: ImageArray, domain: Domain, total: int
) -> Tensor:
    """The style code (1, style_dim) of an image of `domain`.

    Raises:
        DeviceError: a scratch file cannot be written.
    """
    source = ImageRows(translator, image, device)
    shares = _split(total, image)
    passes = plan_passes(translator.style_stages(domain), source.shape, shares)
    moments: list[Moments] = []
    with contextlib.closing(_pool(shares, [passes], device)) as pool:
        run_passes(passes, source, lambda features: moments.append(Moments.of(features)), pool)
    mean = reduce(Moments.joined, moments).mean
    return translator.style_code(domain, mean.to(device, torch.float32))


class ImageRows:
    """The rows of an image as tensors, padded as a translator needs it."""

    def __init__(
        self,
        translator: Translator,
        image: ImageArray,
        device: torch.device = torch.device("cpu"),  # noqa: B008
    ) -> None:
        self.padding = Padding.of(image.size, translator.stride, translator.minimum_side)
        self.shape = Shape(image.rgb.shape[2], len(self.padding.rows), len(self.padding.columns))
        self._rgb = image.rgb
        self._device = device

    def read(self, rows: Rows) -> Tensor:
        """These rows (1, C, h, W) in [-1, 1]."""
        values = self._rgb[self.padding.rows[rows.top : rows.bottom].numpy()]
        if not self.padding.is_empty:
            values = values[:, self.padding.columns.numpy()]
        return to_tensor(values).to(self._device)


class _Output:
    """An image that is written from top to bottom, by rows of a padded image."""

    def __init__(self, image: ImageArray, padding: Padding, depth: Depth, channels: int) -> None:
        self.rgb = empty_colors(image.size, depth, channels)
        self._depth = depth
        self._box = padding.box
        self._row = -padding.box.top  # the next row of the image; those above 0 are padding

    def write(self, values: Tensor) -> None:
        """Write the next rows (1, C, h, W) in [-1, 1]."""
        top, self._row = self._row, self._row + values.shape[2]
        inside = values[:, :, max(-top, 0) : self._box.height - top, self._box.left : self._box.left + self._box.width]
        if inside.shape[2]:
            self.rgb[max(top, 0) : self._row] = from_tensor(inside.float(), self._depth)


class _Counter:
    """Reports progress, from the number of multiplications that are done."""

    def __init__(self, parts: Sequence[Sequence[Pass]], on_band: OnBand) -> None:
        passes = [one for part in parts for one in part]
        self._products = max(sum(one.products for one in passes), 1)
        self._bands = max(one.bands for one in passes)
        self._on_band = on_band
        self._done = 0

    def __call__(self, products: int) -> None:
        self._done += products
        self._on_band(BandProgress(self._done / self._products, self._bands))


def _pool(shares: Shares, parts: Sequence[Sequence[Pass]], device: torch.device) -> BlockPool:
    """The memory for the maps of some passes."""
    return BlockPool(shares.maps, max(one.longest_row for part in parts for one in part), device)


def _split(total: int, image: ImageArray) -> Shares:
    """How maps and bands share `total` bytes, beside the images."""
    band = total // _BAND_SHARE
    return Shares(max(total - _GAPS * band - _IMAGES * image.rgb.nbytes, 0), band)

"""A loaded translation model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from imgxlate.callbacks import Notify, ignore
from imgxlate.config import did_you_mean, require_at_least
from imgxlate.errors import UsageError
from imgxlate.images.image_array import Depth, ImageArray
from imgxlate.images.limits import DEFAULT, Limits
from imgxlate.images.masks import blend, weights_of
from imgxlate.images.pil import ImageLike, to_image_array
from imgxlate.images.pixel_format import PixelFormat
from imgxlate.inference import domain_images, style_codes
from imgxlate.inference.device import Arithmetic
from imgxlate.inference.large import OnBand
from imgxlate.inference.style_arguments import Styles, images_among, mixture, require_strength, to_codes
from imgxlate.inference.translation import encode_style, resized, translate
from imgxlate.methods import registry
from imgxlate.methods.protocol import Staged, StyleSampler, Translator
from imgxlate.methods.spec import DOMAINS, OTHER, Capability, Domain, MethodSpec
from imgxlate.nn import NormStatistics
from imgxlate.nn.precision import each_fast, fast_arithmetic
from imgxlate.threads import average_products

DIRECTIONS = ("AtoB", "BtoA")
"""Other names of the domains B and A, those of CycleGAN's own program."""


@dataclass(frozen=True, slots=True)
class Model:
    """A translation model, loaded and on its device. Several threads may use it at once.

    `imgxlate.load` returns it:

        >>> import imgxlate
        >>> model = imgxlate.load("munit")
        >>> model.domains
        ('summer', 'winter')
        >>> images = model.translate("photo.jpg", n_styles=2, to="winter")
        >>> len(images), images[0].mode
        (2, 'RGB')
    """

    spec: MethodSpec
    name: str  # "munit-summer2winter", or the name of the checkpoint
    translator: Translator
    domains: tuple[str, str]  # the names of A and B
    device: torch.device
    arithmetic: Arithmetic
    trained_size: int | None = None  # shorter side of the training images, in pixels; None: unknown
    step: int | None = None  # training steps done; None: unknown
    memory: int | None = None  # the most bytes for the process, on the device; None: half of what is free
    limits: Limits = DEFAULT  # of the files that it reads
    weights: Path | None = None  # the file that it was loaded from
    config: Path | None = None  # the original's yaml that it was loaded with
    generators: tuple[str, ...] = ()  # the networks that were taken from the file, by their names in it
    norm_statistics: NormStatistics | None = None  # that were chosen for batch norms
    formats: Mapping[Domain, PixelFormat] = field(default_factory=dict)  # of images that are not in color
    notify: Notify = ignore  # called with a note if values of an image are clipped

    @property
    def has_bands(self) -> bool:
        """Whether large images are translated in bands of rows, which needs a method that describes its stages."""
        return isinstance(self.translator, Staged)

    @property
    def method(self) -> str:
        """The name of the method: "munit"."""
        return self.spec.name

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the domains that the model translates to, the default first."""
        return tuple(self.name_of(domain) for domain in self.translator.targets)

    @property
    def style_dim(self) -> int | None:
        """The length of a style code, or None if the method has no styles."""
        return self.translator.style_dim if isinstance(self.translator, StyleSampler) else None

    def translate(
        self,
        image: ImageLike,
        *,
        to: str | None = None,  # a domain's name, "A" or "B"; None: the model's default
        n_styles: int | None = None,  # number of sampled styles; None: one
        styles: Styles | None = None,  # style images or style codes, in place of sampled styles
        style_weights: Sequence[float] | None = None,  # mix `styles` into one, with a weight for each
        strength: float = 1.0,  # how much of the style to take: 0 keeps the style of the image
        size: int | None = None,  # shorter side of the output in pixels; None: the input's size
        work_size: int | None = None,  # translate larger images at this shorter side, and upsample the change
        seed: int = 0,  # for the sampled styles
        mask: ImageLike | None = None,  # its white part changes, its black part stays; None: all changes
        on_band: OnBand = ignore,  # called for a large image, which is translated in bands of rows
    ) -> list[Any]:
        """Translate an image, once for each style. A method without styles gives one image.

        The results are PIL images with the input's size and transparency. If images of the target domain are not in
        color, the results are arrays (H, W, C), or (H, W) for one channel, in the type and the units of that domain.

        Guide the style by an image, or replay style codes:

            >>> model = imgxlate.load("munit")
            >>> [snowy] = model.translate("photo.jpg", styles=["snow.jpg"])
            >>> codes = model.sample_styles(4, seed=1)
            >>> [first, second, third, fourth] = model.translate("photo.jpg", styles=codes)

        Change a part of the image:

            >>> [winter] = model.translate("photo.jpg", mask="mask.png")

        Large photos take seconds with `work_size`, keep their detail, and change as much as a small image does:

            >>> [winter] = model.translate("photo.jpg", work_size=352)

        Methods that mix styles take several at once by `style_weights`, and less of a style by `strength`.

        Raises:
            ImageError: an image cannot be read.
            UsageError: the model has no such domain, no styles, or does not mix them, or an argument is invalid.
        """
        images = self.stream(
            image,
            to=to,
            n_styles=n_styles,
            styles=styles,
            style_weights=style_weights,
            strength=strength,
            size=size,
            work_size=work_size,
            seed=seed,
            mask=mask,
            on_band=on_band,
        )
        return list(images)

    def stream(
        self,
        image: ImageLike,
        *,
        to: str | None = None,
        n_styles: int | None = None,
        styles: Styles | None = None,
        style_weights: Sequence[float] | None = None,
        strength: float = 1.0,
        size: int | None = None,
        work_size: int | None = None,
        seed: int = 0,
        mask: ImageLike | None = None,
        on_band: OnBand = ignore,
    ) -> Iterator[Any]:
        """`translate`, but each image is computed when it is consumed, so that many styles need little memory."""
        domain = self.target(to)
        codes = self.codes(domain, n_styles, styles, size, work_size, seed, style_weights)
        outputs = self.translate_array(
            image, domain, codes, size, work_size=work_size, strength=strength, mask=mask, on_band=on_band
        )
        return map(domain_images.result, outputs)

    def sample_styles(self, n_styles: int, *, seed: int = 0) -> np.ndarray:
        """Sample style codes (n_styles, style_dim) from N(0, I), in float32. The same seed gives the same codes.

            >>> imgxlate.load("munit").sample_styles(4, seed=1).shape
            (4, 8)

        Raises:
            UsageError: the model has no styles or takes them from images, `n_styles` is less than 1, or `seed` is
                negative.
        """
        require_at_least(1, n_styles=n_styles)
        style_dim = self._style_sampler().style_dim
        if self.spec.needs_style_image:
            raise UsageError(f"{self.method} takes its style from an image", hint="Give style images.")
        codes = style_codes.sample(n_styles, style_dim, seed)
        return np.array(codes.codes, np.float32)

    def encode_style(
        self, image: ImageLike, *, to: str | None = None, size: int | None = None, work_size: int | None = None
    ) -> np.ndarray:
        """The style code (1, style_dim) of an image of the target domain, in float32.

            >>> imgxlate.load("munit").encode_style("snow.jpg").shape
            (1, 8)

        Raises:
            ImageError: the image cannot be read.
            UsageError: the model has no such domain, or no styles.
        """
        domain = self.target(to)
        return self.encode_array(self.read(image, domain), domain, size, work_size).numpy()

    def translate_array(
        self,
        image: ImageLike,
        to: Domain,
        codes: Tensor | None = None,
        size: int | None = None,
        *,
        work_size: int | None = None,
        strength: float = 1.0,
        depth: Depth = 8,
        mask: ImageLike | None = None,
        on_band: OnBand = ignore,
    ) -> Iterator[ImageArray]:
        """Translate an image, once for each of the style codes (S, style_dim), into arrays of 8 or 16 bits per channel.

        With a `depth` of 16, a file of 16 bits is read with all its bits. If images of `to` are not in color, the
        arrays hold floats, which `imgxlate.images.values.restored` converts.

        Raises:
            ImageError: the image cannot be read, or has other channels than the model takes.
            UsageError: `work_size` or `mask` is given, and images of a domain are not in color; or `strength` is not 1,
                and the method does not mix styles.
        """
        self._require_size(work_size)
        self.require_strength(strength)
        if mask is not None and not all(self.format_of(domain).is_color for domain in DOMAINS):
            raise UsageError(f"{self.name} translates images that are not in color", hint="Leave out the mask.")
        source = self.read(image, OTHER[to], depth)
        pixels = domain_images.output_format(self.format_of(to), source)
        if pixels:
            source, depth = replace(source, alpha=None), 32
        if strength < 1 and codes is not None:
            own = self.encode_array(source, OTHER[to], size, work_size)
            codes = own.lerp(codes, strength)  # AdaIN, Eq. 14
        images = translate(
            self.translator,
            self.device,
            source,
            to,
            codes,
            size,
            work_size=work_size,
            depth=depth,
            limit=self.memory,
            on_band=on_band,
        )
        if mask is not None:
            images = _masked(resized(source, size), images, to_image_array(mask, self.limits))
        outputs = each_fast(images, self.arithmetic.fast)
        return (replace(output, pixels=pixels) for output in outputs) if pixels else outputs

    def format_of(self, domain: Domain) -> PixelFormat:
        """The channels, the range and the type of images of `domain`."""
        return self.formats.get(domain) or PixelFormat(self.translator.config.channels(domain))

    def read(self, image: ImageLike, domain: Domain, depth: Depth = 8) -> ImageArray:
        """Read an image of `domain` as the networks take it. `depth` is for files in color, as in `translate_array`.

        Raises:
            ImageError: it cannot be read, or has other channels than images of `domain`.
        """
        return domain_images.read(image, self.format_of(domain), self.limits, depth, self.notify)

    def encode_array(
        self, image: ImageArray, domain: Domain, size: int | None = None, work_size: int | None = None
    ) -> Tensor:
        """The style code (1, style_dim) of a decoded image of `domain`, on the CPU.

        Raises:
            UsageError: the model has no styles.
        """
        self._require_size(work_size)
        with fast_arithmetic(self.arithmetic.fast):
            return encode_style(self._style_sampler(), self.device, image, domain, size, work_size, limit=self.memory)

    def require_strength(self, strength: float) -> None:
        """Check how much of the style to take.

        Raises:
            UsageError: it is not from 0 to 1; or not 1, and the method does not mix styles.
        """
        require_strength(strength)
        if strength < 1:
            registry.find(self.method, Capability.MIX_STYLES)

    def target(self, to: str | None) -> Domain:
        """The domain that `to` names: A or B, a domain's own name in any case, or None for the model's default.

        AtoB and BtoA mean B and A.

        Raises:
            UsageError: the model has no such domain, or does not translate to it.
        """
        if to is None:
            return self.translator.targets[0]
        # The letters come last: they mean A and B even in a model whose domains are called `b` and `a`.
        words = (*DIRECTIONS, *self.domains, *DOMAINS)
        names = {word.lower(): domain for word, domain in zip(words, ("B", "A", *DOMAINS * 2), strict=True)}
        domain = names.get(to.lower())
        if domain is None:
            raise UsageError(
                f"{self.name} has no domain {to!r}",
                hint=did_you_mean(to, self.domains) or f"Its domains are {' and '.join(self.domains)}.",
            )
        if domain not in self.translator.targets:
            raise UsageError(
                f"{self.name} translates to {self.targets[0]} only, not to {to}",
                hint=f"Give a model that does, by --model or --checkpoint, or type `--to {self.targets[0]}`.",
            )
        return domain

    def average_products(self, positions: int) -> float | None:
        """About how many products a convolution takes, for an image of that many pixels; None: it has none."""
        return average_products(self.translator.tensors().values(), positions)

    def name_of(self, domain: Domain) -> str:
        """The name of a domain."""
        return self.domains[DOMAINS.index(domain)]

    def _require_size(self, work_size: int | None) -> None:
        """Check that `work_size` is given for images in color only.

        Raises:
            UsageError: images of a domain are not in color.
        """
        if work_size is not None and not all(self.format_of(domain).is_color for domain in DOMAINS):
            raise UsageError(
                f"{self.name} translates images that are not in color, at the size of the input or of --size only",
                hint="Leave out --work-size.",
            )

    def _style_sampler(self) -> StyleSampler:
        """The translator of a method with styles.

        Raises:
            UsageError: the method has no styles.
        """
        if not isinstance(self.translator, StyleSampler):
            raise UsageError(f"{self.name} has no style codes", hint="Methods with styles: see `imgxlate methods`.")
        return self.translator

    def codes(
        self,
        domain: Domain,
        n_styles: int | None,
        styles: Styles | None,
        size: int | None,
        work_size: int | None,
        seed: int,
        weights: Sequence[float] | None = None,  # mix `styles` into one, with a weight for each
    ) -> Tensor | None:
        """The style codes (S, style_dim) to translate with, or None if the method has no styles."""
        if weights is not None:
            registry.find(self.method, Capability.MIX_STYLES)
            codes = self.codes(domain, n_styles, styles, size, work_size, seed)
            return None if codes is None else mixture(codes, weights)
        if n_styles is not None and styles is not None:
            raise UsageError("n_styles and styles exclude each other")
        if self.style_dim is None and styles is None and n_styles in (None, 1):
            return None
        if styles is None:
            return torch.from_numpy(self.sample_styles(1 if n_styles is None else n_styles, seed=seed))
        style_dim = self._style_sampler().style_dim
        if images := images_among(styles):
            arrays = (self.read(image, domain) for image in images)
            return torch.cat([self.encode_array(array, domain, size, work_size) for array in arrays])
        return to_codes(styles, style_dim)


def _masked(before: ImageArray, images: Iterator[ImageArray], mask: ImageArray) -> Iterator[ImageArray]:
    """The images, with the pixels of `before` where the mask is black."""
    weights = weights_of(mask, before.size)
    return (blend(before, image, weights) for image in images)

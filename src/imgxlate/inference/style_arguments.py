"""Styles as Python callers pass them: images of the target domain, or style codes."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from imgxlate.config import style_shares
from imgxlate.errors import UsageError
from imgxlate.images.pil import ImageLike

Styles = ImageLike | Sequence[ImageLike] | np.ndarray | Sequence[Sequence[float]]
"""Style images of the target domain, or style codes (S, style_dim)."""


def images_among(styles: Styles) -> list[ImageLike]:
    """The images in `styles`, or an empty list if it holds codes.

    Raises:
        UsageError: it holds both.
    """
    if isinstance(styles, np.ndarray):
        return [styles] if styles.dtype in (np.uint8, np.uint16) else []
    if not isinstance(styles, Sequence) or isinstance(styles, str | bytes):
        return [styles]
    images = [style for style in styles if not _is_code(style)]
    if 0 < len(images) < len(styles):
        raise UsageError("styles holds both images and style codes", hint="Encode the images with `encode_style`.")
    return images  # type: ignore[return-value]


def to_codes(styles: Styles, style_dim: int) -> Tensor:
    """The style codes (S, style_dim) in `styles`.

    Raises:
        UsageError: they have another length, or are no numbers.
    """
    try:
        codes = torch.as_tensor(np.asarray(styles, np.float32))
    except (TypeError, ValueError) as error:
        raise UsageError(f"style codes must be {style_dim} numbers each") from error
    if codes.ndim != 2 or codes.shape[1] != style_dim:
        raise UsageError(f"style codes must be (S, {style_dim}), not {tuple(codes.shape)}")
    return codes


def mixture(codes: Tensor, weights: Sequence[float]) -> Tensor:
    """The style code (1, style_dim) of several styles at once, from theirs (S, style_dim) (AdaIN, Eq. 15).

    Raises:
        UsageError: `weights` do not fit the styles; see `imgxlate.config.style_shares`.
    """
    return codes.new_tensor(style_shares(weights, len(codes)))[None] @ codes


def require_strength(strength: float) -> None:
    """Check a strength.

    Raises:
        UsageError: it is not from 0 to 1.
    """
    if not 0 <= strength <= 1:
        raise UsageError(f"strength is {strength:g}, but must be from 0 to 1")


def _is_code(style: object) -> bool:
    if isinstance(style, np.ndarray):
        return style.ndim == 1
    return isinstance(style, Sequence) and not isinstance(style, str | bytes)

"""Guided upsampling: carry the change of a small image to the same image at full size.

The change is an affine map of colors that depends on place and luma. A bilateral grid of such maps is fitted to the
small image before and after the change. It is applied to the colors of the full image, which keeps its own edges and
detail. Source: J. Chen, A. Adams, N. Wadhwa, S. W. Hasinoff: Bilateral Guided Upsampling, SIGGRAPH Asia 2016.
"""

import torch
from torch import Tensor
from torch.nn import functional

from imgxlate.images.tensors import LUMA

_CELL = 16  # pixels of the small image between two nodes of the grid
_LEVELS = 8  # nodes of the grid from black to white

# Ridges of the least squares, added to the variances of colors in [-1, 1]. Where a color varies less, the map of the
# whole image keeps the input's contrast, and a node keeps the map of the whole image. 0.003 is the variance of a
# deviation of 7 gray levels.
_WHOLE_RIDGE = 0.0001
_NODE_RIDGE = 0.003
_NODE_PRIOR = 0.001  # weight of the map of the whole image at a node, relative to all pixels around the node

BAND_PIXELS = 1 << 18
"""Pixels to compute at once: few enough for a processor's cache."""


def fit_color_maps(before: Tensor, after: Tensor) -> Tensor:
    """Fit affine maps of colors to the change between two images (1, 3, h, w) in [-1, 1], in float32 on the CPU.

    Returns a bilateral grid (rows, 12, levels, columns). Its channels are the 3 x 3 slopes, the input's channel first,
    and the 3 offsets of a map from an input color to an output color.
    """
    colors = torch.cat([before, torch.ones_like(before[:, :1])], dim=1)[0]  # (4, h, w)
    change = (after - before)[0]
    moments = torch.einsum("chw,dhw->cd", colors, torch.cat([colors, change])) / change[0].numel()
    whole = _solve(moments, _WHOLE_RIDGE, prior=0)  # (4, 3)
    remainder = change - torch.einsum("cd,chw->dhw", whole, colors)
    local = _solve(_node_moments(colors, remainder), _NODE_RIDGE, _NODE_PRIOR)  # (levels, rows, columns, 4, 3)
    maps = torch.eye(4, 3) + whole + local
    return maps.flatten(-2).permute(1, 3, 0, 2).contiguous()


def map_colors(rows: Tensor, maps: Tensor, top: int, height: int) -> Tensor:
    """Apply a grid of `fit_color_maps` to rows of the full image.

    Args:
        rows: Rows `top` to `top + R` (1, 3, R, W), in [-1, 1].
        maps: The grid, on the device of `rows`.
        top: Index of the first row.
        height: Height of the full image in pixels.

    Returns:
        The changed rows (1, 3, R, W), not clamped.
    """
    colors = rows[0].transpose(0, 1)  # (R, 3, W)
    count, _, width = colors.shape
    # Trilinear interpolation: between the grid's rows once for a row of the image, then by column and luma.
    lines = _between_rows(maps, (torch.arange(top, top + count, device=rows.device) + 0.5) / height)
    columns = (torch.arange(width, device=rows.device) + 0.5) / width * 2 - 1
    levels = _luma(rows[0]) * (_LEVELS - 1) / _LEVELS  # Black and white are at the centers of the outer nodes.
    positions = torch.stack([columns.expand_as(levels), levels], dim=-1)[:, None]  # (R, 1, W, 2)
    own = functional.grid_sample(lines, positions, padding_mode="border", align_corners=False)  # (R, 12, 1, W)
    own = own.view(count, 4, 3, width)
    changed = own[:, 3]
    for channel in range(3):
        changed = changed.addcmul(own[:, channel], colors[:, channel, None])
    return changed.transpose(0, 1)[None]


def _node_moments(colors: Tensor, target: Tensor) -> Tensor:
    """The mean products (levels, rows, columns, 4, 7) of homogeneous colors with themselves and with the target colors.

    Each node has the mean over the pixels around it, weighted by tents over place and luma. The tent over place is an
    antialiased resize.
    """
    factors = torch.cat([colors, target])  # (7, h, w)
    size = [-(-side // _CELL) for side in factors.shape[1:]]
    position = (_luma(colors[:3]) + 1) / 2 * (_LEVELS - 1)  # (h, w)
    nodes = []
    for level in range(_LEVELS):
        weighted = factors * (1 - (position - level).abs()).clamp_min(0)
        products = [
            functional.interpolate((color * weighted)[None], size, mode="bilinear", antialias=True) for color in colors
        ]
        nodes.append(torch.cat(products))  # (4, 7, rows, columns)
    return torch.stack(nodes).permute(0, 3, 4, 1, 2)


def _solve(moments: Tensor, ridge: float, prior: float) -> Tensor:
    """The affine maps (..., 4, 3) of least squares for moments (..., 4, 7), drawn towards zero."""
    gram, target = moments[..., :4], moments[..., 4:]
    weight = gram[..., 3:, 3:]  # (..., 1, 1): of all pixels
    ridges = torch.tensor((ridge, ridge, ridge, 0)).diag()
    solution: Tensor = torch.linalg.solve(gram + weight * ridges + prior * torch.eye(4), target)
    return solution


def _between_rows(maps: Tensor, positions: Tensor) -> Tensor:
    """The grid's rows (R, 12, levels, columns), interpolated at positions (R) from 0 at the top to 1 at the bottom."""
    last = len(maps) - 1
    rows = (positions * len(maps) - 0.5).clamp(0, last)
    above = rows.long()
    below = (above + 1).clamp_max(last)
    return torch.lerp(maps[above], maps[below], (rows - above).view(-1, 1, 1, 1))


def _luma(image: Tensor) -> Tensor:
    """(3, H, W) to (H, W), in the same range."""
    return torch.einsum("c,chw->hw", image.new_tensor(LUMA), image)

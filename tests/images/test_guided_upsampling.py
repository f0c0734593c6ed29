import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from imgxlate.images.guided_upsampling import fit_color_maps, map_colors
from imgxlate.images.tensors import resize

GRAY_LEVEL = 2 / 255
SIDES = st.integers(1, 70)


def random_image(height: int, width: int, seed: int = 0) -> Tensor:
    """(1, 3, H, W) in [-0.8, 0.8]: smooth areas, and noise on top."""
    generator = torch.Generator().manual_seed(seed)
    smooth = resize(torch.rand(1, 3, 5, 6, generator=generator) * 1.4 - 0.7, (height, width), "bicubic")
    return smooth.clamp(-0.7, 0.7) + 0.2 * torch.rand(1, 3, height, width, generator=generator) - 0.1


def upsample(full: Tensor, before: Tensor, after: Tensor, rows: int | None = None) -> Tensor:
    """The full image with the change from `before` to `after`, computed `rows` rows at a time."""
    maps, height = fit_color_maps(before, after), full.shape[2]
    rows = rows or height
    return torch.cat([map_colors(full[:, :, top : top + rows], maps, top, height) for top in range(0, height, rows)], 2)


def test_without_a_change_the_full_image_stays_as_it_is():
    full = random_image(150, 210)
    small = resize(full, (40, 56))
    assert (upsample(full, small, small) - full).abs().max() < 0.01 * GRAY_LEVEL


def test_an_affine_change_of_all_colors_is_exact_at_full_size():
    slopes = torch.tensor([[0.7, 0.1, 0.0], [0.2, 0.5, -0.1], [-0.2, 0.0, 0.9]])
    offsets = torch.tensor([0.1, -0.2, 0.05]).view(1, 3, 1, 1)

    def change(image: Tensor) -> Tensor:
        return torch.einsum("cd,bchw->bdhw", slopes, image) + offsets

    full = random_image(150, 210)
    small = resize(full, (40, 56))
    assert (upsample(full, small, change(small)) - change(full)).abs().max() < GRAY_LEVEL


def test_edges_between_regions_with_different_changes_have_no_halo():
    full, changed = torch.empty(2, 1, 3, 300, 450)
    # From the left: black gets brighter, gray gets darker, white gets redder.
    full[..., :150], full[..., 150:300], full[..., 300:] = -0.7, 0.0, 0.7
    changed[..., :150], changed[..., 150:300], changed[..., 300:] = 0.1, -0.4, 0.2
    changed[:, 0, :, 300:] = 0.8
    small, small_changed = resize(full, (41, 61)), resize(changed, (41, 61))  # The edges are within pixels.
    assert (upsample(full, small, small_changed) - changed).abs().max() < 5 * GRAY_LEVEL
    unguided = full + functional.interpolate(small_changed - small, (300, 450), mode="bilinear")
    assert (unguided - changed).abs().max() > 50 * GRAY_LEVEL


def test_detail_that_the_small_image_lacks_is_kept():
    full = torch.full((1, 3, 128, 128), -0.1)
    full[..., ::2] = 0.1
    small = resize(full, (32, 32))
    assert small.std() < 0.01
    assert (upsample(full, small, small + 0.3) - (full + 0.3)).abs().max() < GRAY_LEVEL


def test_a_change_that_depends_on_place_follows_the_place():
    full = random_image(200, 300, seed=1)
    ramp = torch.linspace(-0.3, 0.3, 300)
    small = resize(full, (50, 75))
    changed = upsample(full, small, small + resize(ramp.expand(1, 1, 200, 300), (50, 75)))
    assert (changed - full - ramp).abs().mean() < 3 * GRAY_LEVEL


def test_a_tone_curve_follows_the_luma():
    full = random_image(200, 300, seed=2).mean(1, keepdim=True).expand(-1, 3, -1, -1)
    small = resize(full, (50, 75))
    changed = upsample(full, small, (small * 4).sin() * 0.7)
    assert (changed - (full * 4).sin() * 0.7).abs().mean() < 4 * GRAY_LEVEL


@given(SIDES, SIDES, st.integers(1, 30), st.integers(1, 70))
def test_images_of_any_size_change_in_bands_as_they_do_whole(height, width, shorter, rows):
    full = random_image(height, width)
    small = resize(full, (min(height, shorter), min(width, shorter)))
    changed = upsample(full, small, small.flip(1) * 0.5)
    assert changed.shape == full.shape
    assert changed.isfinite().all()
    assert torch.allclose(upsample(full, small, small.flip(1) * 0.5, rows), changed, atol=1e-5)


@pytest.mark.parametrize("gray", [-1.0, 0.0, 0.3, 1.0])
def test_an_image_of_one_gray_gets_the_color_of_its_small_image(gray):
    color = torch.tensor([0.2, -0.5, 0.9]).view(1, 3, 1, 1)
    full, small = torch.full((1, 3, 90, 130), gray), torch.full((1, 3, 30, 40), gray)
    assert (upsample(full, small, color.expand_as(small)) - color).abs().max() < GRAY_LEVEL


def test_a_gray_image_is_tinted_without_noise():
    full = random_image(150, 210).mean(1, keepdim=True).expand(-1, 3, -1, -1)
    small = resize(full, (40, 56))
    tint = torch.tensor([0.1, 0.0, -0.1]).view(1, 3, 1, 1)
    assert (upsample(full, small, small * 0.8 + tint) - (full * 0.8 + tint)).abs().max() < GRAY_LEVEL


def test_colors_that_the_small_image_lacks_change_as_the_whole_image_does():
    full = random_image(150, 210) * 0.5
    small = resize(full, (40, 56))
    full[..., 70:72, 100:102] = torch.tensor([1.0, 1.0, -1.0]).view(1, 3, 1, 1)
    changed = upsample(full, small, small * 0.8 + 0.1)
    assert (changed - (full * 0.8 + 0.1)).abs().max() < GRAY_LEVEL

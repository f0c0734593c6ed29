"""Images as Python callers pass them in: a file, a Pillow image and an array are read alike."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgxlate.images.image_array import ImageArray
from imgxlate.images.limits import Limits
from imgxlate.images.pil import to_image_array, to_values
from imgxlate.images.sixteen_bits import write


@pytest.mark.parametrize(("white", "expected"), [(65535, 8), (4095, 125), (None, 125), (1000, 255)])
def test_the_value_of_white_holds_for_files_pillow_images_and_arrays(
    tmp_path: Path, white: int | None, expected: int
) -> None:
    values = np.full((4, 4), 2000, np.uint16)
    image = Image.fromarray(values)
    image.save(tmp_path / "gray.png")
    for source in (tmp_path / "gray.png", image, values):
        read = to_image_array(source, Limits(white=white)).at_depth(8)
        assert np.unique(read.rgb).tolist() == [expected]


@pytest.mark.parametrize("white", [None, 3000, 65535])
def test_an_array_of_sixteen_bits_has_the_colors_and_the_transparency_of_its_file(
    tmp_path: Path, white: int | None
) -> None:
    rgba = np.random.default_rng(0).integers(0, 4096, (5, 7, 4), dtype=np.uint16)
    with (tmp_path / "deep.png").open("wb") as file:
        write(ImageArray(rgba[..., :3], rgba[..., 3]), ".png", file)
    limits = Limits(white=white)
    from_file, from_array = to_image_array(tmp_path / "deep.png", limits, depth=16), to_image_array(rgba, limits)
    assert np.array_equal(from_array.rgb, from_file.rgb)
    assert from_array.alpha is not None
    assert np.array_equal(from_array.alpha, rgba[..., 3])


def test_values_that_are_not_colors_have_no_white() -> None:
    values = np.full((4, 4, 2), 2000, np.uint16)
    assert np.array_equal(to_values(values, Limits(white=4095)), values)

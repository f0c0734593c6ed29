"""Pictures inside a page."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from imgxlate.evaluate.report_pictures import embed


def shown(embedded):
    return Image.open(io.BytesIO(base64.b64decode(embedded.address.partition(",")[2])))


@pytest.mark.parametrize(("size", "expected"), [((600, 1200), (512, 256)), ((90, 40), (40, 90)), ((4000, 2), (1, 512))])
def test_the_longer_side_is_at_most_512_pixels(photo, size, expected):
    embedded = embed(photo(size=size))
    assert (embedded.width, embedded.height) == shown(embedded).size == expected
    assert embedded.address.startswith("data:image/jpeg;base64,")


def test_a_picture_that_lies_on_its_side_is_set_upright(photo):
    exif = Image.Exif()
    exif[0x0112] = 6
    embedded = embed(photo("side.jpg", size=(30, 60), exif=exif))
    assert (embedded.width, embedded.height) == (30, 60)


def test_a_transparent_picture_stays_so_and_its_edge_keeps_its_colour(tmp_path):
    rgba = np.zeros((1024, 1024, 4), np.uint8)  # Black where nothing is to be seen.
    rgba[:500] = (250, 120, 10, 255)
    Image.fromarray(rgba).save(tmp_path / "half.png")
    embedded = embed(tmp_path / "half.png")
    pixels = np.asarray(shown(embedded)).astype(int)
    assert embedded.transparent
    assert embedded.address.startswith("data:image/png;base64,")
    assert pixels[:245, :, 3].min() == 255
    assert pixels[255:, :, 3].max() == 0
    seen = pixels[..., 3] > 16
    assert abs(pixels[seen][:, :3] - (250, 120, 10)).max() < 16


def test_a_picture_that_is_opaque_everywhere_is_a_jpeg_whatever_its_file_could_hold(tmp_path):
    Image.new("RGBA", (8, 8), (1, 2, 3, 255)).save(tmp_path / "opaque.png")
    embedded = embed(tmp_path / "opaque.png")
    assert not embedded.transparent
    assert embedded.address.startswith("data:image/jpeg;base64,")

"""Label maps: the part of an image that has one color."""

from pathlib import Path

import numpy as np
import pytest

from imgxlate.errors import ImageError, UsageError
from imgxlate.images.image_array import ImageArray
from imgxlate.images.labels import mask_of, split_label


@pytest.fixture
def labels():
    """Red at the left, blue at the right, and a pixel of dark gray."""
    rgb = np.zeros((4, 6, 3), np.uint8)
    rgb[:, :4] = (255, 0, 0)
    rgb[:, 4:] = (0, 0, 255)
    rgb[0, 0] = 1
    return ImageArray(rgb)


@pytest.mark.parametrize("color", ["blue", "0000ff", "0000FF", "00f", "Blue"])
def test_the_part_in_one_color_is_white_and_the_rest_is_black(labels, color):
    mask = mask_of(labels, color, "l.png").rgb
    assert (mask[:, 4:] == 255).all()
    assert (mask[:, :4] == 0).all()


def test_a_color_that_does_not_occur_is_refused_and_the_hint_names_those_that_do(labels):
    with pytest.raises(ImageError, match=r"l\.png: no pixel of the label map has the color green, #008000") as caught:
        mask_of(labels, "green", "l.png")
    assert caught.value.hint == "Its colors, the most frequent first: #ff0000, #0000ff, #010101."


def test_the_hint_names_few_of_many_colors():
    rgb = np.arange(300, dtype=np.uint16).astype(np.uint8).reshape(10, 10, 3)
    with pytest.raises(ImageError) as caught:
        mask_of(ImageArray(rgb), "ff00ff", "l.png")
    assert str(caught.value.hint).endswith(", ....")
    assert str(caught.value.hint).count(",") == 9


def test_a_word_that_is_no_color_is_refused(labels):
    with pytest.raises(UsageError, match="'blu' is not a color") as caught:
        mask_of(labels, "blu", "l.png")
    assert caught.value.hint == "For example: l.png#blue or l.png#0000ff."


def test_the_color_follows_the_last_number_sign_unless_a_file_has_the_whole_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert split_label("a#1.png#blue") == ("a#1.png", "#", "blue")
    assert split_label("sky #2.png") == ("sky #2.png", "", "")
    assert split_label("take#2/sky") == ("take#2/sky", "", "")
    assert split_label("mask.png") == ("mask.png", "", "")
    Path("take#2.png").write_bytes(b"")
    assert split_label("take#2.png") == ("take#2.png", "", "")

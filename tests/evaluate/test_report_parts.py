"""Columns of numbers, embedded images and cards of the report."""

import base64
import io
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from imgxlate.evaluate.report_parts import card_html, embed, numbers, ranked
from imgxlate.metrics.measure import Measure

HIGHER = Measure("a", "A", "how", "higher")
LOWER = Measure("a", "A", "how", "lower")
NEITHER = Measure("a", "A", "how", None)


def texts(values):
    return [number.text for number in numbers(values)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.7123, 0.65], ["0.712", "0.650"]),
        ([123.44, 56.71], ["123.4", "56.7"]),
        ([0.0012, 0.03], ["0.00120", "0.03000"]),
        ([1234.4, 800.0], ["1,234", "800"]),
        ([45.2, 3.456], ["45.20", "3.46"]),
        ([250.04, 0.0344, 0.0], ["250.0", "0.034", "0.0"]),
        ([1e-12], ["0.000000000"]),
        ([-0.25, 0.0], ["−0.250", "0.000"]),  # noqa: RUF001
        ([0.0, None], ["0", "–"]),  # noqa: RUF001
        ([math.nan, math.inf, -math.inf], ["–", "∞", "−∞"]),  # noqa: RUF001
        ([], []),
    ],
)
def test_the_decimals_of_a_column_suit_its_smallest_and_its_largest_number(values, expected):
    assert texts(values) == expected


@given(st.lists(st.floats(-1e9, 1e9) | st.none()))
def test_the_key_is_the_number_itself(values):
    assert [None if each.key is None else float(each.key) for each in numbers(values)] == values


@given(st.lists(st.floats(1e-6, 1e9)))
def test_no_number_vanishes_beside_large_ones(values):
    shown = [float(text.replace(",", "")) for text in texts(values)]
    assert shown == pytest.approx(values, rel=0.051)


def best(measure, values):
    return [number.best for number in ranked(measure, values)]


@pytest.mark.parametrize(
    ("measure", "values", "expected"),
    [
        (HIGHER, [1.0, 3.0, None, 2.0], [False, True, False, False]),
        (LOWER, [1.0, 3.0, math.nan, 1.0], [True, False, False, True]),
        (LOWER, [math.inf, 2.0], [False, True]),
        (NEITHER, [1.0, 2.0], [False, False]),
        (HIGHER, [2.0, 2.0], [False, False]),
        (HIGHER, [2.0, None], [False, False]),
    ],
)
def test_the_best_is_marked_unless_all_are_equal(measure, values, expected):
    assert best(measure, values) == expected


def shown(embedded):
    return Image.open(io.BytesIO(base64.b64decode(embedded.address.partition(",")[2])))


@pytest.mark.parametrize(("size", "expected"), [((600, 1200), (512, 256)), ((90, 40), (40, 90)), ((4000, 2), (1, 512))])
def test_the_longer_side_is_at_most_512_pixels(photo, size, expected):
    embedded = embed(photo(size=size))
    assert (embedded.width, embedded.height) == shown(embedded).size == expected
    assert embedded.address.startswith("data:image/jpeg;base64,")


def test_an_image_that_lies_on_its_side_is_turned_upright(photo):
    exif = Image.Exif()
    exif[0x0112] = 6
    embedded = embed(photo("side.jpg", size=(30, 60), exif=exif))
    assert (embedded.width, embedded.height) == (30, 60)


def test_a_transparent_image_stays_so_and_its_edge_keeps_its_color(tmp_path):
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


def test_an_opaque_image_with_an_alpha_channel_is_embedded_as_jpeg(tmp_path):
    Image.new("RGBA", (8, 8), (1, 2, 3, 255)).save(tmp_path / "opaque.png")
    embedded = embed(tmp_path / "opaque.png")
    assert not embedded.transparent
    assert embedded.address.startswith("data:image/jpeg;base64,")


def test_headings_stand_below_those_of_the_page():
    assert card_html("# one\n\n## two\n\n##### five") == "<h4>one</h4>\n<h5>two</h5>\n<h6>five</h6>\n"


def test_tables_keep_their_alignment_without_style_attributes():
    html = card_html("| a | b |\n|---|--:|\n| 1 | 2 |\n")
    assert '<td class="right">2</td>' in html
    assert "<td>1</td>" in html
    assert "style" not in html


def test_images_beside_the_card_become_their_alternative_text():
    assert card_html("![A *lake* in winter](samples/lake.png)") == "<p>A lake in winter</p>\n"


@pytest.mark.parametrize("target", ["NOTICE", "../license.md", "#below", "ftp://host/file"])
def test_links_to_files_beside_the_card_are_text(target):
    html = card_html(f"See [the file]({target}) and [the paper](https://arxiv.org).")
    assert html == '<p>See <span>the file</span> and <a href="https://arxiv.org">the paper</a>.</p>\n'


@pytest.mark.parametrize("attack", ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "a <b>c</b>"])
def test_html_in_a_card_is_shown_as_text(attack):
    html = card_html(attack)
    assert "&lt;" in html
    assert html.count("<") == 2  # The paragraph's own.


def test_links_that_run_scripts_are_removed():
    assert "href" not in card_html("[x](javascript:alert(1)) [y](data:text/html,hello) <javascript:alert(1)>")

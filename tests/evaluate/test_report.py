"""The page of a comparison: what it contains, and what it must not."""

import base64
import dataclasses
import hashlib
import io
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from imgxlate.errors import ImageError
from imgxlate.evaluate import report

NASTY = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7 * 7 }}&amp;"


class Page(HTMLParser):
    """The elements of a page, as (tag, attributes), and its text by the tag that it stands in."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.texts, self._open = [], [], [None]
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag):
        if tag in self._open:
            del self._open[len(self._open) - 1 - self._open[::-1].index(tag) :]

    def handle_data(self, data):
        self.texts.append((self._open[-1], data))

    def attributes(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, tag):
        return [data for name, data in self.texts if name == tag]


@pytest.fixture
def comparison(compared, tmp_path):
    return compared(tmp_path)


def decoded(image):
    return Image.open(io.BytesIO(base64.b64decode(image["src"].partition(";base64,")[2])))


def test_every_image_is_embedded_under_its_name(comparison):
    images = Page(report.page(comparison)).attributes("img")
    assert all(image["src"].startswith("data:image/") for image in images)
    words = [image["alt"] for image in images]
    made = ("MUNIT, style 00", "MUNIT, style 01", "UNIT", "Neural style")
    for name in ("lake.png", "hut.png", "10.png", "9.png"):
        at = words.index(f"Input {name}")
        assert words[at + 1 : at + 5] == [f"{each} of {name}" for each in made]
    assert words[-1] == "Style image wave.png"
    first = decoded(images[1]).convert("RGB").getpixel((5, 5))
    with Image.open(comparison.rows[0].images[0].file) as image:
        assert max(abs(one - other) for one, other in zip(first, image.getpixel((5, 5)), strict=True)) < 4


def test_a_page_loads_nothing_and_allows_only_its_own_style_and_script(comparison):
    html = report.page(comparison)
    page = Page(html)
    (policy,) = [each["content"] for each in page.attributes("meta") if "http-equiv" in each]
    assert policy.startswith("default-src 'none'; img-src data:; ")
    for tag in ("style", "script"):
        (source,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}';" in policy
        assert "url(" not in source
    addresses = [value for _, attributes in page.elements for name, value in attributes.items() if name in ("src",)]
    assert all(address.startswith("data:") for address in addresses)
    assert {link["href"] for link in page.attributes("a")} == {"https://arxiv.org/abs/1804.04732"}


def named(comparison, name):
    """The comparison with `name` wherever a user or a plug-in can put words."""
    methods = tuple(
        dataclasses.replace(method, title=name, model=name, settings={name: name}, card=name)
        for method in comparison.methods
    )
    measures = tuple(
        dataclasses.replace(measure, title=name, how=name, unit=name, name=measure.name)
        for measure in comparison.measures
    )
    return dataclasses.replace(comparison, methods=methods, measures=measures, facts={name: name})


def test_texts_of_users_and_plug_ins_are_escaped(comparison):
    plain, nasty = Page(report.page(named(comparison, "plain"))), Page(report.page(named(comparison, NASTY)))
    assert [tag for tag, _ in nasty.elements] == [tag for tag, _ in plain.elements]
    names = [sorted(attributes) for _, attributes in plain.elements]
    assert [sorted(attributes) for _, attributes in nasty.elements] == names
    assert nasty.text("h1") == [f"{NASTY}, {NASTY} and {NASTY}"]
    assert NASTY in nasty.text("bdi")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such file names")
@pytest.mark.parametrize("name", ["<script>alert(1)<script>.png", "\" onload='alert(1)'.png", "{{ 7 * 7 }}.png"])
def test_names_of_files_are_escaped(compared, tmp_path, name):
    page = Page(report.page(compared(tmp_path, names=("a.png", name))))
    tame = Page(report.page(compared(tmp_path, names=("a.png", "b.png"))))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in tame.elements]
    assert f"Input {name}" in [image["alt"] for image in page.attributes("img")]


@pytest.mark.skipif(sys.platform != "linux", reason="such names exist where they are bytes")
def test_the_page_is_written_even_if_a_file_name_is_not_text(compared, tmp_path):
    html = report.page(compared(tmp_path, names=(os.fsdecode(b"caf\xe9.png"),)))
    assert "Input caf?.png" in html.encode().decode()


def test_inputs_are_named_relative_to_their_common_folder(comparison, tmp_path):
    (tmp_path / "photos" / "more").mkdir()
    deeper = comparison.rows[0].input.rename(tmp_path / "photos" / "more" / "lake.png")
    rows = (dataclasses.replace(comparison.rows[0], input=deeper), *comparison.rows[1:])
    html = report.page(dataclasses.replace(comparison, rows=rows))
    assert "more/lake.png" in Page(html).text("bdi")
    assert str(tmp_path) not in html


def test_inputs_without_a_common_folder_are_named_by_file_name(comparison, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = (dataclasses.replace(comparison.rows[0], input=Path("photos/lake.png")), *comparison.rows[1:])
    assert {"lake.png", "hut.png"} <= set(Page(report.page(dataclasses.replace(comparison, rows=rows))).text("bdi"))


def test_a_long_comparison_shows_its_first_inputs_and_the_numbers_of_all(comparison):
    html = report.page(dataclasses.replace(comparison, shown=2))
    page = Page(html)
    assert "The first 2 of 4 inputs are shown." in html
    assert len(page.attributes("figure")) == 2 * 5 + 1
    assert page.text("bdi").count("9.png") == 4
    assert "inputs are shown" not in report.page(dataclasses.replace(comparison, shown=4))


def test_the_cell_of_a_missing_output_is_empty(comparison):
    rows = (dataclasses.replace(comparison.rows[0], images=comparison.rows[0].images[1:]), *comparison.rows[1:])
    page = Page(report.page(dataclasses.replace(comparison, rows=rows)))
    assert page.text("span").count("no image") == 1
    assert len(page.attributes("figure")) == 4 * 5  # with the style image


def test_the_best_of_each_measure_is_also_marked_in_words(comparison):
    page = Page(report.page(comparison))
    best = [" ".join(data.split()) for tag, data in page.texts if tag == "b" and data.strip()]
    assert best == ["0.25", "0.900", "99"]
    assert page.text("span").count(" best") == 3


def test_a_comparison_without_numbers_has_no_empty_parts(comparison):
    rows = tuple(
        dataclasses.replace(row, images=tuple(dataclasses.replace(image, numbers={}) for image in row.images))
        for row in comparison.rows
    )
    methods = tuple(dataclasses.replace(each, numbers={}, card=None, settings={}) for each in comparison.methods)
    bare = dataclasses.replace(comparison, methods=methods, measures=(), rows=rows, style_images=(), facts={})
    page = Page(report.page(bare))
    assert page.text("h2") == ["Images", "Methods and their models"]
    assert len(page.attributes("table")) == 1
    assert page.attributes("details") == []


def test_the_error_for_a_removed_image_names_it(comparison):
    comparison.rows[0].images[1].file.unlink()
    with pytest.raises(ImageError, match=re.escape(str(comparison.rows[0].images[1].file))):
        report.page(comparison)


def test_the_report_needs_no_torch():
    code = "import sys, imgxlate.evaluate.report; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"

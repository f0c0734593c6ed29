"""Cards of models as HTML."""

import pytest

from imgxlate.evaluate.report_cards import card_html


def test_headings_stand_below_those_of_the_page():
    assert card_html("# one\n\n## two\n\n##### five") == "<h4>one</h4>\n<h5>two</h5>\n<h6>five</h6>\n"


def test_tables_keep_their_alignment_without_style_attributes():
    html = card_html("| a | b |\n|---|--:|\n| 1 | 2 |\n")
    assert '<td class="right">2</td>' in html
    assert "<td>1</td>" in html
    assert "style" not in html


def test_pictures_beside_the_card_are_words():
    assert card_html("![A *lake* in winter](samples/lake.png)") == "<p>A lake in winter</p>\n"


@pytest.mark.parametrize("target", ["NOTICE", "../licence.md", "#below", "ftp://host/file"])
def test_links_to_files_beside_the_card_are_text(target):
    html = card_html(f"See [the file]({target}) and [the paper](https://arxiv.org).")
    assert html == '<p>See <span>the file</span> and <a href="https://arxiv.org">the paper</a>.</p>\n'


@pytest.mark.parametrize("attack", ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "a <b>c</b>"])
def test_html_in_a_card_is_shown_not_obeyed(attack):
    html = card_html(attack)
    assert "&lt;" in html
    assert html.count("<") == 2  # The paragraph's own.


def test_links_that_run_scripts_are_no_links():
    assert "href" not in card_html("[x](javascript:alert(1)) [y](data:text/html,hello) <javascript:alert(1)>")

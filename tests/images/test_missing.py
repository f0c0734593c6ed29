"""What users type in place of a path, as they report it."""

import pytest

from imgxlate.images.missing import explain


@pytest.mark.parametrize(
    ("name", "reason", "hint"),
    [
        ("https:/example.org/a.jpg", "a web address", "curl -LO https://example.org/a.jpg"),
        ("file:///home/me/a.jpg", "a file address", "/home/me/a.jpg"),
        ("'a.jpg'", "quotes are part of the name", "a.jpg"),
        ('"a b.jpg"', "quotes are part of the name", "a b.jpg"),
        ("photos/*.tif", "no file matches", None),
        ("photos/A.PNG", "no such file", "Did you mean photos/a.png?"),
        ("photos/aa.png", "no such file", "Did you mean photos/a.png?"),
        ("photos/winter.jpg", "no such file", None),
        ("nowhere/a.png", "no such file", None),
        ("a\0b", "no such file", None),
    ],
)
def test_a_name_without_a_file_is_explained_with_what_to_type(photos, name, reason, hint):
    found, proposed = explain(name)
    assert reason in found
    assert (proposed is None) if hint is None else (hint in proposed)


def test_a_home_folder_in_quotes_is_explained(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    reason, hint = explain("~/photos")
    assert "outside of quotes" in reason
    assert "/home/me/photos" in hint

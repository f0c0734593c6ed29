"""The originals' pictures, through the command line in fp32, to one grey level."""

import json

import numpy as np
import pytest

FP32 = ("--precision", "fp32")


@pytest.fixture
def translated(run, golden, tmp_path, pixels):
    """Translate a golden input and return the outputs' pixels, in order."""

    def translate(method, name, *arguments):
        result = run("translate", method, golden / method / name, "-o", f"{tmp_path}/out/", "--json", *FP32, *arguments)
        assert result.exit_code == 0, result.stderr
        return [pixels(json.loads(line)["output"]) for line in result.stdout.splitlines()]

    return translate


def munit_model(golden):
    return ("--checkpoint", golden / "munit" / "gen_00000001.pt", "--config", golden / "munit" / "config.yaml")


def unit_model(golden):
    return ("--checkpoint", golden / "unit" / "gen_00000001.pt", "--config", golden / "unit" / "config.yaml")


def assert_same(pictures, expected):
    assert len(pictures) == len(expected)
    for picture, wanted in zip(pictures, expected, strict=True):
        assert picture.shape == wanted.shape
        assert np.abs(picture - wanted).max() <= 1


@pytest.mark.parametrize(("name", "to", "direction"), [("a.png", "B", "a2b"), ("b.png", "A", "b2a")])
def test_munit_replays_the_styles_of_the_original(translated, golden, pixels, name, to, direction):
    replayed = ("--styles", golden / "munit" / "styles.json", "--to", to)
    pictures = translated("munit", name, *munit_model(golden), *replayed)
    assert_same(pictures, [pixels(golden / "munit" / f"{direction}_style{index}.png") for index in range(3)])


def test_munit_takes_the_style_of_an_image(translated, golden, pixels):
    pictures = translated("munit", "a.png", *munit_model(golden), "--style", golden / "munit" / "b.png")
    assert_same(pictures, [pixels(golden / "munit" / "a2b_guided_by_b.png")])


@pytest.mark.parametrize(("name", "to", "direction"), [("a.png", "B", "a2b"), ("b.png", "A", "b2a")])
def test_unit_gives_the_image_of_the_original(translated, golden, pixels, name, to, direction):
    pictures = translated("unit", name, *unit_model(golden), "--to", to)
    assert_same(pictures, [pixels(golden / "unit" / f"{direction}.png")])


@pytest.mark.parametrize(
    ("name", "to", "file", "direction"),
    [
        ("a.png", "B", "latest_net_G_A.pth", "a2b"),
        ("b.png", "A", "latest_net_G_B.pth", "b2a"),
        ("b.png", "A", "latest_net_G_A.pth", "b2a"),  # Its sibling lies beside it.
    ],
)
def test_cyclegan_gives_the_image_of_the_original(translated, golden, pixels, name, to, file, direction):
    pictures = translated("cyclegan", name, "--checkpoint", golden / "cyclegan" / file, "--to", to)
    assert_same(pictures, [pixels(golden / "cyclegan" / f"{direction}.png")])


def test_cyclegan_translates_in_the_direction_of_its_file(translated, golden, pixels):
    pictures = translated("cyclegan", "b.png", "--checkpoint", golden / "cyclegan" / "latest_net_G_B.pth")
    assert_same(pictures, [pixels(golden / "cyclegan" / "b2a.png")])

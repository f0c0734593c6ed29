"""The originals' images, through the command line in fp32, to one gray level."""

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


def assert_same(images, expected):
    assert len(images) == len(expected)
    for image, wanted in zip(images, expected, strict=True):
        assert image.shape == wanted.shape
        assert np.abs(image - wanted).max() <= 1


@pytest.mark.parametrize(("name", "to", "direction"), [("a.png", "B", "a2b"), ("b.png", "A", "b2a")])
def test_munit_replays_the_styles_of_the_original(translated, golden, pixels, name, to, direction):
    replayed = ("--styles", golden / "munit" / "styles.json", "--to", to)
    images = translated("munit", name, *munit_model(golden), *replayed)
    assert_same(images, [pixels(golden / "munit" / f"{direction}_style{index}.png") for index in range(3)])


def test_munit_takes_the_style_of_an_image(translated, golden, pixels):
    images = translated("munit", "a.png", *munit_model(golden), "--style", golden / "munit" / "b.png")
    assert_same(images, [pixels(golden / "munit" / "a2b_guided_by_b.png")])


@pytest.mark.parametrize(("name", "to", "direction"), [("a.png", "B", "a2b"), ("b.png", "A", "b2a")])
def test_unit_gives_the_image_of_the_original(translated, golden, pixels, name, to, direction):
    images = translated("unit", name, *unit_model(golden), "--to", to)
    assert_same(images, [pixels(golden / "unit" / f"{direction}.png")])


@pytest.mark.parametrize(
    ("name", "to", "file", "direction"),
    [
        ("a.png", "B", "latest_net_G_A.pth", "a2b"),
        ("b.png", "A", "latest_net_G_B.pth", "b2a"),
        ("b.png", "A", "latest_net_G_A.pth", "b2a"),  # Its sibling lies beside it.
    ],
)
def test_cyclegan_gives_the_image_of_the_original(translated, golden, pixels, name, to, file, direction):
    images = translated("cyclegan", name, "--checkpoint", golden / "cyclegan" / file, "--to", to)
    assert_same(images, [pixels(golden / "cyclegan" / f"{direction}.png")])


def test_cyclegan_translates_in_the_direction_of_its_file(translated, golden, pixels):
    images = translated("cyclegan", "b.png", "--checkpoint", golden / "cyclegan" / "latest_net_G_B.pth")
    assert_same(images, [pixels(golden / "cyclegan" / "b2a.png")])


@pytest.mark.parametrize("golden_run", ["cut", "fastcut"])
def test_cut_gives_the_image_of_the_original(run, golden, pixels, tmp_path, golden_run):
    folder = golden / golden_run
    arguments = ("--checkpoint", folder / "latest_net_G.pth", "--config", folder / "options.json", *FP32)
    result = run("translate", "cut", folder / "a.png", *arguments, "-o", tmp_path / "out.png")
    assert result.exit_code == 0, result.stderr
    assert_same([pixels(tmp_path / "out.png")], [pixels(folder / "a2b.png")])


def test_cut_refuses_the_other_direction(run, golden, tmp_path):
    folder = golden / "cut"
    checkpoint = ("--checkpoint", folder / "latest_net_G.pth")
    result = run("translate", "cut", folder / "b.png", *checkpoint, "--to", "A", "-o", tmp_path / "out.png")
    assert result.exit_code == 2
    assert "B only" in result.stderr
    assert not (tmp_path / "out.png").exists()

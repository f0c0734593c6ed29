"""`--region` paints parts of each input in styles of their own."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgxlate.images.pil import to_image_array
from imgxlate.inference import regions

SHALLOW = ("--content-layers", "relu2_1", "--style-layers", "relu1_1,relu2_1")
QUICK = ("--size", 48, "--iterations", 3, "--coarse-iterations", 2, *SHALLOW)


@pytest.fixture
def inside(tmp_path, monkeypatch, photo):
    """A photo, two style images, a mask of its right half, and a label map of both halves, blue and red."""
    monkeypatch.chdir(tmp_path)
    photo("photo.png", seed=1, size=(48, 64))
    photo("style.png", seed=2, size=(60, 60))
    photo("other.png", seed=3, size=(50, 70))
    draw("right.png", (0, 0, 0), (255, 255, 255))
    draw("labels.png", (0, 0, 255), (255, 0, 0))
    return tmp_path


def draw(name, left, right, size=(48, 64)):
    values = np.zeros((*size, 3), np.uint8)
    values[:, : size[1] // 2], values[:, size[1] // 2 :] = left, right
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(name)


def halves(pixels, name):
    """How much the left and the right half differ from the content image, on average."""
    with Image.open("photo.png") as image:
        content = np.asarray(image.resize((48, 36))).astype(int)
    change = np.abs(pixels(name) - content).mean(axis=(0, 2))
    return change[:20].mean(), change[28:].mean()


def test_a_region_is_painted_and_the_rest_keeps_its_content(run, inside, pixels):
    result = run("neural-style", "photo.png", "--region", "right.png,style.png", *QUICK, "--iterations", 8)
    assert result.exit_code == 0, result.stderr
    assert "painting the region right.png in the style of style.png" in result.stderr
    left, right = halves(pixels, "photo.neural-style.png")
    assert right > 3 * left


def test_a_color_of_a_label_map_is_the_same_region_as_its_mask(run, inside):
    for name, mask in (("mask.png", "right.png"), ("label.png", "labels.png#red"), ("digits.png", "labels.png#ff0000")):
        result = run("neural-style", "photo.png", "style.png", "--region", f"{mask},other.png", *QUICK, "-o", name)
        assert result.exit_code == 0, result.stderr
    assert Path("mask.png").read_bytes() == Path("label.png").read_bytes() == Path("digits.png").read_bytes()


def test_regions_the_rest_and_the_part_of_a_style_image_each_change_the_result(run, inside):
    draw("part.png", (255, 255, 255), (0, 0, 0), size=(50, 70))
    changes = {
        "no-region.png": ("style.png",),
        "region.png": ("style.png", "--region", "right.png,other.png"),
        "alone.png": ("--region", "right.png,other.png"),
        "part.result.png": ("--region", "right.png,other.png,part.png"),
    }
    for name, arguments in changes.items():
        assert run("neural-style", "photo.png", *arguments, *QUICK, "-o", name).exit_code == 0
    assert len({Path(name).read_bytes() for name in changes}) == len(changes)


def test_the_rest_is_a_region_like_any_other(run, inside):
    for name, arguments in {
        "rest.png": ("style.png", "--region", "labels.png#red,other.png"),
        "both.png": ("--region", "labels.png#red,other.png", "--region", "labels.png#blue,style.png"),
    }.items():
        assert run("neural-style", "photo.png", *arguments, *QUICK, "-o", name).exit_code == 0
    assert Path("rest.png").read_bytes() == Path("both.png").read_bytes()


@pytest.mark.parametrize("preserve", ["luminance", "match"])
def test_it_works_with_masks_color_preservation_sixteen_bits_and_bands(run, inside, pixels, preserve):
    options = ("--mask", "right.png", "--preserve-color", preserve, "--depth", 16, "--save-every", 2, "--scales", 2)
    result = run(
        "neural-style",
        "photo.png",
        "--region",
        "labels.png#red,style.png",
        "--region",
        "labels.png#blue,other.png",
        *QUICK,
        *options,
        "--memory",
        "1MB",
        "-o",
        "out.png",
    )
    assert result.exit_code == 0, result.stderr
    assert "48x36 pixels: in bands of rows" in result.stderr
    assert list(Path("out.steps").iterdir())
    left, right = halves(pixels, "out.png")
    assert left < 1 < right


def test_in_bands_the_loss_is_that_of_the_whole_image(run, inside):
    region = ("--region", "right.png,other.png")
    options = ("photo.png", "style.png", *region, *QUICK, "--json", "--precision", "fp32", "--overwrite")
    whole, banded = (run("neural-style", *options, "--memory", memory) for memory in ("100GB", "1MB"))
    losses = [json.loads(result.stdout)["losses"]["total"] for result in (whole, banded)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


def test_each_input_of_a_folder_has_the_mask_of_its_name(run, inside, photo):
    for name in ("a", "sub/b"):
        photo(f"in/{name}.png", size=(48, 64))
        draw(f"masks/{name}.png", (0, 0, 0), (255, 255, 255))
    photo("in/c.png")
    result = run("neural-style", "in", "--region", "masks,style.png", *QUICK, "-o", "out/", "--json")
    assert result.exit_code == 4
    assert [json.loads(line)["input"] for line in result.stdout.splitlines()] == ["in/a.png", "in/sub/b.png"]
    assert "c.png: has no mask in masks" in result.stderr


def test_a_region_that_is_too_small_for_a_layer_is_said_in_a_line(run, inside):
    dot = np.zeros((48, 64), np.uint8)
    dot[20:24, 20:24] = 255
    Image.fromarray(dot).save("dot.png")
    layers = ("--style-layers", "relu1_1,relu3_1")
    result = run("neural-style", "photo.png", "style.png", "--region", "dot.png,other.png", *QUICK, *layers)
    assert result.exit_code == 0, result.stderr
    assert result.stderr.count("48x36 pixels: region 1 is too small for relu3_1: it has no style there") == 1


def test_each_of_many_regions_is_painted(run, inside, pixels):
    rows = np.repeat(np.arange(48, dtype=np.uint8)[:, None], 64, axis=1) // 4
    rows[:, 32:] = 255
    Image.fromarray(rows).save("rows.png")
    words = [word for row in range(12) for word in ("--region", f"rows.png#{row:02x}{row:02x}{row:02x},style.png")]
    result = run("neural-style", "photo.png", *words, *QUICK, "--iterations", 8, "--style-layers", "relu1_1")
    assert result.exit_code == 0, result.stderr
    with Image.open("photo.png") as image:
        content = np.asarray(image.resize((48, 36))).astype(int)
    change = np.abs(pixels("photo.neural-style.png") - content).mean(axis=2)
    assert change[:, :20].reshape(12, 3, 20).mean(axis=(1, 2)).min() > 3 * change[:, 28:].mean()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--region", "right.png"], 2, "must be a mask and a style image, with a comma between them"),
        (["--region", "right.png,style.png,a.png,b.png"], 2, "For example: `--region sky.png,painting.jpg`"),
        (["--region", "right.png,"], 2, "must be a mask and a style image"),
        (
            ["--region", "square.png,style.png"],
            3,
            "square.png: the mask and the image have other proportions",
        ),
        (["--region", "right.png,style.png,tall.png"], 3, "the style mask of region 1: the mask and the image have"),
        (["--region", "black.png,style.png"], 3, "black.png: the mask of region 1 is black, so it marks nothing"),
        (["--region", "right.png,style.png,square-black.png"], 3, "the style mask of region 1 is black"),
        (["--region", "nowhere.png,style.png"], 3, "nowhere.png"),
        (["--region", "sky #2.png,style.png"], 3, "error: sky #2.png: no such file"),
        (["--region", "right.png,nowhere.png"], 3, "nowhere.png"),
        (["--region", "text.png,style.png"], 3, "text.png"),
        (["--region", "labels.png#green,style.png"], 3, "Its colors, the most frequent first: #0000ff, #ff0000."),
        (["--region", "labels.png#blu,style.png"], 2, "'blu' is not a color"),
        (["--region", "right.png,style.png", "--record"], 2, "--region and a record exclude each other"),
        (["--region", "right.png,style.png", "--style-weights", "1,2"], 2, "2 style weights for 0 style images"),
        (
            ["style.png", "--region", "right.png,style.png", "--sweep"],
            2,
            "figures of the paper have no mask, no regions",
        ),
        ([], 2, "needs a style image"),
    ],
)
def test_invalid_regions_are_refused_with_the_reason(run, inside, arguments, code, said):
    draw("square.png", (0, 0, 0), (255, 255, 255), size=(48, 48))
    draw("tall.png", (0, 0, 0), (255, 255, 255), size=(60, 30))
    draw("black.png", (0, 0, 0), (0, 0, 0))
    draw("square-black.png", (0, 0, 0), (0, 0, 0), size=(60, 60))
    Path("text.png").write_text("no image")
    result = run("neural-style", "photo.png", *arguments, *QUICK, "-o", "out.png")
    assert result.exit_code == code, result.stderr
    assert said in " ".join(result.stderr.split())
    assert not Path("out.png").exists()


def test_a_mask_for_all_inputs_is_read_once(run, inside, photo, monkeypatch):
    photo("second.png", seed=4, size=(48, 64))
    read = []

    def note(image, *more):
        if isinstance(image, Path):
            read.append(image)
        return to_image_array(image, *more)

    monkeypatch.setattr(regions, "to_image_array", note)
    inputs = ("photo.png", "second.png", "--style", "style.png")
    result = run("neural-style", *inputs, "--region", "labels.png#red,other.png", *QUICK, "-o", "out/")
    assert result.exit_code == 0, result.stderr
    assert read == [Path("labels.png")]


@pytest.mark.parametrize("name", ["right.png", "other.png", "labels.png"])
def test_the_output_replaces_no_file_of_a_region(run, inside, name):
    before = Path(name).read_bytes()
    given = ("--region", "right.png,style.png", "--region", "labels.png#blue,other.png")
    result = run("neural-style", "photo.png", *given, *QUICK, "-o", name, "--overwrite")
    assert result.exit_code == 2
    assert "would be the same file" in result.stderr
    assert Path(name).read_bytes() == before


def test_no_output_replaces_a_mask_of_a_folder(run, inside, photo):
    photo("in/sub/a.png", size=(48, 64))
    draw("masks/sub/a.png", (0, 0, 0), (255, 255, 255))
    before = Path("masks/sub/a.png").read_bytes()
    names = ("-o", "masks/", "--name-template", "{stem}", "--overwrite")
    result = run("neural-style", "in", "--region", "masks,style.png", *QUICK, *names)
    assert result.exit_code == 2
    assert "the input masks/sub/a.png and the output of in/sub/a.png would be the same file" in result.stderr
    assert Path("masks/sub/a.png").read_bytes() == before

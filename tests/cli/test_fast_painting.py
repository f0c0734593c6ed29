"""`imgxlate neural-style --fast`, and mixtures of styles in `imgxlate translate`."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import imgxlate
from imgxlate.images.decode import decode
from imgxlate.images.tensors import LUMA
from imgxlate.inference.stylization import at_size


@pytest.fixture
def inside(tmp_path, monkeypatch, photo):
    monkeypatch.chdir(tmp_path)
    photo("photo.png", seed=1, size=(36, 48))
    photo("one.png", seed=2, size=(60, 60))
    photo("two.png", seed=3, size=(60, 40))
    return tmp_path


@pytest.fixture
def paint(run, inside, adain):
    """Paint an image in one pass; gives its pixels as integers."""

    def painted(*arguments, content="photo.png", size=48):
        options = ("--fast", "--checkpoint", adain, "--size", size, "-o", "out.png", "--overwrite")
        result = run("neural-style", content, *arguments, *options)
        assert result.exit_code == 0, result.stderr
        return decode(inside / "out.png").rgb.astype(int)

    return painted


def test_the_image_is_named_after_the_method_and_has_the_given_size(run, inside, adain, pixels):
    result = run("neural-style", "photo.png", "one.png", "--fast", "--checkpoint", adain, "--size", 64, "--json")
    assert result.exit_code == 0, result.stderr
    line = json.loads(result.stdout)
    assert line.pop("seconds") > 0
    assert line == {
        "input": "photo.png",
        "output": "photo.adain.png",
        "method": "adain",
        "model": "adain.safetensors",
        "strength": 1.0,
        "seed": 0,
        "width": 64,
        "height": 48,
    }
    assert pixels("photo.adain.png").shape == (48, 64, 3)


def test_the_size_of_an_output_is_checked_before_it_is_painted(run, inside, adain):
    options = ("--fast", "--checkpoint", adain, "--size", 16384, "-o", "out.webp")
    result = run("neural-style", "photo.png", "one.png", *options)
    assert result.exit_code == 9
    assert "16384 x 12288 pixels cannot be written as WEBP" in result.stderr


def test_without_a_strength_all_of_the_style_is_taken_and_with_0_none(paint):
    assert np.array_equal(paint("one.png"), paint("one.png", "--strength", 1))
    none = paint("one.png", "--strength", 0)
    assert np.array_equal(none, paint("two.png", "--strength", 0))
    half = paint("one.png", "--strength", 0.5)
    full = paint("one.png")
    assert np.abs(half - none).mean() < np.abs(full - none).mean()
    assert not np.array_equal(half, full)


def test_styles_are_mixed_by_their_weights_and_equally_without_them(paint):
    one, both = paint("one.png"), paint("one.png", "two.png")
    assert np.abs(paint("one.png", "two.png", "--style-weights", "1,0") - one).max() <= 1
    assert np.abs(paint("one.png", "two.png", "--style-weights", "3,3") - both).max() <= 1
    assert np.abs(both - one).max() > 1


def test_the_scale_of_the_style_changes_the_image(paint):
    assert not np.array_equal(paint("one.png", "--style-scale", 0.5), paint("one.png"))


def test_the_photo_keeps_its_chroma_and_the_painting_gives_the_luminance(paint, inside):
    painted = paint("one.png", "--preserve-color", "luminance")
    photo = decode(inside / "photo.png").rgb.astype(int)
    chroma = [image - (image @ LUMA)[..., None] for image in (painted, photo)]
    inner = ((painted > 0) & (painted < 255)).all(-1)
    assert inner.mean() > 0.5
    assert np.abs(chroma[0] - chroma[1])[inner].max() < 2
    assert not np.array_equal(painted, photo)


def test_style_images_get_the_colors_of_the_photo(paint, photo):
    """A style image that has the photo's colors already does not change by it."""
    photo("same.png", seed=1, size=(36, 48))
    kept, free = (paint("same.png", "--preserve-color", mode) for mode in ("match", "off"))
    assert np.abs(kept - free).max() <= 2
    assert np.abs(paint("one.png", "--preserve-color", "match") - paint("one.png")).max() > 2


def test_an_image_that_needs_too_much_memory_is_painted_in_bands(paint):
    whole, banded = (paint("one.png", "--memory", size, "--precision", "fp32", size=96) for size in ("100GB", "1MB"))
    assert np.abs(whole - banded).max() <= 1


def test_what_the_mask_leaves_out_is_the_photo_to_the_byte(paint, inside):
    from PIL import Image

    mask = np.zeros((36, 48), np.uint8)
    mask[:, 24:] = 255
    Image.fromarray(mask).save("mask.png")
    painted, photo = paint("one.png", "--mask", "mask.png"), decode(inside / "photo.png").rgb
    assert np.array_equal(painted[:, :24], photo[:, :24])
    assert np.array_equal(painted[:, 24:], paint("one.png")[:, 24:])


def test_transparency_is_kept(run, inside, adain, photo):
    from PIL import Image

    image = Image.open("photo.png")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    image.save("clear.png")
    run("neural-style", "clear.png", "one.png", "--fast", "--checkpoint", adain, "--size", 48, "-o", "out.png")
    assert np.array_equal(decode(inside / "out.png").alpha, decode(inside / "clear.png").alpha)


def test_a_folder_is_painted_with_its_tree_in_16_bits(run, inside, adain, photo):
    for name in ("in/a.png", "in/trip/b.png"):
        photo(name, size=(40, 40))
    options = ("--fast", "--checkpoint", adain, "--size", 32, "--depth", 16, "-o", "out", "--json")
    result = run("neural-style", "in", "--style", "one.png", *options)
    assert [json.loads(line)["output"] for line in result.stdout.splitlines()] == [
        "out/a.adain.png",
        "out/trip/b.adain.png",
    ]
    levels = decode(inside / "out" / "a.adain.png", depth=16).rgb
    assert (levels % 257 != 0).any()
    skipped = run("neural-style", "in", "--style", "one.png", *options, "--skip-existing")
    assert "nothing to do" in skipped.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--preset", "author"),
        ("--content-weight", 3),
        ("--tv-weight", 0),
        ("--style-layers", "relu1_1"),
        ("--iterations", 3),
        ("--init", "noise"),
        ("--features", "vgg19-torchvision"),
        ("--save-every", 2),
        ("--reconstruct", "style"),
        ("--sweep",),
        ("--set", "noise=3"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_an_option_of_the_optimization_is_refused_by_name(run, inside, adain, arguments):
    result = run("neural-style", "photo.png", "one.png", "--fast", "--checkpoint", adain, *arguments)
    assert result.exit_code == 2
    assert f"error: {arguments[0]} has no effect with --fast" in result.stderr


@pytest.mark.parametrize("arguments", [("--strength", 0.5), ("--model", "adain"), ("--checkpoint", "a.safetensors")])
def test_an_option_of_the_one_pass_is_refused_without_it(run, inside, arguments):
    result = run("neural-style", "photo.png", "one.png", *arguments)
    assert result.exit_code == 2
    assert f"error: {arguments[0]} needs --fast" in result.stderr


def test_the_optimization_starts_from_the_image_of_one_pass(run, inside, adain, paint, pixels):
    quick = ("--size", 48, "--iterations", 2, "--scales", 1, "--overwrite")
    run("neural-style", "photo.png", "one.png", *quick, "--init", "fast", "--checkpoint", adain, "-o", "fast.png")
    paint("one.png")
    run("neural-style", "photo.png", "one.png", *quick, "--init", "out.png", "-o", "file.png")
    run("neural-style", "photo.png", "one.png", *quick, "-o", "content.png")
    assert np.abs(pixels("fast.png") - pixels("file.png")).max() <= 2  # The file has 8 bits.
    assert np.abs(pixels("fast.png") - pixels("content.png")).max() > 2


@pytest.mark.parametrize("other", ["--record", "--sweep"])
def test_a_start_from_one_pass_is_refused_beside_records_and_figures(run, inside, adain, other):
    result = run("neural-style", "photo.png", "one.png", "--init", "fast", "--checkpoint", adain, other)
    assert (result.exit_code, "--init fast and " in result.stderr) == (2, True)


def test_the_wrong_number_of_weights_is_refused(run, inside, adain):
    options = ("--fast", "--checkpoint", adain, "--style-weights", "1,2")
    result = run("neural-style", "photo.png", "one.png", *options)
    assert (result.exit_code, "2 style weights for 1 style" in result.stderr) == (2, True)


def test_a_record_makes_the_image_again_to_the_byte(run, inside, adain):
    options = ("--style", "one.png", "--style", "two.png", "--fast", "--checkpoint", adain)
    how = ("--strength", 0.7, "--style-weights", "2,1", "--size", 40, "--preserve-color", "match")
    run("neural-style", "photo.png", *options, *how, "--record", "-o", "first.png")
    record = imgxlate.read_record(inside / "first.png")
    assert (record["command"], record["config"]["strength"]) == ("neural-style --fast", 0.7)
    assert run("neural-style", "photo.png", *options, "--like", "first.png", "-o", "again.png").exit_code == 0
    assert (inside / "again.png").read_bytes() == (inside / "first.png").read_bytes()
    other = run("neural-style", "photo.png", "two.png", *options[4:], "--like", "first.png", "-o", "other.png")
    assert "2 style weights for 1 style" in other.stderr
    swapped = ("--style", "two.png", "--style", "one.png", *options[4:], "--like", "first.png", "-o", "other.png")
    other = run("neural-style", "photo.png", *swapped)
    assert "style image 1 is not the one that the image was made with" in other.stderr
    more = run("neural-style", "photo.png", *options, "--like", "first.png", "--strength", 1, "-o", "other.png")
    assert "--like and --strength exclude each other" in more.stderr
    slow = run("neural-style", "photo.png", "one.png", "--like", "first.png", "-o", "other.png")
    assert "was made by another command, 'neural-style --fast'" in slow.stderr


def test_python_paints_the_same_image(paint, adain):
    settings = {"strength": 0.6, "style_weights": [1, 3]}
    image = imgxlate.stylize(
        "photo.png", ["one.png", "two.png"], fast=True, checkpoint=adain, size=48, settings=settings
    )
    expected = paint("one.png", "two.png", "--strength", 0.6, "--style-weights", "1,3")
    assert np.array_equal(np.asarray(image).astype(int), expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fast": True, "preset": "author"}, "preset has no effect with fast=True"),
        ({"fast": True, "init": "one.png"}, "init has no effect with fast=True"),
        ({"fast": True, "features": "mine"}, "features has no effect with fast=True"),
        ({"fast": True, "settings": {"iterations": 3}}, "unknown key 'iterations'"),
        ({"checkpoint": "a.safetensors"}, "checkpoint needs fast=True"),
    ],
)
def test_arguments_that_have_no_effect_are_refused(inside, arguments, message):
    with pytest.raises(imgxlate.errors.UsageError, match=message):
        imgxlate.stylize("photo.png", "one.png", **arguments)


def test_no_style_image_is_an_error(inside, adain):
    with pytest.raises(imgxlate.errors.UsageError, match="no style image"):
        imgxlate.load_fast_style_transfer(checkpoint=adain).stylize("photo.png", [])


def test_translate_mixes_styles_by_weights(run, inside, adain, pixels):
    both = ("photo.png", "--style", "one.png", "--style", "two.png", "--checkpoint", adain, "--overwrite")
    assert run("translate", "adain", *both, "--style-weights", "0.7,0.3", "-o", "mixed.png").exit_code == 0
    run("translate", "adain", *both, "--style-weights", "0,2", "-o", "second.png")
    run("translate", "adain", *both, "-o", "each/")
    assert np.abs(pixels("second.png") - pixels("each/photo.adain.01.png")).max() <= 1
    [expected] = imgxlate.load("adain", checkpoint=adain).translate(
        "photo.png", styles=["one.png", "two.png"], style_weights=[0.7, 0.3]
    )
    assert np.array_equal(np.asarray(expected), pixels("mixed.png"))


def test_translate_takes_a_part_of_the_style_and_records_it(run, inside, adain, pixels):
    model = ("--checkpoint", adain)
    run(
        "translate", "adain", "photo.png", "--style", "one.png", *model, "--strength", 0.4, "--record", "-o", "part.png"
    )
    [expected] = imgxlate.load("adain", checkpoint=adain).translate("photo.png", styles=["one.png"], strength=0.4)
    assert np.array_equal(np.asarray(expected), pixels("part.png"))
    run("translate", "adain", "photo.png", *model, "--like", "part.png", "-o", "again.png")
    assert (inside / "again.png").read_bytes() == (inside / "part.png").read_bytes()


@pytest.mark.parametrize(
    ("method", "arguments", "message"),
    [
        ("munit", ("--strength", 0.5), "munit does not mix styles"),
        ("munit", ("--style", "one.png", "--style-weights", "1"), "munit does not mix styles"),
        ("adain", ("--style", "one.png", "--style-weights", "1,2"), "2 style weights for 1 style"),
        ("adain", ("--style", "one.png", "--style-weights", "x"), "--style-weights x: must be a list of numbers"),
        ("adain", ("--style", "one.png", "--style-weights", "-1"), "style weights must be finite and at least 0"),
    ],
)
def test_translate_refuses_mixtures_that_are_invalid(run, inside, method, arguments, message):
    result = run("translate", method, "photo.png", *arguments)
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr


@pytest.fixture
def right(inside):
    """The name of a mask of the right half."""
    mask = np.zeros((36, 48), np.uint8)
    mask[:, 24:] = 255
    Image.fromarray(mask).save(inside / "right.png")
    return "right.png"


def test_a_region_is_painted_in_its_style_and_the_rest_in_the_others(paint, right):
    both = paint("one.png", "--region", f"{right},two.png")
    assert np.abs(both[:, :24] - paint("one.png")[:, :24]).max() <= 1
    assert np.abs(both[:, 24:] - paint("two.png")[:, 24:]).max() <= 1


def test_without_a_style_image_only_the_regions_change(paint, right):
    painted = paint("--region", f"{right},two.png")
    assert np.array_equal(painted[:, :24], decode(Path("photo.png")).rgb[:, :24])
    assert np.abs(painted[:, 24:] - paint("two.png")[:, 24:]).max() <= 1


def test_styles_mix_where_regions_overlap(paint, right):
    mixed = paint("--region", f"{right},one.png", "--region", f"{right},two.png")
    mean = (paint("one.png") + paint("two.png")) / 2
    assert np.abs(mixed - mean)[:, 24:].max() <= 1


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--region", "right.png,two.png,right.png"), "takes the style of a whole image"),
        (("--region", "right.png,two.png", "--record"), "--region and a record exclude each other"),
    ],
)
def test_regions_in_one_pass_have_no_style_masks_and_no_records(run, adain, right, options, reason):
    result = run("neural-style", "photo.png", "one.png", "--fast", "--checkpoint", adain, *options)
    assert result.exit_code == 2
    assert reason in result.stderr


@pytest.mark.parametrize("part", [(), ("part.png",)], ids=["whole style", "part of the style"])
def test_the_optimization_of_regions_starts_from_their_image_of_one_pass(run, adain, paint, right, pixels, part):
    Image.linear_gradient("L").resize((40, 60)).save("part.png")
    region = ",".join((right, "two.png", *part))
    quick = ("--size", 48, "--iterations", 2, "--scales", 1)
    fast = ("--init", "fast", "--checkpoint", adain, "-o", "fast.png")
    result = run("neural-style", "photo.png", "--region", region, *quick, *fast)
    assert result.exit_code == 0, result.stderr
    paint("--region", f"{right},two.png")
    run("neural-style", "photo.png", "--region", region, *quick, "--init", "out.png", "-o", "file.png")
    assert np.abs(pixels("fast.png") - pixels("file.png")).max() <= 2  # The file has 8 bits.


def test_the_image_of_one_pass_to_start_from_has_the_values_of_set(run, inside, adain):
    fast = ("photo.png", "one.png", "--size", 48, "--iterations", 1, "--scales", 1, "--init", "fast")
    for name, scale in {"set": ("--set", "style_scale=0.25"), "flag": ("--style-scale", 0.25)}.items():
        result = run("neural-style", *fast, "--checkpoint", adain, *scale, "-o", f"{name}.png")
        assert result.exit_code == 0, result.stderr
    assert Path("set.png").read_bytes() == Path("flag.png").read_bytes()


@pytest.mark.parametrize("size", [32, 48])
@pytest.mark.parametrize(
    "options", [("one.png", "--mask", "right.png"), ("--region", "right.png,one.png")], ids=["mask", "region"]
)
def test_what_is_left_out_of_a_half_transparent_image_keeps_its_colors(run, adain, right, pixels, options, size):
    Image.new("RGBA", (48, 36), (0, 0, 0, 128)).save("clear.png")
    fast = ("--fast", "--checkpoint", adain, "--size", size, "-o", "out.png")
    result = run("neural-style", "clear.png", *options, *fast)
    assert result.exit_code == 0, result.stderr
    painted = pixels("out.png")
    assert (painted[:, : size // 2 - 1] == (0, 0, 0, 128)).all()
    assert (painted[:, size // 2 + 1 :, :3] > 0).any()


def test_a_mask_limits_regions_at_another_size_in_16_bits(run, inside, adain, right):
    Image.fromarray(np.repeat(np.arange(36) < 18, 48).reshape(36, 48)).convert("L").save("top.png")
    options = (
        "photo.png",
        "--region",
        f"{right},two.png",
        "--fast",
        "--checkpoint",
        adain,
        "--size",
        32,
        "--depth",
        16,
    )
    for name, more in {"all.png": (), "top.result.png": ("--mask", "top.png")}.items():
        result = run("neural-style", *options, *more, "-o", name)
        assert result.exit_code == 0, result.stderr
    everywhere, top = (decode(inside / name, depth=16).rgb for name in ("all.png", "top.result.png"))
    photo = at_size(decode(inside / "photo.png"), (24, 32)).at_depth(16).rgb
    assert np.array_equal(top[:11], everywhere[:11])
    assert np.array_equal(top[13:], photo[13:])
    assert np.array_equal(top[:, :15], photo[:, :15])
    assert not np.array_equal(top[:11, 17:], photo[:11, 17:])


@pytest.mark.parametrize("fast", [True, False])
def test_a_film_refuses_like_by_name_and_not_the_options_of_its_record(run, inside, adain, fast):
    one_pass = ("--fast", "--checkpoint", adain) if fast else ("--iterations", 1)
    options = ("photo.png", "one.png", "--size", 32, "--depth", 16, "--record", "-o", "first.png")
    assert run("neural-style", *options, *one_pass).exit_code == 0
    Path("frames").mkdir()
    Path("photo.png").rename("frames/1.png")
    film = ("frames", "one.png", "--like", "first.png", "--film", "-o", "film.mp4")
    result = run("neural-style", *film, *(one_pass if fast else ()))
    assert (result.exit_code, "error: --like has no effect on a film" in result.stderr) == (2, True), result.stderr

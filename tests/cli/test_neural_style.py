"""`imgxlate neural-style`, in miniature."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgxlate.images.decode import decode
from imgxlate.methods.gatys import method

QUICK = ("--size", 48, "--iterations", 3, "--coarse-iterations", 2)


@pytest.fixture
def inside(tmp_path, monkeypatch, photo):
    monkeypatch.chdir(tmp_path)
    photo("photo.png", seed=1, size=(48, 64))
    photo("style.png", seed=2, size=(60, 60))
    return tmp_path


def test_the_image_is_named_after_the_content_and_has_the_given_size(run, inside, pixels):
    result = run("neural-style", "photo.png", "style.png", *QUICK)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    assert pixels("photo.neural-style.png").shape == (36, 48, 3)


def test_the_same_seed_gives_the_same_picture(run, inside, pixels):
    for name in ("one.png", "two.png"):
        run("neural-style", "photo.png", "style.png", *QUICK, "--init", "noise", "--seed", 3, "-o", name)
    run("neural-style", "photo.png", "style.png", *QUICK, "--init", "noise", "--seed", 4, "-o", "three.png")
    assert np.array_equal(pixels("one.png"), pixels("two.png"))
    assert not np.array_equal(pixels("one.png"), pixels("three.png"))


def test_a_size_that_needs_too_much_memory_is_painted_in_bands_with_the_same_loss(run, inside):
    options = ("photo.png", "style.png", *QUICK, "--json", "--precision", "fp32", "--overwrite")
    whole = run("neural-style", *options, "--memory", "100GB")
    banded = run("neural-style", *options, "--memory", "1MB")
    assert "in bands" not in whole.stderr
    assert "48x36 pixels: in bands of rows" in banded.stderr
    losses = [json.loads(result.stdout)["losses"]["total"] for result in (whole, banded)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


def test_a_line_says_that_bands_are_used_from_a_later_iteration_on(run, inside, monkeypatch):
    evaluate, calls = method.evaluate, []

    def fail_at_the_third(objective, image, band_memory):
        calls.append(band_memory)
        if len(calls) == 3:
            raise MemoryError
        return evaluate(objective, image, band_memory)

    monkeypatch.setattr(method, "evaluate", fail_at_the_third)
    result = run("neural-style", "photo.png", "style.png", *QUICK)
    assert (result.exit_code, len(calls)) == (0, 4)
    assert result.stderr.count("48x36 pixels: in bands of rows; about") == 1


# Runs the command, and prints the most memory that it had, in kilobytes.
MEASURED = """
import atexit, re, runpy
atexit.register(lambda: print(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1]))
runpy.run_module("imgxlate", run_name="__main__")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
def test_the_process_stays_within_its_memory(inside, photo):
    """At once, this image takes about 950 MB: 400 MB for the program, and 550 MB for the features."""
    large = photo("large.png", seed=1, size=(336, 448))
    options = "--size 448 --style-scale 0.25 --scales 1 --iterations 1 --precision fp32 --threads 1 --memory 700MB"
    command = [sys.executable, "-c", MEASURED, "neural-style", large, "style.png", "-o", "out.png", *options.split()]
    finished = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert "in bands of rows" in finished.stderr
    assert int(finished.stdout) * 1024 < 700e6


def test_json_describes_the_painting_in_one_line(run, inside):
    result = run("neural-style", "photo.png", "style.png", *QUICK, "--json", "--preset", "author")
    line = json.loads(result.stdout)
    assert line.pop("seconds") > 0
    losses = line.pop("losses")
    assert losses["total"] > 0
    assert line == {
        "input": "photo.png",
        "output": "photo.neural-style.png",
        "method": "neural-style",
        "preset": "author",
        "seed": 0,
        "width": 48,
        "height": 36,
        "iterations": 3,
    }


def test_a_folder_is_painted_with_its_tree(run, inside, photo):
    for name in ("in/a.png", "in/trip/b.png"):
        photo(name, size=(40, 40))
    result = run("neural-style", "in", "style.png", *QUICK, "--scales", 1, "-o", "out", "--json")
    assert [json.loads(line)["output"] for line in result.stdout.splitlines()] == [
        "out/a.neural-style.png",
        "out/trip/b.neural-style.png",
    ]


def test_earlier_paintings_in_a_folder_are_not_inputs(run, inside, photo):
    photo("in/a.png", size=(40, 40))
    for extra in ((), ("--overwrite",)):
        result = run("neural-style", "in", "style.png", *QUICK, "--scales", 1, "-o", "in", "--json", *extra)
        assert [json.loads(line)["output"] for line in result.stdout.splitlines()] == ["in/a.neural-style.png"]


@pytest.mark.parametrize("name", ["style.png", "begin.png"])
def test_style_and_init_images_are_never_overwritten(run, inside, photo, name):
    photo("begin.png", seed=5)
    before = Path(name).read_bytes()
    result = run("neural-style", "photo.png", "style.png", "--init", "begin.png", "-o", name, "--overwrite")
    assert result.exit_code == 2
    assert "would be the same file" in result.stderr
    assert Path(name).read_bytes() == before


def test_several_styles_take_weights(run, inside, photo, pixels):
    photo("other.png", seed=9)
    base = ("neural-style", "photo.png", "style.png", "other.png", *QUICK, "--scales", 1)
    for name, weights in (("one.png", "1,0"), ("both.png", "1,1")):
        assert run(*base, "--style-weights", weights, "-o", name).exit_code == 0
    run("neural-style", "photo.png", "style.png", *QUICK, "--scales", 1, "-o", "alone.png")
    assert np.abs(pixels("one.png") - pixels("alone.png")).max() <= 1
    assert not np.array_equal(pixels("both.png"), pixels("one.png"))


def test_an_image_file_can_be_the_start_of_the_optimization(run, inside, photo, pixels):
    start = photo("start.png", seed=8)
    for name, init in (("from-start.png", start), ("from-content.png", "content")):
        run("neural-style", "photo.png", "style.png", *QUICK, "--scales", 1, "--init", init, "-o", name)
    assert not np.array_equal(pixels("from-start.png"), pixels("from-content.png"))


def test_intermediate_images_are_saved(run, inside):
    result = run("neural-style", "photo.png", "style.png", *QUICK, "--scales", 1, "--save-every", 2, "-o", "out.png")
    assert result.exit_code == 0, result.stderr
    assert [path.name for path in Path("out.steps").iterdir()] == ["00002.png"]
    again = run("neural-style", "photo.png", "style.png", *QUICK, "--save-every", 2, "-o", "out.png")
    assert again.exit_code == 9


def test_alpha_is_kept(run, inside, pixels):
    image = Image.open("photo.png")
    image.putalpha(128)
    image.save("photo.png")
    run("neural-style", "photo.png", "style.png", *QUICK, "-o", "out.png")
    assert set(np.unique(pixels("out.png")[..., 3])) == {128}


def test_every_option_of_the_method_can_be_set(run, inside):
    options = (
        "--set",
        "gram_scaling=elements",
        "--set",
        "history_size=5",
        "--optimizer",
        "adam",
        "--pooling",
        "average",
    )
    assert run("neural-style", "photo.png", "style.png", *QUICK, *options).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--preset", "jonson"], 2, "Did you mean 'johnson'?"),
        (["--preset", "zzz"], 2, "default, author, johnson, paper, print"),
        (["--set", "grm_scaling=elements"], 2, "gram_scaling"),
        (["--set", "size"], 2, "no value"),
        (["--style-layers", "relu9_9"], 2, "relu9_9"),
        (["--style-weights", "1,2"], 2, "2 style weights for 1 style"),
        (["--style-weights", "x"], 2, "style_weights"),
        (["--features", "vgg18"], 5, "vgg18"),
        (["--features", "vgg19-torchvision", "--offline"], 5, "network is switched off"),
        (["--init", "nowhere.png"], 3, "nowhere.png"),
        (["--save-every", "1", "-o", "folder/"], 0, ""),
        (["--device", "cuda:77"], 7, "cuda"),
    ],
)
def test_invalid_options_are_refused_with_the_reason(run, inside, arguments, code, said):
    result = run("neural-style", "photo.png", "style.png", *QUICK, *arguments)
    assert result.exit_code == code, result.stderr
    assert said in result.stderr


def test_an_unreadable_style_image_is_an_error_before_anything_is_painted(run, inside):
    result = run("neural-style", "photo.png", "nowhere.png", *QUICK)
    assert result.exit_code == 3
    assert "nowhere.png" in result.stderr


def test_an_existing_output_is_kept(run, inside):
    Path("photo.neural-style.png").write_bytes(b"mine")
    assert run("neural-style", "photo.png", "style.png", *QUICK).exit_code == 9
    assert run("neural-style", "photo.png", "style.png", *QUICK, "--skip-existing").exit_code == 0
    assert Path("photo.neural-style.png").read_bytes() == b"mine"


def test_standard_input_and_output_can_be_pipes(run_process, inside, pixels):
    process = run_process("neural-style", "-", "style.png", *QUICK, "-o", "-", stdin=Path("photo.png").read_bytes())
    assert process.returncode == 0, process.stderr
    Path("out.png").write_bytes(process.stdout)
    assert pixels("out.png").shape == (36, 48, 3)


def test_steps_cannot_be_saved_beside_standard_output(run_process, inside):
    process = run_process("neural-style", "photo.png", "style.png", *QUICK, "-o", "-", "--save-every", 1)
    assert process.returncode == 2
    assert b"--save-every needs an output file" in process.stderr


def test_outputs_and_their_steps_may_have_sixteen_bits(run, inside):
    options = (*QUICK, "--save-every", 2, "--depth", 16)
    result = run("neural-style", "photo.png", "style.png", *options, "-o", "out.png")
    assert result.exit_code == 0, result.stderr
    files = [Path("out.png"), *Path("out.steps").iterdir()]
    assert len(files) > 1
    for file in files:
        deep = decode(file, depth=16)
        assert deep.depth == 16
        assert (deep.rgb % 257 != 0).any()


def test_sixteen_bits_are_refused_for_formats_of_eight_and_for_contact_sheets(run, inside):
    for options in (("style.png", "-o", "out.jpg"), ("style.png", "--sweep"), ("--reconstruct", "content")):
        result = run("neural-style", "photo.png", *options, "--depth", 16)
        assert result.exit_code == 2
        assert "--depth 16 cannot" in result.stderr


@pytest.mark.parametrize("large", ["photo.png", "style.png", "init.png"])
def test_the_limit_of_pixels_holds_for_every_input(run, inside, photo, large):
    for name in ("photo.png", "style.png", "init.png"):
        photo(name, size=(60, 60) if name == large else (40, 40))
    arguments = ("neural-style", "photo.png", "style.png", "--init", "init.png", *QUICK)
    result = run(*arguments, "--max-pixels", "2K")
    assert result.exit_code == 3
    assert "3,600 pixels are more than the limit of 2,000" in result.stderr
    assert run(*arguments, "--max-pixels", "4K").exit_code == 0


def test_the_first_line_says_what_is_painted_and_in_which_style(run, inside, photo):
    for name in ("b.png", "c.png", "d.png"):
        photo(name, size=(40, 40))
    one = run("neural-style", "photo.png", "style.png", *QUICK)
    assert one.stderr.splitlines()[0] == "painting photo.png in the style of style.png"
    expanded_by_a_shell = ("photo.png", "b.png", "c.png", "d.png", "style.png")
    several = run("neural-style", *expanded_by_a_shell, *QUICK, "-o", "mixed.png")
    [first, *_] = several.stderr.splitlines()
    assert first.startswith("painting photo.png in the style of b.png, c.png, d.png and 1 more, mixed.")
    assert "neural-style IMAGE... --style IMAGE" in first


def test_several_photos_are_painted_in_a_style_given_by_name(run, inside, photo):
    photo("other.png", size=(40, 40))
    result = run("neural-style", "photo.png", "other.png", "--style", "style.png", *QUICK, "-o", "out", "--json")
    assert result.exit_code == 0, result.stderr
    assert [json.loads(line)["input"] for line in result.stdout.splitlines()] == ["photo.png", "other.png"]
    assert result.stderr.splitlines()[0] == "painting photo.png, other.png in the style of style.png"
    by_place = run("neural-style", "photo.png", "style.png", *QUICK, "-o", "alone.png")
    assert by_place.exit_code == 0
    assert Path("alone.png").read_bytes() == Path("out/photo.neural-style.png").read_bytes()

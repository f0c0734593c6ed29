"""`imgxlate neural-style --reconstruct` and `--sweep`, in miniature."""

import itertools
import json
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgxlate.images.grids import contact_sheet
from imgxlate.images.image_array import ImageArray

SIZE = ("--size", 48)  # of images from photo.png, 36 x 48
ONCE = (*SIZE, "--iterations", 1)
SMALL_SWEEP = ("--sweep", "--style-layers", "conv1_1,conv2_1", "--sweep-ratios", "1e-4,1e-1")


@pytest.fixture
def inside(tmp_path, monkeypatch, photo):
    monkeypatch.chdir(tmp_path)
    photo("photo.png", seed=1, size=(48, 64))
    photo("painting.png", seed=2, size=(48, 64))
    return tmp_path


def tiles(sheet):
    """The images of 36 x 48 on a sheet, row by row."""
    rgb = np.asarray(Image.open(sheet).convert("RGB"))
    bands = [rgb[top:end] for top, end in filled(rgb.min(axis=(1, 2)) < 255) if end - top == 36]
    return [
        [band[:, left:end] for left, end in filled(band.min(axis=(0, 2)) < 255) if end - left == 48] for band in bands
    ]


def filled(lines):
    """Where runs of True begin and end."""
    ends = np.flatnonzero(np.diff(np.concatenate([[False], lines, [False]])))
    return ends.reshape(-1, 2).tolist()


def distance(image, other):
    return np.abs(image.astype(int) - other.astype(int)).mean()


def laid_out(rows, **labels):
    return contact_sheet([[ImageArray(tile) for tile in row] for row in rows], cell=48, **labels).rgb


def parts_of(result):
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)["pictures"]


def test_shallow_layers_keep_more_of_the_content_than_deep_ones(run, inside):
    result = run("neural-style", "photo.png", "--reconstruct", "content", *SIZE, "--iterations", 40)
    assert result.exit_code == 0, result.stderr
    ((original, *layers),) = tiles("photo.reconstruct-content.png")
    distances = [distance(image, original) for image in layers]
    assert len(distances) == 5
    assert distances[0] < distances[2] < distances[4]
    assert 3 * distances[0] < distances[4]


def test_the_sheet_shows_the_original_and_content_reconstructions_under_the_names_of_their_layers(run, inside, pixels):
    layers = ("--content-layers", "conv1_1,relu2_2")
    assert run("neural-style", "photo.png", "--reconstruct", "content", *ONCE, *layers).exit_code == 0
    (row,) = tiles("photo.reconstruct-content.png")
    original = Image.open("photo.png").resize((48, 36), Image.Resampling.LANCZOS)
    assert np.array_equal(row[0], np.asarray(original))
    headers = ["original", "conv1_1", "relu2_2"]
    expected = laid_out(
        [row], column_headers=headers, leading_columns=1, title="photo.png: content from each layer alone"
    )
    assert np.array_equal(pixels("photo.reconstruct-content.png"), expected)


def test_the_style_loss_of_each_set_of_layers_falls(run, inside):
    begin, end = (
        parts_of(
            run("neural-style", "photo.png", "--reconstruct", "style", *SIZE, "--iterations", n, "--json", "-o", o)
        )
        for n, o in ((1, "one.png"), (25, "many.png"))
    )
    assert [len(part["layers"]) for part in end] == [1, 2, 3, 4, 5]
    for before, after in zip(begin, end, strict=True):
        assert after["losses"]["style"] < 0.2 * before["losses"]["style"]
        assert after["losses"]["content"] == 0


def test_styles_are_reconstructed_from_the_style_images_if_any_are_given(run, inside, pixels):
    layers = ("--style-layers", "conv1_1,conv2_1")
    result = run("neural-style", "nowhere.png", "photo.png", "painting.png", "--reconstruct", "style", *ONCE, *layers)
    assert result.exit_code == 0, result.stderr
    for name in ("photo", "painting"):
        (row,) = tiles(f"{name}.reconstruct-style.png")
        labels = {"column_headers": ["original", "conv1_1", "+ conv2_1"], "leading_columns": 1}
        expected = laid_out([row], title=f"{name}.png: style from more and more layers", **labels)
        assert np.array_equal(pixels(f"{name}.reconstruct-style.png"), expected)


def test_content_is_nearer_if_it_weighs_more(run, inside):
    painted = parts_of(
        run("neural-style", "photo.png", "painting.png", *SMALL_SWEEP, *SIZE, "--iterations", 30, "--json")
    )
    assert [part["ratio"] for part in painted] == [1e-4, 1e-1] * 2
    distances = [part["losses"]["content"] / part["ratio"] for part in painted]
    assert distances[1] < distances[0]
    assert distances[3] < distances[2]


def test_a_sweep_is_a_table_of_layers_by_ratios(run, inside, pixels):
    assert run("neural-style", "photo.png", "painting.png", *SMALL_SWEEP, *ONCE).exit_code == 0
    rows = tiles("photo.sweep.png")
    assert [len(row) for row in rows] == [2, 2]
    expected = laid_out(
        rows,
        row_headers=["conv1_1", "+ conv2_1"],
        column_headers=["ratio 1e-4", "ratio 1e-1"],
        title="photo.png: style layers by content / style ratio",
    )
    assert np.array_equal(pixels("photo.sweep.png"), expected)


def test_json_describes_each_image_of_the_sheet(run, inside, pixels):
    result = run("neural-style", "photo.png", "--reconstruct", "content", *ONCE, "--json", "--seed", 3)
    line = json.loads(result.stdout)
    assert line.pop("seconds") > 0
    painted = line.pop("pictures")
    height, width, _ = pixels("photo.reconstruct-content.png").shape
    assert line == {
        "input": "photo.png",
        "output": "photo.reconstruct-content.png",
        "method": "neural-style",
        "figure": "reconstruct-content",
        "preset": "paper",
        "seed": 3,
        "width": width,
        "height": height,
    }
    assert [(each["layers"], each["ratio"], each["iterations"]) for each in painted] == [
        ([f"conv{block}_1"], None, 1) for block in range(1, 6)
    ]
    assert all(each["losses"]["total"] > 0 for each in painted)


def test_the_losses_are_those_of_the_shown_images_not_of_the_last_iteration(run, inside):
    """From noise, the third evaluation often explodes, and the shown image is an earlier one."""
    command = ("neural-style", "photo.png", "--reconstruct", "style", *SIZE, "--json", "--overwrite")
    losses = [
        [part["losses"]["total"] for part in parts_of(run(*command, "--iterations", count))] for count in range(2, 5)
    ]
    for fewer, more in itertools.pairwise(losses):
        assert all(later <= earlier for earlier, later in zip(fewer, more, strict=True))


def test_the_same_seed_gives_the_same_sheet(run, inside, pixels):
    command = ("neural-style", "photo.png", "painting.png", *SMALL_SWEEP, *SIZE, "--iterations", 3)
    for name, seed in (("one.png", 1), ("two.png", 1), ("three.png", 2)):
        assert run(*command, "--seed", seed, "-o", name).exit_code == 0
    assert np.array_equal(pixels("one.png"), pixels("two.png"))
    assert not np.array_equal(pixels("one.png"), pixels("three.png"))


def test_figures_take_another_preset_another_pooling_and_several_sizes(run, inside):
    options = ("--preset", "author", "--pooling", "average", "--size", 64, "--scales", 2, "--coarse-iterations", 1)
    result = run("neural-style", "photo.png", "--reconstruct", "content", "--iterations", 2, *options, "--json")
    assert [(each["layers"], each["iterations"]) for each in parts_of(result)] == [
        ([f"relu{block}_1"], 3) for block in range(1, 6)
    ]


def test_a_folder_gets_a_sheet_for_each_image_and_earlier_sheets_are_not_inputs(run, inside, photo):
    for name in ("in/a.png", "in/trip/b.png"):
        photo(name, size=(48, 64))
    command = ("neural-style", "in", "--reconstruct", "content", "--content-layers", "conv1_1", *ONCE, "--json")
    for extra in ((), ("--overwrite",)):
        lines = [json.loads(line) for line in run(*command, "-o", "in", *extra).stdout.splitlines()]
        assert [line["output"] for line in lines] == [
            "in/a.reconstruct-content.png",
            "in/trip/b.reconstruct-content.png",
        ]


def test_an_existing_sheet_is_kept(run, inside):
    Path("photo.sweep.png").write_bytes(b"mine")
    assert run("neural-style", "photo.png", "painting.png", *SMALL_SWEEP, *ONCE).exit_code == 9
    assert run("neural-style", "photo.png", "painting.png", *SMALL_SWEEP, *ONCE, "--skip-existing").exit_code == 0
    assert Path("photo.sweep.png").read_bytes() == b"mine"


def test_a_log_shows_which_image_is_painted(run, inside, monkeypatch):
    monkeypatch.setattr("imgxlate.cli.progress.LOG_SECONDS", 0)
    result = run("neural-style", "photo.png", "painting.png", *SMALL_SWEEP, *SIZE, "--iterations", 2)
    assert "photo.png: 5 of 8 iterations, 3 of 4: + conv2_1, ratio 1e-4, loss" in result.stderr


def test_standard_input_and_output_can_be_pipes(run_process, inside):
    layers = ("--content-layers", "conv1_1")
    photo = Path("photo.png").read_bytes()
    process = run_process("neural-style", "-", "--reconstruct", "content", *layers, *ONCE, "-o", "-", stdin=photo)
    assert process.returncode == 0, process.stderr
    Path("sheet.png").write_bytes(process.stdout)
    assert len(tiles("sheet.png")[0]) == 2


def test_an_interrupted_figure_leaves_no_file(command, inside, heed_signals, unmeasured):
    arguments = (
        "neural-style",
        "photo.png",
        "--reconstruct",
        "content",
        *SIZE,
        "--iterations",
        10**6,
        "-o",
        "out/",
        "-v",
    )
    with subprocess.Popen(
        command(*arguments), stderr=subprocess.PIPE, text=True, env=unmeasured, preexec_fn=heed_signals
    ) as process:
        said = process.stderr.readline()  # The network is loaded.
        time.sleep(1)  # It paints.
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert said.startswith("vgg19 on")
    assert process.returncode == 130
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["photo.png"], "neural-style needs a style image beside photo.png"),
        (["photo.png", "--sweep"], "--sweep needs a style image beside photo.png"),
        (["photo.png", "painting.png", "--reconstruct", "content"], "takes no style image: painting.png"),
        (["photo.png", "painting.png", "--reconstruct", "style", "--sweep"], "exclude each other"),
        (["photo.png", "--reconstruct", "content", "--save-every", "1"], "--save-every cannot be combined"),
        (["photo.png", "painting.png", "--sweep-ratios", "1e-3"], "--sweep-ratios needs --sweep"),
        (["photo.png", "painting.png", "--sweep", "--sweep-ratios", "x"], "must be a list of numbers"),
        (["photo.png", "painting.png", "--sweep", "--sweep-ratios", "0"], "above 0"),
        (["photo.png", "painting.png", "--sweep", "--content-weight", "1"], "set by the figure itself"),
        (["photo.png", "--reconstruct", "style", "--content-weight", "1"], "set by the figure itself"),
        (["photo.png", "--reconstruct", "content", "--content-layers", "conv1_1,conv9_9"], "conv9_9"),
        (["photo.png", "--reconstruct", "content", "--init", "style"], "no style image"),
    ],
)
def test_invalid_options_are_refused_before_anything_is_painted(run, inside, arguments, said):
    result = run("neural-style", *arguments, *ONCE)
    assert result.exit_code == 2, result.stderr
    assert said in result.stderr
    assert sorted(path.name for path in Path().iterdir()) == ["painting.png", "photo.png"]

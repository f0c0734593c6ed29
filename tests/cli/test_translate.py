"""`imgxlate translate`, as a user types it."""

import json
import os
import pty
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from imgxlate import checkpoint
from imgxlate.images.decode import decode
from imgxlate.images.encode import save
from imgxlate.images.image_array import ImageArray
from imgxlate.inference.loading import model_header
from imgxlate.methods import registry
from imgxlate.nn.algorithms import choices


@pytest.fixture
def munit(golden):
    return ("munit", "--checkpoint", golden / "munit" / "gen_00000001.pt")


@pytest.fixture
def unit(golden):
    return ("unit", "--checkpoint", golden / "unit" / "gen_00000001.pt")


@pytest.fixture
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_outputs_are_named_after_input_method_and_style(run, munit, photo, inside):
    result = run("translate", *munit, photo(), "--n-styles", 3)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert sorted(path.name for path in inside.glob("photo.munit*")) == [f"photo.munit.0{n}.png" for n in range(3)]


def test_a_style_image_is_never_overwritten(run, munit, photo, inside):
    before = photo("style.png", seed=1).read_bytes()
    result = run("translate", *munit, photo("a.png"), "--style", "style.png", "-o", "style.png", "--overwrite")
    assert result.exit_code == 2
    assert "would be the same file" in result.stderr
    assert Path("style.png").read_bytes() == before


def test_a_line_of_json_for_each_output(run, munit, photo, inside):
    result = run("translate", *munit, photo(size=(30, 41)), "--n-styles", 2, "--seed", 7, "--json")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line.pop("seconds") > 0 for line in lines] == [True, True]
    expected = {"input": str(inside / "photo.png"), "method": "munit", "model": "gen_00000001.pt", "to": "B"}
    expected |= {"seed": 7, "width": 41, "height": 30}
    assert lines == [expected | {"output": f"photo.munit.0{n}.png", "style": n} for n in range(2)]


def test_a_method_without_styles_says_which_methods_have_them(run, unit, photo, inside):
    result = run("translate", *unit, photo(), "--n-styles", 2)
    assert result.exit_code == 2
    assert "unit has no style codes to sample" in result.stderr
    assert "munit" in result.stderr


def test_a_method_without_styles_has_none_in_its_json(run, unit, photo, inside):
    result = run("translate", *unit, photo(), "--n-styles", 1, "--json")
    assert json.loads(result.stdout)["style"] is None


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 5), (33, 47)])
def test_the_output_has_the_inputs_size(run, munit, photo, inside, pixels, size):
    assert run("translate", *munit, photo(size=size), "-o", "out.png").exit_code == 0
    assert pixels("out.png").shape[:2] == size


def test_size_sets_the_shorter_side(run, munit, photo, inside, pixels):
    run("translate", *munit, photo(size=(60, 90)), "-o", "out.png", "--size", 40)
    assert pixels("out.png").shape[:2] == (40, 60)


def test_a_work_size_keeps_the_inputs_size_and_the_detail_of_the_input(run, munit, photo, inside, pixels):
    path = photo(size=(120, 161))
    lines = pixels(path).astype(np.uint8)
    lines[:, ::2] //= 2
    Image.fromarray(lines).save(path)
    result = run("translate", *munit, path, "-o", "out.png", "--work-size", 32, "--json")
    assert json.loads(result.stdout)["height"] == 120
    output = pixels("out.png").astype(int)
    assert output.shape == (120, 161, 3)
    assert np.abs(np.diff(output, axis=1)).mean() > 10  # The lines are not in the small image.


def test_style_images_are_encoded_at_the_work_size(run, munit, photo, inside):
    style = photo("style.png", size=(90, 120), seed=1)
    for name, extra in (("full", ()), ("small", ("--work-size", 32))):
        run("translate", *munit, photo(), "--style", style, "-o", f"{name}/", "--save-styles", f"{name}.json", *extra)
    assert json.loads(Path("full.json").read_text())["styles"] != json.loads(Path("small.json").read_text())["styles"]


def test_alpha_is_kept(run, munit, photo, inside, pixels):
    image = Image.open(photo())
    alpha = Image.linear_gradient("L").resize(image.size)
    image.putalpha(alpha)
    image.save("alpha.png")
    run("translate", *munit, "alpha.png", "-o", "out.png")
    assert np.array_equal(pixels("out.png")[..., 3], np.asarray(alpha))


def test_the_same_seed_gives_the_same_image_in_any_batch(run, munit, photo, inside, pixels):
    one, other = photo("one.png", seed=1), photo("two.png", seed=2, size=(40, 52))
    run("translate", *munit, one, "-o", "alone/", "--n-styles", 2)
    run("translate", *munit, other, one, "-o", "together/", "--n-styles", 4)
    for style in range(2):
        name = f"one.munit.0{style}.png"
        assert np.array_equal(pixels(f"alone/{name}"), pixels(f"together/{name}"))
    assert not np.array_equal(pixels("alone/one.munit.00.png"), pixels("alone/one.munit.01.png"))


def test_saved_styles_give_the_same_images_again(run, munit, photo, inside, pixels):
    run("translate", *munit, photo(), "-o", "first/", "--n-styles", 2, "--seed", 9, "--save-styles", "styles.json")
    run("translate", *munit, photo(), "-o", "second/", "--styles", "styles.json")
    assert json.loads(Path("styles.json").read_text())["seed"] == 9
    for style in range(2):
        name = f"photo.munit.0{style}.png"
        assert np.array_equal(pixels(f"first/{name}"), pixels(f"second/{name}"))


def test_the_saved_style_of_an_image_gives_the_same_output_again(run, munit, photo, inside, pixels):
    guide = photo("guide.png", seed=5)
    run("translate", *munit, photo(), "-o", "first.png", "--style", guide, "--save-styles", "styles.json")
    run("translate", *munit, photo(), "-o", "second.png", "--styles", "styles.json")
    assert np.array_equal(pixels("first.png"), pixels("second.png"))


def test_a_grid_shows_each_input_beside_its_outputs(run, munit, photo, inside, pixels):
    run("translate", *munit, photo("a.png"), photo("b.png"), "-o", "out/", "--n-styles", 3, "--grid", "grid.jpg")
    height, width, _ = pixels("grid.jpg").shape
    assert width > 1.5 * height  # Two rows of four.


def test_a_bad_file_does_not_stop_the_batch(run, munit, photo, inside):
    Path("bad.png").write_bytes(b"not an image")
    result = run("translate", *munit, "bad.png", photo("good.png"), "missing.png", "--json")
    assert result.exit_code == 4
    assert [json.loads(line)["output"] for line in result.stdout.splitlines()] == ["good.munit.png"]
    assert "2 of 3 inputs failed" in result.stderr
    assert result.stderr.count("bad.png") == 2  # When it happened, and in the list at the end.


def test_an_image_that_is_too_large_for_its_format_does_not_stop_the_batch(run, unit, photo, inside):
    files = [photo("a.png", size=(24, 24)), photo("wide.png", size=(8, 16384)), photo("b.png", size=(24, 24))]
    result = run("translate", *unit, *files, "-o", "out", "--format", "webp")
    assert result.exit_code == 4
    assert f"{files[1]}: 16384 x 8 pixels cannot be written as WEBP: its longest side is 16383" in result.stderr
    assert sorted(path.name for path in (inside / "out").iterdir()) == ["a.unit.webp", "b.unit.webp"]


def test_the_size_of_an_output_is_checked_before_it_is_computed(run, unit, photo, inside):
    """The translation would take minutes."""
    result = run("translate", *unit, photo(size=(24, 24)), "-o", "out.webp", "--size", 16384)
    assert result.exit_code == 9
    assert "16384 x 16384 pixels cannot be written as WEBP" in result.stderr


def test_a_single_bad_file_exits_with_3(run, munit, inside):
    Path("bad.png").write_bytes(b"")
    assert run("translate", *munit, "bad.png").exit_code == 3
    assert list(inside.iterdir()) == [inside / "bad.png"]


def test_an_existing_output_exits_with_9_without_overwrite_or_skip_existing(run, munit, photo, inside, pixels):
    photo("a.png")
    Path("a.munit.png").write_bytes(b"mine")
    assert run("translate", *munit, "a.png").exit_code == 9
    assert run("translate", *munit, "a.png", "--skip-existing").exit_code == 0
    assert Path("a.munit.png").read_bytes() == b"mine"
    assert run("translate", *munit, "a.png", "--overwrite").exit_code == 0
    assert pixels("a.munit.png").shape == (48, 64, 3)


def test_skip_existing_writes_only_missing_styles(run, munit, photo, inside, pixels):
    run("translate", *munit, photo(), "--n-styles", 3, "-o", "whole/")
    run("translate", *munit, photo(), "--n-styles", 3, "-o", "part/")
    Path("part/photo.munit.01.png").unlink()
    result = run("translate", *munit, photo(), "--n-styles", 3, "-o", "part/", "--skip-existing", "--json")
    assert [json.loads(line)["style"] for line in result.stdout.splitlines()] == [1]
    assert np.array_equal(pixels("part/photo.munit.01.png"), pixels("whole/photo.munit.01.png"))


def test_standard_input_and_output_are_bytes_only(run_process, munit, photo, inside, pixels):
    process = run_process("translate", *munit, "-", "-o", "-", stdin=photo().read_bytes())
    assert process.returncode == 0
    Path("out.png").write_bytes(process.stdout)
    assert pixels("out.png").shape == (48, 64, 3)
    assert b"\x1b" not in process.stderr


@pytest.mark.parametrize(
    ("to", "hint"), [("monett", "Did you mean 'monet'?"), ("spring", "The domains are summer, winter, photo, monet.")]
)
def test_a_domain_that_no_model_of_the_method_has_is_refused_with_those_of_all(run, photo, inside, to, hint):
    result = run("translate", "cut", photo(), "--to", to)
    assert result.exit_code == 2
    assert hint in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--to", "winter"], 2, "has no domain 'winter'"),
        (["--model", "horse2zebra"], 2, "exclude each other"),
        (["--n-styles", "2", "--style", "a.png"], 2, "exclude each other"),
        (["--n-styles", "2", "-o", "out.png"], 2, "Give a folder"),
        (["--overwrite", "--skip-existing"], 2, "exclude each other"),
        (["-o", "out.gif"], 2, "cannot write .gif"),
        (["--grid", "grid.txt"], 2, "cannot write .txt"),
        (["--grid", "one.png", "--save-styles", "one.png"], 2, "would be the same file"),
        (["-o", "-", "--json"], 2, "both write to standard output"),
        (["--device", "tpu"], 2, "there is no device 'tpu'"),
        (["--device", "cuda:77"], 7, "cuda"),
        (["--styles", "nowhere.json"], 2, "nowhere.json"),
        (["--style", "nowhere.png"], 3, "nowhere.png"),
        (["--config", "nowhere.yaml"], 2, "nowhere.yaml"),
    ],
)
def test_invalid_options_are_refused_and_nothing_is_written(run, munit, photo, inside, arguments, code, said):
    photo("a.png")
    result = run("translate", *munit, "a.png", *arguments)
    assert result.exit_code == code, result.stderr
    assert said in result.stderr
    assert [path.name for path in inside.iterdir()] == ["a.png"]


def test_styles_of_another_length_are_refused(run, munit, photo, inside):
    Path("styles.json").write_text('{"styles": [[1, 2]]}')
    result = run("translate", *munit, photo(), "--styles", "styles.json")
    assert result.exit_code == 2
    assert "styles.json: the codes have length 2, the model's have 4" in result.stderr


def test_a_method_that_does_not_exist_gets_the_nearest_one(run, photo, inside):
    result = run("translate", "munti", photo())
    assert result.exit_code == 2
    assert "Did you mean 'munit'?" in result.stderr


def test_by_default_the_bundled_model_is_used(run, photo, inside):
    result = run("translate", "munit", photo(), "--json")
    line = json.loads(result.stdout)
    assert (line["model"], line["to"]) == ("munit-summer2winter", "winter")


def test_the_bundled_model_is_one_that_has_the_target_domain(run, photo, inside):
    result = run("translate", "munit", photo(), "--to", "color", "--json")
    line = json.loads(result.stdout)
    assert (line["model"], line["to"]) == ("munit-outline2color", "color")


@pytest.mark.parametrize(
    ("to", "name"),
    [("winter", "cut-summer2winter"), ("Summer", "cut-winter2summer"), ("monet", "cut-photo2monet")],
)
def test_of_models_with_one_direction_the_one_in_that_direction_is_used(run, photo, inside, to, name):
    result = run("translate", "cut", photo(), "--to", to, "--json")
    line = json.loads(result.stdout)
    assert (line["model"], line["to"]) == (name, to.lower())


def test_without_a_bundled_model_the_error_says_how_to_give_one(run, photo, inside, monkeypatch):
    monkeypatch.setattr("imgxlate.inference.loading.bundled_model", lambda method, to: None)
    result = run("translate", "munit", photo())
    assert result.exit_code == 2
    assert "munit needs weights: give --checkpoint FILE or --model NAME" in result.stderr


def test_the_error_for_a_method_without_any_named_model_says_how_to_train_one(run, photo, inside):
    result = run("translate", "adain", photo(), "--style", photo("painting.png"))
    assert result.exit_code == 2
    assert "adain needs weights: give --checkpoint FILE" in result.stderr
    assert "Train one with `imgxlate train adain DATA_A DATA_B --out RUN`" in result.stderr
    assert "weights list" not in result.stderr


def test_the_error_for_a_model_that_is_not_stored_says_how_to_get_it(run, photo, inside):
    result = run("translate", "cyclegan", photo(), "--model", "horse2zebra", "--offline")
    assert result.exit_code == 5
    assert "imgxlate weights download" in result.stderr


def test_a_checkpoint_of_another_method_is_named(run, golden, photo, inside):
    result = run("translate", "unit", photo(), "--checkpoint", golden / "munit" / "gen_00000001.pt")
    assert result.exit_code == 6
    assert "MUNIT" in result.stderr


def test_an_imported_model_is_used_by_its_name_and_domains(run, golden, photo, inside, pixels):
    file, config = golden / "munit" / "gen_00000001.pt", golden / "munit" / "config.yaml"
    imported = (
        "weights",
        "import",
        "mine",
        file,
        "--method",
        "munit",
        "--domains",
        "summer,winter",
        "--config",
        config,
    )
    assert run(*imported).exit_code == 0
    result = run("translate", "munit", photo(), "--model", "mine", "--to", "summer", "--json")
    assert result.exit_code == 0, result.stderr
    line = json.loads(result.stdout)
    assert (line["model"], line["to"]) == ("mine", "summer")
    run("translate", "munit", photo(), "--checkpoint", file, "--config", config, "--to", "A", "-o", "same.png")
    assert np.array_equal(pixels(line["output"]), pixels("same.png"))


def test_verbose_prints_details_on_stderr(run, munit, photo, inside):
    result = run("translate", *munit, photo(), "--device", "cpu", "-v")
    assert re.search(r"on cpu in (bfloat16|float32) with fast convolutions", result.stderr)
    assert result.stdout == ""


@pytest.mark.parametrize("variable", [False, True])
def test_the_number_of_threads_is_set_by_an_option_or_a_variable(run, munit, photo, inside, monkeypatch, variable):
    numbers = []
    monkeypatch.setattr(torch, "set_num_threads", numbers.append)
    if variable:
        monkeypatch.setenv("IMGXLATE_THREADS", "3")
    result = run("translate", *munit, photo(), *(() if variable else ("--threads", "3")))
    assert result.exit_code == 0, result.stderr
    assert 3 in numbers


def test_an_invalid_number_of_threads_is_an_error_before_any_work(run, photo, inside):
    result = run("translate", "munit", photo(), "--checkpoint", "missing.pt", "--threads", "two")
    assert result.exit_code == 2
    assert "auto or a number from 1 on, not 'two'" in result.stderr
    assert "--threads 2" in result.stderr


def test_verbose_tells_the_algorithms(run, munit, photo, inside, monkeypatch):
    monkeypatch.setattr(choices, "used", Counter({("output 3x3 8->8 4x4", "winograd"): 2}))
    shown = "convolution, output 3x3 8->8 4x4: winograd, 2x"
    assert shown in run("translate", *munit, photo(), "-v").stderr
    assert shown not in run("translate", *munit, photo(), "--overwrite").stderr


def test_a_note_tells_that_algorithms_are_measured_but_not_when_they_are_known(run_process, photo, inside, tmp_path):
    """The bundled model, because the golden ones are too small to measure."""

    def notes(cache, *options):
        arguments = (photo(size=(96, 96)), "--precision", "fp32-fast", "--overwrite", *options)
        process = run_process("translate", "unit", *arguments, IMGXLATE_CACHE=str(tmp_path / cache))
        assert process.returncode == 0
        assert (tmp_path / cache / "convolutions.json").exists()
        return process.stderr.decode().count("measuring which convolution algorithms are fastest")

    assert [notes("first"), notes("first"), notes("other", "--quiet")] == [1, 0, 0]


@pytest.mark.parametrize("name", ["out.png", "out.tif"])
def test_outputs_may_have_sixteen_bits(run, unit, photo, inside, name, pixels):
    """They round to those of eight bits, and have values in between."""
    for arguments in ((name, "--depth", 16), ("eight.png",)):
        assert run("translate", *unit, photo(), "--precision", "fp32", "-o", *arguments).exit_code == 0
    deep = decode(Path(name), depth=16)
    assert deep.rgb.dtype == np.uint16
    assert (deep.rgb % 257 != 0).any()
    assert np.abs(deep.rgb / 257 - pixels("eight.png")).max() <= 0.51


def test_inputs_of_sixteen_bits_reach_the_network(run, unit, inside):
    """Two inputs that differ below the eighth bit give different outputs."""
    gray = np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint16) * 257
    for name, values in (("a.png", gray), ("b.png", gray ^ 1)):
        Image.fromarray(values).save(name)
    outputs = {}
    for depth in (8, 16):
        assert run("translate", *unit, "a.png", "b.png", "-o", f"{depth}/", "--depth", depth).exit_code == 0
        outputs[depth] = [decode(Path(f"{depth}/{name}.unit.png"), depth=16).rgb for name in "ab"]
    assert np.array_equal(*outputs[8])
    assert not np.array_equal(*outputs[16])


def test_outputs_of_sixteen_bits_keep_the_transparency_and_go_to_sheets_with_eight(run, unit, inside, pixels):
    rgba = np.random.default_rng(0).integers(0, 65536, (32, 40, 4), dtype=np.uint16)
    save(ImageArray(rgba[..., :3], rgba[..., 3]), Path("in.png"))
    result = run("translate", *unit, "in.png", "-o", "out/", "--depth", 16, "--grid", "sheet.jpg")
    assert result.exit_code == 0, result.stderr
    assert np.array_equal(decode(Path("out/in.unit.png"), depth=16).alpha, rgba[..., 3])
    assert pixels("sheet.jpg").max() <= 255


def test_sixteen_bits_go_to_standard_output_as_png(run_process, unit, photo, inside):
    process = run_process("translate", *unit, photo(), "-o", "-", "--depth", "16")
    assert decode(process.stdout, depth=16).depth == 16


@pytest.mark.parametrize("name", ["out.jpg", "out.WEBP", "out.bmp"])
def test_a_format_of_eight_bits_is_refused_before_any_work(run, photo, inside, name):
    result = run("translate", "unit", "--checkpoint", "missing.pt", photo(), "-o", name, "--depth", 16)
    assert result.exit_code == 2
    assert f"--depth 16 cannot write {Path(name).suffix}" in result.stderr
    assert ".png .tif .tiff" in result.stderr


def test_an_image_above_the_limit_of_pixels_is_refused_unless_the_limit_is_raised(run, unit, photo, inside):
    result = run("translate", *unit, photo(size=(48, 64)), "--max-pixels", "3K")
    assert result.exit_code == 3
    assert "3,072 pixels are more than the limit of 3,000" in result.stderr
    assert "`--max-pixels 1M` raises the limit" in result.stderr
    assert run("translate", *unit, photo(size=(48, 64)), "--max-pixels", "4k").exit_code == 0


def test_the_limit_of_pixels_holds_for_style_images_too(run, munit, photo, inside):
    style, small = photo("style.png", size=(48, 64)), photo(size=(32, 32))
    assert run("translate", *munit, small, "--style", style, "--max-pixels", "3K").exit_code == 3
    assert run("translate", *munit, small, "--style", style, "--max-pixels", "4K").exit_code == 0


@pytest.mark.parametrize("value", ["many", "0", "500MB"])
def test_an_invalid_limit_of_pixels_is_an_error_before_any_work(run, photo, inside, value):
    result = run("translate", "unit", "--checkpoint", "missing.pt", photo(), "--max-pixels", value)
    assert result.exit_code == 2
    assert "500M" in result.stderr


def test_quiet_prints_nothing(run, munit, photo, inside):
    result = run("translate", *munit, photo(), "-q")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_json_stays_on_stdout_if_stderr_is_a_terminal(command, munit, photo, inside):
    leader, follower = pty.openpty()
    process = subprocess.Popen(command("translate", *munit, photo(), "--json"), stdout=subprocess.PIPE, stderr=follower)
    os.close(follower)
    stdout, _ = process.communicate()
    os.close(leader)
    assert json.loads(stdout)["output"] == "photo.munit.png"


def test_a_batch_in_the_folder_of_its_inputs_continues_where_it_stopped(run, unit, photo, inside):
    photo("a.png"), photo("b.png")
    for _ in range(2):
        assert run("translate", *unit, ".", "--skip-existing").exit_code == 0
    assert sorted(path.name for path in inside.iterdir()) == ["a.png", "a.unit.png", "b.png", "b.unit.png"]


def test_skip_existing_keeps_a_sheet_and_refuses_codes_that_differ_from_the_existing_file(run, munit, photo, inside):
    photo("a.png")
    base = ("translate", *munit, "a.png", "--n-styles", 2, "-o", "out/", "--skip-existing")
    assert run(*base, "--grid", "grid.png", "--save-styles", "styles.json").exit_code == 0
    kept = Path("grid.png").read_bytes(), Path("styles.json").read_bytes()
    Path("out/a.munit.01.png").unlink()
    assert run(*base, "--grid", "grid.png", "--save-styles", "styles.json", "--seed", 5).exit_code == 2
    assert run(*base, "--grid", "grid.png", "--save-styles", "styles.json").exit_code == 0
    assert (Path("grid.png").read_bytes(), Path("styles.json").read_bytes()) == kept


@pytest.mark.parametrize("missing", [["a.munit.01.png"], [], ["a.munit.00.png", "b.munit.01.png"]])
def test_a_grid_shows_skipped_outputs_too(run, munit, photo, inside, missing):
    photo("a.png"), photo("b.png", seed=1)
    base = ("translate", *munit, "a.png", "b.png", "--n-styles", 2, "-o", "out/")
    run(*base, "--grid", "whole.png")
    for name in missing:
        Path("out", name).unlink()
    result = run(*base, "--grid", "again.png", "--skip-existing", "--json")
    assert result.exit_code == 0
    assert [Path(json.loads(line)["output"]).name for line in result.stdout.splitlines()] == missing
    assert Path("again.png").read_bytes() == Path("whole.png").read_bytes()


def test_skipping_every_output_still_writes_missing_codes(run, munit, photo, inside):
    base = ("translate", *munit, photo("a.png"), "--n-styles", 2, "-o", "out/", "--seed", 3)
    run(*base, "--save-styles", "first.json")
    result = run(*base, "--save-styles", "second.json", "--skip-existing", "--json")
    assert (result.exit_code, result.stdout) == (0, "")
    assert Path("second.json").read_bytes() == Path("first.json").read_bytes()


def test_codes_of_a_method_without_styles_cannot_be_saved(run, unit, photo, inside):
    result = run("translate", *unit, photo(), "--save-styles", "styles.json")
    assert result.exit_code == 2
    assert "munit" in result.stderr


def test_an_unwritable_output_ends_a_batch_at_once(run, unit, photo, inside):
    photo("a.png"), photo("b.png")
    Path("file").write_bytes(b"")
    result = run("translate", *unit, "a.png", "b.png", "-o", "file/out")
    assert result.exit_code == 9
    assert "is not a folder" in result.stderr


def test_an_empty_folder_counts_as_one_failure_of_a_batch(run, unit, photo, inside):
    Path("empty").mkdir()
    assert run("translate", *unit, photo("a.png"), "empty").exit_code == 4
    assert Path("a.unit.png").exists()
    assert run("translate", *unit, "empty").exit_code == 3


def test_if_all_inputs_fail_the_message_does_not_say_that_others_are_done(run, unit, inside):
    result = run("translate", *unit, "one.png", "two.png")
    assert result.exit_code == 4
    assert "2 of 2 inputs failed, none is done" in result.stderr


@pytest.fixture
def trained_small(golden, tmp_path):
    """A model that says that it was trained on images of 10 pixels."""
    original = registry.implementation(registry.find("munit")).from_checkpoint(
        checkpoint.read(golden / "munit" / "gen_00000001.pt"), {}
    )
    header = model_header("munit", original.config, ("summer", "winter"), "B") | {"card": {"size": 10}}
    checkpoint.write(tmp_path / "small.safetensors", original.tensors(), header)
    return ("munit", "--checkpoint", tmp_path / "small.safetensors")


def test_images_far_larger_than_the_training_images_bring_advice_once(run, trained_small, photo, inside):
    images = [photo(f"{name}.png", size=size) for name, size in (("a", (29, 60)), ("b", (30, 31)), ("c", (40, 40)))]
    advised = run("translate", *trained_small, *images)
    assert advised.exit_code == 0
    assert advised.stderr.count("was trained on images of 10") == 1
    assert "b.png: its shorter side has 30 pixels" in advised.stderr
    assert "`--size 20` or less" in advised.stderr
    assert "`--work-size 20` is fast" in advised.stderr


def test_with_a_size_or_a_work_size_or_without_such_an_image_there_is_no_advice(run, trained_small, photo, inside):
    assert "trained on" not in run("translate", *trained_small, photo("a.png", size=(40, 40)), "--size", 20).stderr
    assert "trained on" not in run("translate", *trained_small, photo("b.png", size=(29, 29))).stderr
    assert "trained on" not in run("translate", *trained_small, photo("c.png", size=(40, 40)), "--work-size", 9).stderr


def test_the_grid_of_many_inputs_has_smaller_cells_and_a_message_says_so(run, unit, photo, inside, pixels, monkeypatch):
    monkeypatch.setattr("imgxlate.images.grids._MOST_PIXELS", 100_000)
    names = [photo(f"{seed}.png", seed=seed, size=(32, 32)) for seed in range(5)]
    result = run("translate", *unit, *names, "-o", "out/", "--grid", "grid.png")
    assert result.exit_code == 0
    assert "grid.png shows images at" in result.stderr
    height, width, _ = pixels("grid.png").shape
    assert height * width < 150_000  # With headers and margins.
    assert height > 2 * width


@pytest.mark.parametrize("extra", ["--save-styles", "-o"])
def test_no_output_overwrites_the_checkpoint_or_its_configuration(run, golden, photo, inside, extra):
    for name in ("gen_00000001.pt", "config.yaml"):
        shutil.copy(golden / "munit" / name, inside / f"{name}.png")
        base = ("translate", "munit", photo("a.png"), "--checkpoint", "gen_00000001.pt.png", "--overwrite")
        config = ("--config", "config.yaml.png") if name == "config.yaml" else ()
        result = run(*base, *config, extra, f"{name}.png")
        assert result.exit_code == 2
        assert "would be the same file" in result.stderr
        assert Path(f"{name}.png").read_bytes() == (golden / "munit" / name).read_bytes()


def test_codes_are_not_written_over_the_model_of_a_run(run, golden, photo, inside, trained_small):
    (inside / "run").mkdir()
    model = Path(shutil.copy(trained_small[2], inside / "run" / "model.safetensors"))
    before = model.read_bytes()
    base = ("translate", "munit", photo("a.png"), "--checkpoint", "run", "--overwrite")
    assert run(*base, "--save-styles", "run/model.safetensors").exit_code == 2
    assert model.read_bytes() == before


def test_an_unknown_domain_leaves_no_file_behind(run, munit, photo, inside, tmp_path):
    base = ("translate", *munit, photo(), "-o", "out/", "--n-styles", 2, "--save-styles", "styles.json")
    before = sorted(tmp_path.rglob("*"))
    assert run(*base, "--to", "nonsense").exit_code == 2
    assert sorted(tmp_path.rglob("*")) == before
    assert run(*base, "--to", "B").exit_code == 0


def test_images_of_twelve_bits_in_sixteen_are_said_to_be_so_once(run, tmp_path):
    (tmp_path / "in").mkdir()
    for index in range(2):
        values = np.linspace(0, 4000, 24 * 24).astype(np.uint16).reshape(24, 24)
        Image.fromarray(values).save(tmp_path / "in" / f"{index}.png")
    result = run("translate", "unit", tmp_path / "in", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert result.stderr.count("white is 4095") == 1
    assert f"{tmp_path / 'in' / '0.png'}: no value is above 4095" in result.stderr
    dark = run("translate", "unit", tmp_path / "in", "-o", tmp_path / "dark", "--white", 65535)
    assert "4095" not in dark.stderr
    images = [np.asarray(Image.open(tmp_path / folder / "0.unit.png")).mean() for folder in ("out", "dark")]
    assert images[0] != images[1]
    assert run("translate", "unit", tmp_path / "in", "--white", "bright").exit_code == 2


def test_results_have_the_names_and_the_format_that_are_given(run, tmp_path, photo):
    photo("in/a.png"), photo("in/sub/b.png")
    options = ("--name-template", "{stem}", "--format", "jpg")
    result = run("translate", "unit", tmp_path / "in", "-o", tmp_path / "out", *options)
    assert result.exit_code == 0, result.stderr
    for name in ("a.jpg", "sub/b.jpg"):
        assert (tmp_path / "out" / name).read_bytes().startswith(b"\xff\xd8")
    deep = run("translate", "unit", tmp_path / "in", "-o", tmp_path / "deep", *options, "--depth", 16)
    assert deep.exit_code == 2
    assert ".jpg" in deep.stderr


def test_a_file_name_of_255_bytes_does_not_end_the_batch(run, tmp_path, photo):
    for name in ("a", "x" * 251, "z"):
        photo(f"in/{name}.png")
    result = run("translate", "unit", tmp_path / "in", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_files_of_a_folder_that_are_not_read_are_named(run, tmp_path, photo):
    photo("in/a.png")
    (tmp_path / "in" / "IMG_2.psd").write_bytes(b"8BPS")
    result = run("translate", "unit", tmp_path / "in", "-o", tmp_path / "out")
    assert result.exit_code == 0
    assert f"{tmp_path / 'in'}: left out 1 file that looks like an image: IMG_2.psd" in result.stderr


def test_a_file_of_several_images_is_said_to_be_so(run, tmp_path):
    frames = [Image.new("RGB", (24, 24), color) for color in ("red", "green")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    result = run("translate", "unit", tmp_path / "a.gif", "-o", tmp_path / "a.png")
    assert f"{tmp_path / 'a.gif'}: the file holds several images, and only the first is read" in result.stderr


def test_norm_statistics_need_batch_norms(run, tmp_path, photo):
    """CycleGAN's bundled model has instance norms, and UNIT has no choice."""
    for method in ("cyclegan", "unit"):
        result = run("translate", method, photo("a.png"), "-o", tmp_path / "out", "--norm-statistics", "running")
        assert result.exit_code == 2
        assert "no batch norms" in result.stderr

"""`imgxlate sample-styles`, as a user types it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imgxlate.methods import registry
from imgxlate.methods.spec import Capability

CELL = 64
MARGIN, GAP = 8, 4  # of a sheet with cells of 64 pixels


@pytest.fixture
def munit(golden):
    return ("sample-styles", "munit", "--checkpoint", golden / "munit" / "gen_00000001.pt", "--cell", CELL)


@pytest.fixture
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def cells(pixels):
    """The images on a sheet of square ones: all rows that end at its lower edge, and columns at its right one."""

    def read(path, rows, columns):
        sheet = pixels(path)
        lower, right = sheet.shape[0] - MARGIN, sheet.shape[1] - MARGIN
        tops = [lower - CELL - n * (CELL + GAP) for n in reversed(range(rows))]
        lefts = [right - CELL - n * (CELL + GAP) for n in reversed(range(columns))]
        return [[sheet[top : top + CELL, left : left + CELL] for left in lefts] for top in tops]

    return read


@pytest.fixture
def square(photo):
    """Draws square images as large as a cell."""

    def draw(name, seed=0):
        return photo(name, size=(CELL, CELL), seed=seed)

    return draw


def codes_in(path):
    return json.loads(Path(path).read_text())["styles"]


def same(some, others):
    return np.array_equal(np.array(some), np.array(others))


def test_a_sheet_and_its_codes_are_written_to_the_current_folder(run, munit, photo, inside):
    result = run(*munit, photo("a.png"), photo("b.png", seed=1))
    assert (result.exit_code, result.stdout) == (0, "")
    assert sorted(path.name for path in inside.glob("munit*")) == ["munit.styles.json", "munit.styles.png"]
    assert result.stderr.split() == ["munit.styles.png", "munit.styles.json"]
    assert len(codes_in("munit.styles.json")) == 5


def test_each_cell_shows_the_translation_of_its_content_in_its_style(run, munit, square, inside, cells, pixels):
    square("a.png"), square("b.png", seed=1)
    run(*munit, "a.png", "b.png", "--n-styles", 3, "--seed", 4, "-o", "sheet.png")
    run("translate", *munit[1:4], "a.png", "b.png", "--n-styles", 3, "--seed", 4, "-o", "out/")
    translated = [[pixels(f"out/{name}.munit.0{style}.png") for name in "ab"] for style in range(3)]
    assert same(cells("sheet.png", 3, 2), translated)


def test_the_first_row_shows_the_contents(run, munit, square, inside, pixels):
    run(*munit, square("a.png"), "--n-styles", 1, "-o", "sheet.png")
    sheet, content = pixels("sheet.png"), pixels("a.png")
    top = sheet.shape[0] - MARGIN - 2 * CELL - 3 * GAP
    assert np.array_equal(sheet[top : top + CELL, -MARGIN - CELL : -MARGIN], content)


def test_the_first_column_shows_the_style_images(run, munit, square, inside, cells, pixels):
    run(*munit, square("a.png"), "--style", square("s.png", seed=7), "--style", square("t.png", seed=8), "-o", "g.png")
    sheet = pixels("g.png")
    right = sheet.shape[1] - MARGIN - CELL - 3 * GAP
    for (name, _), row in zip((("s.png", 7), ("t.png", 8)), (1, 0), strict=True):
        top = sheet.shape[0] - MARGIN - CELL - row * (CELL + GAP)
        assert np.array_equal(sheet[top : top + CELL, right - CELL : right], pixels(name))


def test_a_guided_row_has_the_style_that_translate_takes_from_the_image(run, munit, square, inside, cells, pixels):
    square("a.png"), square("s.png", seed=7)
    run(*munit, "a.png", "--style", "s.png", "-o", "sheet.png")
    run("translate", *munit[1:4], "a.png", "--style", "s.png", "-o", "out.png")
    assert np.array_equal(cells("sheet.png", 1, 1)[0][0], pixels("out.png"))


def test_saved_codes_give_the_same_file(run, munit, photo, inside):
    photo("a.png")
    run(*munit, "a.png", "--n-styles", 2, "--seed", 9, "-o", "first.png")
    assert json.loads(Path("first.json").read_text())["seed"] == 9
    assert run(*munit, "a.png", "--styles", "first.json", "-o", "second.png").exit_code == 0
    assert Path("first.png").read_bytes() == Path("second.png").read_bytes()
    assert codes_in("first.json") == codes_in("second.json")


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        (["--style", "s.png", "--style", "t.png"], 2),
        (["--interpolate", 4], 4),
        (["--interpolate", 3, "--style", "s.png", "--style", "t.png"], 3),
    ],
)
def test_saved_codes_of_guided_and_interpolated_rows_give_the_same_images(
    run, munit, square, inside, cells, options, rows
):
    square("a.png"), square("b.png", seed=1), square("s.png", seed=7), square("t.png", seed=8)
    run(*munit, "a.png", "b.png", *options, "-o", "first.png")
    run(*munit, "a.png", "b.png", "--styles", "first.json", "-o", "second.png")
    assert same(cells("first.png", rows, 2), cells("second.png", rows, 2))


def test_interpolation_goes_from_the_first_sampled_style_to_the_second(run, munit, square, inside, cells):
    square("a.png")
    run(*munit, "a.png", "--n-styles", 2, "-o", "ends.png")
    run(*munit, "a.png", "--interpolate", 5, "-o", "line.png")
    line, ends = cells("line.png", 5, 1), cells("ends.png", 2, 1)
    assert same([line[0], line[-1]], ends)
    codes = np.array(codes_in("line.json"))
    assert np.allclose(np.diff(codes, n=2, axis=0), 0, atol=1e-6)
    assert [codes[0].tolist(), codes[-1].tolist()] == codes_in("ends.json")


def test_interpolation_takes_the_first_two_codes_of_a_file(run, munit, photo, inside):
    run(*munit, photo("a.png"), "--n-styles", 3, "-o", "three.png")
    run(*munit, "a.png", "--styles", "three.json", "--interpolate", 3, "-o", "line.png")
    codes = codes_in("line.json")
    assert [codes[0], codes[2]] == codes_in("three.json")[:2]
    assert json.loads(Path("line.json").read_text())["seed"] is None


def test_json_describes_the_sheet_in_one_line(run, munit, photo, inside, pixels):
    photo("a.png"), photo("b.png", seed=1)
    result = run(*munit, "a.png", "b.png", "--n-styles", 3, "--to", "A", "--seed", 7, "-o", "out/", "--json")
    (line,) = [json.loads(line) for line in result.stdout.splitlines()]
    assert line.pop("seconds") > 0
    height, width, _ = pixels("out/munit.styles.png").shape
    assert line == {
        **{"output": "out/munit.styles.png", "styles": "out/munit.styles.json", "method": "munit"},
        **{"model": "gen_00000001.pt", "to": "A", "rows": 3, "columns": 2, "seed": 7},
        **{"width": width, "height": height},
    }


def test_cell_sets_the_longer_side_of_each_image(run, munit, photo, inside, pixels):
    photo("a.png")
    run(*munit, "a.png", "--n-styles", 1, "-o", "small.png")
    run(*munit, "a.png", "--n-styles", 1, "-o", "large.png", "--cell", 2 * CELL)
    small, large = pixels("small.png").shape, pixels("large.png").shape
    assert large[0] > 1.5 * small[0]
    assert large[1] > small[1] + CELL


def test_a_bad_input_is_left_out_and_the_rest_is_drawn(run, munit, square, inside, cells):
    Path("bad.png").write_bytes(b"not an image")
    square("a.png"), square("b.png", seed=1)
    result = run(*munit, "a.png", "bad.png", "b.png", "missing.png", "--n-styles", 2, "-o", "part.png", "--json")
    assert result.exit_code == 4
    assert json.loads(result.stdout)["columns"] == 2
    assert "2 of 4 inputs failed, the others are done" in result.stderr
    run(*munit, "a.png", "b.png", "--n-styles", 2, "-o", "whole.png")
    assert Path("part.png").read_bytes() == Path("whole.png").read_bytes()


@pytest.mark.parametrize(("inputs", "code"), [(["bad.png"], 3), (["bad.png", "missing.png"], 4)])
def test_nothing_is_written_if_no_input_can_be_read(run, munit, inside, inputs, code):
    Path("bad.png").write_bytes(b"")
    assert run(*munit, *inputs).exit_code == code
    assert [path.name for path in inside.iterdir()] == ["bad.png"]


def test_a_bad_style_image_is_named_before_any_work(run, munit, photo, inside):
    result = run(*munit, photo("a.png"), "--style", "missing.png")
    assert result.exit_code == 3
    assert "missing.png" in result.stderr
    assert [path.name for path in inside.iterdir()] == ["a.png"]


def test_a_folder_is_drawn_again_without_its_earlier_sheet(run, munit, photo, inside):
    photo("a.png"), photo("b.png", seed=1)
    assert run(*munit, ".", "--n-styles", 1).exit_code == 0
    first = Path("munit.styles.png").read_bytes()
    assert run(*munit, ".", "--n-styles", 1, "--overwrite").exit_code == 0
    assert Path("munit.styles.png").read_bytes() == first


def test_an_existing_sheet_or_styles_file_exits_with_9_without_overwrite(run, munit, photo, inside):
    photo("a.png")
    for name in ("munit.styles.png", "munit.styles.json"):
        Path(name).write_bytes(b"mine")
        assert run(*munit, "a.png").exit_code == 9
        assert Path(name).read_bytes() == b"mine"
    assert run(*munit, "a.png", "--overwrite").exit_code == 0
    assert len(codes_in("munit.styles.json")) == 5


def test_skip_existing_keeps_a_sheet_and_refuses_codes_that_differ_from_the_existing_file(run, munit, photo, inside):
    base = (*munit, photo("a.png"), "--skip-existing")
    run(*base)
    first = Path("munit.styles.png").read_bytes()
    assert "nothing to do" in run(*base, "--seed", 5).stderr
    Path("munit.styles.png").unlink()
    result = run(*base, "--seed", 5)
    assert result.exit_code == 2
    assert "munit.styles.json holds different codes" in result.stderr
    assert run(*base).exit_code == 0
    assert Path("munit.styles.png").read_bytes() == first


def test_replayed_codes_are_not_written_to_their_own_file(run, munit, photo, inside):
    Path("sheet.json").write_text('{"styles": [[1, 2, 3, 4], [0, 0, 0, 0]]}')
    result = run(*munit, photo("a.png"), "--styles", "sheet.json", "-o", "sheet.png", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["styles"] == "sheet.json"
    assert Path("sheet.json").read_text() == '{"styles": [[1, 2, 3, 4], [0, 0, 0, 0]]}'


def test_interpolated_codes_do_not_replace_the_file_with_both_ends(run, munit, photo, inside):
    Path("sheet.json").write_text('{"styles": [[1, 2, 3, 4], [0, 0, 0, 0]]}')
    base = (*munit, photo("a.png"), "--styles", "sheet.json", "--interpolate", 3, "-o", "sheet.png", "--overwrite")
    result = run(*base)
    assert result.exit_code == 2
    assert "would be the same file" in result.stderr
    assert run(*base, "--save-styles", "line.json").exit_code == 0
    assert codes_in("line.json")[1] == [0.5, 1, 1.5, 2]


def test_a_sheet_on_standard_output_is_bytes_only_and_leaves_no_codes(run_process, munit, photo, inside):
    process = run_process(*munit, "-", "-o", "-", "--n-styles", 1, stdin=photo("stdin.png").read_bytes())
    assert process.returncode == 0
    assert [path.name for path in inside.iterdir()] == ["stdin.png"]
    run_process(*munit, "stdin.png", "-o", "sheet.png", "--n-styles", 1)
    assert process.stdout == Path("sheet.png").read_bytes()


def test_codes_of_a_sheet_on_standard_output_can_be_saved(run, munit, photo, inside, pixels):
    result = run(*munit, photo("a.png"), "--n-styles", 2, "-o", "-", "--save-styles", "codes.json")
    assert result.exit_code == 0
    Path("sheet.png").write_bytes(result.stdout_bytes)
    assert min(pixels("sheet.png").shape[:2]) > CELL
    assert len(codes_in("codes.json")) == 2


def test_a_sheet_too_large_for_its_format_shows_smaller_images(run, munit, photo, inside, pixels):
    photo("strip.png", size=(300, 2))
    result = run(*munit[:-1], 4096, "strip.png", "--n-styles", 3, "-o", "sheet.webp")
    assert result.exit_code == 0
    assert "the sheet shows images at" in result.stderr
    assert 8_000 < max(pixels("sheet.webp").shape) <= 16_383


def test_a_folder_with_the_name_of_the_sheet_is_an_error_before_any_work(run, munit, photo, inside):
    Path("out/munit.styles.png").mkdir(parents=True)
    result = run(*munit, photo("a.png"), "-o", "out", "--overwrite")
    assert result.exit_code == 9
    assert "munit.styles.png cannot be written: it is a folder" in result.stderr
    assert [path.name for path in Path("out").iterdir()] == ["munit.styles.png"]


@pytest.mark.parametrize("method", ["unit", "cyclegan"])
def test_a_method_without_styles_says_which_methods_have_them(run, photo, inside, method):
    result = run("sample-styles", method, photo("a.png"))
    assert result.exit_code == 2
    assert f"{method} has no style codes to sample" in result.stderr
    assert "munit" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--n-styles", "2", "--style", "a.png"], 2, "exclude each other"),
        (["--n-styles", "2", "--interpolate", "3"], 2, "exclude each other"),
        (["--interpolate", "1"], 2, "interpolate"),
        (["--interpolate", "3", "--style", "a.png"], 2, "not through 1 --style"),
        (["--interpolate", "3", *["--style", "a.png"] * 3], 2, "not through 3 --style"),
        (["--interpolate", "3", "--styles", "one.json"], 2, "not through one.json with 1"),
        (["--styles", "nowhere.json"], 2, "nowhere.json"),
        (["-o", "sheet.gif"], 2, "cannot write .gif"),
        (["-o", "a.png", "--overwrite"], 2, "would be the same file"),
        (["-o", "one.png", "--save-styles", "one.png"], 2, "would be the same file"),
        (["-o", "-", "--json"], 2, "both write to standard output"),
        (["--overwrite", "--skip-existing"], 2, "exclude each other"),
        (["--to", "winter"], 2, "has no domain 'winter'"),
        (["--model", "horse2zebra"], 2, "exclude each other"),
        (["--device", "tpu"], 2, "there is no device 'tpu'"),
    ],
)
def test_invalid_options_are_refused_and_nothing_is_written(run, munit, photo, inside, arguments, code, said):
    photo("a.png")
    Path("one.json").write_text('{"styles": [[1, 2, 3, 4]]}')
    result = run(*munit, "a.png", *arguments)
    assert result.exit_code == code, result.stderr
    assert said in result.stderr
    assert sorted(path.name for path in inside.iterdir()) == ["a.png", "one.json"]


def test_several_processes_do_not_draw_one_sheet(run, munit, photo, inside, monkeypatch):
    for name, value in {"RANK": 1, "WORLD_SIZE": 2, "LOCAL_RANK": 1}.items():
        monkeypatch.setenv(name, str(value))
    result = run(*munit, photo("a.png"))
    assert result.exit_code == 2
    assert "none can write munit.styles.png for all" in result.stderr


def test_the_error_names_a_model_without_style_codes_of_a_method_that_claims_them(
    run, golden, photo, inside, monkeypatch
):
    specs, _ = registry.discover()
    claims = specs["unit"].capabilities | {Capability.SAMPLE_STYLES}
    monkeypatch.setitem(specs, "unit", replace(specs["unit"], capabilities=claims))
    checkpoint = golden / "unit" / "gen_00000001.pt"
    result = run("sample-styles", "unit", photo("a.png"), "--checkpoint", checkpoint)
    assert result.exit_code == 2
    assert "gen_00000001.pt has no style codes" in result.stderr


def test_skipping_an_existing_sheet_still_writes_missing_codes(run, munit, photo, inside):
    base = (*munit, photo("a.png"), "--cell", 32)
    assert run(*base).exit_code == 0
    sheet, codes = Path("munit.styles.png").read_bytes(), Path("munit.styles.json").read_bytes()
    Path("munit.styles.json").unlink()
    assert run(*base, "--skip-existing").exit_code == 0
    assert Path("munit.styles.png").read_bytes() == sheet
    assert Path("munit.styles.json").read_bytes() == codes


def test_the_sheet_of_many_inputs_is_smaller_and_says_so(run, munit, photo, inside, pixels, monkeypatch):
    monkeypatch.setattr("imgxlate.images.grids._MOST_PIXELS", 60_000)
    names = [photo(f"{seed}.png", seed=seed, size=(32, 32)) for seed in range(4)]
    result = run(*munit, *names, "--n-styles", 2)
    assert result.exit_code == 0
    assert "there are 4 inputs and 2 styles" in result.stderr
    height, width, _ = pixels("munit.styles.png").shape
    assert height * width <= 60_000


@pytest.mark.parametrize("large", ["a.png", "style.png"])
def test_the_limit_of_pixels_holds_for_inputs_and_style_images(run, munit, inside, photo, large):
    for name in ("a.png", "style.png"):
        photo(name, size=(60, 60) if name == large else (40, 40))
    result = run(*munit, "a.png", "--style", "style.png", "--max-pixels", "2K")
    assert result.exit_code == 3
    assert "3,600 pixels are more than the limit of 2,000" in result.stderr
    assert run(*munit, "a.png", "--style", "style.png", "--max-pixels", "4K").exit_code == 0

"""`--mask` changes a part of each input."""

import json

import numpy as np
import pytest
from PIL import Image

from imgxlate.cli import files, masks


@pytest.fixture
def half(tmp_path):
    """A mask whose right half is white."""

    def draw(name="mask.png", size=(48, 64)):
        values = np.zeros(size, np.uint8)
        values[:, size[1] // 2 :] = 255
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values).save(path)
        return path

    return draw


def assert_right_half_changed(pixels, before, after):
    width = pixels(before).shape[1]
    assert np.array_equal(pixels(after)[:, : width // 2], pixels(before)[:, : width // 2])
    assert np.abs(pixels(after) - pixels(before))[:, width // 2 :].mean() > 0.5


def test_translate_keeps_the_black_part_to_the_byte(run, photo, half, pixels, tmp_path):
    path = photo()
    result = run("translate", "munit", path, "--mask", half(), "--n-styles", "2", "-o", f"{tmp_path}/out/")
    assert result.exit_code == 0
    for index in range(2):
        assert_right_half_changed(pixels, path, tmp_path / "out" / f"photo.munit.{index:02d}.png")


def test_neural_style_keeps_the_black_part_to_the_byte(run, photo, half, pixels, tmp_path):
    path, style = photo(size=(48, 64)), photo("style.png", seed=3)
    result = run(
        "neural-style", path, style, "--mask", half(), "--size", "64", "--iterations", "3", "-o", tmp_path / "out.png"
    )
    assert result.exit_code == 0
    assert_right_half_changed(pixels, path, tmp_path / "out.png")


def test_each_input_of_a_folder_has_the_mask_of_its_name(run, photo, half, pixels, tmp_path):
    paths = [photo(f"in/{name}.png", seed=seed) for seed, name in enumerate(("a", "sub/b"))]
    half("masks/a.png")
    half("masks/sub/b.png")
    result = run("translate", "cyclegan", tmp_path / "in", "--mask", tmp_path / "masks", "-o", f"{tmp_path}/out/")
    assert result.exit_code == 0
    for path, name in zip(paths, ("a", "sub/b"), strict=True):
        assert_right_half_changed(pixels, path, tmp_path / "out" / f"{name}.cyclegan.png")


def test_an_input_without_a_mask_fails_and_the_others_are_done(run, photo, half, tmp_path):
    photo("in/a.png")
    photo("in/b.png")
    half("masks/a.png")
    result = run("translate", "cyclegan", tmp_path / "in", "--mask", tmp_path / "masks", "-o", f"{tmp_path}/out/")
    assert result.exit_code == 4
    assert "b.png: has no mask in" in result.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.cyclegan.png"]


def test_a_folder_of_masks_is_searched_for_the_mask_of_a_name_near_the_limit(run, photo, half, tmp_path):
    """With a longer suffix, the name of the mask would be too long."""
    photo(f"in/{'x' * 251}.png")
    half(f"masks/{'x' * 251}.png")
    result = run("translate", "cyclegan", tmp_path / "in", "--mask", tmp_path / "masks", "-o", f"{tmp_path}/out/")
    assert result.exit_code == 0, result.stderr
    (tmp_path / "masks" / f"{'x' * 251}.png").unlink()
    result = run("translate", "cyclegan", tmp_path / "in", "--mask", tmp_path / "masks", "-o", f"{tmp_path}/out2/")
    assert "has no mask in" in result.stderr


@pytest.mark.parametrize("name", ["msak.png", "x" * 256])
@pytest.mark.parametrize("options", [("--mask", "{}"), ("--region", "{},style.png"), ("--region", "{}#blue,style.png")])
def test_a_mask_that_does_not_exist_is_one_error_before_a_model_is_loaded(
    run, photo, half, tmp_path, monkeypatch, options, name
):
    monkeypatch.chdir(tmp_path)
    photo("in/a.png"), photo("in/b.png"), photo("style.png"), half()
    command = ("translate", "cyclegan", "in", "--checkpoint", "none.pth")
    if options[0] == "--region":
        command = ("neural-style", "in", "style.png", "--features", "none.pth")
    result = run(*command, *(option.format(name) for option in options), "-o", "out/")
    assert result.exit_code == 3
    assert result.stderr.startswith(f"error: {name}: no such file\n")
    assert ("Did you mean mask.png?" in result.stderr) == (name == "msak.png")
    assert result.stderr.count("error") == 1


@pytest.mark.parametrize("command", ["translate", "neural-style"])
def test_a_mask_of_other_proportions_is_refused(run, photo, half, command, tmp_path):
    given = ("translate", "cyclegan", photo()) if command == "translate" else ("neural-style", photo(), photo("s.png"))
    result = run(*given, "--mask", half(size=(48, 48)), "-o", tmp_path / "out.png")
    assert result.exit_code == 3
    assert "other proportions: 48 x 48 and 64 x 48 pixels" in result.stderr
    assert not (tmp_path / "out.png").exists()


def test_the_output_does_not_replace_the_mask(run, photo, half):
    mask = half()
    result = run("translate", "cyclegan", photo(), "--mask", mask, "-o", mask, "--overwrite")
    assert result.exit_code == 2
    assert "input" in result.stderr


def test_a_record_holds_no_mask(run, photo, half, tmp_path):
    result = run("translate", "cyclegan", photo(), "--mask", half(), "--record", "-o", tmp_path / "out.png")
    assert result.exit_code == 2
    assert "--mask and a record exclude each other" in result.stderr


def test_the_lines_of_json_are_the_same_with_a_mask(run, photo, half, tmp_path):
    result = run("translate", "cyclegan", photo(), "--mask", half(), "--json", "-o", tmp_path / "out.png")
    assert json.loads(result.stdout)["output"] == str(tmp_path / "out.png")


@pytest.mark.parametrize("command", ["translate", "neural-style"])
def test_a_mask_for_all_inputs_is_read_once(run, photo, half, monkeypatch, tmp_path, command):
    inputs, mask, read = [photo(f"{index}.png", seed=index) for index in range(2)], half(), []

    def note(out, source, *more):
        read.append(source.path)
        return files.read_image(out, source, *more)

    monkeypatch.setattr(masks, "read_image", note)
    more = ("translate", "cyclegan") if command == "translate" else ("neural-style", "--style", photo("s.png"))
    options = () if command == "translate" else ("--iterations", "1", "--size", "32")
    result = run(*more, *inputs, *options, "--mask", mask, "-o", f"{tmp_path}/out/")
    assert result.exit_code == 0, result.stderr
    assert read == [mask]


def test_no_advice_is_given_for_an_input_whose_mask_is_unreadable(run, photo, tmp_path):
    (tmp_path / "mask.png").write_bytes(b"no image")
    result = run(
        "translate", "cyclegan", photo(size=(800, 800)), "--mask", tmp_path / "mask.png", "-o", f"{tmp_path}/out/"
    )
    assert result.exit_code == 3
    assert "mask.png" in result.stderr
    assert "--work-size" not in result.stderr


@pytest.mark.parametrize("command", ["translate", "neural-style"])
def test_no_output_replaces_a_mask_of_a_folder(run, photo, half, tmp_path, command):
    photo("in/sub/a.png")
    mask = half("masks/sub/a.png")
    before = mask.read_bytes()
    given = ("translate", "cyclegan") if command == "translate" else ("neural-style", "--style", photo("s.png"))
    names = ("-o", tmp_path / "masks", "--name-template", "{stem}", "--overwrite")
    result = run(*given, tmp_path / "in", "--mask", tmp_path / "masks", *names)
    assert result.exit_code == 2
    assert "would be the same file" in result.stderr
    assert mask.read_bytes() == before

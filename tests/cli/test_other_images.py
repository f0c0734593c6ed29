"""Images that are not in color, from training to outputs: 16-bit slices, floats, arrays, many channels."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import imgxlate
from imgxlate.images.value_files import read_values, save_values

DRAW = Path(__file__).parents[2] / "examples" / "medical" / "draw_slices.py"


@pytest.fixture(scope="module")
def slices(tmp_path_factory):
    """Folders of 16-bit slices that look like MR and CT, drawn by the script of the example."""
    folder = tmp_path_factory.mktemp("slices")
    runpy.run_path(str(DRAW))["draw"](folder, count=8, side=72)
    return folder


@pytest.fixture(scope="module")
def trained(slices, tmp_path_factory):
    """A model of each of two methods, from MR to CT, after a few steps."""
    folder = tmp_path_factory.mktemp("runs")
    settings = {"iterations": 3, "data.workers": 0, "data.percentiles_a": True, "data.range_b": [0, 4095]}
    settings |= {"evaluate_every": 3, "evaluate_images": 2}
    return {
        method: imgxlate.train(
            method, slices / "mr", slices / "ct", out=folder / method, preset="tiny", settings=settings
        )
        for method in ("munit", "cyclegan")
    }


def model_to_gray(golden, folder, *, of_gray):
    """CycleGAN's golden generator to gray images, of photos or of gray images, in the original's file."""
    weights = torch.load(golden / "cyclegan" / "latest_net_G_A.pth", weights_only=True)
    if of_gray:
        weights["model.1.weight"] = weights["model.1.weight"].sum(1, keepdim=True)
    for part in ("weight", "bias"):
        name = [name for name in weights if name.endswith(part)][-1]
        weights[name] = weights[name][:1]
    torch.save(weights, folder / "latest_net_G_A.pth")
    return folder / "latest_net_G_A.pth"


@pytest.fixture
def gray_model(golden, tmp_path):
    """CycleGAN's golden generator for gray images."""
    return model_to_gray(golden, tmp_path, of_gray=True)


def error(result):
    return " ".join(result.stderr.split())


def test_sixteen_bit_slices_train_and_come_back_as_sixteen_bit_slices_in_their_range(run, slices, trained, tmp_path):
    for method, finished in trained.items():
        out = tmp_path / method
        result = run("translate", method, slices / "mr", "--checkpoint", finished.folder, "-o", f"{out}/")
        assert result.exit_code == 0, result.stderr
        files = sorted(out.iterdir())
        assert [file.suffix for file in files] == [".png"] * 8
        values = np.stack([read_values(file) for file in files])
        assert values.dtype == np.uint16
        assert values.max() <= 4095
        assert len(np.unique(values)) > 300  # more than 8 bits


def test_the_model_carries_the_formats(trained):
    model = trained["cyclegan"].model
    assert str(model.format_of("A")) == "1 channel of uint16, each image scaled by its percentiles"
    assert str(model.format_of("B")) == "1 channel of uint16 from 0 to 4095"


def test_the_model_is_evaluated_in_false_colors(trained):
    [evaluation] = trained["cyclegan"].quality
    assert evaluation.step == 3
    assert all(np.isfinite(value) for value in evaluation.quality.values())


def test_a_run_continues_with_the_formats_that_it_began_with(slices, trained, tmp_path):
    folder = trained["munit"].folder
    notes = []
    settings = {"iterations": 4, "data.workers": 0}
    resumed = imgxlate.train("munit", out=folder, settings=settings, resume=True, notify=notes.append)
    assert resumed.step == 4
    assert resumed.model.format_of("B") == trained["munit"].model.format_of("B")
    assert not any("channels" in note and "changed" in note for note in notes)


def test_arrays_go_in_and_come_out_in_the_units_of_the_target(slices, trained):
    model = trained["munit"].model
    values = read_values(slices / "mr" / "00.png")
    first, second = model.translate(values[..., 0], n_styles=2)
    assert (first.shape, first.dtype) == (values.shape[:2], np.uint16)
    assert not np.array_equal(first, second)
    [same] = model.translate(slices / "mr" / "00.png", styles=model.sample_styles(2)[:1])
    assert np.array_equal(same, first)
    guided = model.translate(values, styles=[slices / "ct" / "00.png"])
    assert guided[0].dtype == np.uint16


def test_the_file_of_an_output_is_of_the_inputs_kind(run, slices, trained, tmp_path):
    values = read_values(slices / "mr" / "00.png")
    for suffix in (".npy", ".tif"):
        save_values(values, tmp_path / f"slice{suffix}")
        result = run(
            *("translate", "cyclegan", tmp_path / f"slice{suffix}", "--checkpoint", trained["cyclegan"].folder),
            *("-o", f"{tmp_path}/", "--json"),
        )
        assert result.exit_code == 0, result.stderr
        output = json.loads(result.stdout)["output"]
        assert output.endswith(f"slice.cyclegan{suffix}")
        assert read_values(Path(output)).dtype == np.uint16


def test_an_existing_output_of_another_kind_is_found_before_any_work(run, slices, trained, tmp_path):
    save_values(read_values(slices / "mr" / "00.png"), tmp_path / "slice.npy")
    (tmp_path / "slice.cyclegan.npy").write_bytes(b"mine")
    checkpoint = ("--checkpoint", trained["cyclegan"].folder, "-o", f"{tmp_path}/")
    result = run("translate", "cyclegan", tmp_path / "slice.npy", *checkpoint)
    assert result.exit_code == 9
    assert (tmp_path / "slice.cyclegan.npy").read_bytes() == b"mine"


def test_large_slices_in_bands_are_those_of_the_whole(slices, trained):
    values = np.tile(read_values(slices / "mr" / "00.png"), (6, 6, 1))
    folder = trained["cyclegan"].folder
    whole = imgxlate.load("cyclegan", checkpoint=folder, precision="fp32").translate(values)[0].astype(int)
    bands = []
    model = imgxlate.load("cyclegan", checkpoint=folder, precision="fp32", memory="1MB")
    banded = model.translate(values, on_band=bands.append)[0].astype(int)
    assert bands
    assert np.abs(banded - whole).max() <= 1


def test_grids_and_samples_are_in_false_colors(run, slices, trained, tmp_path):
    folder = trained["munit"].folder
    grid = tmp_path / "grid.png"
    result = run(
        *("translate", "munit", slices / "mr" / "00.png", "--checkpoint", folder, "-o", f"{tmp_path}/"),
        *("--n-styles", 2, "--grid", grid),
    )
    assert result.exit_code == 0, result.stderr
    styles = run("sample-styles", "munit", slices / "mr" / "00.png", "--checkpoint", folder, "-o", tmp_path / "s.png")
    assert styles.exit_code == 0, styles.stderr
    for file in (grid, tmp_path / "s.png", next((folder / "samples").glob("*.png"))):
        with Image.open(file) as image:
            assert image.mode == "RGB"


def test_clipped_values_are_said(run, trained, tmp_path):
    save_values(np.full((64, 64, 1), 5000, np.uint16), tmp_path / "ct.png")
    result = run(
        *("translate", "cyclegan", tmp_path / "ct.png", "--checkpoint", trained["cyclegan"].folder),
        *("--to", "mr", "-o", tmp_path / "mr.png"),
    )
    assert result.exit_code == 0, result.stderr
    assert "100.0% of its values are outside of 0 to 4095, and are clipped" in error(result)


def test_an_originals_gray_model_takes_gray_images_and_refuses_colors(run, gray_model, golden, tmp_path):
    photo = golden / "cyclegan" / "a.png"
    refused = run("translate", "cyclegan", photo, "--checkpoint", gray_model, "-o", tmp_path / "no.png")
    assert refused.exit_code == 3
    assert "is in color, where gray images, of 1 channel, are needed" in error(refused)
    assert "-colorspace gray" in error(refused)
    for kind in (np.uint8, np.uint16):
        values = np.random.default_rng(0).integers(0, np.iinfo(kind).max, (40, 48, 1)).astype(kind)
        save_values(values, tmp_path / "gray.png")
        result = run(
            "translate", "cyclegan", tmp_path / "gray.png", "--checkpoint", gray_model, "-o", f"{tmp_path}/out/"
        )
        assert result.exit_code == 0, result.stderr
        found = read_values(tmp_path / "out" / "gray.cyclegan.png")
        assert (found.shape, found.dtype) == (values.shape, kind)
        (tmp_path / "out" / "gray.cyclegan.png").unlink()


def test_models_in_color_refuse_arrays_and_take_gray_photos(run, tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((64, 64), np.float32))
    result = run("translate", "cyclegan", tmp_path / "a.npy", "-o", tmp_path / "a.png")
    assert result.exit_code == 3
    assert "a NumPy array" in error(result)
    assert run("translate", "cyclegan", tmp_path / "a.npy", "-o", tmp_path / "a.npz").exit_code == 2
    Image.new("L", (64, 64), 90).save(tmp_path / "gray.png")
    assert run("translate", "cyclegan", tmp_path / "gray.png", "-o", tmp_path / "b.png").exit_code == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [(["--work-size", 32], "--work-size"), (["--depth", "16"], "--depth is for images in color")],
)
def test_options_for_images_in_color_are_refused(run, slices, trained, tmp_path, options, said):
    checkpoint = ("--checkpoint", trained["cyclegan"].folder, "-o", tmp_path / "a.png")
    result = run("translate", "cyclegan", slices / "mr" / "00.png", *checkpoint, *options)
    assert result.exit_code == 2
    assert said in error(result)


def test_compare_refuses_models_with_a_range(run, slices, trained, tmp_path):
    result = run(
        *(
            "compare",
            slices / "mr" / "00.png",
            "--methods",
            "cyclegan",
            "--model",
            f"cyclegan={trained['cyclegan'].folder}",
        ),
        *("-o", tmp_path / "compared"),
    )
    assert result.exit_code == 2
    assert "not images in color" in error(result)


def test_photos_become_gray_images_of_eight_bits(run, golden, tmp_path):
    checkpoint = model_to_gray(golden, tmp_path, of_gray=False)
    photo = golden / "cyclegan" / "a.png"
    result = run("translate", "cyclegan", photo, "--checkpoint", checkpoint, "-o", f"{tmp_path}/")
    assert result.exit_code == 0, result.stderr
    found = read_values(tmp_path / "a.cyclegan.png")
    assert (found.shape[2], found.dtype) == (1, np.uint8)
    with Image.open(golden / "cyclegan" / "a2b.png") as image:
        expected = np.asarray(image)[..., :1]  # the original's image
    assert np.abs(found.astype(int) - expected).max() <= 1


def test_an_imported_model_keeps_its_formats(run, slices, trained, tmp_path):
    assert run("weights", "import", "mr2ct", trained["cyclegan"].folder, "--method", "cyclegan").exit_code == 0
    model = imgxlate.load("cyclegan", model="mr2ct")
    assert model.format_of("B") == trained["cyclegan"].model.format_of("B")

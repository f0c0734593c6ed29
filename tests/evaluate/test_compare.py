"""Comparing from Python: what goes in, what comes out, and how methods are measured."""

import gc
import re
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from PIL import Image

from imgxlate import checkpoint, load_fast_style_transfer
from imgxlate.errors import BatchError, ImageError, OutputError, UsageError
from imgxlate.evaluate import method_evaluation
from imgxlate.evaluate.compare import compare
from imgxlate.evaluate.comparison_metrics import REPEATED, Metrics
from imgxlate.evaluate.loaded_method import card_of
from imgxlate.images.decode import decode
from imgxlate.inference import style_codes
from imgxlate.inference.device import Arithmetic
from imgxlate.inference.loading import ModelFile, load_model
from imgxlate.methods import registry
from imgxlate.metrics.diversity import PROTOCOLS, Pairs
from imgxlate.paths import RUN_BEST, RUN_MODEL, assets_dir
from imgxlate.weights import cards
from imgxlate.weights.store import Store

CPU = torch.device("cpu")
GENERATORS = {"munit": "gen_00000001.pt", "unit": "gen_00000001.pt", "cyclegan": "latest_net_G_A.pth"}
PAINT = {"neural-style": {"size": 40, "iterations": 2}}


@dataclass
class MeanColor:
    """A distance and features of sets by mean colors, which keeps the images it has seen."""

    seen: list
    pairs: list
    name = title = how = "mean-color"
    frechet_name, kernel_name, channels = "fd", "kd", 3

    def features(self, image):
        return torch.tensor(image.rgb.mean(axis=(0, 1)))

    def between(self, first, second):
        self.pairs.append((first, second))
        return float((first - second).abs().sum())

    def __call__(self, images):
        self.seen += images
        return torch.stack([self.features(image) for image in images])


@pytest.fixture
def color(monkeypatch):
    """Measures everything by mean colors."""
    color = MeanColor([], [])
    real = torch.rand(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 255

    def load_metrics(choice, protocol, *_):
        return Metrics(PROTOCOLS[protocol], distance=color, features=color, real=real)

    monkeypatch.setattr("imgxlate.evaluate.compare.load_metrics", load_metrics)
    return color


@pytest.fixture
def models(golden):
    return {method: golden / method / name for method, name in GENERATORS.items()}


@pytest.fixture
def inputs(photo):
    return [photo(f"in/{name}.png", seed=seed) for seed, name in enumerate("abc")]


@pytest.fixture
def run_compare(models):
    """Compare some of the small models of the tests, by default without feature networks."""

    def run(inputs, *methods, **options):
        given = {method: models[method] for method in methods if method in models}
        defaults = {"metrics": "none", "device": "cpu", "precision": "fp32"}
        return compare(inputs, methods=methods, models=given, **defaults | options)

    return run


def test_the_images_are_those_of_translating_with_the_same_seed(run_compare, models, inputs, pixels):
    result = run_compare(inputs, "munit", seed=7)
    row = result.rows[0]
    assert [(image.method, image.style) for image in row.images] == [("munit", 0), ("munit", 1)]
    model = load_model(registry.find("munit"), ModelFile("m", models["munit"]), CPU, Arithmetic())
    codes = torch.tensor(style_codes.sample(2, model.translator.style_dim, 7).codes)
    expected = model.translate_array(decode(inputs[0]), "B", codes)
    for image, output in zip(row.images, expected, strict=True):
        assert np.array_equal(pixels(image.file), output.rgb)


def test_paths_pillow_images_and_arrays_give_the_same_results(run_compare, photo, pixels):
    path = photo("a.png")
    image = Image.open(path)
    result = run_compare([path, image, np.asarray(image)], "unit")
    outputs = [pixels(row.images[0].file) for row in result.rows]
    assert len(outputs) == 3
    assert all(np.array_equal(outputs[0], output) for output in outputs)
    assert [row.input.name for row in result.rows] == ["a.png", "input-01.png", "input-02.png"]


def test_white_is_the_same_for_files_pillow_images_and_arrays(run_compare, tmp_path, pixels):
    values = np.linspace(0, 2000, 48 * 64).astype(np.uint16).reshape(48, 64)
    image = Image.fromarray(values)
    image.save(tmp_path / "a.png")
    result = run_compare([tmp_path / "a.png", image, values], "unit", white=1000)
    outputs = [pixels(row.images[0].file) for row in result.rows]
    assert all(np.array_equal(outputs[0], output) for output in outputs)


def test_one_input_needs_no_list_and_transparency_is_kept(run_compare, pixels):
    rgba = np.random.default_rng(0).integers(0, 256, (48, 64, 4), dtype=np.uint8)
    result = run_compare(rgba, "unit")
    assert np.array_equal(np.asarray(Image.open(result.rows[0].images[0].file))[..., 3], rgba[..., 3])


def test_style_images_may_be_in_memory(run_compare, inputs):
    style = Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8))
    result = run_compare(inputs[0], "neural-style", styles=style, settings=PAINT)
    assert np.array_equal(np.asarray(Image.open(result.style_images[0])), np.asarray(style))
    assert result.methods[0].settings == {"size": "40", "iterations": "2"}


def test_a_temporary_folder_lives_as_long_as_the_result(run_compare, inputs, tmp_path):
    result = run_compare(inputs, "unit")
    result.save(tmp_path / "out")
    folder, files = result.folder, [image.file for row in result.rows for image in row.images]
    assert all(file.is_relative_to(folder) and file.is_file() for file in files)
    del result
    gc.collect()
    assert not folder.exists()
    assert len(list((tmp_path / "out" / "images").iterdir())) == 3


def test_a_comparison_that_fails_leaves_no_temporary_folder(run_compare, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "bad.png").write_bytes(b"")
    with pytest.raises(ImageError):
        run_compare(tmp_path / "bad.png", "unit")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.png"]


def test_images_are_written_into_a_given_folder_while_they_are_made(run_compare, inputs, tmp_path):
    files = []
    run_compare(inputs, "unit", folder=tmp_path / "out", on_image=lambda source, image: files.append(image.file))
    assert files == [tmp_path / "out" / "images" / f"{name}.unit.png" for name in "abc"]
    with pytest.raises(OutputError, match="already exists"):
        run_compare(inputs, "unit", folder=tmp_path / "out")
    run_compare(inputs, "unit", folder=tmp_path / "out", overwrite=True)


def test_callbacks_receive_progress_and_failures(run_compare, inputs):
    steps, errors = [], []
    inputs[1].write_bytes(b"no image")
    result = run_compare(inputs, "unit", "cyclegan", on_progress=steps.append, on_failure=errors.append)
    done = {title: max(step.done for step in steps if step.title == title) for title in ("UNIT", "CycleGAN")}
    assert done == {"UNIT": 3, "CycleGAN": 2}
    assert {step.detail for step in steps} == {str(path) for path in inputs}
    assert [str(inputs[1]) in str(error) for error in errors] == [True]
    assert list(result.failures) == [inputs[1]]
    assert [row.input for row in result.rows] == [inputs[0], inputs[2]]


def test_methods_that_optimize_report_each_iteration(run_compare, inputs, photo):
    steps = []
    run_compare(inputs[0], "neural-style", styles=photo("style.png", seed=9), settings=PAINT, on_progress=steps.append)
    assert f"{inputs[0]}, iteration 2 of 2" in [step.detail for step in steps]


def test_translations_and_paintings_stay_within_the_memory(run_compare, photo, monkeypatch):
    limits = {"imgxlate.memory.budget": set(), "imgxlate.inference.stylization.budget": set()}
    for place, seen in limits.items():
        monkeypatch.setattr(place, lambda device, limit, needed=0, *, seen=seen: seen.add(limit) or 0)
    run_compare(photo(), "munit", "neural-style", styles=photo("style.png"), settings=PAINT, memory="1GB")
    assert [*limits.values()] == [{10**9}, {10**9}]


def test_a_model_of_other_images_is_refused_before_any_method_begins(run_compare, models, inputs, tmp_path):
    opened = checkpoint.read(assets_dir() / "cyclegan-summer2winter.safetensors")
    models["cyclegan"] = tmp_path / "other.safetensors"
    images = {"A": {"channels": 3, "range": [0, 4095]}}
    checkpoint.write(models["cyclegan"], opened.tensors, {**opened.header, "images": images})
    steps = []
    with pytest.raises(UsageError, match=r"takes images of 3 channels.*4095"):
        run_compare(inputs, "unit", "cyclegan", on_progress=steps.append)
    assert steps == []


def test_if_every_input_fails_the_error_lists_them(run_compare, inputs):
    for path in inputs:
        path.write_bytes(b"")
    with pytest.raises(BatchError, match="3 of 3 inputs failed, none is done") as caught:
        run_compare(inputs, "unit")
    assert all(str(path) in str(caught.value) for path in inputs)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_styles": 0}, "n_styles is 0"),
        ({"rows": 0}, "rows is 0"),
        ({"size": 0}, "size is 0"),
        ({"memory": "much"}, "'much' is not an amount of memory"),
        ({"targets": "real"}, "--metrics none loads none"),
        ({"inputs": []}, "there is no input"),
        ({"to": "winter"}, "has no domain 'winter'"),
        ({"folder": "out.png"}, "Give a folder"),
    ],
)
def test_invalid_arguments_are_refused(run_compare, inputs, options, message):
    with pytest.raises(UsageError) as caught:
        run_compare(options.pop("inputs", inputs), "unit", **options)
    assert message in f"{caught.value} {caught.value.hint}"


def test_a_methods_numbers_are_the_means_of_its_images(run_compare, inputs):
    result = run_compare(inputs, "munit")
    images = [image for row in result.rows for image in row.images]
    numbers = result.methods[0].numbers
    assert set(numbers) == {"seconds", "memory"}
    assert numbers["seconds"] == pytest.approx(np.mean([image.numbers["seconds"] for image in images]))


@pytest.mark.parametrize("method", ["unit", "cyclegan"])
def test_the_diversity_of_a_deterministic_method_is_measured_as_0(run_compare, inputs, color, method):
    result = run_compare(inputs, method)
    assert result.methods[0].numbers["mean-color"] == 0.0
    assert len(color.pairs) == min(3, REPEATED)


def test_diversity_takes_all_pairs_of_styles_drawn_for_each_input(run_compare, inputs, color):
    result = run_compare(inputs, "munit")
    assert result.methods[0].numbers["mean-color"] > 0
    assert len(color.pairs) == 3 * 4 * 3 / 2


def test_the_protocol_of_munit_takes_19_pairs_of_each_of_the_first_inputs(run_compare, inputs, color, monkeypatch):
    monkeypatch.setitem(PROTOCOLS, "munit", Pairs(outputs=38, independent=True, inputs=2))
    result = run_compare(inputs, "munit", protocol="munit")
    assert len(color.pairs) == 2 * 19
    assert len({tuple(features.tolist()) for pair in color.pairs for features in pair}) == 2 * 38
    assert len(color.seen) == 3
    assert result.methods[0].numbers["fd"] > 0


def test_diversity_depends_on_neither_names_nor_order_of_the_inputs(run_compare, inputs, color, photo):
    others = [photo(f"other/{name}.png", seed=seed) for seed, name in ((2, "x"), (0, "y"), (1, "z"))]
    one, other = (run_compare(paths, "munit").methods[0].numbers["mean-color"] for paths in (inputs, others))
    assert one == pytest.approx(other, rel=1e-12)


@pytest.mark.parametrize("method", ["munit", "unit"])
def test_the_set_that_is_compared_with_real_images_has_one_of_each_input(run_compare, inputs, color, method):
    numbers = run_compare(inputs, method).methods[0].numbers
    assert len(color.seen) == 3
    assert numbers["fd"] > 0
    assert {"kd", "kd-deviation"} <= set(numbers)


def test_without_enough_images_there_is_no_distance_of_sets(run_compare, inputs, color):
    numbers = run_compare(inputs[0], "unit").methods[0].numbers
    assert (numbers["fd"], numbers["kd"]) == (None, None)


def test_inputs_are_resized_if_a_size_is_given(run_compare, inputs, pixels):
    result = run_compare(inputs[0], "unit", size=24)
    assert pixels(result.rows[0].images[0].file).shape[:2] == (24, 32)


def test_a_single_name_is_one_method(models, inputs):
    result = compare(inputs[0], methods="unit", models={"unit": models["unit"]}, metrics="none", device="cpu")
    assert [method.key for method in result.methods] == ["unit"]


def test_the_grid_shows_the_first_inputs(run_compare, inputs):
    heights = [run_compare(inputs, "unit", rows=rows).grid.height for rows in (1, 2, 3, 4)]
    assert heights[0] < heights[1] < heights[2] == heights[3]


def test_a_grid_of_many_inputs_has_smaller_cells_and_says_so(run_compare, inputs, monkeypatch):
    monkeypatch.setattr("imgxlate.images.grids._MOST_PIXELS", 200_000)
    lines = []
    grid = run_compare(inputs, "unit", notify=lines.append).grid
    assert grid.width * grid.height <= 200_000
    assert re.fullmatch(r"grid\.png shows images at \d+ pixels, because there are 3 rows of 2", lines[0])


def test_only_thumbnails_of_the_first_inputs_stay_in_memory(run_compare, inputs, monkeypatch):
    made = []
    thumbnail = method_evaluation.thumbnail
    monkeypatch.setattr(
        method_evaluation, "thumbnail", lambda image, cell: made.append(image) or thumbnail(image, cell)
    )
    run_compare(inputs, "unit", "munit", rows=1)
    assert len(made) == 1 + 1 + 2


def test_settings_and_facts_suffice_to_repeat_the_comparison(run_compare, inputs):
    result = run_compare(inputs, "unit", to="A", precision="bf16", seed=7, size=24)
    assert result.methods[0].settings == {"to": "A"}
    facts = result.facts
    assert (facts["precision"], facts["seed"], facts["inputs"]) == ("bfloat16 with fast convolutions", "7", "3")
    assert "24" in facts["size of inputs"]


def test_the_card_is_the_bundled_one_or_a_summary_of_the_weights():
    assert card_of(ModelFile("vgg19", assets_dir() / "vgg19.safetensors")) == (assets_dir() / "vgg19.md").read_text()
    known = cards.find("cyclegan-horse2zebra")
    card = card_of(ModelFile("horse2zebra", Store().root / "x.pth"))
    assert all(part in card for part in (known.name, known.summary, known.license, known.page, known.citation))
    assert card_of(ModelFile("unknown", Store().root / "x.pth")) is None


def test_a_file_of_the_user_has_no_card_even_with_the_name_of_a_model(run_compare, models, inputs, tmp_path):
    path = tmp_path / "cyclegan-horse2zebra"
    path.write_bytes(models["cyclegan"].read_bytes())
    result = compare(inputs[0], methods=["cyclegan"], models={"cyclegan": path}, metrics="none")
    assert result.methods[0].card is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"protocol": "mumit"}, "protocol is 'mumit', but must be one of all, munit"),
        ({"metrics": "lpips"}, "metrics is 'lpips', but must be one of auto, published, vgg19, none"),
        ({"precision": "fp16"}, "precision is 'fp16', but must be one of auto, fp32, fp32-fast, bf16"),
        ({"seed": -1}, "seed is -1, but must be at least 0"),
        ({"size": 0}, "size is 0, but must be at least 1"),
        ({"methods": "mnuit"}, "there is no method 'mnuit' to compare"),
    ],
)
def test_invalid_arguments_are_refused_before_any_work(photo, arguments, message):
    with pytest.raises(UsageError, match=message):
        compare(photo(), **arguments)


def test_of_a_run_the_best_model_is_compared_and_the_user_is_told(generators, inputs, tmp_path):
    _, tensors, header = generators("unit")
    for name, step in ((RUN_MODEL, 8), (RUN_BEST, 6)):
        checkpoint.write(tmp_path / "run" / name, tensors, header | {"step": step})
    said = []
    compare(inputs[:1], methods=["unit"], models={"unit": tmp_path / "run"}, metrics="none", notify=said.append)
    assert said == [
        f"{tmp_path / 'run'}: the best model, of step 6; for the last one, give {tmp_path / 'run' / RUN_MODEL}"
    ]


def test_a_method_that_mixes_styles_paints_beside_neural_style_with_the_same_images(adain, photo):
    """Its style images are as large as the input, as those of neural style are, whatever their own size is."""
    photo("content.png", seed=1, size=(36, 48))
    styles = [photo("one.png", seed=2, size=(90, 120)), photo("two.png", seed=3, size=(60, 40))]
    content = photo("content.png", seed=1, size=(36, 48))
    found = compare(
        content,
        methods=["adain", "neural-style"],
        models={"adain": adain},
        settings=PAINT,
        styles=styles,
        metrics="none",
    )
    painted, optimized = found.rows[0].images
    assert (painted.method, optimized.method) == ("adain", "neural-style")
    assert min(painted.numbers["seconds"], optimized.numbers["seconds"]) > 0
    transfer = load_fast_style_transfer(checkpoint=adain, size=48)
    assert np.array_equal(decode(painted.file).rgb, np.asarray(transfer.stylize(content, styles)))

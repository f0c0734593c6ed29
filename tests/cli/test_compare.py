"""`imgxlate compare`, as a user types it."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import imgxlate
from imgxlate import checkpoint
from imgxlate.inference.loading import model_header
from imgxlate.methods import registry
from imgxlate.metrics import feature_networks
from imgxlate.weights import cards

GOLDEN = Path(__file__).parents[1] / "golden"
MODELS = {
    "munit": GOLDEN / "munit" / "gen_00000001.pt",
    "unit": GOLDEN / "unit" / "gen_00000001.pt",
    "cyclegan": GOLDEN / "cyclegan" / "latest_net_G_A.pth",
}
PAINT = ("--set", "neural-style.size=40", "--set", "neural-style.iterations=2")
FILES = ["grid.png", "metrics.csv", "metrics.json", "report.html"]


def models(*methods):
    """Take part with the small models of the tests."""
    words = [word for method in methods for word in ("--model", f"{method}={MODELS[method]}")]
    return ("--methods", ",".join(methods), *words)


def draw(path, seed, size=(64, 48)):
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(path)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A small comparison of all methods: its folder, and the result of the command."""
    from imgxlate.cli.app import app

    place = tmp_path_factory.mktemp("study")
    for seed, name in enumerate(("in/a.png", "in/trip/a.png", "in/b.jpg", "painting.png", "real/x.png", "real/y.png")):
        draw(place / name, seed)
    arguments = ["compare", "in", *models("munit", "unit", "cyclegan"), "--style", "painting.png", *PAINT]
    arguments[3] += ",neural-style"
    arguments += ["--metrics", "vgg19", "--targets", "real", "--seed", "3", "--rows", "2", "-o", "out/", "--json"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setenv("IMGXLATE_CACHE", str(tmp_path_factory.mktemp("cache")))
        result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.stderr
    return place, result


@pytest.fixture
def document(study):
    return json.loads((study[0] / "out/metrics.json").read_text())


@pytest.fixture
def inside(tmp_path, monkeypatch, photo):
    monkeypatch.chdir(tmp_path)
    photo("a.png", seed=1), photo("b.png", seed=2)
    return tmp_path


def found(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_everything_is_in_one_folder_and_images_mirror_the_inputs(study):
    made = [
        f"images/{stem}.{made}.png"
        for stem in ("a", "b", "trip/a")
        for made in ("cyclegan", "munit.00", "munit.01", "neural-style", "unit")
    ]
    assert found(study[0] / "out") == sorted([*FILES, *made])


def test_the_grid_has_a_row_for_each_input_that_is_shown(study, pixels):
    height, width, _ = pixels(study[0] / "out/grid.png").shape
    assert 2.5 < width / height < 5  # Two rows of six images, 4 to 3, below headers.


def test_every_method_has_all_numbers(document):
    numbers = {each["key"]: each["numbers"] for each in document["entrants"]}
    assert list(numbers) == ["munit", "unit", "cyclegan", "neural-style"]
    names = [measure["name"] for measure in document["measures"]]
    assert names == [
        "vgg19-distance",
        "fd-vgg19",
        "kd-vgg19",
        "kd-vgg19-deviation",
        "ssim",
        "content-distance",
        "style-distance",
        "seconds",
        "memory",
    ]
    assert all(list(each) == names for each in numbers.values())
    assert numbers["munit"]["vgg19-distance"] > 0
    assert (numbers["unit"]["vgg19-distance"], numbers["cyclegan"]["vgg19-distance"]) == (0, 0)
    assert numbers["neural-style"].pop("vgg19-distance") is None
    assert None not in numbers["neural-style"].values()


def test_the_measures_name_their_pairs_and_network(document):
    diversity = document["measures"][0]["how"]
    assert "3 inputs x 6 pairs of 4 outputs = 18 pairs" in diversity
    assert "VGG-19" in diversity


def test_the_table_has_a_row_for_each_image(study, document):
    with (study[0] / "out/metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 5
    made = [made for row in document["rows"] for made in row["made"]]
    assert [(row["file"], float(row["ssim"])) for row in rows] == [
        (each["file"], each["numbers"]["ssim"]) for each in made
    ]


def test_the_json_has_all_settings_to_repeat_the_comparison(document):
    assert document["facts"]["seed"] == "3"
    assert document["style_images"] == ["painting.png"]
    settings = {each["key"]: each["settings"] for each in document["entrants"]}
    assert settings["neural-style"] == {"size": "40", "iterations": "2"}
    assert settings["munit"] == {"to": "B"}


def test_the_report_shows_all_methods(study):
    page = (study[0] / "out/report.html").read_text()
    assert all(title in page for title in ("MUNIT, style 01", "UNIT", "CycleGAN", "Neural style"))


def test_a_line_of_json_for_each_file_and_the_summary_on_stderr(study, document):
    place, result = study
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert sorted(line["output"] for line in lines) == [f"out/{name}" for name in found(place / "out")]
    images = [line for line in lines if "entrant" in line]
    assert len(images) == 15
    assert set(images[0]) == {"output", "input", "entrant", "model", "style", "seed", "numbers"}
    (metrics,) = (line for line in lines if line["output"] == "out/metrics.json")
    assert metrics["entrants"] == {each["key"]: each["numbers"] for each in document["entrants"]}
    for measure in document["measures"]:
        assert f"{measure['how']}" in result.stderr


def test_the_images_are_those_of_translate(run, study, tmp_path, pixels):
    place, _ = study
    base = ("translate", "munit", place / "in/b.jpg", "--checkpoint", MODELS["munit"], "--seed", 3, "--n-styles", 2)
    assert run(*base, "-o", tmp_path / "out/").exit_code == 0
    for style in ("00", "01"):
        name = f"b.munit.{style}.png"
        assert np.array_equal(pixels(tmp_path / "out" / name), pixels(place / "out/images" / name))


def test_one_bad_input_is_named_and_the_others_are_compared(run, inside):
    Path("bad.png").write_bytes(b"no image")
    result = run("compare", "a.png", "bad.png", "b.png", *models("unit", "cyclegan"), "--metrics", "none", "-o", "out")
    assert result.exit_code == 4
    assert "1 of 3 inputs failed" in result.stderr
    assert result.stderr.count("bad.png") == 2  # When it happened, and at the end; the second method leaves it out.
    rows = json.loads(Path("out/metrics.json").read_text())["rows"]
    assert [(row["input"], len(row["made"])) for row in rows] == [("a.png", 2), ("b.png", 2)]


def unit_with_first_layer(row):
    """Write a small model of UNIT whose first kernels have these 7 numbers in each row; gives the options to use it."""
    original = registry.implementation(registry.find("unit")).from_checkpoint(checkpoint.read(MODELS["unit"]), {})
    tensors = original.tensors()
    for key in (key for key in tensors if key.endswith("enc.model.0.conv.weight")):
        tensors[key] = torch.tensor(row).expand_as(tensors[key]).contiguous()
    checkpoint.write(Path("odd.safetensors"), tensors, model_header("unit", original.config, ("summer", "winter"), "B"))
    models = ("--model", "unit=odd.safetensors", "--model", f"cyclegan={MODELS['cyclegan']}")
    return ("--methods", "unit,cyclegan", *models, "--metrics", "none", "-o", "out")


def test_if_one_method_fails_on_an_input_others_still_run(run, inside):
    Image.new("RGB", (64, 48), (128, 128, 128)).save("gray.png")
    edges_are_too_much = unit_with_first_layer([3e38] * 3 + [0.0] + [-3e38] * 3)
    result = run("compare", "a.png", "gray.png", *edges_are_too_much)
    assert result.exit_code == 4, result.stderr
    assert "1 of 2 inputs failed" in result.stderr
    assert "a.png: UNIT: the output image has values that are not finite" in result.stderr
    document = json.loads(Path("out/metrics.json").read_text())
    made = [[made["entrant"] for made in row["made"]] for row in document["rows"]]
    assert made == [["cyclegan"], ["unit", "cyclegan"]]
    assert document["facts"]["inputs"] == "2 (of which UNIT 1)"
    assert "no image" in Path("out/report.html").read_text()


def test_if_one_method_fails_on_the_only_input_others_still_run(run, inside):
    result = run("compare", "a.png", *unit_with_first_layer([1e38] * 7))
    assert result.exit_code == 4, result.stderr
    assert found(Path("out")) == sorted([*FILES, "images/a.cyclegan.png"])
    (unit, _) = json.loads(Path("out/metrics.json").read_text())["entrants"]
    assert set(unit["numbers"].values()) == {None}


@pytest.mark.parametrize("methods", [["unit"], ["unit", "cyclegan"]])
def test_without_a_readable_input_nothing_is_written(run, inside, methods):
    for name in ("a.png", "b.png"):
        Path(name).write_bytes(b"")
    base = (*models(*methods), "--metrics", "none", "-o", "out")
    assert run("compare", "a.png", "b.png", *base).exit_code == 4
    assert run("compare", "a.png", *base).exit_code == 3
    assert run("compare", "-", *base).exit_code == 3
    assert not Path("out").exists()


def test_unusual_files_are_compared(run, inside, pixels):
    draw(Path("odd/dot.png"), 0, size=(1, 1))
    draw(Path("odd/strip.png"), 1, size=(300, 1))
    draw(Path("odd/a.unit.png"), 2)
    draw(Path("odd/a.png"), 3)
    draw(Path("odd/grid.png"), 4)
    draw(Path("odd/stdin.png"), 5)
    Image.new("L", (40, 30), 90).save("odd/gray.png")
    Image.new("RGBA", (40, 30), (90, 0, 0, 0)).save("odd/clear.png")
    Image.fromarray(np.full((30, 40), 40_000, np.uint16)).save("odd/deep.png")
    for name in (b"q\"uo'te<b>&.png", b"new\nline.png", b"no\xff\xfetext.png"):
        Path(os.fsdecode(b"odd/" + name)).write_bytes(Path("odd/a.png").read_bytes())
    inputs = ("odd", "odd/a.unit.png")  # In a folder, the second is taken for a result of `a.png`.
    result = run("compare", *inputs, *models("unit"), "--metrics", "vgg19", "--json", "-o", "out")
    assert result.exit_code == 0, result.stderr
    rows = json.loads(Path("out/metrics.json").read_text())["rows"]
    assert sorted(row["input"] for row in rows) == sorted(str(path) for path in Path("odd").iterdir())
    assert all(None not in made["numbers"].values() for row in rows for made in row["made"])
    with Path("out/metrics.csv").open(newline="", errors="surrogateescape") as file:
        assert [line["input"] for line in csv.DictReader(file)] == [row["input"] for row in rows]
    for row in rows:
        (made,) = row["made"]
        assert pixels(Path("out", made["file"])).shape[:2] == pixels(row["input"]).shape[:2]


def test_without_metrics_neither_a_feature_network_nor_torchmetrics_is_loaded(run, inside, monkeypatch):
    def refuse(device):
        raise AssertionError(device)

    monkeypatch.setattr(feature_networks, "bundled_vgg", refuse)
    monkeypatch.setitem(sys.modules, "torchmetrics", None)
    result = run("compare", "a.png", *models("munit", "unit"), "--metrics", "none", "-o", "out")
    assert result.exit_code == 0, result.stderr
    measures = json.loads(Path("out/metrics.json").read_text())["measures"]
    assert [measure["name"] for measure in measures] == ["seconds", "memory"]


def test_two_models_of_one_method_are_compared(run, inside):
    arguments = ("--methods", "munit", "--model", f"munit={MODELS['munit']}", "--model", "munit=mine")
    imported = ("weights", "import", "mine", MODELS["munit"], "--method", "munit", "--domains", "summer,winter")
    assert run(*imported).exit_code == 0
    result = run("compare", "a.png", *arguments, "--n-styles", 1, "--metrics", "none", "-o", "out")
    assert result.exit_code == 0, result.stderr
    assert found(Path("out/images")) == ["a.munit-2.png", "a.munit.png"]
    assert Path("out/images/a.munit.png").read_bytes() == Path("out/images/a.munit-2.png").read_bytes()
    assert "MUNIT (gen_00000001)" in result.stderr
    entrants = json.loads(Path("out/metrics.json").read_text())["entrants"]
    assert [each["settings"]["to"] for each in entrants] == ["B", "winter"]


def test_the_protocol_of_munit_is_described_with_its_pairs(run, inside):
    result = run("compare", "a.png", *models("munit"), "--protocol", "munit", "--metrics", "vgg19", "-o", "out")
    assert result.exit_code == 0, result.stderr
    assert "1 inputs x 19 independent pairs = 19 pairs" in result.stderr


def test_standard_input_is_kept_for_the_report(run, inside, pixels):
    data = Path("a.png").read_bytes()
    result = run("compare", "-", "b.png", *models("unit"), "--metrics", "none", "-o", "out", stdin=data)
    assert result.exit_code == 0, result.stderr
    assert found(Path("out/images")) == ["b.unit.png", "stdin.png", "stdin.unit.png"]
    assert np.array_equal(pixels("out/images/stdin.png"), pixels("a.png"))


def test_standard_input_that_cannot_be_read_is_left_out(run, inside):
    result = run("compare", "-", "a.png", *models("unit"), "--metrics", "none", "-o", "out", stdin=b"no image")
    assert result.exit_code == 4
    assert "1 of 2 inputs failed" in result.stderr
    assert found(Path("out/images")) == ["a.unit.png"]


def test_without_the_required_networks_standard_input_is_not_kept(run, inside):
    published = ("--metrics", "published", "--offline", "-o", "out")
    assert run("compare", "-", *models("unit"), *published, stdin=Path("a.png").read_bytes()).exit_code == 5
    assert not Path("out").exists()


def test_existing_outputs_are_an_error_before_any_work_unless_they_may_be_replaced(run, inside):
    base = ("compare", "a.png", *models("unit"), "--metrics", "none", "-o", "out")
    assert run(*base).exit_code == 0
    for name in ("grid.png", "metrics.json", "metrics.csv", "report.html"):
        Path("out", name).unlink()
    refused = run(*base)
    assert (refused.exit_code, found(Path("out"))) == (9, ["images/a.unit.png"])
    assert "--overwrite" in refused.stderr
    assert "--skip-existing" not in refused.stderr
    assert run(*base, "--overwrite").exit_code == 0
    assert found(Path("out")) == sorted([*FILES, "images/a.unit.png"])


def test_results_of_translate_in_the_folder_are_not_compared(run, inside):
    shutil.copy("a.png", "a.munit.00.png")
    assert run("compare", ".", *models("unit"), "--metrics", "none").exit_code == 0
    assert found(Path("comparison/images")) == ["a.unit.png", "b.unit.png"]


def test_the_next_run_does_not_take_the_default_folder_as_an_input(run, inside):
    base = ("compare", ".", *models("unit"), "--metrics", "none")
    assert run(*base).exit_code == 0
    assert run(*base, "--overwrite").exit_code == 0
    assert found(Path("comparison/images")) == ["a.unit.png", "b.unit.png"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--methods", "munti"], 2, "Did you mean 'munit'?"),
        (["--methods", "neural-style"], 2, "--style painting.jpg"),
        (["--methods", "unit", "--style", "nowhere.png"], 3, "nowhere.png"),
        (["--methods", "unit", "--model", "unit=nowhere.pt"], 5, "nowhere.pt"),
        (["--methods", "unit", "--model", "unit=./nowhere.pt"], 6, "nowhere.pt"),
        (["--methods", "cyclegan", "--model", "cyclegan=horse2zebra", "--offline"], 5, "weights download"),
        (["--methods", "unit", "--model", f"unit={MODELS['munit']}"], 6, "MUNIT"),
        ([*models("unit"), "--to", "winter"], 2, "has no domain 'winter'"),
        ([*models("unit"), "-o", "out.png"], 2, "Give a folder"),
        ([*models("unit"), "-o", "-"], 2, "Give a folder"),
        ([*models("unit"), "--device", "tpu"], 2, "there is no device 'tpu'"),
        ([*models("unit"), "--targets", "nowhere", "--metrics", "vgg19"], 3, "nowhere"),
        ([*models("unit"), "--metrics", "published", "--offline"], 5, "lpips-alexnet"),
        ([*models("unit"), "--metrics", "none", "--targets", "."], 2, "--metrics none loads none"),
        ([*models("unit"), "--style", "-"], 2, "--style -: only an input"),
        ([*models("unit"), "--targets", "-"], 2, "--targets -: only an input"),
        (["--methods", " , "], 2, "--methods names no method"),
    ],
)
def test_an_invalid_command_says_why_and_writes_nothing(run, inside, arguments, code, said):
    result = run("compare", "a.png", *arguments)
    assert result.exit_code == code, result.stderr
    assert said in result.stderr
    assert found(inside) == ["a.png", "b.png"]


def test_the_last_model_is_checked_before_the_first_method_runs(run, inside):
    Path("broken.pt").write_bytes(b"no model")
    arguments = ("--methods", "unit,munit", "--model", f"unit={MODELS['unit']}", "--model", "munit=broken.pt")
    assert run("compare", "a.png", *arguments, "-o", "out").exit_code == 6
    assert not Path("out").exists()


def test_without_any_model_the_error_says_how_to_give_one(run, inside, monkeypatch):
    monkeypatch.setattr(cards, "cards", dict)
    result = run("compare", "a.png")
    assert result.exit_code == 2
    assert "--model munit=FILE" in result.stderr


def test_a_real_image_that_cannot_be_read_is_named_and_left_out(run, inside, photo):
    photo("real/x.png"), photo("real/y.png", seed=3)
    Path("real/z.png").write_bytes(b"")
    result = run("compare", "a.png", *models("unit"), "--metrics", "vgg19", "--targets", "real", "-o", "out")
    assert result.exit_code == 0, result.stderr
    assert "real/z.png" in result.stderr
    assert "against 2 real ones" in result.stderr


def test_outputs_of_an_earlier_comparison_are_no_real_images(run, inside, photo):
    photo("real/x.png"), photo("real/y.png", seed=3)
    base = ("compare", "a.png", *models("unit"), "--metrics", "vgg19", "--targets", "real", "-o", "real/out")
    assert "against 2 real ones" in run(*base).stderr
    assert "against 2 real ones" in run(*base, "--overwrite").stderr


def test_several_processes_do_not_compare_at_once(run, inside, monkeypatch):
    for name, value in {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    result = run("compare", "a.png", *models("unit"), "-o", "out")
    assert result.exit_code == 2
    assert "2 processes" in result.stderr


def test_quiet_prints_nothing_and_verbose_names_every_image(run, inside):
    base = ("compare", "a.png", *models("unit"), "--metrics", "none")
    quiet = run(*base, "-q", "-o", "one")
    assert (quiet.exit_code, quiet.stdout, quiet.stderr) == (0, "", "")
    assert "two/images/a.unit.png" in run(*base, "-v", "-o", "two").stderr


def test_an_interrupt_keeps_finished_images_and_leaves_no_partial_files(
    command, inside, photo, pixels, heed_signals, unmeasured
):
    for number in range(300):
        photo(f"in/{number}.png", size=(32, 32))
    arguments = command("compare", "in", *models("unit"), "--metrics", "none", "-o", "out")
    process = subprocess.Popen(arguments, env=unmeasured, preexec_fn=heed_signals, stderr=subprocess.PIPE)
    while not list(Path("out/images").glob("*.png")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert b"interrupted" in process.communicate()[1]
    assert process.returncode == 130
    assert all(pixels(path).shape == (32, 32, 3) for path in Path("out/images").iterdir())
    assert not any(Path("out", name).exists() for name in FILES)


def test_inputs_far_larger_than_the_training_images_bring_advice(run, inside):
    original = registry.implementation(registry.find("unit")).from_checkpoint(checkpoint.read(MODELS["unit"]), {})
    header = model_header("unit", original.config, ("summer", "winter"), "B") | {"card": {"size": 10}}
    checkpoint.write(inside / "small.safetensors", original.tensors(), header)
    base = ("compare", "a.png", "--methods", "unit", "--model", "unit=small.safetensors", "--metrics", "none")
    assert "a.png: its shorter side has 48 pixels, and small.safetensors" in run(*base, "-o", "one").stderr
    assert "trained on" not in run(*base, "--size", 20, "-o", "two").stderr


def test_methods_that_optimize_show_their_progress(run, inside, monkeypatch):
    from imgxlate.cli import progress

    monkeypatch.setattr(progress, "LOG_SECONDS", 0.0)
    paint = ("--methods", "neural-style", "--style", "b.png", *PAINT, "--metrics", "none")
    result = run("compare", "a.png", *paint, "-o", "out")
    assert result.exit_code == 0, result.stderr
    assert "Neural style: 0 of 1 images, a.png, iteration 2 of 2" in result.stderr


def test_the_shell_completes_the_next_method():
    from imgxlate.cli.complete import compared

    assert compared("munit,un") == ["munit,unit"]
    assert "neural-style" in compared("")


def test_translations_among_the_real_images_do_not_count(run, inside, photo):
    for name in ("real/x.png", "real/y.png", "real/x.munit.00.png", "real/y.munit-2.png"):
        photo(name, seed=len(name))
    base = ("compare", "a.png", *models("unit"), "--metrics", "vgg19", "--targets", "real", "-o", "out")
    assert run(*base).exit_code == 0
    assert "against 2 real ones" in Path("out/metrics.json").read_text()


def test_a_link_in_the_place_of_a_result_is_kept(run, inside):
    Path("out").mkdir()
    Path("out/metrics.json").symlink_to("nowhere")
    result = run("compare", "a.png", *models("unit"), "--metrics", "none", "-o", "out")
    assert (result.exit_code, Path("nowhere").exists()) == (9, False)
    assert "metrics.json already exists" in result.stderr


def test_a_failure_of_one_method_leaves_the_images_of_the_others(run, inside):
    unit = imgxlate.load("unit", checkpoint=MODELS["unit"], device="cpu", precision="fp32").translator
    header = model_header("unit", unit.config, ("A", "B"), "B")
    broken = {name: 1e36 * tensor for name, tensor in unit.tensors().items()}
    checkpoint.write(Path("broken.safetensors"), broken, header)
    given = ("--methods", "munit,unit", "--model", f"munit={MODELS['munit']}", "--model", "unit=broken.safetensors")
    result = run("compare", "a.png", "b.png", *given, "--metrics", "none", "-o", "out")
    assert result.exit_code == 4, result.stderr
    assert "2 of 2 inputs failed, the other images are done" in result.stderr
    assert len(list(Path("out/images").glob("*.munit.00.png"))) == 2


@pytest.mark.parametrize("large", ["in/a.png", "real/x.png"])
def test_the_limit_of_pixels_holds_for_inputs_and_targets(run, tmp_path, monkeypatch, large):
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("in/a.png", "real/x.png")):
        draw(Path(name), seed, (64, 60) if name == large else (40, 40))
    arguments = ("compare", "in", *models("unit"), "--metrics", "vgg19", "--targets", "real")
    result = run(*arguments, "--max-pixels", "2K", "-o", "small")
    assert result.exit_code == 3
    assert "3,840 pixels are more than the limit of 2,000" in result.stderr
    assert run(*arguments, "--max-pixels", "4K", "-o", "large").exit_code == 0


def test_how_files_were_read_is_said_once_and_left_out_files_are_named(run, tmp_path):
    values = np.linspace(0, 4000, 24 * 24).astype(np.uint16).reshape(24, 24)
    (tmp_path / "in").mkdir()
    Image.fromarray(values).save(tmp_path / "in" / "ct.png")
    (tmp_path / "in" / "ct.dcm").write_bytes(bytes(128) + b"DICM")
    arguments = ("compare", tmp_path / "in", *models("unit", "cyclegan"), "--metrics", "none")
    result = run(*arguments, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert result.stderr.count("white is 4095") == 1
    assert "left out 1 file that looks like an image: ct.dcm" in result.stderr
    assert "white is" not in run(*arguments, "-o", tmp_path / "dark", "--white", 65535).stderr

"""`imgxlate train METHOD --show-config`: every preset, and the origin of each value."""

import json
import tomllib
from dataclasses import dataclass

import pytest

from imgxlate.cli import recipe_table
from imgxlate.cli.output import Output
from imgxlate.config import flattened, option
from imgxlate.errors import UsageError
from imgxlate.methods import registry
from imgxlate.methods.spec import TrainingConfig
from imgxlate.training import recipes
from imgxlate.training.changes import changes

METHODS = [name for name in registry.BUILT_IN if registry.find(name).training]
PRESETS = [(name, preset) for name in METHODS for preset in registry.find(name).training.presets]


def shown(run, *arguments):
    result = run("train", *arguments, "--show-config", "--json")
    assert result.exit_code == 0, result.stderr
    return {row["key"]: row for row in json.loads(result.stdout)["config"]}


@pytest.mark.parametrize(("method", "preset"), PRESETS)
def test_every_preset_is_shown_and_every_value_explained(run, method, preset):
    rows = shown(run, method, "--preset", preset)
    expected = flattened(registry.find(method).training.presets[preset])
    assert {key: row["value"] for key, row in rows.items()} == json.loads(json.dumps(expected))
    assert all(row["origin"] == f"preset {preset}" and row["doc"] for row in rows.values())


@pytest.mark.parametrize(("method", "preset"), PRESETS)
def test_every_preset_is_the_same_after_writing_and_reading_the_file_of_a_run(tmp_path, method, preset):
    spec = registry.find(method)
    recipe = recipes.resolve(spec, preset=preset)
    file = tmp_path / "config.toml"
    file.write_text(recipes.to_toml(recipe))
    again = recipes.resolve(spec, file=file)
    assert (again.config, again.preset) == (recipe.config, preset)
    assert changes(recipe.config, again.config) == ()


def test_the_first_preset_is_the_default(run):
    document = json.loads(run("train", "unit", "--show-config", "--json").stdout)
    assert (document["method"], document["preset"]) == ("unit", next(iter(registry.find("unit").training.presets)))


def test_each_option_is_the_origin_of_its_value(run):
    options = ("--iterations", 7, "--batch-size", 3, "--ema", 0.5, "--seed", 4, "--workers", 0, "--sample-every", 9)
    rows = shown(run, "munit", *options, "--checkpoint-every", 8, "--domains", "summer, winter")
    assert {key: (row["value"], row["origin"]) for key, row in rows.items() if row["origin"].startswith("--")} == {
        "iterations": (7, "--iterations"),
        "batch_size": (3, "--batch-size"),
        "ema": (0.5, "--ema"),
        "seed": (4, "--seed"),
        "data.workers": (0, "--workers"),
        "sample_every": (9, "--sample-every"),
        "checkpoint_every": (8, "--checkpoint-every"),
        "data.domain_a": ("summer", "--domains"),
        "data.domain_b": ("winter", "--domains"),
    }


def test_a_file_overrides_the_preset_and_set_overrides_the_file(run, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('preset = "tiny"\nlr = 0.25\nseed = 5\n')
    rows = shown(run, "cyclegan", "--config", file, "--set", "seed=6")
    assert [rows[key]["origin"] for key in ("lr", "seed", "beta1")] == [str(file), "--set", "preset tiny"]
    assert (rows["lr"]["value"], rows["seed"]["value"]) == (0.25, 6)


@pytest.mark.parametrize("method", ["munit", "unit"])
def test_the_yaml_of_an_original_is_read(run, tmp_path, method):
    file = tmp_path / "original.yaml"
    file.write_text("max_iter: 1234\nlr: 0.0002\ngen:\n  dim: 32\ndis:\n  gan_type: lsgan\ncrop_image_height: 128\n")
    rows = shown(run, method, "--config", file)
    values = {"iterations": 1234, "lr": 0.0002, "gen.dim": 32, "data.crop_height": 128}
    assert {key: rows[key]["value"] for key in values} == values
    assert {rows[key]["origin"] for key in values} == {str(file)}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.yaml", "max_itr: 3\n", ("unknown key 'max_itr'", "max_iter")),
        ("a.toml", "iteratons = 3\n", ("unknown key 'iteratons'", "iterations")),
        ("a.toml", 'method = "unit"\n', ("is for unit, not for munit", "imgxlate train unit")),
    ],
)
def test_an_invalid_value_in_a_file_is_a_usage_error_that_names_the_file(run, tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    result = run("train", "munit", "--config", tmp_path / name, "--show-config")
    assert result.exit_code == 2
    assert all(words in result.stderr for words in (str(tmp_path / name), *said))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--set", "gen.dmi=3"), "--set: unknown key 'gen.dmi'"),
        (("--set", "gen.dim"), "--set gen.dim: no value"),
        (("--iterations", "0"), "--iterations: iterations = 0: must be at least 1"),
        (("--ema", "1"), "--ema: ema = 1.0: must be below 1"),
        (("--workers", "-1"), "--workers: data.workers = -1: must be at least 0"),
        (("--set", "data.crop_width=0"), "--set: data.crop_width = 0: must be at least 1"),
        (("--preset", "tyni"), "munit has no preset 'tyni'"),
        (("--domains", "one"), "two names are needed"),
    ],
)
def test_an_invalid_value_of_an_option_is_a_usage_error_that_names_the_option(run, arguments, said):
    result = run("train", "munit", *arguments, "--show-config")
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_method_that_cannot_be_trained_is_refused(run):
    result = run("train", "gatys", "--show-config")
    assert result.exit_code == 2
    assert "gatys cannot be trained" in result.stderr
    assert "munit" in result.stderr


def test_the_table_has_a_row_for_each_value_as_set_takes_it(run):
    lines = run("train", "munit", "--preset", "tiny", "--show-config").stdout.splitlines()
    assert lines[0].split() == ["KEY", "VALUE", "ORIGIN", "MEANING"]
    values = dict(line.split()[:2] for line in lines[1:])
    assert values.keys() == flattened(registry.find("munit").training.presets["tiny"]).keys()
    assignments = [f"{key}={value}" for key, value in values.items() if not value.startswith("[")]
    again = recipes.resolve(registry.find("munit"), preset="tiny", assignments=assignments)
    assert again.config == registry.find("munit").training.presets["tiny"]


def test_the_file_of_a_run_is_toml_with_tables(tmp_path):
    text = recipes.to_toml(recipes.resolve(registry.find("cyclegan"), preset="tiny"))
    assert set(tomllib.loads(text)) >= {"method", "preset", "folders", "iterations", "gen", "data"}


@pytest.mark.parametrize(("method", "preset"), PRESETS)
def test_a_resumed_run_of_any_preset_may_change_speed_and_length_but_not_its_networks(method, preset):
    spec = registry.find(method)
    old = recipes.resolve(spec, preset=preset).config
    changed = {"iterations": 7, "lr": 0.5, "batch_size": 5, "data.workers": 9, "checkpoint_every": 3, "display_size": 2}
    new = recipes.resolve(spec, preset=preset, assignments=[f"{key}={value}" for key, value in changed.items()]).config
    assert {change.key for change in changes(old, new)} == changed.keys()
    network = "gen.norm=none"
    if method == "adain":
        network = "gen.layer=relu4_1" if old.gen.layer == "relu3_1" else "gen.layer=relu3_1"
    for assignment in (network, "seed=1", "data.crop_width=72", "ema=0"):
        other = recipes.resolve(spec, preset=preset, assignments=[assignment]).config
        with pytest.raises(UsageError, match="cannot change"):
            changes(old, other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(TrainingConfig):
    decay_from: int | None = option(None, "where the decay begins")
    layers: tuple[str, ...] = option(("a", "b"), "layers")
    name: str = option("", "a name")


def test_values_are_shown_as_set_takes_them(capsys):
    config = Config()
    origins = dict.fromkeys(flattened(config), "here")
    recipe_table.show(Output(), recipes.Recipe("fake", "full", config, origins))
    rows = {line.split()[0]: line.split("  ")[1:] for line in capsys.readouterr().out.splitlines()}
    shown = {key: next(cell.strip() for cell in rows[key] if cell) for key in ("decay_from", "layers", "name")}
    assert shown == {"decay_from": "none", "layers": '["a", "b"]', "name": '""'}


def test_epochs_are_shown_as_steps_if_the_images_are_given(run, photo, tmp_path):
    for domain, count in {"A": 3, "B": 2}.items():
        for index in range(count):
            photo(f"data/train{domain}/{index}.png", seed=index)
    assert shown(run, "munit", "--epochs", 4)["epochs"]["value"] == 4
    rows = shown(run, "munit", tmp_path / "data", "--epochs", 4)
    assert [(rows[key]["value"], rows[key]["origin"]) for key in ("iterations", "epochs")] == [
        (12, "--epochs"),
        (None, "--epochs"),
    ]
    result = run("train", "munit", tmp_path / "data", "--epochs", 4, "--iterations", 5, "--show-config")
    assert result.exit_code == 2
    assert "exclude each other" in result.stderr

"""Beginning a run from a model: what is taken, the warm-up of the discriminators, and what a run keeps about it."""

import tomllib

import pytest
import torch

import imgxlate
from imgxlate import checkpoint
from imgxlate.errors import CheckpointError, UsageError, WeightsError
from imgxlate.methods import registry
from imgxlate.paths import assets_dir
from imgxlate.training import recipes, start
from imgxlate.training.recipes import to_toml

QUICK = {"iterations": 2, "data.workers": 0, "display_size": 1, "checkpoint_every": 1, "ema": 0.0}
CROP = {"data.crop_height": 32, "data.crop_width": 32, "data.new_size": 36, "n_layers": 2, "ndf": 2}


@pytest.fixture
def data(photo, tmp_path):
    """A folder that holds trainA and trainB."""
    for domain in "AB":
        for index in range(2):
            photo(f"data/train{domain}/{index}.png", size=(80, 80), seed=index)
    return tmp_path / "data"


@pytest.fixture
def train(data, tmp_path):
    """Train for two steps in tmp_path/NAME. `messages` gets what the run says."""

    def begin(name, begin_from=None, messages=None, method="cyclegan", **options):
        settings = QUICK | (CROP if method == "cyclegan" else {}) | options.pop("settings", {})
        notify = (messages if messages is not None else []).append
        options = {"device": "cpu", "notify": notify, **options}
        return imgxlate.train(method, data, out=tmp_path / name, start=begin_from, settings=settings, **options)

    return begin


def model_of(run):
    return checkpoint.read(run.folder / "model.safetensors")


def checkpoint_of(run, step):
    return checkpoint.read(run.folder / f"checkpoints/step-{step:08d}.safetensors")


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def without_learning(**more):
    """Settings with which the weights stay as they begin."""
    return {"lr": 0.0, "weight_decay": 0.0, **more}


@pytest.mark.parametrize("method", ["munit", "unit", "cyclegan"])
def test_a_run_begins_with_the_weights_of_a_bundled_model(train, method):
    small = {} if method == "cyclegan" else {"data.crop_height": 48, "data.crop_width": 48, "data.new_size": 50}
    messages = []
    run = train("run", f"{method}-summer2winter", messages, method, settings=without_learning(**small))
    bundled = checkpoint.read(assets_dir() / f"{method}-summer2winter.safetensors")
    assert same(model_of(run).tensors, bundled.tensors)
    assert run.recipe.preset == "small"
    assert run.recipe.origins["data.crop_height"] == "settings"
    network = "G_A" if method == "cyclegan" else "a"
    whole = sum(name.startswith(f"{network}.") for name in bundled.tensors)
    assert messages[0].startswith(f"{method} (small, architecture of {method}-summer2winter) on cpu")
    assert any(f"generator {network}: {whole} of {whole} tensors" in text for text in messages)
    assert any("the discriminators are trained alone until step 200" in text for text in messages)
    assert any("the run ends after 2 steps, before the generators learn" in text for text in messages)


def test_only_the_discriminators_learn_while_they_warm_up(train, tmp_path):
    run = train("run", "cyclegan-summer2winter", settings={"warm_up": 2, "iterations": 3}, keep=3)
    first, second, third = (checkpoint_of(run, step) for step in (1, 2, 3))
    bundled = checkpoint.read(assets_dir() / "cyclegan-summer2winter.safetensors").tensors
    name = "model.1.weight"
    assert torch.equal(second.tensors[f"training.generators.weights.G_A.{name}"], bundled[f"G_A.{name}"])
    assert not torch.equal(third.tensors[f"training.generators.weights.G_A.{name}"], bundled[f"G_A.{name}"])
    judge = "training.discriminators.weights.D_A.model.0.weight"
    assert not torch.equal(first.tensors[judge], second.tensors[judge])
    assert run.step == 3


def test_a_run_whose_domains_are_exchanged_says_so(train):
    for names, expected in (("winter", "summer"), True), (("summer", "winter"), False):
        messages = []
        domains = {"data.domain_a": names[0], "data.domain_b": names[1]}
        train(names[0], "cyclegan-summer2winter", messages, settings=domains | {"iterations": 1})
        assert any("are summer and winter: exchange the folders" in text for text in messages) == expected


def test_without_a_warm_up_generators_learn_in_the_first_step(train):
    run = train("run", "cyclegan-summer2winter", settings={"warm_up": 0})
    assert not same(model_of(run).tensors, checkpoint.read(assets_dir() / "cyclegan-summer2winter.safetensors").tensors)


def test_a_run_gives_its_discriminators_and_its_averaged_generators_to_another(train):
    first = train("first", settings={"ema": 0.9, "gen.ngf": 2, "gen.n_blocks": 1}, preset="tiny")
    messages = []
    second = train("second", first.folder, messages, settings=without_learning(ema=0.9))
    assert same(model_of(second).tensors, model_of(first).tensors)
    own, given = checkpoint_of(second, 2).tensors, checkpoint_of(first, 2).tensors
    judges = [name for name in own if name.startswith("training.discriminators.weights.")]
    assert judges
    assert all(torch.equal(own[name], given[name]) for name in judges)
    assert any("discriminators: 16 of 16 tensors" in text and "alone" not in text for text in messages)
    assert model_of(second).header["card"]["start"]["warm_up"] == 0


def test_a_run_whose_checkpoints_are_damaged_gives_its_generators_and_says_so(train):
    small = {"gen.ngf": 2, "gen.n_blocks": 1}
    first = train("first", settings=small, preset="tiny")
    for path in (first.folder / "checkpoints").iterdir():
        path.write_bytes(path.read_bytes()[:-100])
    messages = []
    second = train("second", first.folder, messages, settings=without_learning())
    assert same(model_of(second).tensors, model_of(first).tensors)
    assert any("all checkpoints are damaged: only the generators come from first" in text for text in messages)
    assert any("the discriminators are trained alone until step 200" in text for text in messages)


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_a_checkpoint_of_a_run_gives_its_weights_to_another(train, ema):
    first = train("first", settings={"ema": ema, "gen.ngf": 2, "gen.n_blocks": 1}, preset="tiny", keep=2)
    earlier = first.folder / "checkpoints/step-00000001.safetensors"
    second = train("second", earlier, settings=without_learning())
    part = "average." if ema else "training.generators.weights."
    stored = {name.removeprefix(part): tensor for name, tensor in checkpoint.read(earlier).tensors.items()}
    assert all(torch.equal(tensor, stored[name]) for name, tensor in model_of(second).tensors.items())
    assert second.recipe.preset == "tiny"


@pytest.mark.parametrize(
    ("method", "file"),
    [("munit", "gen_00000001.pt"), ("unit", "gen_00000001.pt"), ("cyclegan", "latest_net_G_A.pth")],
)
def test_a_run_begins_with_the_weights_of_an_originals_file(train, golden, tmp_path, method, file):
    small = {} if method == "cyclegan" else {"data.crop_height": 64, "data.crop_width": 64, "dis.dim": 2}
    run = train("run", golden / method / file, method=method, settings=without_learning(**small, iterations=1))
    given = imgxlate.load(method, checkpoint=golden / method / file).translator.tensors()
    own = model_of(run).tensors
    assert given.keys() <= own.keys()
    assert all(torch.equal(own[name], tensor.cpu()) for name, tensor in given.items())


def test_one_generator_of_an_original_begins_one_direction(train, golden, tmp_path):
    alone = tmp_path / "latest_net_G_A.pth"
    alone.write_bytes((golden / "cyclegan/latest_net_G_A.pth").read_bytes())
    messages = []
    run = train("run", alone, messages, settings=without_learning(iterations=1))
    assert any("generator G_A: 48 of 48 tensors; generator G_B: 0 of 48 tensors" in text for text in messages)
    fresh = train("fresh", settings=without_learning(iterations=1, **_architecture(run)), preset="default")
    one, other = model_of(run).tensors, model_of(fresh).tensors
    assert all(torch.equal(one[name], other[name]) == name.startswith("G_B.") for name in one if "weight" in name)


def _architecture(run):
    return {f"gen.{name}": value for name, value in model_of(run).header["architecture"].items()}


def test_tensors_of_another_width_keep_their_initial_weights_and_are_named(train):
    messages = []
    run = train("run", "cyclegan-summer2winter", messages, settings=without_learning(**{"gen.ngf": 4}))
    assert _architecture(run)["gen.ngf"] == 4
    assert run.recipe.origins["gen.n_blocks"] == "architecture of cyclegan-summer2winter"
    assert "the architecture is not that of cyclegan-summer2winter: ngf is 4, not 24" in messages
    taken = "generator G_A: 1 of 32 tensors (not G_A.model.1.weight, G_A.model.1.bias, ...)"
    assert any(taken in text for text in messages)


def test_a_model_of_which_nothing_fits_is_an_error(train):
    with pytest.raises(UsageError, match="no tensor of gen_00000001"):
        start.take(
            start.Start("/x/gen_00000001.pt", "", None, ("A", "B"), {}, {"a.other": torch.zeros(1)}, {}),
            registry.trainable(registry.find("cyclegan")).create(
                recipes.resolve(registry.find("cyclegan"), preset="tiny").config, None
            ),
        )


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_generators_that_compute_their_weights_cannot_begin_from_a_model(train, ema):
    crops = {"data.crop_height": 48, "data.crop_width": 48, "data.new_size": 50}
    settings = without_learning(**crops, spectral_gen=True, ema=ema)
    with pytest.raises(UsageError, match=r"compute .*weight from other weights, so they cannot begin from a model"):
        train("run", "munit-summer2winter", method="munit", settings=settings)


def test_the_projections_of_cut_come_from_the_run_too(train):
    first = train("first", method="cut", preset="tiny", settings={"gen.ngf": 2})
    second = train("second", first.folder, method="cut", settings=without_learning())
    own, given = checkpoint_of(second, 2).tensors, checkpoint_of(first, 2).tensors
    names = [name for name in own if name.startswith("training.generators.weights.F.")]
    assert names
    assert all(torch.equal(own[name], given[name]) for name in names)


def test_the_architecture_is_the_models_unless_a_file_or_an_option_sets_it(tmp_path):
    spec = registry.find("munit")
    plain = recipes.resolve(spec, start="summer2winter")
    assert (plain.start, plain.preset, plain.config.gen.dim) == ("munit-summer2winter", "small", 24)
    assert (plain.origins["gen.dim"], plain.origins["dis.dim"]) == (
        "architecture of munit-summer2winter",
        "preset small",
    )
    preset = recipes.resolve(spec, preset="tiny", start="munit-summer2winter")
    assert (preset.preset, preset.config.gen.dim, preset.config.dis.dim) == ("tiny", 24, 8)
    file = tmp_path / "mine.toml"
    file.write_text('from = "munit-summer2winter"\n[gen]\ndim = 8\n')
    named = recipes.resolve(spec, file=file)
    assert (named.start, named.preset, named.config.gen.dim, named.config.gen.mlp_dim) == (plain.start, "small", 8, 64)
    assert recipes.resolve(spec, start="summer2winter", assignments=["gen.dim=4"]).config.gen.dim == 4


def test_the_written_configuration_begins_from_the_same_model(tmp_path):
    spec = registry.find("munit")
    recipe = recipes.resolve(spec, start="munit-summer2winter", options={"warm_up": ("--warm-up", 7)})
    file = tmp_path / "config.toml"
    file.write_text(to_toml(recipe))
    again = recipes.resolve(spec, file=file)
    assert (again.config, again.preset, again.start) == (recipe.config, recipe.preset, recipe.start)


def test_a_resumed_run_needs_no_model_and_keeps_the_record_of_it(train, tmp_path):
    first = train("first", settings={"gen.ngf": 2, "gen.n_blocks": 1}, preset="tiny")
    sha256 = checkpoint.payload_sha256(model_of(first).tensors)
    settings = {"iterations": 5, "warm_up": 3}
    train("whole", first.folder / "model.safetensors", settings=settings)

    def stop(result):
        if result.step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train("parts", first.folder / "model.safetensors", settings=settings, on_step=stop)
    (first.folder / "model.safetensors").rename(tmp_path / "moved.safetensors")
    messages = []
    resumed = train("parts", messages=messages, resume=True, settings=settings)
    assert same(model_of(resumed).tensors, checkpoint.read(tmp_path / "whole/model.safetensors").tensors)
    record = model_of(resumed).header["card"]["start"]
    # A model is passed on, so it does not say in which folder it began.
    assert (record["model"], record["sha256"], record["warm_up"]) == ("model.safetensors", sha256, 3)
    assert record["taken"]["generator G_A"] == "16 of 16 tensors"
    assert not any(text.startswith("from ") for text in messages)
    assert tomllib.loads((tmp_path / "parts/config.toml").read_text())["from"] == str(
        first.folder / "model.safetensors"
    )


def test_a_run_that_ended_before_its_first_checkpoint_begins_from_the_model_again(train, tmp_path, data):
    recipe = recipes.resolve(
        registry.find("cyclegan"),
        start="cyclegan-summer2winter",
        options={key: ("settings", value) for key, value in (QUICK | CROP | without_learning()).items()},
    )
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.toml").write_text(to_toml(recipe))
    run = imgxlate.train("cyclegan", data, out=folder, resume=True, device="cpu")
    bundled = checkpoint.read(assets_dir() / "cyclegan-summer2winter.safetensors")
    assert same(model_of(run).tensors, bundled.tensors)


def test_a_resumed_run_accepts_its_own_model_and_no_other(train):
    train("run", "cyclegan-summer2winter")
    assert train("run", "summer2winter", resume=True, settings={"iterations": 3}).step == 3
    with pytest.raises(UsageError, match=r"began from cyclegan-summer2winter, not from .*/model"):
        train("run", train("other", preset="tiny").folder / "model.safetensors", resume=True)
    with pytest.raises(UsageError, match="began from initial weights, not from cyclegan-summer2winter"):
        train("other", "cyclegan-summer2winter", resume=True)


def test_a_run_does_not_replace_the_model_that_it_begins_from(train):
    run = train("run", preset="tiny")
    with pytest.raises(UsageError, match="would replace"):
        train("run", run.folder, overwrite=True)
    assert model_of(run).tensors


def test_a_model_that_is_missing_or_of_another_method_is_an_error(train, golden, tmp_path):
    with pytest.raises(WeightsError, match="--from sumer2winter: there is no such model, file or folder") as caught:
        train("run", "sumer2winter")
    assert "summer2winter" in caught.value.hint
    with pytest.raises(WeightsError, match="is a model of munit, not of cyclegan"):
        train("run", "munit-summer2winter")
    with pytest.raises(CheckpointError, match="MUNIT"):
        train("run", golden / "munit/gen_00000001.pt")
    munit = train("munit", None, method="munit", preset="tiny")
    with pytest.raises(CheckpointError, match="is a checkpoint of munit, not of cyclegan"):
        train("run", munit.folder / "checkpoints/step-00000002.safetensors")
    with pytest.raises(CheckpointError, match="is a model of munit, not of cyclegan") as caught:
        train("run", munit.folder)
    assert "imgxlate train munit" in caught.value.hint
    assert not (tmp_path / "run").exists()

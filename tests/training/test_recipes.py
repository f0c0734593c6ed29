"""Configurations: layers of values with their origins, and the changes that a resumed run allows."""

import dataclasses
import json
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgxlate.config import PositiveInt, flattened, option
from imgxlate.data.config import DataConfig
from imgxlate.errors import UsageError
from imgxlate.methods import registry
from imgxlate.methods.spec import Capability, Citation, MethodConfig, MethodSpec, TrainingConfig, TrainingSpec
from imgxlate.training.changes import changes
from imgxlate.training.recipes import resolve, to_toml, without_epochs


@dataclass(frozen=True, slots=True)
class Networks(MethodConfig):
    dim: PositiveInt = option(64, "channels")
    activ: Literal["relu", "lrelu", "none"] = option("relu", "activation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(TrainingConfig):
    gen: Networks = option(Networks(), "the generators")
    pool_size: int = option(50, "images in the pool", fixed=True)
    cycle_w: float = option(10.0, "weight of the cycle's loss")
    decay_from: int | None = option(None, "step at which the decay begins")
    layers: tuple[str, ...] = option(("relu5_3",), "layers of the perceptual loss")

    def __post_init__(self):
        if self.decay_from is not None and self.decay_from > self.iterations:
            raise UsageError(f"decay_from is {self.decay_from}, after the end", hint="Lower it.")


def from_original(values):
    unknown = values.keys() - {"max_iter", "gen"}
    if unknown:
        raise UsageError(f"unknown key {unknown.pop()!r}", hint="Did you mean 'max_iter'?")
    return {"iterations": values.get("max_iter", 1), "gen.dim": values.get("gen", {}).get("dim", 1)}


def spec_with(translate=from_original, training=True):
    presets = {"full": Config(decay_from=100), "tiny": Config(iterations=20, gen=Networks(dim=4), batch_size=2)}
    return MethodSpec(
        name="fake",
        summary="",
        citation=Citation("", "", 2026, ""),
        capabilities=frozenset({Capability.TRAIN}),
        config=Networks,
        implementation="",
        training=TrainingSpec("", presets, translate) if training else None,
    )


SPEC = spec_with()


@pytest.fixture
def write(tmp_path):
    def to(name, text):
        path = tmp_path / name
        path.write_text(text)
        return path

    return to


def test_the_configuration_is_the_default_preset_if_nothing_is_given():
    recipe = resolve(SPEC)
    assert (recipe.preset, recipe.config) == ("full", SPEC.training.presets["full"])
    assert set(recipe.origins.values()) == {"preset full"}
    assert set(recipe.origins) == set(flattened(recipe.config))


def test_later_layers_override_earlier_ones_and_every_value_has_an_origin(write):
    file = write("mine.toml", 'preset = "tiny"\nlr = 0.1\ngen.dim = 8\nbatch_size = 3\niterations = 30\n')
    recipe = resolve(
        SPEC, file=file, assignments=["batch_size=4", "iterations=40"], options={"iterations": ("--iterations", 50)}
    )
    assert recipe.config == Config(iterations=50, batch_size=4, lr=0.1, gen=Networks(dim=8))
    keys = ("beta1", "lr", "gen.dim", "batch_size", "iterations")
    assert [recipe.origins[key] for key in keys] == ["preset tiny", str(file), str(file), "--set", "--iterations"]


def test_an_explicit_preset_overrides_the_one_of_the_file(write):
    assert resolve(SPEC, preset="full", file=write("a.toml", 'preset = "tiny"\nseed = 3')).preset == "full"


def test_an_unknown_preset_is_named_and_the_nearest_one_suggested():
    with pytest.raises(UsageError, match="fake has no preset 'tony'") as caught:
        resolve(SPEC, preset="tony")
    assert "'tiny'" in caught.value.hint
    with pytest.raises(UsageError) as caught:
        resolve(SPEC, preset="qqq")
    assert caught.value.hint == "Presets: full, tiny."


def test_tables_dotted_keys_and_inline_tables_are_equivalent(write):
    texts = ("[gen]\ndim = 5\n", "gen.dim = 5\n", '"gen.dim" = 5\n')
    made = [resolve(SPEC, file=write(f"{index}.toml", text)).config for index, text in enumerate(texts)]
    made.append(resolve(SPEC, assignments=["gen={dim=5}"]).config)
    assert [config.gen.dim for config in made] == [5, 5, 5, 5]


@pytest.mark.parametrize("name", ["original.yaml", "original.yml", "original.json", "original", "original.config"])
def test_the_file_of_an_original_is_translated(write, name):
    file = write(name, json.dumps({"max_iter": 200, "gen": {"dim": 32}}))
    recipe = resolve(SPEC, file=file)
    assert (recipe.config.iterations, recipe.config.gen.dim) == (200, 32)
    assert recipe.origins["gen.dim"] == str(file)


def test_toml_is_recognized_by_its_content(write):
    assert resolve(SPEC, file=write("recipe", "seed = 9")).config.seed == 9


def test_an_error_names_the_file_that_cannot_be_read(write, tmp_path):
    with pytest.raises(UsageError, match=r"no\.toml: cannot be read: No such file"):
        resolve(SPEC, file=tmp_path / "no.toml")
    with pytest.raises(UsageError, match=r"a\.toml: is not TOML: "):
        resolve(SPEC, file=write("a.toml", "seed: 9"))
    with pytest.raises(UsageError, match=r"b\.toml: is not TOML: "):
        resolve(SPEC, file=write("b.toml", "a = " + "[" * 5000))
    (tmp_path / "c.toml").write_bytes(b"a = '\xff'")
    with pytest.raises(UsageError, match=r"c\.toml: is not TOML: "):
        resolve(SPEC, file=tmp_path / "c.toml")


def test_an_unknown_key_in_the_file_of_an_original_is_named(write):
    with pytest.raises(UsageError, match=r"a\.yaml: unknown key 'max_itr'") as caught:
        resolve(SPEC, file=write("a.yaml", "max_itr: 3"))
    assert caught.value.hint == "Did you mean 'max_iter'?"


def test_a_method_without_an_original_reads_only_toml(write):
    with pytest.raises(UsageError, match="reads only TOML configurations"):
        resolve(spec_with(translate=None), file=write("a.yaml", "max_iter: 3"))


def test_a_method_that_declares_no_training_has_a_bug():
    with pytest.raises(UsageError, match="declares no training"):
        resolve(spec_with(training=False))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('method = "munit"', "is for munit, not for fake"),
        ("method = 3", "method = 3: must be a name"),
        ("preset = []", r"preset = \[\]: must be a name"),
        ('preset = "qqq"', "no preset 'qqq'"),
        ('folders = "a"', "folders = 'a': must be a list of one or two folders"),
        ("folders = [1]", "folders = .* must be a list"),
        ('folders = ["a", "b", "c"]', "folders = .* must be a list"),
        ("gen.dmi = 3", r"recipe\.toml: unknown key 'gen\.dmi'"),
        ("gen = 3", r"recipe\.toml: unknown key 'gen'"),
        ("lr = []", r"recipe\.toml: lr = \[\]"),
    ],
)
def test_an_invalid_value_in_a_toml_file_is_an_error(write, text, message):
    with pytest.raises(UsageError, match=message):
        resolve(SPEC, file=write("recipe.toml", text))


def test_an_unknown_key_gets_a_suggestion_and_its_origin():
    with pytest.raises(UsageError, match=r"--set: unknown key 'gen\.dmi'") as caught:
        resolve(SPEC, assignments=["gen.dmi=4"])
    assert caught.value.hint == "Did you mean 'gen.dim'?"


def test_a_wrong_value_is_reported_with_the_layer_that_gave_it(write):
    file = write("recipe.toml", 'batch_size = "many"\n')
    with pytest.raises(UsageError, match=r"recipe\.toml: batch_size = 'many'"):
        resolve(SPEC, file=file, assignments=["lr=0.1"], options={"iterations": ("--iterations", 3)})
    assert resolve(SPEC, file=file, assignments=["batch_size=2"]).config.batch_size == 2


@pytest.mark.parametrize(
    ("assignment", "bounds"),
    [
        ("iterations=0", "at least 1"),
        ("ema=1", "below 1"),
        ("lr=nan", "finite"),
        ("lr=inf", "finite"),
        ("gen.dim=0", "at least 1"),
        ("batch_size=0", "at least 1"),
    ],
)
def test_a_number_out_of_range_is_an_error(assignment, bounds):
    with pytest.raises(UsageError, match=f"--set: .*must be {bounds}$"):
        resolve(SPEC, preset="tiny", assignments=[assignment])


def test_a_contradiction_is_reported_with_the_layer_that_causes_it(write):
    with pytest.raises(UsageError, match=r"^--iterations: decay_from is 100, after the end") as caught:
        resolve(SPEC, assignments=["lr=0.1"], options={"iterations": ("--iterations", 50), "seed": ("--seed", 1)})
    assert caught.value.hint == "Lower it."


def test_the_word_none_means_no_value_only_for_optional_values():
    recipe = resolve(SPEC, assignments=["decay_from=none", "gen.activ=none"])
    assert recipe.config.decay_from is None
    assert recipe.config.gen.activ == "none"
    with pytest.raises(UsageError, match="--set: lr = 'none'"):
        resolve(SPEC, assignments=["lr=none"])


finite = st.floats(0, 1e300)
counts = st.integers(1, 2**63)
configs = st.builds(
    Config,
    iterations=counts,
    lr=finite,
    ema=st.floats(0, 1, exclude_max=True),
    gen=st.builds(Networks, dim=counts, activ=st.sampled_from(["relu", "lrelu", "none"])),
    decay_from=st.none() | st.just(1),
    cycle_w=finite,
    layers=st.lists(st.text()).map(tuple),
    data=st.builds(DataConfig, domain_a=st.text(), domain_b=st.text(), flip=st.booleans(), new_size=counts),
)


@given(configs, st.sampled_from(["full", "tiny"]), st.lists(st.text(min_size=1), max_size=2))
def test_a_recipe_is_read_back_from_its_file_unchanged(tmp_path_factory, config, preset, folders):
    recipe = dataclasses.replace(resolve(SPEC, preset=preset), config=config, folders=tuple(map(Path, folders)))
    file = tmp_path_factory.mktemp("run") / "config.toml"
    file.write_bytes(to_toml(recipe).encode())
    again = resolve(SPEC, file=file)
    assert (again.method, again.preset, again.config, again.folders) == ("fake", preset, config, recipe.folders)
    assert set(again.origins.values()) == {str(file)}


def test_the_file_of_a_recipe_holds_every_value():
    recipe = resolve(SPEC)
    written = tomllib.loads(to_toml(recipe))
    assert written["gen"] == {"dim": 64, "activ": "relu"}
    assert written["method"] == "fake"
    assert len(written) == 3 + len(dataclasses.fields(Config))


def test_values_that_checkpoints_do_not_depend_on_may_change_and_are_listed():
    new = resolve(SPEC, assignments=["lr=0.5", "ema=0.9", "batch_size=4", "cycle_w=5", "data.workers=0"]).config
    assert set(map(str, changes(SPEC.training.presets["full"], new))) == {
        "lr: 0.0001 -> 0.5",
        "ema: 0.999 -> 0.9",
        "batch_size: 1 -> 4",
        "cycle_w: 10.0 -> 5.0",
        "data.workers: 2 -> 0",
    }


@pytest.mark.parametrize(
    "assignment", ["seed=1", "gen.dim=32", "gen.activ=lrelu", "pool_size=0", "data.crop_width=64", "ema=0"]
)
def test_values_that_a_checkpoint_depends_on_may_not_change(assignment):
    new = resolve(SPEC, assignments=[assignment, "lr=0.5"]).config
    key, _, value = assignment.partition("=")
    with pytest.raises(UsageError, match=f"cannot change {key}: .* -> .*{value}") as caught:
        changes(SPEC.training.presets["full"], new)
    assert "0.5" not in str(caught.value)


def test_averaging_cannot_start_in_a_resumed_run():
    with pytest.raises(UsageError, match="cannot change ema: 0"):
        changes(resolve(SPEC, assignments=["ema=0"]).config, resolve(SPEC).config)


def test_a_resumed_run_keeps_its_values(write):
    resumed = write("config.toml", to_toml(resolve(SPEC, preset="tiny", assignments=["lr=0.5", "cycle_w=3"])))
    recipe = resolve(
        SPEC, resumed=resumed, preset="tiny", file=write("more.toml", "cycle_w = 4"), assignments=["seed=0"]
    )
    assert (recipe.preset, recipe.config.lr, recipe.config.cycle_w) == ("tiny", 0.5, 4)
    assert recipe.origins["lr"] == str(resumed)


def test_a_resumed_run_keeps_its_preset(write):
    resumed = write("config.toml", to_toml(resolve(SPEC, preset="tiny")))
    with pytest.raises(UsageError, match="began with the preset tiny, not full"):
        resolve(SPEC, resumed=resumed, preset="full")
    with pytest.raises(UsageError, match="began with the preset tiny, not full"):
        resolve(SPEC, resumed=resumed, file=write("more.toml", 'preset = "full"'))


def test_the_folders_come_from_the_last_file_that_names_any(write):
    resumed = write("config.toml", 'folders = ["a", "b"]')
    assert resolve(SPEC, resumed=resumed, file=write("more.toml", "seed = 0")).folders == (Path("a"), Path("b"))
    assert resolve(SPEC, resumed=resumed, file=write("other.toml", 'folders = ["c"]')).folders == (Path("c"),)


def test_resolving_imports_nothing_heavy():
    code = (
        "import sys, imgxlate.training.recipes; print({'torch', 'numpy', 'PIL', 'yaml', 'pydantic'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_last_of_epochs_and_iterations_counts(tmp_path):
    spec, file = registry.find("munit"), tmp_path / "mine.toml"
    file.write_text("epochs = 3\n")
    epochs = resolve(spec, file=file)
    assert (epochs.config.epochs, epochs.origins["epochs"]) == (3, str(file))
    steps = resolve(spec, file=file, options={"iterations": ("--iterations", 7)})
    assert (steps.config.epochs, steps.config.iterations, steps.origins["epochs"]) == (None, 7, "--iterations")
    file.write_text("iterations = 9\n")
    assert resolve(spec, file=file, assignments=["epochs=2"]).config.epochs == 2


def test_epochs_and_iterations_from_one_origin_are_an_error(tmp_path):
    spec, file = registry.find("munit"), tmp_path / "mine.toml"
    file.write_text("epochs = 3\niterations = 7\n")
    with pytest.raises(UsageError, match=r"mine\.toml: epochs and iterations exclude each other"):
        resolve(spec, file=file)
    with pytest.raises(UsageError, match="--epochs and --iterations exclude each other"):
        resolve(spec, options={"iterations": ("--iterations", 7), "epochs": ("--epochs", 7)})
    with pytest.raises(UsageError, match="epochs = 0: must be at least 1"):
        resolve(spec, options={"epochs": ("--epochs", 0)})


def test_epochs_become_steps_rounded_up_and_the_written_file_holds_the_steps(tmp_path):
    spec, file = registry.find("munit"), tmp_path / "config.toml"
    options = {"epochs": ("--epochs", 3), "batch_size": ("--batch-size", 2)}
    recipe = without_epochs(resolve(spec, options=options), 5)
    assert (recipe.config.iterations, recipe.config.epochs, recipe.origins["iterations"]) == (8, None, "--epochs")
    file.write_text(to_toml(recipe))
    assert resolve(spec, file=file).config == recipe.config

"""Finding and loading models, and the originals' configuration files."""

import shutil
from dataclasses import replace

import pytest
import torch

import imgxlate
from imgxlate import checkpoint
from imgxlate.errors import CheckpointError, UsageError, WeightsError
from imgxlate.inference.device import Arithmetic
from imgxlate.inference.loading import ModelFile, find_model, import_model, load_model
from imgxlate.inference.model import Model
from imgxlate.methods import registry
from imgxlate.methods.cyclegan.config import CycleganConfig
from imgxlate.methods.cyclegan.networks import Generator
from imgxlate.methods.original_files import read_options
from imgxlate.paths import RUN_BEST, RUN_MODEL
from imgxlate.weights.store import Store

CPU = torch.device("cpu")


class OneWay:
    targets = ("B",)


class BothWays:
    targets = ("B", "A")


MODEL = Model(registry.find("cyclegan"), "horse2zebra", OneWay(), ("horse", "zebra"), CPU, Arithmetic())


def never(card):
    raise AssertionError(f"{card.name} was downloaded")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: [", "is not plain YAML"),
        (b"!!python/object/apply:os.system ['true']", "is not plain YAML"),
        (b"- 1", "holds no configuration"),
        (b"\xff\xfe\x00", "is not plain YAML"),
        (b"dim: 2001-13-01", "is not plain YAML: month must be"),
        (b"dim: !!int foo", "is not plain YAML: invalid literal"),
        (b"dim: !!int ''", "is not plain YAML"),
        (b"dim: !!bool foo", "is not plain YAML"),
        (b"dim: !!timestamp foo", "is not plain YAML"),
        (b"[" * 3000, "is not plain YAML: it is nested too deeply"),
    ],
)
def test_a_configuration_that_is_not_a_plain_mapping_is_refused(tmp_path, content, message):
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=f"config.yaml: {message}"):
        read_options(path)


def test_a_configuration_may_be_yaml_or_json(tmp_path):
    path = tmp_path / "config"
    for text in ("gen:\n  activ: relu\n", '{"gen": {"activ": "relu"}}'):
        path.write_text(text)
        assert read_options(path) == {"gen": {"activ": "relu"}}
    assert read_options(None) == {}


def test_a_domain_is_found_by_its_letter_or_its_name_in_any_case():
    assert {MODEL.target(name) for name in (None, "B", "b", "zebra", "Zebra")} == {"B"}
    assert MODEL.name_of("B") == "zebra"


def test_a_domain_that_the_model_does_not_translate_to_is_refused():
    with pytest.raises(UsageError, match="translates to zebra only, not to horse"):
        MODEL.target("horse")


def test_the_hint_for_an_unknown_domain_names_the_nearest_one_or_both():
    for name, hint in (("zebras", "'zebra'"), ("cow", "horse and zebra")):
        with pytest.raises(UsageError) as caught:
            MODEL.target(name)
        assert hint in caught.value.hint


def test_the_letters_mean_the_domains_even_if_these_have_each_others_letter_as_name():
    model = replace(MODEL, translator=BothWays(), domains=("b", "a"))
    assert [model.target(to) for to in ("A", "a", "B", "b")] == ["A", "A", "B", "B"]


def test_a_model_of_another_method_is_refused():
    with pytest.raises(WeightsError, match="horse2zebra"):
        find_model(registry.find("munit"), "horse2zebra", None, None, Store(), never)


def test_a_checkpoint_is_loaded_by_its_path(tmp_path):
    found = find_model(registry.find("munit"), None, tmp_path / "gen.pt", tmp_path / "config.yaml", Store(), never)
    assert (found.name, found.path, found.config) == ("gen.pt", tmp_path / "gen.pt", tmp_path / "config.yaml")


@pytest.fixture
def imported(golden, tmp_path):
    """Import files of the golden CycleGAN under a name and load the model as --model does."""
    spec = registry.find("cyclegan")

    def load(name, *files, **options):
        for file in files:
            shutil.copy(golden / "cyclegan" / file, tmp_path)
        import_model(spec, Store(), name, tmp_path / files[0], **options)
        for file in files:
            (tmp_path / file).unlink()
        found = find_model(spec, name, None, None, Store(), lambda card: Store().path(card, offline=True))
        return load_model(spec, found, CPU, Arithmetic())

    return load


@pytest.mark.parametrize(
    ("files", "targets"),
    [
        (("latest_net_G_A.pth",), ("B",)),
        (("latest_net_G_B.pth",), ("A",)),
        (("latest_net_G_A.pth", "latest_net_G_B.pth"), ("B", "A")),
        (("latest_net_G_B.pth", "latest_net_G_A.pth"), ("A", "B")),
    ],
)
def test_an_imported_model_keeps_its_directions_under_any_name(imported, files, targets):
    model = imported("zeb", *files, domains=("horse", "zebra"))
    assert (model.translator.targets, model.domains) == (targets, ("horse", "zebra"))


def test_an_imported_model_gives_the_same_images(imported, golden):
    image = torch.rand(1, 3, 16, 16) * 2 - 1
    model = imported("zeb", "latest_net_G_B.pth")
    original = load_model(
        registry.find("cyclegan"), ModelFile("x", golden / "cyclegan" / "latest_net_G_B.pth"), CPU, Arithmetic()
    )
    made, wanted = (next(one.translator.translate(image, "A", None)) for one in (model, original))
    assert torch.equal(made, wanted)


@pytest.mark.parametrize("method", ["munit", "unit"])
def test_an_imported_model_no_longer_needs_its_yaml(golden, tmp_path, method):
    spec, told = registry.find(method), []
    (tmp_path / "config.yaml").write_bytes((golden / method / "config.yaml").read_bytes().replace(b"relu", b"lrelu"))
    file = golden / method / "gen_00000001.pt"
    record = import_model(spec, Store(), "mine", file, config=tmp_path / "config.yaml", notify=told.append)
    (tmp_path / "config.yaml").unlink()
    assert (record.source, record.config, len(told)) == (str(file), None, 1)
    found = find_model(spec, "mine", None, None, Store(), lambda card: Store().path(card, offline=True))
    assert load_model(spec, found, CPU, Arithmetic()).translator.config.activ == "lrelu"


def test_a_model_of_ours_that_is_imported_keeps_the_names_of_its_domains(imported, tmp_path):
    model = imported("zeb", "latest_net_G_A.pth", domains=("horse", "zebra"))
    copy = shutil.copy(Store().file(Store().record("zeb")), tmp_path)
    record = import_model(registry.find("cyclegan"), Store(), "again", tmp_path / copy)
    assert record.card.domains == model.domains


def test_a_published_file_is_kept_unchanged_under_its_card(golden):
    file, config = golden / "munit" / "gen_00000001.pt", golden / "munit" / "config.yaml"
    record = import_model(registry.find("munit"), Store(), "edges2shoes", file, config=config)
    assert record.card.name == "munit-edges2shoes"
    assert Store().file(record).read_bytes() == file.read_bytes()
    assert Store().config("munit-edges2shoes").read_bytes() == config.read_bytes()


def test_files_without_a_model_are_not_imported(golden):
    with pytest.raises(CheckpointError, match="discriminator"):
        import_model(registry.find("munit"), Store(), "mine", golden / "munit" / "dis_00000001.pt")
    assert Store().records() == ()


@pytest.mark.parametrize(("content", "reason"), [("gen: {1: 2}", "unknown key 1"), ("dis: {}", "no section 'gen'")])
def test_an_error_in_a_yaml_names_the_file(golden, tmp_path, content, reason):
    (tmp_path / "munit.yaml").write_text(content)
    file = ModelFile("mine", golden / "munit" / "gen_00000001.pt", tmp_path / "munit.yaml")
    with pytest.raises(UsageError, match=rf"munit.yaml: .*{reason}"):
        load_model(registry.find("munit"), file, CPU, Arithmetic())


def test_float32_on_cuda_is_made_exact_before_a_model_is_placed(golden, monkeypatch):
    asked = []
    monkeypatch.setattr("imgxlate.inference.loading.require_exact", lambda *where: asked.append(where))
    file = ModelFile("mine", golden / "cyclegan" / "latest_net_G_A.pth")
    load_model(registry.find("cyclegan"), file, CPU, Arithmetic())
    assert asked == [(CPU, torch.float32)]


@pytest.fixture
def evaluated_run(generators, tmp_path):
    """The folder of a run with its last model after 8 steps and its best after 6."""
    _, tensors, header = generators("munit")
    for name, step in ((RUN_MODEL, 8), (RUN_BEST, 6)):
        checkpoint.write(tmp_path / "run" / name, tensors, header | {"step": step})
    return tmp_path / "run"


def test_a_run_gives_its_best_model_and_says_so_or_its_last_if_it_has_no_best(evaluated_run):
    said = []
    assert imgxlate.load("munit", checkpoint=evaluated_run, notify=said.append).step == 6
    assert imgxlate.load("munit", checkpoint=evaluated_run / RUN_MODEL, notify=said.append).step == 8
    (evaluated_run / RUN_BEST).unlink()
    assert imgxlate.load("munit", checkpoint=evaluated_run, notify=said.append).step == 8
    assert said == [
        f"{evaluated_run}: the best model, of step 6; for the last one, give {evaluated_run / RUN_MODEL}",
        f"{evaluated_run}: the last model, of step 8",
    ]


def test_the_best_model_of_a_run_is_imported_and_the_choice_is_told(evaluated_run):
    said = []
    import_model(registry.find("munit"), Store(), "mine", evaluated_run, notify=said.append)
    assert said[0].startswith(f"{evaluated_run}: the best model, of step 6")
    assert imgxlate.load("munit", model="mine").domains == ("summer", "winter")


def test_a_model_knows_the_networks_and_the_statistics_that_were_chosen(tmp_path):
    network = Generator(CycleganConfig(ngf=4, n_blocks=2, norm="batch", bias=False))
    torch.save({f"mine.{name}": tensor for name, tensor in network.state_dict().items()}, tmp_path / "net.pth")
    loaded = imgxlate.load(
        "cyclegan", checkpoint=tmp_path / "net.pth", generator="mine", norm_statistics="running", device="cpu"
    )
    assert (loaded.generators, loaded.norm_statistics) == (("mine",), "running")

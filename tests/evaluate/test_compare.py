"""Entrants at work on the inputs of a comparison."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from imgxlate.errors import ImageError, UsageError
from imgxlate.evaluate.collection import Collection
from imgxlate.evaluate.compare import Terms, begin, card_of, facts, headers
from imgxlate.evaluate.distances import ALL_PAIRS, MUNIT_PAIRS, Pairs
from imgxlate.evaluate.entrants import choose
from imgxlate.evaluate.measuring import STYLES, Instruments
from imgxlate.evaluate.painters import Circumstances
from imgxlate.images.decode import decode
from imgxlate.images.inputs import Source
from imgxlate.images.outputs import Existing, Job, Target, plan_jobs
from imgxlate.inference import style_codes
from imgxlate.inference.loading import ModelFile, load_model
from imgxlate.methods import registry
from imgxlate.paths import assets_dir
from imgxlate.weights import cards

CPU = torch.device("cpu")
GENERATORS = {"munit": "gen_00000001.pt", "unit": "gen_00000001.pt", "cyclegan": "latest_net_G_A.pth"}


@dataclass
class MeanColour:
    """Tells pictures apart by their mean colours, and keeps those that it was asked about."""

    seen: list
    name = title = how = "mean-colour"

    def look(self, image, size):
        return (image.mean(dim=(0, 2, 3)),)

    def between(self, first, second):
        self.seen.append((first, second))
        return float((first[0] - second[0]).abs().sum())


@dataclass
class Colours:
    """Every picture's mean colour as its features."""

    frechet_name, kernel_name, how, channels = "fd", "kd", "mean colours", 3

    def __call__(self, images):
        return torch.stack([torch.tensor(image.rgb.mean(axis=(0, 1))) for image in images])


@pytest.fixture
def inputs(photo):
    return [Source(photo(f"in/{name}.png", seed=seed)) for seed, name in enumerate("abc")]


@pytest.fixture
def start(golden, tmp_path, inputs):
    """An entrant that is ready, and its jobs."""

    def build(method, instruments=None, *, n_styles=2, size=None, sources=inputs, shown=24, path=None, to=None):
        (entry,) = choose([method], [], [], painted=False)
        terms = Terms(n_styles, size, seed=7)
        collection = Collection(sources, headers([entry], terms), shown)
        common = Circumstances(CPU, torch.float32, to, (), 7)
        file = path or golden / method / GENERATORS[method]
        trial = begin(
            entry, ModelFile(file.name, file), common, terms, instruments or Instruments(ALL_PAIRS), collection
        )
        existing = Existing.OVERWRITE
        return trial, plan_jobs(sources, f"{tmp_path}/out/", entry.key, len(terms.styles(entry)), existing)

    return build


def worked(trial, jobs):
    for job in jobs:
        trial.run(job)
    return trial.entrant()


def test_the_pictures_are_those_that_translating_with_the_same_seed_gives(start, golden, pixels):
    trial, jobs = start("munit")
    (first, second), *_ = [trial.run(job) for job in jobs]
    assert (first.style, second.style) == (0, 1)
    model = load_model(
        registry.find("munit"),
        ModelFile("m", golden / "munit" / GENERATORS["munit"]),
        CPU,
        torch.float32,
    )
    codes = torch.tensor(style_codes.sample(2, model.translator.style_dim, 7).codes)
    for made, picture in zip(
        (first, second), model.translate_array(decode(jobs[0].source.path), "B", codes), strict=True
    ):
        assert np.array_equal(pixels(made.file), picture.rgb)


def test_an_entrants_numbers_are_the_means_of_its_pictures(start):
    trial, jobs = start("munit")
    made = [picture for job in jobs for picture in trial.run(job)]
    numbers = trial.entrant().numbers
    assert set(numbers) == {"seconds", "memory"}
    assert numbers["seconds"] == pytest.approx(np.mean([picture.numbers["seconds"] for picture in made]))


@pytest.mark.parametrize("method", ["unit", "cyclegan"])
def test_a_deterministic_method_has_diversity_zero_exactly_and_that_is_measured(start, method):
    distance = MeanColour([])
    entrant = worked(*start(method, Instruments(ALL_PAIRS, distance=distance)))
    assert entrant.numbers["mean-colour"] == 0.0
    assert len(distance.seen) == 3


def test_diversity_takes_all_pairs_of_styles_drawn_for_each_input(start):
    distance = MeanColour([])
    entrant = worked(*start("munit", Instruments(ALL_PAIRS, distance=distance)))
    assert entrant.numbers["mean-colour"] > 0
    assert len(distance.seen) == 3 * STYLES * (STYLES - 1) / 2


def test_the_protocol_of_munit_takes_19_pairs_of_each_of_the_first_inputs(start):
    distance = MeanColour([])
    pairs = Pairs(inputs=2, each=MUNIT_PAIRS.each)
    worked(*start("munit", Instruments(pairs, distance=distance)))
    assert len(distance.seen) == 2 * 19
    assert len({tuple(side[0].tolist()) for pair in distance.seen for side in pair}) == 2 * 38


def test_diversity_depends_on_neither_names_nor_order_of_the_inputs(start, inputs, photo):
    instruments = Instruments(ALL_PAIRS, distance=MeanColour([]))
    other = [Source(photo(f"other/{name}.png", seed=seed)) for seed, name in ((2, "x"), (0, "y"), (1, "z"))]
    one, two = (worked(*start("munit", instruments, sources=sources)) for sources in (inputs, other))
    assert one.numbers["mean-colour"] == pytest.approx(two.numbers["mean-colour"], rel=1e-12)


@pytest.mark.parametrize("method", ["munit", "unit"])
def test_the_set_that_is_held_against_real_pictures_has_one_of_each_input(start, method):
    features = Colours()
    real = torch.rand(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 255
    trial, jobs = start(method, Instruments(ALL_PAIRS, features=features, real=real))
    held = []
    add = trial.tally.add_to_set
    trial.tally.add_to_set = lambda picture: (held.append(picture), add(picture))
    entrant = worked(trial, jobs)
    assert len(held) == 3
    assert entrant.numbers["fd"] > 0
    assert {"kd", "kd-deviation"} <= set(entrant.numbers)


def test_without_enough_pictures_there_is_no_distance_of_sets(start, inputs):
    instruments = Instruments(ALL_PAIRS, features=Colours(), real=torch.rand(5, 3))
    numbers = worked(*start("unit", instruments, sources=inputs[:1])).numbers
    assert (numbers["fd"], numbers["kd"]) == (None, None)


def test_inputs_are_made_smaller_where_that_is_asked_for(start, pixels):
    trial, jobs = start("unit", size=24)
    (made,) = trial.run(jobs[0])
    assert pixels(made.file).shape[:2] == (24, 32)


def test_the_grid_shows_the_first_inputs_and_leaves_places_empty_where_nothing_was_made(start, inputs):
    trial, jobs = start("unit", shown=2)
    for job in jobs[1:]:
        trial.run(job)
    assert [row.input for row in trial.collection.rows] == [source.path for source in inputs[1:]]
    two = trial.collection.sheet().size[0]
    trial.run(jobs[0])
    assert len(trial.collection.rows) == 3
    assert trial.collection.sheet().size[0] == two


def test_an_input_that_cannot_be_read_leaves_no_row(start, inputs):
    inputs[1].path.write_bytes(b"no picture")
    trial, jobs = start("unit")
    trial.run(jobs[0])
    with pytest.raises(ImageError, match=r"b\.png"):
        trial.run(jobs[1])
    assert len(trial.collection.rows) == 1


def test_a_domain_that_a_model_does_not_have_is_refused_before_any_work(start):
    with pytest.raises(UsageError, match="has no domain 'winter'"):
        start("unit", to="winter")


def test_the_settings_say_where_to_it_translates(start):
    trial, _ = start("unit", to="A")
    assert trial.entrant().settings == {"to": "A"}


def test_a_card_is_what_ships_with_the_model_or_what_is_known_of_it():
    assert card_of("vgg19") == (assets_dir() / "vgg19.md").read_text()
    known = cards.find("cyclegan-horse2zebra")
    for part in (known.name, known.summary, known.licence, known.page, known.citation):
        assert part in card_of("horse2zebra")
    assert card_of("gen_00000001.pt") is None


def test_a_file_of_the_users_has_no_card_whatever_its_name(start, golden, tmp_path):
    path = tmp_path / "cyclegan-horse2zebra"
    path.write_bytes((golden / "cyclegan" / GENERATORS["cyclegan"]).read_bytes())
    trial, _ = start("cyclegan", path=path)
    assert trial.entrant().card is None
    assert card_of(path.name) is not None


def test_the_facts_say_what_gives_the_same_again():
    told = facts(Circumstances(CPU, torch.bfloat16, None, (), 7), Terms(2, 256, 7), "12")
    assert (told["precision"], told["seed"], told["inputs"]) == ("bfloat16", "7", "12")
    assert "256" in told["size of inputs"]


def test_columns_are_headed_by_entrant_and_style():
    entries = choose(["munit", "unit"], [], [], painted=False)
    assert list(headers(entries, Terms(2, None, 0)).values()) == ["MUNIT, style 00", "MUNIT, style 01", "UNIT"]


def test_standard_input_and_output_are_no_files(start, tmp_path):
    trial, jobs = start("unit")
    with pytest.raises(ValueError, match="read only once"):
        trial.run(Job(Source(None), jobs[0].targets))
    with pytest.raises(ValueError, match="go to files"):
        trial.run(Job(jobs[0].source, (Target(0, None),)))
    assert not Path(tmp_path / "out").exists()

"""Comparing methods: each makes pictures of the same inputs, one method after the other, and all are measured alike."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import torch

from imgxlate import __version__, paths
from imgxlate.callbacks import ignore
from imgxlate.errors import WeightsError
from imgxlate.evaluate.collection import Collection, Column
from imgxlate.evaluate.comparison import Entrant, Made, heading
from imgxlate.evaluate.cost import Meter
from imgxlate.evaluate.distances import ALL_PAIRS
from imgxlate.evaluate.entrants import Entry
from imgxlate.evaluate.measuring import AGAIN, Instruments, Tally, mean
from imgxlate.evaluate.painters import Circumstances, Painter, Watch, load, warm_up
from imgxlate.images.decode import decode
from imgxlate.images.encode import save
from imgxlate.images.image_array import ImageArray
from imgxlate.images.outputs import Job, Target
from imgxlate.inference import style_codes
from imgxlate.inference.loading import ModelFile
from imgxlate.inference.translation import resized
from imgxlate.training import seeding
from imgxlate.weights.cards import Card
from imgxlate.weights.store import Store


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for every entrant of a comparison."""

    n_styles: int  # pictures of an input to keep, of a method with styles
    size: int | None  # shorter side of the inputs in pixels; None: as they are
    seed: int

    def styles(self, entry: Entry) -> Sequence[int | None]:
        """The styles of the pictures to keep."""
        return range(self.n_styles) if entry.has_styles else (None,)


def headers(entries: Sequence[Entry], terms: Terms) -> dict[Column, str]:
    """The columns of a comparison and what stands above them."""
    return {(entry.key, style): heading(entry.title, style) for entry in entries for style in terms.styles(entry)}


@dataclass(slots=True)
class Trial:
    """One entrant at work on the inputs."""

    entry: Entry
    painter: Painter
    terms: Terms
    instruments: Instruments
    meter: Meter
    collection: Collection
    tally: Tally
    card: str | None  # of its model, in Markdown
    done: int = 0  # inputs

    def run(self, job: Job, look: Callable[[ImageArray], None] = ignore, watch: Watch = ignore) -> list[Made]:
        """Make, write and measure the pictures of one input, which `look` is shown first.

        Raises:
            ImageError: the input cannot be read.
            OutputError: a picture cannot be written.
        """
        content = resized(decode(_path(job)), self.terms.size)
        look(content)
        numbers_of = self.instruments.of_single(content)
        kept = self.terms.styles(self.entry)
        outputs = self.meter.watch(self.painter.paint(content, self._codes(content), watch))
        made, picture = [], content
        # In this order: what is drawn beyond the pictures to keep is left to be counted.
        for target, style, (picture, cost) in zip(job.targets, kept, outputs, strict=False):
            found = Made(self.entry.key, _write(picture, target), style, numbers_of(picture) | cost.numbers)
            self.collection.add(job.source, content, found, picture)
            made.append(found)
        self._count(content, picture, (picture for picture, _ in outputs))
        self.done += 1
        return made

    def entrant(self) -> Entrant:
        """The entrant with the means of its pictures' numbers, and those of the sets."""
        made = [made for row in self.collection.rows for made in row.made if made.entrant == self.entry.key]
        names = dict.fromkeys(name for picture in made for name in picture.numbers)
        means = {name: mean(picture.numbers[name] for picture in made) for name in names}
        return Entrant(
            key=self.entry.key,
            title=self.entry.title,
            model=self.painter.model,
            settings={**self.painter.settings, **self.entry.settings},
            card=self.card,
            numbers=means | self.tally.numbers(self.terms.seed),
        )

    def _codes(self, content: ImageArray) -> Sequence[style_codes.Code]:
        """The styles of the pictures to keep, the same for all inputs, and those that are drawn for this input alone.

        The latter follow from the input's pixels, so that neither its name nor its place among others matters.
        """
        if self.painter.style_dim is None:
            return ()
        own = seeding.derived(self.terms.seed, hashlib.sha256(content.rgb.tobytes()).hexdigest())
        counts = len(self.terms.styles(self.entry)), self.instruments.draws(self.done)
        kept, drawn = (
            style_codes.sample(count, self.painter.style_dim, seed)
            for count, seed in zip(counts, (self.terms.seed, own), strict=True)
        )
        return (*kept.codes, *drawn.codes)

    def _count(self, content: ImageArray, picture: ImageArray, drawn: Iterator[ImageArray]) -> None:
        """Count what is measured of several pictures together: `drawn` ones where there are styles, or `picture`."""
        if self.painter.style_dim is not None:
            for first in islice(drawn, 1):
                self.tally.add_to_set(first)
                self.tally.add_outputs(chain([first], drawn), self.instruments.pairs)
            return
        self.tally.add_to_set(picture)
        if self.entry.config is None and self.done < AGAIN:
            self.tally.add_outputs(chain([picture], self.painter.paint(content, (), ignore)), ALL_PAIRS)


def begin(
    entry: Entry,
    file: ModelFile,
    common: Circumstances,
    terms: Terms,
    instruments: Instruments,
    collection: Collection,
) -> Trial:
    """Load an entrant, ready to work.

    Raises:
        CheckpointError: the file is damaged, or holds something else.
        UsageError: the model does not translate to that domain, or the configuration asks for what its network lacks.
    """
    meter = Meter(common.device)  # Before the model is there, to count it in.
    painter = load(entry, file, common)
    if entry.config is None:
        warm_up(painter)
    return Trial(entry, painter, terms, instruments, meter, collection, Tally(instruments), _card(file))


def facts(common: Circumstances, terms: Terms, inputs: str) -> dict[str, str]:
    """What the same numbers take again, beside the inputs, the entrants and how each measure is taken.

    `inputs` says how many there are.
    """
    size = "their own" if terms.size is None else f"shorter side {terms.size} pixels"
    return {
        "imgxlate": __version__,
        "torch": torch.__version__,
        "device": _device_name(common.device),
        "precision": str(common.dtype).removeprefix("torch."),
        "seed": str(terms.seed),
        "inputs": inputs,
        "size of inputs": size,
        "pictures of an input, of methods with styles": str(terms.n_styles),
    }


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"{device} ({torch.get_num_threads()} threads)" if device.type == "cpu" else str(device)


def card_of(name: str) -> str | None:
    """The card of a model, in Markdown: what ships with it, or what is known of it by name; None: nothing is."""
    try:
        card = Store().find(name)
    except WeightsError:
        return None
    return card.document.read_text(encoding="utf-8") if card.document else _described(card)


def _card(file: ModelFile) -> str | None:
    """The card of a model that ships or is in the store; a file of the user's is none of those, whatever its name."""
    kept = (paths.assets_dir(), Store().root)
    return card_of(file.name) if any(file.path.is_relative_to(folder) for folder in kept) else None


def _described(card: Card) -> str:
    facts = {"Licence": card.licence, "Source": card.page, "Paper": card.citation}
    lines = "".join(f"- {name}: {value}\n" for name, value in facts.items() if value)
    return f"# {card.name}\n\n{card.summary}\n\n{lines}"


def _path(job: Job) -> Path:
    """The file of an input; what came through standard input has been put into one."""
    if job.source.path is None:
        raise ValueError("standard input can be read only once")
    return job.source.path


def _write(picture: ImageArray, target: Target) -> Path:
    if target.path is None:
        raise ValueError("pictures of a comparison go to files")
    save(picture, target.path)
    return target.path

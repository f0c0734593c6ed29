"""Loads torch, models and weights, with a progress bar for downloads."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from imgxlate import threads
from imgxlate.cli import interrupts
from imgxlate.cli.options import Settings
from imgxlate.cli.output import Output
from imgxlate.cli.progress import Bar
from imgxlate.methods import registry
from imgxlate.methods.spec import Capability
from imgxlate.weights.cards import Card
from imgxlate.weights.store import Store

if TYPE_CHECKING:
    from imgxlate.inference.model import Model
    from imgxlate.inference.stylization import StyleTransfer
    from imgxlate.methods.spec import MethodConfig, MethodSpec
    from imgxlate.nn import NormStatistics
    from imgxlate.training.start import Start


def fetch(output: Output, store: Store, card: Card, *, offline: bool) -> Path:
    """The file of a card's weights, downloaded first if it is missing.

    Raises:
        WeightsError: as `Store.path`.
    """
    with Bar(output, card.name, card.size, "bytes").shown() as bar:
        return store.path(card, offline=offline, progress=bar.update, notify=output.note)


def import_torch(out: Output) -> None:
    """Import torch, without interruption. A note will tell the user when algorithms are measured."""
    threads.limit_waiting()
    with interrupts.held():
        from imgxlate.nn import algorithms
    algorithms.choices.notify = out.note


def load_model(
    out: Output,
    spec: "MethodSpec",
    name: str | None,
    checkpoint: Path | None,
    config: Path | None,
    settings: Settings,
    *,
    norm_statistics: "NormStatistics | None" = None,
    generators: Sequence[str] = (),
    to: str | None = None,
) -> "Model":
    """The model that `--model` or `--checkpoint` names, or the bundled one for `to`; downloaded if it is missing.

    `generators` are the networks to take from an original's file, by their names in it.

    Raises:
        ImgxlateError: as `imgxlate.load`.
    """
    import_torch(out)
    import imgxlate

    with Bar(out, name or spec.name, None, "bytes").shown() as bar:
        model = imgxlate.load(
            spec.name,
            model=name,
            checkpoint=checkpoint,
            config=config,
            generator=generators,
            to=to,
            device=settings.device,
            precision=settings.precision,
            memory=settings.memory,
            offline=settings.offline,
            max_pixels=settings.limits.pixels,
            white=settings.limits.white,
            norm_statistics=norm_statistics,
            progress=bar.update,
            notify=out.note,
        )
    out.detail(f"{model.name} on {model.device} in {model.arithmetic}: {model.translator.config}")
    return model


def load_style_transfer(out: Output, config: "MethodConfig", features: str, settings: Settings) -> "StyleTransfer":
    """The style transfer of a configuration, with its feature network downloaded if it is missing.

    Raises:
        ImgxlateError: as `stylization.load`.
    """
    import_torch(out)
    from imgxlate.inference import stylization

    with Bar(out, features, None, "bytes").shown() as bar:
        transfer = stylization.load(
            registry.built_in(Capability.STYLIZE),
            config,
            features=features,
            device=settings.device,
            precision=settings.precision,
            memory=settings.memory,
            offline=settings.offline,
            max_pixels=settings.limits.pixels,
            white=settings.limits.white,
            progress=bar.update,
            notify=out.note,
        )
    out.detail(f"{features} on {transfer.device} in {transfer.arithmetic}: {config}")
    return transfer


def open_start(out: Output, spec: "MethodSpec", name: str, *, offline: bool) -> "Start":
    """The model that `imgxlate train --from` names, downloaded if it is missing.

    Raises:
        ImgxlateError: as `imgxlate.training.start.find`.
    """
    import_torch(out)
    from imgxlate.training import start

    with Bar(out, name, None, "bytes").shown() as bar:
        return start.find(spec, name, offline=offline, progress=bar.update, notify=out.note)

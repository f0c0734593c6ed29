"""`imgxlate weights`: what can be had by name, what is here, and whether it is whole."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from imgxlate.cli import complete, loading, options
from imgxlate.cli.commands.export import export
from imgxlate.cli.output import Output
from imgxlate.config import dotted
from imgxlate.errors import UsageError, WeightsError
from imgxlate.methods import registry
from imgxlate.methods.spec import Capability
from imgxlate.weights.cards import Card, cards
from imgxlate.weights.imports import find_card, import_file
from imgxlate.weights.records import Record
from imgxlate.weights.store import Store

app = typer.Typer(no_args_is_help=True, help="List, fetch, check, import and export weights.")
app.command("export")(export)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="A name from `imgxlate weights list`.", autocompletion=complete.weights)
]
Names = Annotated[
    list[str],
    typer.Argument(metavar="NAME", help="Names from `imgxlate weights list`.", autocompletion=complete.weights),
]


@app.command("list")
@options.command()
def list_weights(
    out: Output,
) -> None:
    """List all weights with a name: bundled, downloadable, fetched by hand, imported."""
    store = Store()
    found = [_row(store, card) for card in _all_cards(store)]
    if out.as_json:
        return out.document({"weights": found})
    columns = ("NAME", "METHOD", "SIZE", "STATUS", "SUMMARY")
    rows = [(w["name"], w["method"], _megabytes(w["size"]), w["status"], w["summary"]) for w in found]
    return out.table(columns, rows)


@app.command()
@options.command()
def info(
    out: Output,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE",
            help="A name from `imgxlate weights list`, a checkpoint of yours, or the folder of a run.",
            autocompletion=complete.weights,
        ),
    ],
) -> None:
    """Show a card: paper, license, source, hash, and path of the file. For a file: its contents and checksum."""
    row = _card_or_inspection(Store(), name)
    if out.as_json:
        return out.document(row)
    rows = [(key, _show(value)) for key, value in dotted(row).items() if value is not None]
    return out.table(("WHAT", "IS"), rows)


@app.command()
@options.command("offline")
def download(
    out: Output,
    names: Names,
    *,
    settings: options.Settings,
) -> None:
    """Download weights into the store. Intact files are not downloaded again."""
    store = Store()
    wanted = [store.find(name) for name in names]
    for card in wanted:
        out.note(f"{card.name}: {loading.fetch(out, store, card, offline=settings.offline)}")
    if out.as_json:
        out.document({"weights": [_row(store, card) for card in wanted]})


@app.command()
@options.command()
def verify(
    out: Output,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME", help="Weights to verify. Default: all that are here.", autocompletion=complete.weights
        ),
    ] = None,
) -> None:
    """Recompute the sha256 of the files. Exits with 5 if one is damaged."""
    found = Store().verify(names or None)
    if out.as_json:
        out.document({"weights": [asdict(result) | {"path": _text(result.path)} for result in found]})
    else:
        out.table(("NAME", "IS"), [(result.name, result.fault or "whole") for result in found])
    damaged = [result for result in found if result.fault]
    if damaged:
        raise WeightsError(
            f"{len(damaged)} of {len(found)} are not whole: {', '.join(result.name for result in damaged)}",
            hint=f"Type `{damaged[0].mend}`.",
        )


@app.command("import")
@options.command()
def import_weights(
    out: Output,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="A name of your choice, or the name of a card whose file you fetched by hand."
        ),
    ],
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A checkpoint of imgxlate or of an original implementation.")
    ],
    method: Annotated[
        str | None,
        typer.Option(
            help="The method of the model. Default: the card's.",
            autocompletion=complete.methods_with(Capability.TRANSLATE),
        ),
    ] = None,
    domains: Annotated[
        str | None, typer.Option(metavar="A,B", help="Names of the two domains, such as summer,winter.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The original's yaml file, kept beside the checkpoint.")
    ] = None,
) -> None:
    """Put a file of yours into the store under a name, for `--model NAME`. The file is opened and checked first."""
    store = Store()
    card = find_card(name, method)
    of = method or (card.method if card else None)
    if of is None:
        raise UsageError(f"whose model is {file}?", hint="Add --method munit, unit or cyclegan.")
    record = _import(store, name, file, of, card, options.domain_pair(domains), config, out)
    if out.as_json:
        out.document(_row(store, store.find(record.name)))


@app.command()
@options.command("offline")
def path(
    out: Output,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="Name of the weights. Default: print the folder of the store.",
            autocompletion=complete.weights,
        ),
    ] = None,
    *,
    settings: options.Settings,
) -> None:
    """Print the path of a file of weights, after downloading it if it is missing."""
    store = Store()
    found = loading.fetch(out, store, store.find(name), offline=settings.offline) if name else store.root
    if out.as_json:
        out.document({"path": str(found)})
    else:
        out.line(str(found))


def _all_cards(store: Store) -> list[Card]:
    own = [record.card() for record in store.records() if record.name not in cards()]
    return [*cards().values(), *own]


def _row(store: Store, card: Card) -> dict[str, Any]:
    record = store.record(card.name)
    return asdict(card) | {
        "status": _status(store, card),
        "sha256": record.sha256 if record else card.sha256,
        "trust": record.trust if record else None,
        "path": _text(store.file(record) if record else card.asset),
        "document": _text(card.document),
    }


def _card_or_inspection(store: Store, name: str) -> dict[str, Any]:
    """What is known of weights by their name; else, of the file or the run's folder of that name, what is in it."""
    try:
        return _row(store, store.find(name))
    except WeightsError:
        if not os.path.exists(name):  # noqa: PTH110 (Path.exists raises for names that are too long)
            raise
    from imgxlate.export.inspection import inspect

    return asdict(inspect(Path(name)))


def _status(store: Store, card: Card) -> str:
    if card.bundled:
        return "bundled"
    if store.record(card.name):
        return "here"
    return "downloadable" if card.urls else "by hand"


def _import(
    store: Store,
    name: str,
    file: Path,
    method: str,
    card: Card | None,
    domains: tuple[str, str] | None,
    config: Path | None,
    out: Output,
) -> Record:
    """Open the file as the method will, and keep it.

    Raises:
        CheckpointError: it holds something else.
    """
    from imgxlate.inference.loading import check_features, import_model

    if card and card.kind == "metric":  # The store refuses another file than the published one by its hash.
        return import_file(store, card.name, file, notify=out.note)
    if card and card.kind == "features":
        check_features(registry.find(method, Capability.STYLIZE), file)
        return import_file(store, card.name, file, notify=out.note)
    spec = registry.find(method, Capability.TRANSLATE)
    return import_model(spec, store, name, file, domains=domains, config=config, notify=out.note)


def _megabytes(size: int | None) -> str:
    return "" if size is None else f"{size / 1e6:.1f} MB"


def _show(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)

"""`imgxlate weights`: list, show, download, verify, import and export weights."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from imgxlate import paths
from imgxlate.cli import complete, loading, options
from imgxlate.cli.commands.export import export
from imgxlate.cli.output import Output
from imgxlate.config import dotted
from imgxlate.errors import WeightsError
from imgxlate.methods.spec import Capability
from imgxlate.weights.store import Store

_SHOWN = 8  # names of tensors that are left over

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
    found = [store.describe(card) for card in store.cards().values()]
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
    """Show a card: paper, license, source, hash, and path of the file.

    For a file: its contents, its checksum, and each layer with the tensors that were taken for it.
    """
    row = _card_or_inspection(Store(), name)
    if out.as_json:
        return out.document(row)
    networks, left = row.pop("networks", ()), row.get("left_over", [])
    if len(left) > _SHOWN:
        row["left_over"] = [*left[:_SHOWN], f"and {len(left) - _SHOWN} more"]
    rows = [(key, _show(value)) for key, value in dotted(row).items() if value is not None and value != []]
    out.table(("KEY", "VALUE"), rows)
    for network in networks:
        out.line("")
        out.line(network["name"])
        layers = [(each["layer"], each["module"], ", ".join(each["tensors"])) for each in network["layers"]]
        out.table(("LAYER", "TAKEN FOR", "TENSORS IN THE FILE"), layers)
    return None


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
        out.document({"weights": [store.describe(card) for card in wanted]})


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
    """Recompute the sha256 of the files. Exits with 5 if one is damaged or missing."""
    found = Store().verify(names or None)
    if out.as_json:
        out.document({"weights": [asdict(result) | {"path": result.path and str(result.path)} for result in found]})
    else:
        out.table(("NAME", "STATUS"), [(result.name, result.fault or "intact") for result in found])
    faulty = [result for result in found if result.fault]
    if faulty:
        raise WeightsError(
            f"{len(faulty)} of {len(found)} are damaged or missing: {', '.join(result.name for result in faulty)}",
            hint=f"Type `{faulty[0].mend}`.",
        )


@app.command("import")
@options.command("overwrite")
def import_weights(
    out: Output,
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="A name of your choice, or one that `weights list` marks as `by hand`."),
    ],
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A checkpoint of imgxlate or of an original, or the folder of a run, for its best model.",
        ),
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
    generator: options.Generators = None,
    *,
    settings: options.Settings,
) -> None:
    """Put a file of yours into the store under a name, for `--model NAME`. The file is opened and checked first."""
    loading.import_torch(out)
    from imgxlate.export.importing import import_weights as put

    store = Store()
    pair = options.domain_pair(domains)
    record = put(
        store,
        name,
        file,
        method=method,
        domains=pair,
        config=config,
        generators=generator or (),
        overwrite=settings.overwrite,
        notify=out.note,
    )
    if out.as_json:
        out.document(store.describe(store.find(record.card.name)))


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


def _card_or_inspection(store: Store, name: str) -> dict[str, Any]:
    """The facts of the weights of that name; if there are none, of the file or the run's folder of that name."""
    try:
        return store.describe(store.find(name))
    except WeightsError:
        if not paths.exists(name):
            raise
    from imgxlate.export.inspection import inspect

    return asdict(inspect(Path(name)))


def _megabytes(size: int | None) -> str:
    return "" if size is None else f"{size / 1e6:.1f} MB"


def _show(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)

"""`imgxlate data`: check, split and download training sets."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imgxlate.cli import complete, options
from imgxlate.cli.output import Output
from imgxlate.errors import BatchError

if TYPE_CHECKING:
    from imgxlate.data.check import DataReport, Duplicates, FolderReport

_SHOWN = 10  # files and groups in the lists; `--json` has all

app = typer.Typer(no_args_is_help=True, help="Check, split and download training sets.")

DataA = Annotated[
    Path,
    typer.Argument(metavar="DATA_A", help="Images of the first kind, or a folder that holds trainA and trainB."),
]
DataB = Annotated[Path | None, typer.Argument(metavar="DATA_B", show_default=False, help="Images of the second kind.")]


@app.command()
@options.command()
def check(
    out: Output,
    data_a: DataA,
    data_b: DataB = None,
    crop: Annotated[
        int, typer.Option(min=1, metavar="N", help="Count images whose shorter side is below this, in pixels.")
    ] = 256,
) -> None:
    """Find bad files, small images, duplicates, and test images that are trained on. Exits with 4 if a file is bad.

    Near-duplicates are found, too: copies that are re-encoded, resized, brightened, mirrored or slightly cropped.
    """
    from imgxlate import check_data
    from imgxlate.cli.progress import Bar

    with Bar(out, "check", None, "images").shown() as bar:
        report = check_data(data_a, data_b, crop=crop, progress=bar.update, notify=out.note)
    if out.as_json:
        out.document(report.to_json())
    else:
        _show_report(out, report)
        folders = shlex.join(str(folder) for folder in (data_a, data_b) if folder)
        out.note(_advice(report, folders))
    if report.bad:
        raise BatchError(
            f"files that cannot be used: {len(report.bad)} of {report.files}",
            hint="Training skips them. Remove them.",
        )


@app.command()
@options.command()
def split(
    out: Output,
    data_a: DataA,
    data_b: DataB = None,
    *,
    test: Annotated[
        str,
        typer.Option(metavar="SHARE|N", help="Test images of each kind: a share such as 10%, or a number."),
    ],
    folder: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="OUT", help="The new folder. It appears whole or not at all."),
    ],
    seed: Annotated[
        int, typer.Option(min=0, help="Seed for the choice. The same images and seed give the same split.")
    ] = 0,
    link: Annotated[bool, typer.Option("--link", help="Make hard links, which take no space, not copies.")] = False,
) -> None:
    """Copy a training set to a new folder, with test images set aside. Exits with 4 if a file is bad.

    OUT gets trainA, trainB, testA and testB, as `imgxlate train` takes them. Near-duplicates stay together, in training
    or in test. Images of testA and testB beside DATA_A are split again.
    """
    from imgxlate import split_data
    from imgxlate.cli.progress import Bar

    with Bar(out, "split", None, "images").shown() as bar:
        result = split_data(
            data_a,
            data_b,
            test=test,
            out=folder,
            seed=seed,
            link=link,
            progress=bar.update,
            notify=out.note,
        )
    bad = [{"file": str(file.path), "reason": file.reason} for file in result.bad]
    if out.as_json:
        out.document({"output": str(result.folder), "images": result.images, "bad": bad})
    else:
        out.table(("FOLDER", "IMAGES"), [(part, f"{count:,}") for part, count in result.images.items()])
        _show_list(out, ("BAD FILE", "REASON"), [(file["file"], file["reason"]) for file in bad])
        out.note(f"next: `imgxlate train METHOD {shlex.quote(str(result.folder))} --out RUN`")
    if bad:
        raise BatchError(f"files that cannot be used: {len(bad)}", hint="They are left out of the new folder.")


@app.command()
@options.command("offline")
def download(
    out: Output,
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="A name from `imgxlate data list`.", autocompletion=complete.public_sets),
    ],
    folder: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="OUT",
            help="The folder for the images, new or empty. Default: a folder in the data folder, IMGXLATE_DATA.",
        ),
    ] = None,
    *,
    settings: options.Settings,
) -> None:
    """Download a public data set and unpack it. Run the same command again to continue an interrupted download.

    The first download records the archive's sha256; later ones must have the same. Look at the license before you
    publish images or models.
    """
    from imgxlate import download_data
    from imgxlate.cli.progress import Bar
    from imgxlate.data import public_sets
    from imgxlate.data.download import describe

    card = public_sets.find(name)
    with Bar(out, card.name, card.size, "bytes").shown() as bar:
        found = download_data(name, out=folder, offline=settings.offline, progress=bar.update, notify=out.note)
    if out.as_json:
        out.document(describe(card))
    else:
        out.line(str(found))
        shown = shlex.quote(str(found))
        out.note(f"next: `imgxlate data check {shown}`, then `imgxlate train METHOD {shown} --out RUN`")


@app.command("list")
@options.command()
def list_sets(out: Output) -> None:
    """List the public data sets: size, license as far as known, and the folder of each one that was downloaded."""
    from imgxlate.data.download import describe
    from imgxlate.data.public_sets import public_sets

    found = [describe(card) for card in public_sets().values()]
    if out.as_json:
        return out.document({"sets": found})
    columns = ("NAME", "SIZE", "STATUS", "SUMMARY", "LICENSE")
    rows = [
        (card["name"], f"{card['size'] / 1e6:.0f} MB", card["path"] or card["status"], card["summary"], card["licence"])
        for card in found
    ]
    return out.table(columns, rows)


def _show_report(out: Output, report: "DataReport") -> None:
    columns = ("FOLDER", "IMAGES", "DISTINCT", "BAD", "WIDTH", "HEIGHT", f"BELOW {report.crop}", "MODES")
    out.table(columns, [_folder_cells(folder) for folder in report.folders])
    out.line(f"{report.distinct:,} distinct images among {report.files:,} files")
    if report.in_both_domains:
        out.line(f"distinct images that are in both training folders: {report.in_both_domains:,}")
    if report.trained_tests:
        out.line(f"test images that are also trained on: {len(report.trained_tests):,}")
    rows = [(str(file.path), file.reason) for file in report.bad]
    _show_list(out, ("BAD FILE", "REASON"), rows)
    _show_list(out, ("DUPLICATES", "FILES"), [(_kind(group), _names(group)) for group in _ordered(report)])


def _show_list(out: Output, columns: tuple[str, str], rows: list[tuple[str, str]]) -> None:
    """The first rows of a table, after an empty line. The rest is in `--json`."""
    if rows:
        out.line("")
        out.table(columns, rows if out.verbosity > 0 else rows[:_SHOWN])
    if len(rows) > _SHOWN and out.verbosity <= 0:
        out.note(f"and {len(rows) - _SHOWN} more: -v or --json lists all")


def _folder_cells(folder: "FolderReport") -> tuple[str, ...]:
    usable = folder.files - len(folder.bad)
    return (
        folder.part,
        f"{folder.files:,}",
        f"{folder.distinct:,}",
        f"{len(folder.bad):,}",
        *(" / ".join(f"{length:g}" for length in lengths or ()) for lengths in (folder.widths, folder.heights)),
        f"{folder.small / usable:.0%}" if usable else "",
        ", ".join(f"{mode} {count}" if len(folder.modes) > 1 else mode for mode, count in folder.modes.items()),
    )


def _ordered(report: "DataReport") -> list["Duplicates"]:
    """The groups of duplicates: first those that reach into the tests, then those of both domains, then the others."""
    return sorted(report.duplicates, key=lambda group: (not group.trained_tests, not group.in_both_domains))


def _kind(group: "Duplicates") -> str:
    return "same file" if group.is_exact else "mirrored" if group.has_mirrored else "near"


def _names(group: "Duplicates") -> str:
    return ", ".join(f"{part}/{file.name}" for file, part in zip(group.files, group.parts, strict=True))


def _advice(report: "DataReport", folders: str) -> str:
    if report.trained_tests or not any(folder.part.startswith("test") for folder in report.folders):
        why = "for tests that are not trained on" if report.trained_tests else "to set test images aside"
        return f"{why}: `imgxlate data split {folders} --test 10% --out OUT`"
    return f"next: `imgxlate train METHOD {folders} --out RUN`"

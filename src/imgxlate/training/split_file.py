"""`split.json`: the test images of a run. A resumed run keeps them, and never trains on those that it set aside.

    {"A": {"source": "set aside", "test": ["1.png", "more/7.png"]}, "B": {"source": "folder", "test": ["3.png"]}}

`source` says where the test images come from, as in `data.folders.Source`. The names are relative to the folder of the
training images, or to that of the test images. With the source "training" there are none.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from imgxlate import atomic
from imgxlate.callbacks import Notify
from imgxlate.data.folders import DomainImages, Folders, Source
from imgxlate.errors import CheckpointError, UsageError, unreadable
from imgxlate.methods.spec import DOMAINS, Domain

_NO_CHANGE = "Leave it out to continue the run, or start another run with another --out."


@dataclass(frozen=True, slots=True)
class _Kept:
    """The test images of a domain that a run began with."""

    source: Source
    names: frozenset[str]  # relative to the folder that `source` means


Split = dict[Domain, _Kept]


def read(path: Path) -> Split | None:
    """The split in a file; None if there is no file, as in runs of older versions.

    Raises:
        CheckpointError: the file cannot be read, or is damaged.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(path, error) from error
    try:
        document = json.loads(content)
        return {domain: _parsed(document[domain]) for domain in DOMAINS}
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError(f"{path}: is damaged", hint="Restore it from a backup, or begin another run.") from error


def write(path: Path, images: Folders) -> None:
    """Write which images of a run are test images.

    Raises:
        OutputError: the file cannot be written.
    """
    domains = zip(DOMAINS, (images.a, images.b), strict=True)
    document = {name: {"source": domain.source, "test": _names(domain)} for name, domain in domains}
    atomic.write_bytes(path, (json.dumps(document) + "\n").encode())


def restored(found: Folders, split: Split, tests: tuple[str, str], notify: Notify) -> Folders:
    """The images with the test images that the run began with. `tests` are the folders of test images that are given.

    Raises:
        UsageError: none of them is there, or the run began with test images from elsewhere.
    """
    a, b = (
        _restored(name, domain, split[name], given, notify)
        for name, domain, given in zip(DOMAINS, (found.a, found.b), tests, strict=True)
    )
    return replace(found, a=a, b=b)


def _parsed(document: dict[str, Any]) -> _Kept:
    if document["source"] not in get_args(Source):
        raise ValueError
    return _Kept(document["source"], frozenset(document["test"]))


def _names(domain: DomainImages) -> list[str]:
    if domain.source == "training":
        return []
    return [file.relative_to(domain.test_folder).as_posix() for file in domain.test]


def _restored(name: Domain, domain: DomainImages, kept: _Kept, given: str, notify: Notify) -> DomainImages:
    option = f"--test-{name.lower()}"
    if kept.source == "folder" and domain.source != "folder":
        raise UsageError(
            f"the run began with test images of {name}, and there are none beside {domain.folder}",
            hint=f"Give their folder: {option} FOLDER.",
        )
    if kept.source != "folder" and domain.source == "folder":
        own = "images that it set aside" if kept.source == "set aside" else "its training images"
        if given:
            raise UsageError(f"{option}: the run tests on {own} of {name} since it began", hint=_NO_CHANGE)
        notify(f"{domain.test_folder} is not used: the run tests on {own} of {name} since it began")
    if kept.source == "training":
        return replace(domain, test=domain.train, test_folder=domain.folder, source="training")
    return _with_names(name, domain, kept, notify)


def _with_names(name: Domain, domain: DomainImages, kept: _Kept, notify: Notify) -> DomainImages:
    """The domain with the test images of these names, which are not trained on.

    Raises:
        UsageError: there are none.
    """
    folder, files = (domain.folder, domain.train) if kept.source == "set aside" else (domain.test_folder, domain.test)
    test = tuple(file for file in files if file.relative_to(folder).as_posix() in kept.names)
    if not test:
        raise UsageError(
            f"{folder} holds none of the {len(kept.names)} test images of {name} that the run began with",
            hint="Give the folder that holds them, or start another run with another --out.",
        )
    if len(test) < len(kept.names):
        notify(f"{len(kept.names) - len(test)} test images of {name} are gone: evaluations compare fewer than before")
    elif kept.source == "folder" and len(test) < len(files):
        notify(f"{folder} holds new images: the run goes on with the {len(test)} that it began with")
    aside = {*test} if kept.source == "set aside" else set()
    train = tuple(file for file in domain.train if file not in aside)
    return DomainImages(domain.folder, train, test, folder, kept.source)

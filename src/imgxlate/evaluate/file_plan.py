"""The files that a comparison reads and writes, named before any work begins."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imgxlate.callbacks import Notify, ignore
from imgxlate.errors import UsageError
from imgxlate.evaluate.results import FILES, IMAGES, OTHER_FOLDER
from imgxlate.images.image_array import ImageArray
from imgxlate.images.inputs import STDIO, Source, expand
from imgxlate.images.limits import DEFAULT, Limits
from imgxlate.images.outputs import Existing, Job, names_file, plan_jobs, refuse_existing
from imgxlate.images.pil import ImageLike, to_image_array
from imgxlate.methods import registry


@dataclass(frozen=True, slots=True)
class FilePlan:
    """The files of a comparison. Images that come from no file become files, for the report to show them."""

    inputs: Sequence[Source]
    style_images: Sequence[Path]
    jobs: Mapping[str, Sequence[Job]]  # by method
    in_memory: Mapping[Path, ImageArray]  # inputs and style images that were given as images, by their future files
    stdin: Source | None  # the future file of the image on standard input; None: it is not an input


@contextlib.contextmanager
def output_folder(folder: str | os.PathLike[str] | None) -> Iterator[Path]:
    """The folder, or a temporary one, which is removed if the block fails.

    Raises:
        UsageError: `folder` is the name of a file.
    """
    if folder is not None:
        name = os.fspath(folder)
        if name == STDIO or names_file(name):
            raise UsageError(f"-o {name}: a comparison is several files", hint="Give a folder: `-o comparison/`.")
        yield Path(folder)
        return
    temporary = Path(tempfile.mkdtemp(prefix="imgxlate-"))
    try:
        yield temporary
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def plan_files(
    inputs: Sequence[ImageLike],
    styles: Sequence[ImageLike],
    root: Path,
    counts: Mapping[str, int],
    *,
    overwrite: bool,
    limits: Limits = DEFAULT,
    notify: Notify = ignore,
) -> FilePlan:
    """Find the inputs and style images, and name all outputs: for each input and method, as many as `counts` says.

    Raises:
        UsageError: there is no input, or two files would have the same name.
        ImageError: the only input is a folder without images.
        OutputError: an output exists and `overwrite` is False, or it cannot be written.
    """
    if not inputs:
        raise UsageError("there is no input to compare the methods on")
    in_memory: dict[Path, ImageArray] = {}
    sources = expand(_names(inputs, root / IMAGES / "input", in_memory, limits), str(root), registry.labels(), notify)
    stdin, kept = Source(None), Source(root / IMAGES / "stdin.png")
    extras = [*(root / name for name in FILES), *([Path(kept.name)] if stdin in sources else [])]
    jobs = {
        key: plan_jobs(sources, f"{root / IMAGES}/", key, count, Existing.OVERWRITE, extras)
        for key, count in counts.items()
    }
    style_images = find_images("--style", _names(styles, root / IMAGES / "style", in_memory, limits), root, notify)
    if not overwrite:
        targets = [Path(target.name) for each in jobs.values() for job in each for target in job.targets]
        refuse_existing([*extras, *in_memory, *targets], Existing.REFUSE, OTHER_FOLDER)
    named = {source: kept if source == stdin else source for source in sources}
    return FilePlan(
        inputs=[named[source] for source in sources],
        style_images=style_images,
        jobs={key: [Job(named[job.source], job.targets) for job in each] for key, each in jobs.items()},
        in_memory=in_memory,
        stdin=kept if stdin in sources else None,
    )


def listed(given: Any) -> list[Any]:
    """The items of a list or tuple, or a single item as a list."""
    return list(given) if isinstance(given, list | tuple) else [given]


def find_images(
    option: str, names: Sequence[str | os.PathLike[str]], root: Path, notify: Notify = ignore
) -> list[Path]:
    """The image files that an option names, without results of earlier runs.

    Raises:
        UsageError: `names` has standard input.
        ImageError: there are no images.
    """
    paths = [os.fspath(name) for name in names]
    if STDIO in paths:
        raise UsageError(f"{option} {STDIO}: only an input can come from standard input", hint="Give a file.")
    return [source.path for source in expand(paths, str(root), registry.labels(), notify) if source.path]


def _names(given: Sequence[ImageLike], stem: Path, in_memory: dict[Path, ImageArray], limits: Limits) -> list[str]:
    """The paths in `given`; images are added to `in_memory` under the paths of their future files."""
    names = []
    for number, item in enumerate(given):
        if isinstance(item, str | os.PathLike):
            names.append(os.fspath(item))
        else:
            path = stem.with_name(f"{stem.name}-{number:02d}.png")
            in_memory[path] = to_image_array(item, limits).at_depth(8)  # With 16, the value of white would count twice.
            names.append(str(path))
    return names

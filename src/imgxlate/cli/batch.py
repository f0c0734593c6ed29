"""Finds the files that a command reads, names those that it writes, and checks all of them before any work."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from imgxlate.cli import masks, options, recording, regions, steps
from imgxlate.cli.output import Output
from imgxlate.cli.recording import Recording
from imgxlate.cli.regions import RegionFiles
from imgxlate.cli.shares import find_share
from imgxlate.images.inputs import Source, expand, require_one_stdin
from imgxlate.images.names import Naming
from imgxlate.images.outputs import Existing, Job, plan_jobs, require_depth
from imgxlate.inference.provenance import file_beside
from imgxlate.methods import registry
from imgxlate.paths import exists

Suffix = Callable[[Source], str]
"""The suffix of an output that is not in color, by its input."""

FindSuffix = Callable[[], Suffix | None]
"""Finds the suffixes of the outputs; None: they are in color."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The work of a command. All files were checked."""

    sources: Sequence[Source]  # the inputs, also of other processes
    styles: Sequence[Source]  # the style images that go into every output
    jobs: Sequence[Job]  # the outputs to make
    all_jobs: Sequence[Job]  # those, and the outputs that exist and are kept
    extras: Sequence[Path]  # the other files to write
    depth: Literal[8, 16]


def plan_batch(
    out: Output,
    settings: options.Settings,
    label: str,
    inputs: Sequence[str],
    output: str | None,
    *,
    naming: Naming,
    depth: Literal["8", "16"],
    kept: Recording,
    record: bool,
    mask: Path | None,
    regions_given: Sequence[RegionFiles] = (),
    styles: Sequence[str] = (),  # images that go into every output
    reads: Sequence[Source] = (),  # other files that the command reads
    count: int = 1,  # of outputs for each input
    extras: Sequence[Path] = (),  # other files that the command writes
    find_suffix: FindSuffix = lambda: None,  # called after the checks that need no model
    saves_steps: bool = False,
) -> Batch | None:
    """Find the inputs, name the outputs, and check all files. None: nothing is left to do, and a note said so.

    Raises:
        UsageError: an option is invalid, or two files that are read or written are the same.
        ImageError: there are no inputs.
        OutputError: a file exists and may not be replaced, or it cannot be written.
    """
    recording.require_metadata(kept)
    masks.require_no_record(mask, record=record)
    regions.require_no_record(regions_given, record=record)
    require_one_stdin([*inputs, *styles])
    bits = require_depth(depth, output, naming.suffix)
    options.check_stdout(output, out.as_json)
    sources = expand(inputs, output, registry.labels(), out.note)
    share = find_share(out, len(sources), output, extras).share
    style_sources = expand(styles, notify=out.note)
    besides = [*style_sources, *reads, *masks.mask_sources(mask, sources)]
    besides += regions.region_sources(regions_given, sources)
    suffix = find_suffix()
    plan = partial(
        plan_jobs,
        sources,
        output,
        label,
        count,
        extras=extras,
        share=share,
        besides=besides,
        naming=naming,
        suffix=suffix,
        may_be_array=suffix is not None,
        beside=file_beside if record else None,
    )
    jobs = plan(existing=settings.existing)
    if saves_steps:
        steps.require_folders(jobs, settings.existing)
    missing = [path for path in extras if not (settings.existing is Existing.SKIP and exists(path))]
    if not (jobs or missing):
        out.note("nothing to do: every output exists already" if sources[share] else "nothing to do")
        return None
    all_jobs = plan(existing=Existing.OVERWRITE) if missing else jobs
    return Batch(sources=sources, styles=style_sources, jobs=jobs, all_jobs=all_jobs, extras=missing, depth=bits)

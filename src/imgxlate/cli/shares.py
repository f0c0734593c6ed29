"""The share of the inputs that a process works on under torchrun."""

from collections.abc import Sequence
from pathlib import Path

from imgxlate.cli.output import Output
from imgxlate.errors import UsageError
from imgxlate.images.inputs import STDIO
from imgxlate.torchrun import Rank, find_rank


def find_share(out: Output, inputs: int, output: str | None, extras: Sequence[Path]) -> Rank:
    """The rank of this process under torchrun, where each process works on its share of the inputs.

    Raises:
        UsageError: there are several processes, but one of the outputs needs the results of all.
    """
    rank = find_rank()
    if rank.size > 1:
        if extras or output == STDIO:
            shared = extras[0] if extras else "standard output"
            raise UsageError(
                f"each of the {rank.size} processes translates part of the files, so none can write {shared} for all",
                hint="Write it in a run of one process.",
            )
        share = len(range(inputs)[rank.share])
        out.note(f"process {rank.rank} of {rank.size} (RANK and WORLD_SIZE): {share} of {inputs} inputs")
    return rank

"""The power may fail at every moment: what a command reported is on the disk, and the same command does the rest.

The journal of a run tells what was flushed. From it, the disk is rebuilt as it is after each change, without what was
not flushed. `make test` tries a sample of these disks, `make faults` all of them.
"""

import os
import shutil

import pytest
from commands import COMMANDS, values, wrong_files
from power import Disk, Loss, write

from imgxlate import checkpoint

EVERY = int(os.environ.get("IMGXLATE_EVERY_FAULT", "0"))  # 1: all moments; 2: every second one; 0: a sample
SAMPLE = 2  # moments of each command


@pytest.mark.parametrize("name", COMMANDS)
def test_a_power_loss_loses_nothing_that_was_reported(bench, record_property, name):
    folder, journal = bench.folder(name), bench.root / f"{name}.journal"
    disk, before = Disk(folder), values(folder)
    journal.unlink(missing_ok=True)
    process = bench.start(COMMANDS[name].line, folder, ("shim_record", str(folder), str(journal)))
    assert process.wait() == 0, process.errors
    whole = values(folder)

    moments = losses(disk, journal.read_bytes())
    chosen = moments[::EVERY] if EVERY else moments[len(moments) // (2 * SAMPLE) :: len(moments) // SAMPLE]
    wrong = []
    for step, loss, state, promised in [*chosen, *ended(disk)]:
        place = folder.with_name(f"{folder.name} after {step} {loss.name}")
        write(state, place)
        found = [*wrong_files(COMMANDS[name], before, whole, place), *reported(promised, place)]
        if step == "end":
            found += [f"the result {path} is lost" for path in whole if values(place).get(path) != whole[path]]
        elif not (COMMANDS[name].once and values(place) == whole):
            process = bench.start(COMMANDS[name].line, place)
            if process.wait():
                found.append(f"the same command fails: {process.errors}")
            else:
                found += [f"{path} differs" for path in whole if values(place).get(path) != whole[path]]
        if found:
            wrong.append(f"after change {step}, which loses {loss.value}:\n  " + "\n  ".join(found))
        shutil.rmtree(place)
    record_property("faults", [f"{name}, power", len(chosen)])
    assert not wrong, f"{len(wrong)} of {len(chosen)} power losses:\n" + "\n".join(wrong)


def losses(disk, journal):
    """All different disks that a power loss can leave: the change before it, the kind of loss, the disk, the steps."""
    found = {}
    for step, _ in enumerate(disk.replay(journal)):
        for loss in Loss:
            state = disk.after(loss)
            found.setdefault(tuple(sorted(state.items(), key=str)), (step, loss, state, disk.now()))
    return list(found.values())


def ended(disk):
    """The different disks that a power loss leaves after the command has ended."""
    states = {tuple(sorted(disk.after(loss).items(), key=str)): loss for loss in Loss}
    return [("end", loss, disk.after(loss), disk.now()) for loss in states.values()]


def reported(promised, folder):
    """The checkpoint of a run that is lost although training went on."""
    lines = promised.get("run/history.jsonl", b"").count(b"\n")
    last = max(0, lines - 1) // 2 * 2
    if last:
        path = folder / f"run/checkpoints/step-{last:08d}.safetensors"
        try:
            checkpoint.read(path)
        except Exception as error:
            yield f"the checkpoint of step {last} is lost: {error}"

"""Every call of a command to the system may fail: the command says so, and nothing is lost.

`make test` tries a sample of the calls, `make faults` all of them.
"""

import os
import shutil

import pytest
from commands import COMMANDS, values, wrong_files
from shim import SURVIVED, Report

EVERY = int(os.environ.get("IMGXLATE_EVERY_FAULT", "0"))  # 1: all faults; 2: every second one; 0: a sample
SAMPLE = 1  # calls of each command for each error


@pytest.mark.parametrize("name", COMMANDS)
def test_a_failing_call_loses_nothing_and_is_explained(bench, record_property, name):
    command, before, unharmed = COMMANDS[name], values(bench.folder(name)), bench.folder(name)
    report, status, errors = run(bench, name, unharmed)
    assert status == 0, errors
    whole = values(unharmed)
    faults = list(report.faults())[::EVERY] if EVERY else report.sample(SAMPLE, 3 * list(COMMANDS).index(name))
    wrong = []
    for fault in faults:
        folder = bench.folder(name)
        report, status, errors = run(bench, name, folder, fault)
        found = [
            *explained(command, fault, report, status, errors, folder),
            *wrong_files(command, before, whole, folder),
        ]
        if status == 0:
            found += same(whole, folder) if "skipped" not in errors else []  # Training goes on without an image.
        else:
            _, again, later = run(bench, name, folder)
            found += same(whole, folder) if again == 0 else [f"the same command ends with {again}: {later}"]
        if found:
            wrong.append(f"{fault}, {report.path}: exit code {status}\n  {errors.strip()}\n  " + "\n  ".join(found))
        shutil.rmtree(folder)
    record_property("faults", [name, len(faults)])
    assert not wrong, f"{len(wrong)} of {len(faults)} faults:\n" + "\n".join(wrong)


def run(bench, name, folder, fault=None):
    """Run a command in a folder with a fault. Returns the shim's report, the exit status and stderr."""
    report = folder.with_name(f"{folder.name}.report")
    report.unlink(missing_ok=True)
    fails = (fault.call, fault.number, fault.error, fault.lasts) if fault else (0, 0, 0, 0)
    process = bench.start(COMMANDS[name].line, folder, ("shim_fail", str(folder), str(report), *map(int, fails)))
    status = process.wait()
    return Report.read(report), status, process.errors


def explained(command, fault, report, status, errors, folder):
    """What is wrong with the end of a command."""
    if "Traceback" in errors or "bug in imgxlate" in errors:
        yield "it is taken for a bug"
    if status == 0 or not report.failed:
        return
    if fault.error in SURVIVED:
        yield "it must be survived"
        return
    if status not in command.codes:
        yield f"the exit code is {status}"
    if os.strerror(fault.error) not in errors:
        yield "the message gives no reason"
    if not any(name in errors for name in named(report.path, folder)):
        yield "the message names no file"
    if "hint:" not in errors:
        yield "there is no hint"


def named(path, folder):
    """The names by which a message may mean the file of a fault: its own, or that of another one in the folder."""
    return [str(path.relative_to(folder)), *(str(file.relative_to(folder)) for file in folder.rglob("*"))]


def same(whole, folder):
    """What is wrong with the results."""
    left = values(folder)
    for path in sorted(whole.keys() | left.keys()):
        if left.get(path) != whole.get(path):
            yield f"{path} differs from that of a run without a fault"

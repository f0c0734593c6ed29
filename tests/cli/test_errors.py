"""Exit codes, messages and hints."""

import signal
import subprocess
import time
from pathlib import Path

import pytest
import typer

from imgxlate import errors
from imgxlate.cli.errors import session
from imgxlate.errors import known_error


@pytest.mark.parametrize(
    "error", [errors.ImageError("a.jpg", "is empty", hint="Save it again."), errors.UsageError("no")]
)
def test_an_error_is_a_message_a_hint_and_its_exit_code(error, capsys):
    with pytest.raises(typer.Exit) as end, session():
        raise error
    assert end.value.exit_code == error.exit_code
    said = capsys.readouterr()
    assert said.out == ""
    assert f"error: {error}" in said.err
    assert (f"hint:  {error.hint}" in said.err) == bool(error.hint)


def test_an_unexpected_error_is_a_bug_with_exit_code_1(capsys):
    with pytest.raises(typer.Exit) as end, session():
        raise ValueError("surprise")
    assert end.value.exit_code == 1
    said = capsys.readouterr().err
    assert "ValueError: surprise" in said
    assert "--debug" in said
    assert "Traceback" not in said


def test_debug_shows_the_traceback(capsys):
    with pytest.raises(typer.Exit), session(debug=True):
        raise errors.UsageError("no")
    assert "Traceback" in capsys.readouterr().err


def test_ctrl_c_exits_with_130(capsys):
    with pytest.raises(typer.Exit) as end, session():
        raise KeyboardInterrupt
    assert end.value.exit_code == 130
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
    ],
)
def test_running_out_of_memory_is_a_device_error_that_proposes_smaller_images(error):
    known = known_error(error)
    assert isinstance(known, errors.DeviceError)
    assert "smaller images" in known.hint


def test_quiet_still_prints_errors(capsys):
    def work():
        with session(quiet=True) as out:
            out.note("never said")
            raise errors.UsageError("said")

    with pytest.raises(typer.Exit):
        work()
    assert capsys.readouterr().err == "error: said\n"


def test_a_reader_that_closes_the_pipe_causes_no_traceback(command):
    process = subprocess.Popen(command("methods", "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.wait() == 9
    assert process.stderr.read() == b""
    process.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("arguments", [("methods",), ("methods", "--json"), ("weights", "path")])
def test_a_full_disk_behind_stdout_exits_with_9(command, arguments):
    with Path("/dev/full").open("wb") as full:
        process = subprocess.run(command(*arguments), stdout=full, stderr=subprocess.PIPE)
    assert process.returncode == 9
    assert b"standard output cannot be written: No space left" in process.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("delay", [0.06, 0.12, 0.2])
def test_a_signal_during_startup_causes_no_traceback(command, heed_signals, unmeasured, number, delay):
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command("doctor"), **streams, env=unmeasured, preexec_fn=heed_signals)
    time.sleep(delay)
    process.send_signal(number)
    _, said = process.communicate()
    # Negative: the signal came before the program's first line, when Python answers it.
    assert process.returncode in ((130, -2) if number == signal.SIGINT else (143, -number))
    assert b"in main" not in said


def test_a_signal_that_the_parent_process_ignores_stays_ignored(command):
    def ignore():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # As nohup does.

    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command("doctor"), **streams, preexec_fn=ignore)
    time.sleep(0.3)
    process.send_signal(signal.SIGHUP)
    assert process.wait() == 0


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (["translate", "munit", "photo.png", "--checkpoint", "LONG"], 6),
        (["translate", "munit", "photo.png", "--config", "LONG"], 2),
        (["compare", "photo.png", "--methods", "munit", "--model", "munit=LONG"], 5),
        (["compare", "photo.png", "--methods", "munit", "--model", "munit=./LONG"], 6),
        (["compare", "photo.png", "--style", "photo.png", "--model", "neural-style=LONG", "-o", "out"], 5),
        (["neural-style", "photo.png", "photo.png", "--features", "LONG"], 5),
        (["weights", "export", "LONG", "--format", "half"], 6),
        (["weights", "info", "LONG"], 5),
    ],
)
def test_a_name_that_is_too_long_for_a_file_is_no_bug(run, photo, tmp_path, monkeypatch, arguments, exit_code):
    monkeypatch.chdir(tmp_path)
    photo("photo.png")
    result = run(*(argument.replace("LONG", "x" * 300) for argument in arguments))
    assert (result.exit_code, "bug" in result.stderr) == (exit_code, False)

"""Signals that end a run, in real processes, since handlers belong to the main thread."""

import signal
import subprocess
import sys
import time

import pytest

PROGRAM = """
import sys, time
from imgxlate.training.signals import deferred_signals, stop_error

def say(text):
    print(text, flush=True)

with deferred_signals(say) as stop:
    say("ready")
    for _ in range(600):
        {work}
        if stop.exit_code:
            say("saved")
            if {heed}:
                break
if stop.exit_code:
    code = stop.exit_code
    try:
        raise stop_error(code)
    except KeyboardInterrupt:
        sys.exit(130)
"""
SLEEP = "time.sleep(0.05)"
# Python runs no handler during such a computation.
COMPUTE = "import hashlib; hashlib.pbkdf2_hmac('sha256', b'', b'', 40_000_000)"


@pytest.fixture
def start(heed_signals, unmeasured):
    """Start the program, and return the process once it is ready."""
    started = []

    def begin(work=SLEEP, heed=True):
        program = PROGRAM.format(work=work, heed=heed)
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdout=subprocess.PIPE,
            text=True,
            env=unmeasured,
            preexec_fn=heed_signals,
        )
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_the_first_signal_lets_the_work_finish(start, number, code):
    process = start()
    process.send_signal(number)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == code
    assert output.splitlines()[-1] == "saved"
    assert "interrupt again to end at once" in output


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("work", [SLEEP, COMPUTE])
def test_the_second_signal_ends_at_once_even_within_a_long_computation(start, number, code, work):
    process = start(work, heed=False)
    process.send_signal(number)
    assert "interrupt again" in process.stdout.readline()
    time.sleep(0.5)
    process.send_signal(number)
    assert process.wait(timeout=10) == code


def test_the_second_signal_ends_at_once_even_if_the_message_blocks(start, unmeasured, heed_signals):
    program = PROGRAM.replace("with deferred_signals(say)", "with deferred_signals(lambda text: time.sleep(1000))")
    process = subprocess.Popen(
        [sys.executable, "-c", program.format(work=SLEEP, heed=False)],
        stdout=subprocess.PIPE,
        text=True,
        env=unmeasured,
        preexec_fn=heed_signals,
    )
    assert process.stdout.readline() == "ready\n"
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
    try:
        assert process.wait(timeout=10) == 130
    finally:
        process.kill()
        process.communicate()


def test_ignored_signals_stay_ignored(start, unmeasured):
    program = PROGRAM.format(work=SLEEP, heed=True)
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        env=unmeasured,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.communicate(timeout=0.5)
    process.kill()
    process.communicate()


def test_the_handlers_are_restored_afterwards():
    from imgxlate.training.signals import deferred_signals

    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with deferred_signals(print):
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert signal.set_wakeup_fd(-1) == -1

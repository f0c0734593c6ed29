"""Signals during imports, sent to real processes."""

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import os, signal, sys
from imgxlate.cli import interrupts
number = int(sys.argv[1])
signal.signal(number, lambda *_: sys.exit("received"))
with interrupts.held():
    os.kill(os.getpid(), number)
    print("imported", flush=True)
print("went on")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_during_an_import_arrives_after_it(number, heed_signals):
    command = [sys.executable, "-c", PROGRAM, str(int(number))]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=heed_signals)
    assert (done.stdout, done.stderr, done.returncode) == ("imported\n", "received\n", 1)

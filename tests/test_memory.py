"""The memory of the process."""

import subprocess
import sys

import pytest


@pytest.mark.skipif(sys.platform != "linux", reason="page faults are counted as Linux does")
def test_freed_memory_is_used_again_without_new_pages():
    code = """
import resource, torch
from imgxlate.memory import keep_freed_memory
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def touch():
    for _ in range(5):
        torch.ones(1 << 24)
touch(); before = faults(); touch(); fresh = faults() - before
keep_freed_memory()
touch(); before = faults(); touch()
print(fresh > 10000, faults() - before < fresh / 2)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"

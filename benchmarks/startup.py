"""Time the commands that only print information, in seconds and relative to an empty Python.

    python benchmarks/startup.py [--runs 7]

Prints JSON: for each command line the median seconds of the runs, and its ratio to the time of an empty Python.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "empty python": ["-c", "pass"],
    "--version": ["-m", "imgxlate", "--version"],
    "--help": ["-m", "imgxlate", "--help"],
    "translate --help": ["-m", "imgxlate", "translate", "--help"],
    "methods": ["-m", "imgxlate", "methods"],
    "weights list": ["-m", "imgxlate", "weights", "list"],
    "completion": ["-m", "imgxlate"],
}
COMPLETION = {"_IMGXLATE_COMPLETE": "complete_bash", "COMP_WORDS": "imgxlate translate ", "COMP_CWORD": "2"}


def seconds(name: str) -> float:
    environment = os.environ | (COMPLETION if name == "completion" else {})
    started = time.perf_counter()
    subprocess.run([sys.executable, *COMMANDS[name]], stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the commands that only print information.")
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    medians = {name: statistics.median(seconds(name) for _ in range(runs + 1)) for name in COMMANDS}
    empty = medians.pop("empty python")
    print(
        json.dumps(
            {name: {"seconds": round(s, 3), "ratio": round(s / empty, 1)} for name, s in medians.items()}, indent=2
        )
    )


if __name__ == "__main__":
    main()

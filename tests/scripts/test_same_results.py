"""The proof that a change alters no result must not pass without one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "same_results.py"


@pytest.fixture
def compare(tmp_path):
    """The exit code and the last line of a comparison of two records."""

    def run(*records):
        paths = [tmp_path / f"{number}.json" for number, _ in enumerate(records)]
        for path, record in zip(paths, records, strict=True):
            path.write_text(json.dumps({"flags": {}, "only": ""} | record))
        command = [sys.executable, SCRIPT, "compare", *paths]
        done = subprocess.run(command, capture_output=True, text=True)
        return done.returncode, done.stdout.splitlines()[-1]

    return run


def test_equal_records_have_no_differences(compare):
    cases = {"cases": {"munit": {"steps": [1]}, "unit": {"steps": [2]}}}
    assert compare(cases, cases) == (0, "0 differences in 2 cases")


def test_a_case_that_one_record_lacks_is_a_difference(compare):
    whole, part = {"cases": {"munit": {"steps": []}, "unit": {"steps": []}}}, {"cases": {"munit": {"steps": []}}}
    assert compare(whole, part)[0] == compare(part, whole)[0] == 1
    assert compare(whole, part | {"only": "munit"}) == (0, "0 differences in 1 cases")


@pytest.mark.parametrize("source", ["empty", "/"], ids=["empty", "above-the-installed-package"])
def test_a_source_without_the_package_is_refused(tmp_path, source):
    command = [sys.executable, SCRIPT, "record", tmp_path / "record.json", "--only", "none"]
    done = subprocess.run([*command, "--source", tmp_path / source], capture_output=True, text=True)
    assert done.returncode == 1
    assert "does not hold the package" in done.stderr

"""Commands in folders of their own, a server that they download from, and the count of what was tried."""

import random

import pytest
from commands import Bench
from web_server import WebServer, running


@pytest.fixture(scope="session")
def server():
    yield from running(WebServer())


@pytest.fixture(scope="session")
def bench(shim, launcher, server, tmp_path_factory):
    if shim is None:
        pytest.skip("needs Linux and a C compiler named cc")
    root = tmp_path_factory.mktemp("bench")
    catalogue = root / "catalogue.toml"
    url = server.offer("/toy", random.Random(0).randbytes(300_000))
    catalogue.write_text(f"""
[[group]]
kind = "features"
method = "gatys"
license = "CC0"
citation = "none"
page = "a page"
summary = "random bytes"

[[group.weights]]
name = "toy"
filename = "toy.pth"
convention = "caffe"
urls = ["{url}"]
""")
    return Bench(launcher, root, catalogue)


def pytest_terminal_summary(terminalreporter):
    """Print how many faults were tried."""
    passed, failed = (terminalreporter.stats.get(outcome, []) for outcome in ("passed", "failed"))
    properties = [value for report in (*passed, *failed) for name, value in report.user_properties if name == "faults"]
    if properties:
        listing = ", ".join(f"{command} {count}" for command, count in properties)
        terminalreporter.write_line(f"{sum(count for _, count in properties)} faults were tried: {listing}")

"""Stores and processes that download from a web server on loopback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from web_server import QUICK, body, environment, secure_server, server  # noqa: F401 (fixtures)

from imgxlate.weights.cards import Card
from imgxlate.weights.store import Store

HERE = Path(__file__).parent


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "cache" / "weights", QUICK)


@pytest.fixture
def make_card():
    def make(*urls: str, **facts) -> Card:
        known = {"name": "toy", "kind": "generator", "method": "cyclegan", "filename": "toy.pth", "page": "a page"}
        terms = {"summary": "a toy", "license": "CC0", "citation": "none"}
        return Card(**(known | terms | {"urls": urls} | facts))

    return make


@pytest.fixture
def fetching(store):
    """Starts `fetching.py`, a process that downloads the toy card from a URL to the store."""
    processes = []

    def start(url: str, *options: str, **popen) -> subprocess.Popen:
        command = [sys.executable, str(HERE / "fetching.py"), str(store.root), url, *options]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        processes.append(subprocess.Popen(command, env=dict(os.environ), **pipes, **popen))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()

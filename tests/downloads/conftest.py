"""Files on a web server on loopback."""

import pytest
from web_server import body, environment, secure_server, server  # noqa: F401 (fixtures)

from imgxlate.weights.cards import Card


@pytest.fixture
def make_card():
    def make(*urls: str, **facts) -> Card:
        known = {"name": "toy", "kind": "generator", "method": "cyclegan", "filename": "toy.pth", "page": "a page"}
        terms = {"summary": "a toy", "license": "CC0", "citation": "none"}
        return Card(**(known | terms | {"urls": urls} | facts))

    return make

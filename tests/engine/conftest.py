"""Generators as a training would have them, and a disk that is full."""

import contextlib
import resource

import pytest

from imgxlate import checkpoint
from imgxlate.engine import model_file
from imgxlate.methods import registry

GENERATORS = {"munit": "gen_00000001.pt", "unit": "gen_00000001.pt", "cyclegan": "latest_net_G_A.pth"}


@pytest.fixture
def generators(golden):
    """The spec, the tensors and the header of a method's small generators."""

    def load(method, domains=("summer", "winter")):
        spec = registry.find(method)
        opened = checkpoint.read(golden / method / GENERATORS[method])
        translator = registry.implementation(spec).from_checkpoint(opened, {})
        return spec, translator.tensors(), model_file.header(method, translator.config, domains)

    return load


@pytest.fixture
def full_disk():
    """A context in which no file can grow beyond so many bytes: writing more fails as on a full disk."""

    @contextlib.contextmanager
    def limit(size):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limit

"""A disk that is full."""

import contextlib
import resource

import pytest


@pytest.fixture
def full_disk():
    """A context that limits files to so many bytes. Writing more fails as on a full disk."""

    @contextlib.contextmanager
    def limit(size):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limit

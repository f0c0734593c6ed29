import os
import sqlite3

import numpy as np
import pytest

from imgxlate import paths
from imgxlate.data import hash_cache
from imgxlate.data.perceptual_hash import Hashes


@pytest.fixture
def files(tmp_path):
    """Two files, of which one has a name that is not UTF-8."""
    found = [tmp_path / "a.png", tmp_path / os.fsdecode(b"\xff.png")]
    for file in found:
        file.write_bytes(b"image")
    return found


def random_hashes(seed):
    rng = np.random.default_rng(seed)
    return Hashes(rng.random(256) > 0.5, rng.random(256) > 0.5)


def test_hashes_are_recalled_as_they_were(files):
    assert hash_cache.recall(files) == {}
    kept = {file: random_hashes(seed) for seed, file in enumerate(files)}
    hash_cache.remember(kept.items())
    found = hash_cache.recall([*files, files[0].with_name("absent.png")][:2])
    assert list(found) == files
    for file in files:
        assert np.array_equal(found[file].whole, kept[file].whole)
        assert np.array_equal(found[file].inner, kept[file].inner)
        assert found[file].whole.dtype == bool


def test_a_changed_file_is_forgotten(files):
    hash_cache.remember([(files[0], random_hashes(0)), (files[1], random_hashes(1))])
    files[0].write_bytes(b"longer than before")
    os.utime(files[1], ns=(0, 0))
    assert hash_cache.recall(files) == {}
    hash_cache.remember([(files[0], random_hashes(2))])
    assert np.array_equal(hash_cache.recall(files)[files[0]].whole, random_hashes(2).whole)


def test_a_relative_path_means_the_same_file(files, monkeypatch):
    hash_cache.remember([(files[0], random_hashes(0))])
    monkeypatch.chdir(files[0].parent)
    assert len(hash_cache.recall([files[0].relative_to(files[0].parent)])) == 1


def test_without_a_usable_cache_nothing_is_known(files, monkeypatch, tmp_path):
    database = paths.cache_dir() / "data" / "hashes.sqlite"
    database.parent.mkdir(parents=True)
    database.write_bytes(b"no database, but long enough to be looked at" * 50)
    hash_cache.remember([(files[0], random_hashes(0))])
    assert hash_cache.recall(files) == {}
    monkeypatch.setenv("IMGXLATE_CACHE", str(files[0]))
    hash_cache.remember([(files[0], random_hashes(0))])
    assert hash_cache.recall(files) == {}


def test_a_database_that_another_process_locks_is_left_alone(files, monkeypatch):
    monkeypatch.setattr(hash_cache, "_WAIT", 0.01)
    hash_cache.remember([(files[0], random_hashes(0))])
    with sqlite3.connect(paths.cache_dir() / "data" / "hashes.sqlite") as other:
        other.execute("BEGIN EXCLUSIVE")
        hash_cache.remember([(files[1], random_hashes(1))])
        assert hash_cache.recall(files) == {}
    other.close()
    assert list(hash_cache.recall(files)) == files[:1]

from pathlib import Path

from imgxlate import paths


def test_the_cache_folder_can_be_moved(monkeypatch, tmp_path):
    monkeypatch.setenv("IMGXLATE_CACHE", str(tmp_path))
    assert paths.cache_dir() == tmp_path


def test_the_cache_folder_is_the_platforms_by_default(monkeypatch, tmp_path):
    monkeypatch.delenv("IMGXLATE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert paths.cache_dir().name == "imgxlate"
    assert tmp_path in paths.cache_dir().parents


def test_the_variable_switches_the_network_off(monkeypatch):
    said = {"1": True, "true": True, "0": False, "": False}
    for value, expected in said.items():
        monkeypatch.setenv("IMGXLATE_OFFLINE", value)
        assert paths.offline() is expected
    monkeypatch.delenv("IMGXLATE_OFFLINE")
    assert paths.offline() is False


def test_the_assets_are_in_the_package():
    assert paths.assets_dir() == Path(paths.__file__).parent / "assets"


def test_the_data_folder_can_be_chosen(monkeypatch, tmp_path):
    monkeypatch.setenv("IMGXLATE_DATA", str(tmp_path))
    assert paths.data_dir() == tmp_path


def test_the_data_folder_is_the_platforms_by_default(monkeypatch, tmp_path):
    monkeypatch.delenv("IMGXLATE_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert paths.data_dir().name == "imgxlate"
    assert tmp_path in paths.data_dir().parents


def test_a_name_that_is_too_long_does_not_exist(tmp_path):
    (tmp_path / "file").touch()
    for exists, there in ((paths.exists, "file"), (paths.is_file, "file"), (paths.is_folder, "")):
        assert exists(tmp_path / there)
        assert not exists(tmp_path / (300 * "x"))

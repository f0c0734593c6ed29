"""`imgxlate methods`."""

import json

from imgxlate.methods import registry


def test_every_method_is_a_row(run):
    table = run("methods").stdout
    for name in registry.BUILT_IN:
        assert f"\n{name} " in table


def test_the_table_shows_which_methods_can_be_trained_and_their_presets(run):
    rows = {line.split()[0]: line for line in run("methods").stdout.splitlines()}
    trained = [name for name in registry.BUILT_IN if registry.find(name).training]
    assert all("train," in rows[name] and "tiny" in rows[name] for name in trained)


def test_the_document_has_the_capabilities_and_the_paper_of_each_method(run):
    document = json.loads(run("methods", "--json").stdout)
    methods = {method["name"]: method for method in document["methods"]}
    assert "translate" in methods["munit"]["capabilities"]
    assert methods["munit"]["citation"]["arxiv"] == "1804.04732"
    assert methods["gatys"]["presets"] == ["default", "author", "johnson", "paper", "print"]
    assert methods["gatys"]["training_presets"] == []
    assert {"small", "tiny"} <= set(methods["unit"]["training_presets"])
    assert document["broken"] == []


def test_a_broken_plug_in_is_a_row(run, monkeypatch):
    from importlib.metadata import EntryPoint, EntryPoints

    entries = EntryPoints([EntryPoint("dreadful", "no_such_module:SPEC", registry.GROUP)])
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: entries)
    registry.discover.cache_clear()
    try:
        result = run("methods")
        assert result.exit_code == 0
        assert "cannot be loaded: ModuleNotFoundError" in result.stdout
        assert "warning: plug-in dreadful" in result.stderr
        assert json.loads(run("methods", "--json").stdout)["broken"][0]["name"] == "dreadful"
        report = run("doctor", "--json")
        assert report.exit_code == 0
        assert "plug-in dreadful" in json.loads(report.stdout)["problems"][0]
    finally:
        registry.discover.cache_clear()

"""Finding methods and plug-ins."""

import importlib.metadata
from importlib.metadata import EntryPoint

import pytest

from imgxlate.errors import UsageError
from imgxlate.methods import registry
from imgxlate.methods.spec import Capability


@pytest.fixture
def plug_ins(monkeypatch):
    """Announce entry points beside the built-in methods."""

    def announce(**values):
        entries = [EntryPoint(name, value, registry.GROUP) for name, value in values.items()]
        monkeypatch.setattr(registry, "entry_points", lambda group: importlib.metadata.EntryPoints(entries))
        registry.discover.cache_clear()

    yield announce
    registry.discover.cache_clear()


def test_the_built_in_methods_need_no_installation(plug_ins):
    plug_ins()
    specs, broken = registry.discover()
    assert set(specs) == {"munit", "unit", "cyclegan", "gatys"}
    assert broken == ()


def test_every_implementation_can_be_imported():
    specs, _ = registry.discover()
    for spec in specs.values():
        assert isinstance(registry.implementation(spec), type)


def test_a_broken_plug_in_is_a_line_on_stderr_and_everything_else_works(plug_ins, capsys):
    plug_ins(dreadful="no_such_module:SPEC")
    specs, broken = registry.discover()
    assert "munit" in specs
    assert broken[0].name == "dreadful"
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(UsageError, match="dreadful cannot be loaded"):
        registry.find("dreadful")


@pytest.mark.parametrize("value", ["imgxlate.methods.registry:GROUP", "imgxlate.methods.munit:SPEC"])
def test_a_plug_in_that_names_no_spec_of_its_own_is_broken(plug_ins, value):
    plug_ins(mine=value)
    _, broken = registry.discover()
    assert broken[0].name == "mine"


def test_a_plug_in_cannot_replace_a_built_in_method(plug_ins):
    plug_ins(munit="no_such_module:SPEC")
    specs, broken = registry.discover()
    assert specs["munit"].implementation.startswith("imgxlate.")
    assert broken == ()


def test_an_unknown_name_gets_the_nearest_one():
    with pytest.raises(UsageError, match="no method 'munti'") as caught:
        registry.find("munti", Capability.TRANSLATE)
    assert "'munit'" in caught.value.hint


def test_a_method_that_lacks_a_capability_says_which_have_it():
    with pytest.raises(UsageError, match="cyclegan cannot guide-style") as caught:
        registry.find("cyclegan", Capability.GUIDE_STYLE)
    assert caught.value.hint == "Methods that can: munit."

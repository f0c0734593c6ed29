"""Finding methods and plug-ins."""

import dataclasses
import importlib.metadata
import pkgutil
import sys
import threading
import tomllib
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from imgxlate import methods
from imgxlate.errors import ImgxlateError, TerminatedError, UsageError
from imgxlate.methods import registry
from imgxlate.methods.spec import Capability


@pytest.fixture
def plug_ins(monkeypatch):
    """Announce entry points beside the built-in methods."""

    def announce(**values):
        entries = [EntryPoint(name, value, registry.GROUP) for name, value in values.items()]
        monkeypatch.setattr("importlib.metadata.entry_points", lambda group: importlib.metadata.EntryPoints(entries))
        registry.discover.cache_clear()

    yield announce
    registry.discover.cache_clear()


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module that can be imported."""

    def write(name, source):
        (tmp_path / f"{name}.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path)

    return write


def test_the_built_in_methods_need_no_installation(plug_ins):
    plug_ins()
    specs, broken = registry.discover()
    assert set(specs) == set(registry.BUILT_IN)
    assert broken == ()


def test_the_built_in_methods_are_the_packages_entry_points_and_nothing_is_left_out():
    project = tomllib.loads(Path(__file__).parents[2].joinpath("pyproject.toml").read_text())
    assert list(registry.BUILT_IN.items()) == list(project["project"]["entry-points"][registry.GROUP].items())
    for contract in project["tool"]["importlinter"]["contracts"][1:3]:  # They have no pattern for all methods.
        assert [name for name in registry.BUILT_IN if f"imgxlate.methods.{name}" not in str(contract)] == []
    packages = {module.name for module in pkgutil.iter_modules(methods.__path__) if module.ispkg}
    assert packages - {"shared"} == set(registry.BUILT_IN)


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


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise RuntimeError('one\\ntwo\\n  three')", "RuntimeError: one two three"),
        ("raise ValueError", "ValueError"),
    ],
)
def test_any_failure_of_a_plug_in_is_one_line_and_a_row(plug_ins, module, capsys, source, reason):
    module("imgxlate_failing", source)
    plug_ins(dreadful="imgxlate_failing:SPEC")
    specs, broken = registry.discover()
    assert "munit" in specs
    assert broken[0].reason == reason
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.endswith(f"{reason}\n")


def test_the_output_of_a_plug_in_does_not_mix_with_data(plug_ins, module, capsys):
    module("imgxlate_talking", "print('hello')\nfrom imgxlate.methods.munit import SPEC\nIMPLEMENTATION = int")
    plug_ins(talking="imgxlate_talking:SPEC")
    registry.discover()
    out, err = capsys.readouterr()
    assert out == ""
    assert "hello" in err


def test_standard_output_is_restored_after_imports_in_several_threads(module):
    start, before = threading.Barrier(4), sys.stdout

    def load(number, round_):
        name = f"imgxlate_slow_{round_}_{number}"
        module(name, f"import time\ntime.sleep({0.01 * number})\nMethod = int")
        spec = dataclasses.replace(registry.find("munit"), implementation=f"{name}:Method")
        start.wait(60)
        assert registry.implementation(spec) is int

    try:
        with ThreadPoolExecutor(4) as pool:
            for round_ in range(3):
                list(pool.map(load, range(4), [round_] * 4))
                assert sys.stdout is before
    finally:
        sys.stdout = before


def test_the_output_of_other_threads_stays_on_standard_output_if_the_method_is_imported(module, capsys):
    module(
        "imgxlate_chatty", "class Method:\n    pass\n\n\ndef __getattr__(name):\n    print('later')\n    return Method"
    )
    spec = dataclasses.replace(registry.find("munit"), implementation="imgxlate_chatty:Method")
    registry.implementation(spec)
    registry.implementation(dataclasses.replace(spec, implementation="imgxlate_chatty:Other"))
    assert capsys.readouterr().out == "later\n"


@pytest.mark.parametrize("source", ["raise SystemExit(3)", "import no_such_module", "OTHER = 1"])
def test_an_implementation_that_cannot_be_imported_is_named(module, capsys, source):
    module("imgxlate_hollow", f"print('hello')\n{source}")
    spec = dataclasses.replace(registry.find("munit"), name="hollow", implementation="imgxlate_hollow:Hollow")
    with pytest.raises(ImgxlateError, match="hollow cannot be loaded, its implementation is imgxlate_hollow:Hollow"):
        registry.implementation(spec)
    assert capsys.readouterr().out == ""


def test_an_imgxlate_error_of_an_implementation_is_passed_on(module):
    module("imgxlate_honest", "from imgxlate.errors import UsageError\nraise UsageError('no')")
    spec = dataclasses.replace(registry.find("munit"), implementation="imgxlate_honest:Honest")
    with pytest.raises(UsageError, match=r"^no$"):
        registry.implementation(spec)


@pytest.mark.parametrize("value", ["imgxlate.methods.registry:GROUP", "imgxlate.methods.munit:SPEC"])
def test_a_plug_in_without_a_spec_of_its_name_is_broken(plug_ins, value):
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
    with pytest.raises(UsageError, match="cyclegan takes no style from an image") as caught:
        registry.find("cyclegan", Capability.GUIDE_STYLE)
    assert caught.value.hint == "Methods for that: munit, adain."


def test_every_capability_has_a_message_for_methods_that_lack_it():
    assert set(registry.LACKS) == set(Capability)


def test_the_hint_says_that_no_method_has_the_capability(plug_ins, monkeypatch):
    monkeypatch.setattr(registry, "BUILT_IN", {"unit": registry.BUILT_IN["unit"]})
    plug_ins()
    with pytest.raises(UsageError, match="unit does not paint") as caught:
        registry.find("unit", Capability.STYLIZE)
    assert caught.value.hint == "No installed method does that."


def test_a_signal_while_plug_ins_are_loaded_ends_the_program(plug_ins, monkeypatch):
    def terminate(entry):
        raise TerminatedError(143)

    plug_ins()
    monkeypatch.setattr(registry, "_load_spec", terminate)
    with pytest.raises(TerminatedError):
        registry.discover()

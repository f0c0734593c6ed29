"""No code of the package can run what a file holds."""

import ast
from pathlib import Path

import pytest

import imgxlate

SOURCES = sorted(Path(imgxlate.__file__).parent.rglob("*.py"))
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}


def nodes(kind):
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, kind):
                yield path, node


def dotted(node):
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def test_nothing_calls_torch_load():
    assert [path for path, node in nodes(ast.Attribute) if dotted(node) == "torch.load"] == []


def test_nothing_imports_a_pickle_loader():
    imported = {alias.name.partition(".")[0] for _, node in nodes(ast.Import) for alias in node.names}
    imported |= {(node.module or "").partition(".")[0] for _, node in nodes(ast.ImportFrom)}
    assert not imported & FORBIDDEN_MODULES


def test_the_readers_of_pickles_call_no_function_by_a_name_from_a_file():
    readers = {"unpickling.py", "torch_files.py"}
    called = {dotted(node.func) for path, node in nodes(ast.Call) if path.name in readers}
    assert not {name.rpartition(".")[2] for name in called} & {"getattr", "setattr", "import_module", "find_class"}


def test_nothing_is_evaluated():
    called = {dotted(node.func) for _, node in nodes(ast.Call)}
    assert not called & FORBIDDEN_CALLS
    assert not {name for name in called if name.rpartition(".")[2] in {"system", "popen", "add_safe_globals"}}
    assert not {name for name in called if name in {"yaml.load", "yaml.unsafe_load", "yaml.full_load"}}


@pytest.mark.parametrize(("keyword", "value"), [("shell", True), ("allow_pickle", True), ("verify", False)])
def test_no_call_switches_off_a_safety_check(keyword, value):
    given = [k for _, node in nodes(ast.Call) for k in node.keywords if k.arg == keyword]
    assert [k for k in given if isinstance(k.value, ast.Constant) and k.value.value is value] == []

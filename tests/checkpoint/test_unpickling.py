"""Nothing in a pickle is imported or called, whatever it holds."""

import copyreg
import io
import json
import pickle
import random
import struct
import subprocess
import sys
import tarfile
import zipfile

import pytest
import torch

from imgxlate import checkpoint, unpickling
from imgxlate.errors import CheckpointError
from imgxlate.unpickling import Name, Object, PicklingError

# A file with the tensor w = [1, 2] and a second value beside it. Protocol 0 writes text, which is easy to read here.
STORAGE = b"(Vstorage\nctorch\nFloatStorage\nV0\nVcpu\nI2\n%bt"
TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n(%bQI0\n(I2\nt(I1\nt\x89ccollections\nOrderedDict\n)RtR"
COMMANDS = [
    (b"os", b"system", b"touch RAN"),
    (b"posix", b"system", b"touch RAN"),
    (b"subprocess", b"Popen", b"touch RAN"),
    (b"subprocess", b"getoutput", b"touch RAN"),
    (b"builtins", b"eval", b"open('RAN', 'w')"),
    (b"__builtin__", b"eval", b"open('RAN', 'w')"),
    (b"builtins", b"exec", b"open('RAN', 'w')"),
    (b"builtins", b"open", b"RAN"),
    (b"builtins", b"__import__", b"antigravity"),
    (b"importlib", b"import_module", b"antigravity"),
    (b"runpy", b"run_path", b"RAN"),
    (b"pty", b"spawn", b"RAN"),
    (b"shutil", b"rmtree", b"."),
    (b"torch", b"load", b"RAN"),
    (b"torch.hub", b"load", b"RAN"),
    (b"torch.jit", b"load", b"RAN"),
    (b"numpy", b"load", b"RAN"),
    (b"torch._utils", b"_import_dotted_name", b"os.system"),
    (b"torch.utils._config_module", b"os.system", b"touch RAN"),
    (b"imgxlate.unpickling", b"pickletools.sys.exit", b"9"),
    (b"", b"", b""),
]


def calls():
    """Each way to call a function or make an object, of each command, as bytes that leave one value on the stack."""
    for module, name, text in COMMANDS:
        named = b"c%b\n%b\n" % (module, name)
        argument = b"V%b\n" % text
        yield named + b"(" + argument + b"tR"
        yield b"V%b\nV%b\n\x93(" % (module, name) + argument + b"tR"  # STACK_GLOBAL
        yield b"(" + argument + b"i%b\n%b\n" % (module, name)  # INST
        yield b"(" + named + argument + b"o"  # OBJ
        yield named + b"(" + argument + b"t\x81"  # NEWOBJ
        yield named + b"(" + argument + b"t}\x92"  # NEWOBJ_EX
        yield named + b")\x81}(V__setstate__\n" + named + b"ub(" + argument + b"tb"  # its state names the function
        yield named + b")R" + argument + b"a"  # APPEND to a made object calls its method
        yield named + b")R(" + argument + argument + b"e"
        yield named + b")R" + argument + argument + b"s"
        yield named + b")R(" + argument + b"\x90"  # ADDITEMS
        yield b"cbuiltins\nmap\n(" + named + b"(l" + argument + b"atR"
        yield b"cfunctools\npartial\n(" + named + argument + b"tR)R"  # a call of the result of a call
        yield b"coperator\nattrgetter\n(V__globals__\ntR(" + named + b"tR"
        yield b"cbuiltins\ngetattr\n(cbuiltins\n__dict__\n" + argument + b"tR"
        yield named + b"p7\n0" + b"N0" + b"g7\n(" + argument + b"tR"  # through the memo
        yield b"Nq\x070" + named + b"q\x070h\x07(" + argument + b"tR"  # over another value of the memo
        yield b"ccollections\nOrderedDict\n((l(l" + named + b"(" + argument + b"tRaNaatR"  # as a key
        yield b"(l(" + named + b"(" + argument + b"tRNd0"  # the key of a dict
    nested = pickle.dumps({"a": 1}, 0).replace(b"a", b"RAN") + b"cos\nsystem\n(Vtouch RAN\ntR."
    for module, name in ((b"pickle", b"loads"), (b"_pickle", b"loads"), (b"torch.storage", b"_load_from_bytes")):
        yield b"c%b\n%b\n(B%b%btR" % (module, name, struct.pack("<I", len(nested)), nested)
    yield b"\x82\xf0(Vtouch RAN\ntR"  # EXT1, which the process below registers as os.system
    yield b"\x83\xf0\x00(Vtouch RAN\ntR"
    yield b"\x84\xf0\x00\x00\x00(Vtouch RAN\ntR"
    yield b"Vos.system\nQ"  # a persistent id
    yield b"(Vmodule\ncos\nsystem\nVx.py\nVopen('RAN', 'w')\ntQ(Vtouch RAN\ntR"
    yield b"Pos.system\n"


def odd_tensors():
    """Files whose tensor itself names functions, by what stands for `w`."""
    evil = b"cos\nsystem\n(Vtouch RAN\ntR"
    tensor = TENSOR % (STORAGE % b"")
    yield tensor + evil + b"b"  # Tensor.__setstate__
    yield tensor.replace(b"torch\nFloatStorage", b"os\nsystem")
    yield tensor.replace(b"torch\nFloatStorage", b"torch.os.system\nFloatStorage")
    yield tensor.replace(b"QI0\n", b"Q" + evil)
    yield tensor.replace(b"(I2\nt(I1\nt", evil + evil)
    yield tensor.replace(b"ccollections\nOrderedDict\n)R", evil)  # the hooks
    yield b"ctorch._tensor\n_rebuild_from_type_v2\n(cos\nsystem\nctorch\nTensor\n(Vtouch RAN\nt}tR"
    yield b"ctorch._utils\n_rebuild_parameter\n(" + evil + b"\x88NtR"
    yield b"ctorch._utils\n_rebuild_tensor_v3\n(" + STORAGE % b"" + b"QI0\n(I2\nt(I1\nt\x89N" + evil + b"tR"
    yield b"ctorch._utils\n_rebuild_xla_tensor\n(" + evil + b"tR"
    yield b"ctorch._utils\n_rebuild_wrapper_subclass\n(" + evil * 3 + b"tR"


def content(w, beside=b"N"):
    return b"}(Vw\n" + w + b"Vx\n" + beside + b"u."


def write_zip(path, program):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", program)
        archive.writestr("archive/byteorder", "little")
        archive.writestr("archive/data/0", struct.pack("<2f", 1, 2))
    return path


def write_older(path, program):
    torch.save({}, path, _use_new_zipfile_serialization=False)
    whole = path.read_bytes()
    head = whole[: whole.index(b"\x80\x02}", whole.index(b"type_sizes"))]
    path.write_bytes(head + program + b"(lV0\na." + struct.pack("<q2f", 2, 1, 2))
    return path


def files(folder):
    """The corpus: each program in a zip file, in the older format, and as a plain pickle."""
    for number, beside in enumerate(calls()):
        yield write_zip(folder / f"{number}.zip.pth", content(TENSOR % (STORAGE % b""), beside))
        yield write_older(folder / f"{number}.older.pth", content(TENSOR % (STORAGE % b"N"), beside))
        for protocol in range(6):
            path = folder / f"{number}.{protocol}.pkl"
            path.write_bytes(b"\x80" + bytes([protocol]) + beside + b".")
            yield path
    for number, w in enumerate(odd_tensors()):
        yield write_zip(folder / f"w{number}.zip.pth", content(w))
        yield write_older(folder / f"w{number}.older.pth", content(w.replace(b"I2\ntQ", b"I2\nNtQ")))


READER = """
import copyreg, json, os, sys
from pathlib import Path
from imgxlate import checkpoint, torch_files
from imgxlate.errors import CheckpointError
copyreg.add_extension("os", "system", 240)
paths = [Path(line) for line in sys.stdin.read().splitlines()]
import encodings.raw_unicode_escape, encodings.cp437  # which text in pickles and zip files needs
events, results = [], {}
def hook(event, arguments):
    if not (event == "open" and str(arguments[0]) in names):
        events.append([event, repr(arguments)[:200]])
names = {str(path) for path in paths}
checkpoint.read(paths[0])
sys.addaudithook(hook)
modules = set(sys.modules)
for path in paths:
    try:
        results[path.name] = {key: tensor.tolist() for key, tensor in checkpoint.read(path).tensors.items()}
    except CheckpointError as error:
        results[path.name] = str(error)
imported = sorted(set(sys.modules) - modules)
print(json.dumps({"events": events, "imported": imported, "results": results}))
"""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """What a process did that read the whole corpus, by the audit events of Python, and what it read."""
    folder = tmp_path_factory.mktemp("corpus")
    paths = "\n".join(map(str, files(folder)))
    command = [sys.executable, "-c", READER]
    done = subprocess.run(command, input=paths, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert not (folder / "RAN").exists()
    return json.loads(done.stdout)


def test_a_hostile_file_makes_python_open_import_and_run_nothing(outcome):
    assert len(outcome["results"]) > 3000
    assert outcome["events"] == []
    assert outcome["imported"] == []


def test_the_tensors_beside_a_hostile_value_are_read_or_the_file_is_refused(outcome):
    torch_files = {name: result for name, result in outcome["results"].items() if name[0] != "w" and name[-3:] == "pth"}
    read = [result for result in torch_files.values() if isinstance(result, dict)]
    assert all(result == {"w": [1.0, 2.0]} for result in read)
    assert len(read) > 0.95 * len(torch_files)
    plain = [result for name, result in outcome["results"].items() if name.endswith("pkl")]
    assert all(isinstance(result, str) for result in plain)


def evaluate(program, persistent=lambda reference: reference):
    return unpickling.evaluate(io.BytesIO(program), persistent)


VALUE = {"a": [1, 2.5, None, True, "text", b"bytes", (1, (2, (3,))), 2**80, -1], "b": {"c": {}}, 3: [], None: ""}


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_are_those_that_pickle_gives(protocol):
    value = VALUE if protocol > 2 else VALUE | {"a": [part for part in VALUE["a"] if part != b"bytes"]}
    assert evaluate(pickle.dumps(value, protocol)) == value


def test_a_call_becomes_an_object_with_its_name_arguments_state_and_content():
    made = evaluate(b"cos\nsystem\n(Vtouch RAN\ntR}Vstate\nI1\nsb(I5\neVkey\nI6\ns.")
    assert isinstance(made, Object)
    assert (made.maker, made.arguments, made.state) == ("os.system", ("touch RAN",), {"state": 1})
    assert (made.items, made.entries) == ([5], {"key": 6})
    assert evaluate(b"cos\nsystem\n.") == Name("os.system")


def test_the_extension_registry_is_not_consulted():
    copyreg.add_extension("os", "system", 241)
    try:
        assert evaluate(b"\x82\xf1.") == Name("copyreg.extension_241")
    finally:
        copyreg.remove_extension("os", "system", 241)


@pytest.mark.parametrize(
    "program",
    [
        b"",
        b".",
        b"N",
        b"0.",
        b"t.",
        b"(t",
        b"R.",
        b"NR.",
        b"NNR.",
        b"N)b.",
        b"NNa.",
        b"NNNs.",
        b"}(NNNu.",
        b"Nu.",
        b"g5\n.",
        b"h\x05.",
        b"p5\n.",
        b"\x94.",
        b"I1" + b"0" * 5000 + b"\n.",
        b"Inan\n.",
        b"F1,5\n.",
        b"S'open\n.",
        b"\x93.",
        b"NN\x93.",
        b"\x97.",
        b"(o.",
        b"\x96" + struct.pack("<Q", 2**63 - 1),
        b"\x8e" + struct.pack("<Q", 2**60) + b"x.",
        b"\x8d" + struct.pack("<Q", 2**64 - 1) + b"x.",
        b"B\xff\xff\xff\xffx.",
        b"T\xff\xff\xff\x7fx.",
        b"T\xff\xff\xff\xffx.",
        b"\x8b\xff\xff\xff\x7fx.",
        b"\x80\xffN",
        b"\xff.",
    ],
)
def test_a_program_that_is_not_whole_is_refused(program):
    with pytest.raises(PicklingError):
        evaluate(program)


@pytest.mark.parametrize(
    "program",
    [
        b"(" * 2 * 10**5 + b"t" * 2 * 10**5 + b".",
        b"(l" + b"(l" * 10**5 + b"a" * 10**5 + b".",
        b"}" + b"I1\n}" * 10**5 + b"s" * 10**5 + b".",
        b"N" + b"\x85" * 2 * 10**5 + b".",
        b"cbuiltins\nset\n" * 10**5 + b")" + (b"R\x85" * 10**5) + b".",
    ],
    ids=["tuples", "lists", "dicts", "singles", "calls"],
)
def test_deep_nesting_does_not_exhaust_the_stack(program, tmp_path):
    with pytest.raises(CheckpointError, match="no tensors"):
        checkpoint.read(write_zip(tmp_path / "x.pth", program))


def test_the_name_of_an_object_reaches_the_terminal_without_control_characters(tmp_path):
    with pytest.raises(CheckpointError) as caught:
        checkpoint.read(write_zip(tmp_path / "x.pth", b"cos\n\x1b[2J" + b"x" * 10**6 + b"\n)R."))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


def test_lists_that_contain_each_other_many_times_are_refused_soon(tmp_path):
    program = b"(lp0\n" + b"".join(b"(l" + b"g%d\na" % n * 100 + b"p%d\n" % (n + 1) for n in range(15)) + b"."
    with pytest.raises(CheckpointError, match="more than 1000000 entries"):
        checkpoint.read(write_zip(tmp_path / "x.pth", program))


def test_a_tensor_with_very_many_names_is_refused_soon(tmp_path):
    tensor = TENSOR % (STORAGE % b"")
    program = b"(l" + tensor + b"p0\na" + b"g0\na" * 200_000 + b"."
    with pytest.raises(CheckpointError, match="more than 100000 tensors"):
        checkpoint.read(write_zip(tmp_path / "x.pth", program))


def test_an_entry_with_a_very_long_name_is_left_out(tmp_path):
    tensor = TENSOR % (STORAGE % b"")
    program = b"}(V" + b"x" * 10**6 + b"\n" + tensor + b"Vw\n" + tensor + b"u."
    assert list(checkpoint.read(write_zip(tmp_path / "x.pth", program)).tensors) == ["w"]


def test_a_program_with_too_many_operations_is_refused(monkeypatch):
    monkeypatch.setattr(unpickling, "MAX_OPERATIONS", 1000)
    with pytest.raises(PicklingError, match="more than 1000 operations"):
        evaluate(b"N0" * 1000 + b"N.")


@pytest.mark.parametrize("path", ["zip", "older"])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"(I1\nt\x89", b"(I2\nt\x89"),
        (b"(I1\nt\x89", b"(I-1\nt\x89"),
        (b"(I1\nt\x89", b"(I1\nI1\nt\x89"),
        (b"(I1\nt\x89", b"N\x89"),
        (b"(I2\nt(", b"(I3\nt("),
        (b"(I2\nt(", b"(I-2\nt("),
        (b"(I2\nt(", b"(L9223372036854775807L\nt("),
        (b"(I2\nt(", b"(L99999999999999999999999L\nt("),
        (b"(I2\nt(", b"(F2.0\nt("),
        (b"(I2\nt(", b"(I01\nt("),
        (b"(I2\nt(I1\nt", b"(I0\nL99999999999999999999999L\nt(I1\nI1\nt"),
        (b"QI0\n", b"QI1\n"),
        (b"QI0\n", b"QI-1\n"),
        (b"QI0\n", b"QL99999999999999999999999L\n"),
        (b"cpu\nI2\n", b"cpu\nI3\n"),
        (b"cpu\nI2\n", b"cpu\nI-2\n"),
        (b"cpu\nI2\n", b"cpu\nL4611686018427387904L\n"),
        (b"cpu\nI2\n", b"cpu\nN"),
        (b"V0\nVcpu", b"V1\nVcpu"),
        (b"V0\nVcpu", b"V../data.pkl\nVcpu"),
        (b"V0\nVcpu", b"I0\nVcpu"),
        (b"FloatStorage", b"DoubleStorage"),
        (b"FloatStorage", b"__dict__"),
        (b"(Vstorage\n", b"(Vmodule\n"),
        (b"RtR", b"RN\x86R"),
    ],
)
def test_a_tensor_that_does_not_fit_its_storage_is_refused(tmp_path, old, new, path):
    write = write_zip if path == "zip" else write_older
    tensor = TENSOR % (STORAGE % (b"" if path == "zip" else b"N"))
    assert checkpoint.read(write(tmp_path / "whole.pth", content(tensor))).tensors["w"].tolist() == [1, 2]
    assert old in tensor
    with pytest.raises(CheckpointError):
        checkpoint.read(write(tmp_path / "x.pth", content(tensor.replace(old, new))))


@pytest.mark.parametrize("view", [b"(V1\nI1\nI2\nt", b"(V1\nI-1\nI1\nt", b"(V1\nI0\nI3\nt", b"(I1\nI0\nI2\nt", b"I1\n"])
def test_a_part_of_a_storage_that_reaches_beyond_it_is_refused(tmp_path, view):
    with pytest.raises(CheckpointError):
        checkpoint.read(write_older(tmp_path / "x.pth", content(TENSOR % (STORAGE % view))))


def test_a_part_of_a_storage_is_read(tmp_path):
    tensor = (TENSOR % (STORAGE % b"(V1\nI1\nI1\nt")).replace(b"(I2\nt(", b"(I1\nt(")
    assert checkpoint.read(write_older(tmp_path / "x.pth", content(tensor))).tensors["w"].tolist() == [2]


def test_overlapping_tensors_are_read(tmp_path):
    tensor = (TENSOR % (STORAGE % b"")).replace(b"(I2\nt(I1\nt", b"(I3\nI2\nt(I0\nI1\nt")
    tensors = checkpoint.read(write_zip(tmp_path / "x.pth", content(tensor, TENSOR % (STORAGE % b"")))).tensors
    assert tensors["w"].tolist() == [[1, 2]] * 3
    assert tensors["x"].tolist() == [1, 2]


def test_mutated_programs_are_read_or_refused_without_another_error(tmp_path):
    chance = random.Random(0)
    whole = pickle.dumps({"w": VALUE, "x": [Name("a"), {1, 2}, torch.float32]}, 4) + content(TENSOR % (STORAGE % b""))
    whole = content(TENSOR % (STORAGE % b""), whole[2 : whole.index(b".}")])
    refused = 0
    for _ in range(500):
        mutated = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            mutated[chance.randrange(len(mutated))] = chance.randrange(256)
        try:
            checkpoint.read(write_zip(tmp_path / "x.pth", bytes(mutated)))
        except CheckpointError:
            refused += 1
    assert 0 < refused < 500


def test_a_tar_file_of_the_oldest_torch_is_refused(tmp_path):
    with tarfile.open(tmp_path / "x.pth", "w") as archive:
        for name in ("sys_info", "pickle", "tensors", "storages"):
            data = b"cos\nsystem\n(Vtouch RAN\ntR."
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    with pytest.raises(CheckpointError, match="is not a checkpoint"):
        checkpoint.read(tmp_path / "x.pth")

"""The tensors of files of `torch.save` and `pickle.dump` are read, whatever else is beside them."""

import argparse
import collections
import datetime
import enum
import pathlib
import pickle
import types

import numpy as np
import pytest
import torch
from torch import nn

from imgxlate import checkpoint, torch_files
from imgxlate.errors import CheckpointError


class Mode(enum.Enum):
    FAST = 1


class Trainer:
    """Not a module: its tensors are named by its attributes."""

    def __init__(self):
        self.generator, self.steps = nn.Conv2d(1, 2, 3), 5


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        norm = nn.BatchNorm2d(2)
        self.model = nn.Sequential(nn.Conv2d(3, 2, 3), norm, nn.ReLU(), nn.ConvTranspose2d(2, 1, 3, bias=False))
        self.normed = nn.utils.spectral_norm(nn.Linear(3, 4))
        self.tied = self.model[0]
        self.options = argparse.Namespace(lr=1)
        self.register_buffer("kept", torch.arange(3))
        self.register_buffer("temporary", torch.arange(3), persistent=False)
        self.register_buffer("none", None)
        self.activation = torch.tanh


def saved(path, content, form):
    if form == "pickle":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "zip")
    return path


def read(path, content, form):
    return checkpoint.read(saved(path, content, form)).tensors


def assert_same(tensors, wanted):
    assert list(tensors) == list(wanted)
    for name, tensor in wanted.items():
        assert tensors[name].dtype == tensor.dtype
        assert torch.equal(tensors[name], tensor)


forms = pytest.mark.parametrize("form", ["zip", "older", "pickle"])
BOOKKEEPING = {
    "scalar": np.float64(0.3),
    "array": np.zeros((5, 2)),
    "dtype": np.dtype("float32"),
    "namespace": argparse.Namespace(lr=1, nested=argparse.Namespace(beta=2)),
    "datetime": datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC),
    "defaultdict": collections.defaultdict(list, a=[1]),
    "ordered": collections.OrderedDict(a=1, b=collections.OrderedDict(c=2)),
    "counter": collections.Counter("hello"),
    "path": pathlib.PurePosixPath("/x"),
    "size": torch.Size([1, 2]),
    "kind": torch.float16,
    "device": torch.device("cuda:0"),
    "generator": torch.Generator,
    "simple": types.SimpleNamespace(a=1),
    "enum": Mode.FAST,
    "by_enum": {Mode.FAST: 1, (1, 2): 3, 2.5: 4},
    "set": {1, 2},
    "frozen": frozenset("ab"),
    "complex": 1j,
    "bytes": b"abc",
    "array_of_bytes": bytearray(b"abc"),
    "huge": 10**5000,
    "by_huge": {10**5000: 1},
    "function": torch.nn.functional.relu,
    "history": [0.5] * 200_000,
}


@forms
@pytest.mark.parametrize("name", BOOKKEEPING)
def test_bookkeeping_beside_the_tensors_is_left_out(tmp_path, name, form):
    weights = {"conv.weight": torch.randn(2, 3), "conv.bias": torch.randn(2)}
    tensors = read(tmp_path / "x.pth", {"netG": weights, "epoch": 3, name: BOOKKEEPING[name]}, form)
    assert_same(tensors, {f"netG.{key}": value for key, value in weights.items()})


@forms
def test_the_tensors_of_an_optimizer_are_named_by_their_place_in_its_state(tmp_path, form):
    net = nn.Linear(2, 2)
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    content = {"net": net.state_dict(), "optimizer": optimizer.state_dict()}
    tensors = read(tmp_path / "x.pth", content, form)
    assert torch.equal(tensors["net.weight"], net.weight)
    assert torch.equal(tensors["optimizer.state.0.exp_avg"], optimizer.state_dict()["state"][0]["exp_avg"])


@forms
def test_a_pickled_module_gives_its_state_dict(tmp_path, form):
    model = Generator()
    assert_same(read(tmp_path / "x.pth", model, form), model.state_dict())


@forms
def test_modules_in_dicts_in_wrappers_and_in_objects_give_their_state_dicts(tmp_path, form):
    model, parallel, trainer = Generator(), nn.DataParallel(nn.Linear(1, 2)), Trainer()
    tensors = read(tmp_path / "x.pth", {"ema": model, "wrapped": parallel, "trainer": trainer, "epoch": 3}, form)
    wanted = {f"ema.{key}": value for key, value in model.state_dict().items()}
    wanted |= {f"wrapped.{key}": value for key, value in parallel.state_dict().items()}
    wanted |= {f"trainer.generator.{key}": value for key, value in trainer.generator.state_dict().items()}
    assert_same(tensors, wanted)


def test_the_class_of_a_pickled_module_need_not_exist(tmp_path):
    path = saved(tmp_path / "x.pth", Generator(), "older")
    path.write_bytes(path.read_bytes().replace(b"\nGenerator\n", b"\nRenamed__\n"))
    assert "model.0.weight" in checkpoint.read(path).tensors


def all_types():
    base = torch.arange(24)
    kinds = torch_files._DTYPES.values()
    return {str(kind): base.to(kind) for kind in kinds} | {
        "transposed": torch.randn(3, 4).T,
        "channels_last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        "part": torch.randn(10)[3:7],
        "expanded": torch.randn(3, 1).expand(3, 5),
        "empty": torch.zeros(0, 4),
        "single": torch.tensor(2.5),
        "parameter": nn.Parameter(torch.ones(2)),
        "buffer": nn.Buffer(torch.ones(2)),
    }


@forms
def test_tensors_of_every_type_and_memory_layout_are_read_to_the_bit(tmp_path, form):
    tensors = all_types()
    assert_same(read(tmp_path / "x.pth", tensors, form), tensors)


@forms
def test_a_tensor_with_attributes_is_read(tmp_path, form):
    tensor = torch.ones(3)
    tensor.note = "of a training program"
    assert_same(read(tmp_path / "x.pth", {"w": tensor}, form), {"w": tensor})


@pytest.mark.parametrize("form", ["zip", "older"])
def test_tensors_that_share_a_storage_share_their_memory(tmp_path, form):
    w = torch.arange(6.0)
    tensors = read(tmp_path / "x.pth", {"a": w, "b": w[2:].view(2, 2)}, form)
    tensors["a"][2] = 7
    assert tensors["b"][0, 0] == 7


@forms
def test_a_tensor_with_two_names_has_the_same_memory(tmp_path, form):
    w = torch.arange(6.0)
    tensors = read(tmp_path / "x.pth", {"a": w, "b": w}, form)
    assert tensors["a"].data_ptr() == tensors["b"].data_ptr()


def test_a_state_dict_of_python_2_is_read(tmp_path):
    storage = b"(S'storage'\nctorch\nFloatStorage\nS'7'\nS'cuda:0'\nI2\nNtQ"
    tensor = b"ctorch._utils\n_rebuild_tensor\n(" + storage + b"I0\n(I2\nt(I1\nttR"
    program = b"ccollections\nOrderedDict\n((lp1\n(lp2\nS'w'\na" + tensor + b"aatR."
    path = tmp_path / "x.pth"
    torch.save({}, path, _use_new_zipfile_serialization=False)
    start = path.read_bytes()
    head = start[: start.index(b"\x80\x02}", start.index(b"type_sizes"))]
    path.write_bytes(head + program + b"(lS'7'\na." + (2).to_bytes(8, "little") + np.float32([1, 2]).tobytes())
    assert_same(checkpoint.read(path).tensors, {"w": torch.tensor([1.0, 2.0])})


@forms
@pytest.mark.parametrize("odd", [torch.eye(3).to_sparse(), torch.empty(3, device="meta")])
def test_a_tensor_that_is_not_plain_is_named(tmp_path, odd, form):
    path = saved(tmp_path / "x.pth", {"w": odd}, form)
    with pytest.raises(CheckpointError, match="w, which is not a plain tensor") as caught:
        checkpoint.read(path)
    assert "state_dict()" in caught.value.hint


@forms
def test_an_object_without_tensors_is_named(tmp_path, form):
    path = saved(tmp_path / "x.pth", argparse.Namespace(lr=1), form)
    with pytest.raises(CheckpointError, match=r"only an object of argparse\.Namespace, whose code is not run"):
        checkpoint.read(path)

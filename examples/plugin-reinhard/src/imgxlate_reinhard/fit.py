"""`python -m imgxlate_reinhard.fit DATA_A DATA_B -o FILE`: measure the colors of two folders."""

import argparse
from pathlib import Path

import torch
from torch import Tensor

from imgxlate.plugin import decode, to_tensor, walk, write_checkpoint
from imgxlate_reinhard.color import to_opponent


def measure(folder: Path) -> tuple[Tensor, Tensor]:
    """The mean and the standard deviation (3,) of the colors of all pixels in a folder."""
    colors = [to_opponent(to_tensor(decode(path).on_white().rgb)).flatten(2)[0] for path in sorted(walk(folder))]
    pixels = torch.cat(colors, dim=1)  # (3, pixels)
    return pixels.mean(dim=1), pixels.std(dim=1)


def main() -> None:
    """Measure both folders and write the checkpoint."""
    parser = argparse.ArgumentParser(description="Measure the colors of two folders of images.")
    parser.add_argument("data_a", type=Path)
    parser.add_argument("data_b", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    tensors = {}
    for domain, folder in (("A", arguments.data_a), ("B", arguments.data_b)):
        tensors[f"{domain}.mean"], tensors[f"{domain}.deviation"] = measure(folder)
    header = {"method": "reinhard", "architecture": {}, "domains": [arguments.data_a.name, arguments.data_b.name]}
    write_checkpoint(arguments.output, tensors, header)


if __name__ == "__main__":
    main()

"""The originals' configuration files."""

import pytest

from imgxlate.methods.original_options import read_options

WRITTEN = {
    "batch_size": "4 [default: 1]",
    "beta1": "0.5",
    "checkpoints_dir": "./checkpoints",
    "gpu_ids": "-1 [default: 0]",
    "max_dataset_size": "inf",
    "name": "horse2zebra [default: experiment_name]",
    "no_dropout": "True",
    "suffix": "",
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_what_cyclegans_train_py_writes_down_is_read(tmp_path, newline):
    lines = ["----------------- Options ---------------"]
    for key, text in WRITTEN.items():
        value, bracket, default = text.partition("[")
        lines.append(f"{key:>25}: {value.strip():<30}\t{bracket}{default}")
    lines.append("----------------- End -------------------")
    path = tmp_path / "train_opt.txt"
    path.write_bytes("".join(f"{line}{newline}" for line in lines).encode())
    assert read_options(path) == {
        "batch_size": 4,
        "beta1": 0.5,
        "checkpoints_dir": "./checkpoints",
        "gpu_ids": -1,
        "max_dataset_size": "inf",
        "name": "horse2zebra",
        "no_dropout": True,
        "suffix": None,
    }


def test_without_a_file_there_are_no_options():
    assert read_options(None) == {}

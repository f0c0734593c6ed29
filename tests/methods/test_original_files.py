"""The originals' files: configurations, and directions in names."""

from pathlib import Path

import pytest

from imgxlate.methods.original_files import domain_in_file_name, opposite, read_options

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
def test_train_opt_txt_of_cyclegan_is_read(tmp_path, newline):
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


@pytest.mark.parametrize(
    ("name", "domain", "other"),
    [
        ("latest_net_G_A.pth", "A", "latest_net_G_B.pth"),
        ("200_net_G_B.pth", "B", "200_net_G_A.pth"),
        ("gen_AB.pth", "A", "gen_BA.pth"),
        ("netG_B2A.pth", "B", "netG_A2B.pth"),
        ("generator_a_to_b.pt", "A", "generator_b_to_a.pt"),
        ("G_A.safetensors", "A", "G_B.safetensors"),
        ("G_BA_100.pth", "B", "G_AB_100.pth"),
        ("netG_B2A_epoch_9.pth", "B", "netG_A2B_epoch_9.pth"),
        ("netG_A-latest.pth", "A", "netG_B-latest.pth"),
        ("G_XtoY.pth", "A", "G_YtoX.pth"),
        ("g21-20000.pkl", "B", "g12-20000.pkl"),
        ("G_1to2.pth", "A", "G_2to1.pth"),
        ("gen_12.pt", None, None),  # the number of a step
        ("G_Adam.pth", None, None),
        ("net_G_best.pth", None, None),
        ("latest_net_G.pth", None, None),
        ("horse2zebra.pth", None, None),
        ("photos_of_b.pth", None, None),
        ("latest_net_D_A.pth", None, None),
    ],
)
def test_the_name_of_a_file_shows_its_direction_and_the_name_of_the_opposite_file(name, domain, other):
    path = Path("folder") / name
    assert domain_in_file_name(path) == domain
    assert opposite(path) == (Path("folder") / other if other else None)

"""Checkpoints of other programs, networks that `--generator` names, and checkpoints of a run."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from imgxlate import checkpoint
from imgxlate.training.run_folder import RunFolder


@pytest.fixture
def photo(tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def networks(golden):
    """CycleGAN's two generators, and MUNIT's two autoencoders."""
    cyclegan = [torch.load(golden / "cyclegan" / f"latest_net_G_{d}.pth", weights_only=True) for d in "AB"]
    munit = torch.load(golden / "munit" / "gen_00000001.pt", weights_only=True)
    return {"cyclegan": cyclegan, "munit": [munit["a"], munit["b"]]}


@pytest.fixture
def stored(tmp_path, networks):
    """A file that holds both networks of a method under these names."""

    def save(method, *names):
        torch.save(dict(zip(names, networks[method], strict=True)), tmp_path / "both.pth")
        return tmp_path / "both.pth"

    return save


def image(run, path, method, file, *options):
    done = run("translate", method, path, "--checkpoint", file, "-o", "-", *options)
    assert done.exit_code == 0, done.stderr
    return done.stdout_bytes


def test_one_generator_translates_from_a_to_b(run, photo, stored, golden):
    file = stored("cyclegan", "first", "second")
    refused = run("translate", "cyclegan", photo, "--checkpoint", file, "-o", "-")
    assert refused.exit_code == 6
    assert "show no direction: first, second" in refused.stderr
    assert "--generator NAME" in refused.stderr
    made = image(run, photo, "cyclegan", file, "--generator", "second")
    other = image(run, photo, "cyclegan", golden / "cyclegan" / "latest_net_G_B.pth", "--to", "A")
    assert made == other


def test_two_generators_are_named_in_the_order_of_their_domains(run, photo, stored, golden):
    file = stored("cyclegan", "first", "second")
    swapped = ["--generator", "second", "--generator", "first", "--to", "A"]
    expected = image(run, photo, "cyclegan", golden / "cyclegan" / "latest_net_G_A.pth")
    assert image(run, photo, "cyclegan", file, *swapped) == expected


def test_an_unknown_name_is_refused_with_the_names_in_the_file(run, photo, stored):
    refused = run("translate", "cyclegan", photo, "--checkpoint", stored("cyclegan", "x1", "z7"), "--generator", "G")
    assert refused.exit_code == 6
    assert "no network named 'G'" in refused.stderr
    assert "x1, z7" in refused.stderr


@pytest.mark.parametrize("names", [("source", "target"), ("gen_X", "gen_Y"), ("net1", "net2")])
def test_domains_under_other_names_are_known(run, photo, stored, golden, names):
    made = image(run, photo, "munit", stored("munit", *names))
    assert made == image(run, photo, "munit", golden / "munit" / "gen_00000001.pt")


def test_both_domains_of_munit_are_named(run, photo, stored, golden):
    file = stored("munit", "apples", "pears")
    refused = run("translate", "munit", photo, "--checkpoint", file, "-o", "-")
    assert "do not show their domains: apples, pears" in refused.stderr
    made = image(run, photo, "munit", file, "--generator", "pears", "--generator", "apples", "--to", "A")
    assert made == image(run, photo, "munit", golden / "munit" / "gen_00000001.pt")


def test_averaged_weights_are_taken_with_a_note_and_the_trained_ones_by_their_name(run, photo, networks, tmp_path):
    first, second = networks["cyclegan"]
    torch.save({"g_ema": first, "g": second}, tmp_path / "ema.pth")
    torch.save(first, tmp_path / "first.pth")
    torch.save(second, tmp_path / "second.pth")
    done = run("translate", "cyclegan", photo, "--checkpoint", tmp_path / "ema.pth", "-o", tmp_path / "out.png")
    assert "averaged weights beside the trained ones (g_ema); the averaged ones are taken" in done.stderr
    assert (tmp_path / "out.png").read_bytes() == image(run, photo, "cyclegan", tmp_path / "first.pth")
    trained = image(run, photo, "cyclegan", tmp_path / "ema.pth", "--generator", "g")
    assert trained == image(run, photo, "cyclegan", tmp_path / "second.pth")


def test_a_line_says_if_a_file_was_read_by_its_layers(run, photo, networks, tmp_path):
    first, _ = networks["cyclegan"]
    torch.save({name.replace("model", "net"): tensor for name, tensor in first.items()}, tmp_path / "renamed.pth")
    torch.save({"netG": {f"module.{name}": tensor for name, tensor in first.items()}}, tmp_path / "known.pth")
    files = [tmp_path / f"{name}.pth" for name in ("renamed", "known")]
    done = [run("translate", "cyclegan", photo, "--checkpoint", file, "-o", file.with_suffix(".png")) for file in files]
    assert ["was read by its layers" in each.stderr for each in done] == [True, False]
    assert files[0].with_suffix(".png").read_bytes() == files[1].with_suffix(".png").read_bytes()


def test_generators_of_another_method_are_recognized_under_other_names(run, photo, golden, tmp_path):
    cut = torch.load(golden / "cut" / "latest_net_G.pth", weights_only=True)
    torch.save({name.replace("model", "net"): tensor for name, tensor in cut.items()}, tmp_path / "renamed.pth")
    refused = run("translate", "cyclegan", photo, "--checkpoint", tmp_path / "renamed.pth", "-o", "-")
    assert refused.exit_code == 6
    assert "holds generators of CUT, under other names" in refused.stderr
    assert "imgxlate translate cut" in refused.stderr
    assert image(run, photo, "cut", tmp_path / "renamed.pth") == image(
        run, photo, "cut", golden / "cut" / "latest_net_G.pth"
    )


def test_export_and_import_take_a_generator(run, photo, stored, golden, tmp_path):
    file = stored("cyclegan", "first", "second")
    expected = image(run, photo, "cyclegan", golden / "cyclegan" / "latest_net_G_B.pth", "--to", "A")
    exported = run(
        "weights", "export", file, "--format", "originals", "--generator", "second", "-o", tmp_path / "x.pth"
    )
    assert exported.exit_code == 0, exported.stderr
    assert image(run, photo, "cyclegan", tmp_path / "x.pth") == expected
    imported = run("weights", "import", "mine", file, "--method", "cyclegan", "--generator", "second")
    assert imported.exit_code == 0, imported.stderr
    done = run("translate", "cyclegan", photo, "--model", "mine", "-o", "-")
    assert done.stdout_bytes == expected


def test_an_unusable_file_of_the_other_direction_is_a_note(run, photo, golden, tmp_path):
    whole = (golden / "cyclegan" / "latest_net_G_A.pth").read_bytes()
    (tmp_path / "latest_net_G_A.pth").write_bytes(whole)
    (tmp_path / "latest_net_G_B.pth").write_bytes(whole[:3000])
    arguments = ("translate", "cyclegan", photo, "--checkpoint", tmp_path / "latest_net_G_A.pth", "--json")
    done = run(*arguments, "-o", tmp_path / "out.png")
    assert done.exit_code == 0
    assert "the generator of the other direction is left out" in done.stderr
    assert json.loads(done.stdout)["to"] == "B"
    backwards = run(*arguments, "--to", "A", "-o", tmp_path / "back.png")
    assert backwards.exit_code == 2
    assert "latest_net_G_B.pth" in backwards.stderr


def test_sample_styles_takes_both_domains_by_name(run, photo, stored, golden, tmp_path):
    renamed, original = tmp_path / "renamed.png", tmp_path / "original.png"
    names = ("--generator", "apples", "--generator", "pears")
    for sheet, file, options in (
        (renamed, stored("munit", "apples", "pears"), names),
        (original, golden / "munit" / "gen_00000001.pt", ()),
    ):
        done = run("sample-styles", "munit", photo, "--checkpoint", file, "--n-styles", 1, "-o", sheet, *options)
        assert done.exit_code == 0, done.stderr
    assert renamed.read_bytes() == original.read_bytes()


def test_every_command_takes_a_checkpoint_of_a_run(run, photo, generators, tmp_path):
    _, tensors, header = generators("cyclegan")
    folder = RunFolder(tmp_path / "run")
    state = {f"training.generators.weights.{name}": torch.zeros_like(tensor) for name, tensor in tensors.items()}
    step = folder.save(7, state | {f"average.{name}": tensor for name, tensor in tensors.items()}, header)
    checkpoint.write(tmp_path / "model.safetensors", tensors, header)
    expected = image(run, photo, "cyclegan", tmp_path / "model.safetensors")
    assert image(run, photo, "cyclegan", step) == expected
    for arguments in (
        ("weights", "export", step, "--format", "half", "-o", tmp_path / "half.safetensors"),
        ("weights", "import", "step7", step, "--method", "cyclegan"),
        ("compare", photo, "--methods", "cyclegan", "--model", f"cyclegan={step}", "-o", tmp_path / "compared"),
    ):
        done = run(*arguments)
        assert done.exit_code == 0, done.stderr
    assert run("translate", "cyclegan", photo, "--model", "step7", "-o", "-").stdout_bytes == expected


def test_compare_takes_a_generator_and_says_what_translate_says_of_the_file(run, photo, networks, tmp_path):
    first, second = networks["cyclegan"]
    torch.save({"g_ema": first, "g": second}, tmp_path / "ema.pth")
    made, settings = {}, {}
    for folder, options in {"averaged": [], "named": ["--generator", "cyclegan=g"]}.items():
        command = ["compare", photo, "--methods", "cyclegan", "--model", f"cyclegan={tmp_path}/ema.pth", *options]
        done = run(*command, "--metrics", "none", "-o", tmp_path / folder)
        assert done.exit_code == 0, done.stderr
        made[folder] = (tmp_path / folder / "images" / "photo.cyclegan.png").read_bytes()
        settings[folder] = json.loads((tmp_path / folder / "metrics.json").read_text())["entrants"][0]["settings"]
        assert done.stderr.count("(g_ema); the averaged ones are taken") == (folder == "averaged")
    assert made["averaged"] == image(run, photo, "cyclegan", tmp_path / "ema.pth")
    assert made["named"] == image(run, photo, "cyclegan", tmp_path / "ema.pth", "--generator", "g")
    assert settings["averaged"] == {"to": settings["named"]["to"]}
    assert settings["named"]["generators"] == "g"
    refused = run(*command[:-1], "cyclegan=x", "--metrics", "none", "-o", tmp_path / "refused")
    assert refused.exit_code == 6
    assert "g_ema" in refused.stderr

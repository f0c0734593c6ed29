"""`imgxlate weights`: list, info, download, verify, import, path."""

import http.server
import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from imgxlate.weights import cards


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server with one file, and a card for it among the others."""
    folder = tmp_path / "server"
    folder.mkdir()
    (folder / "tiny.pth").write_bytes(bytes(range(256)) * 40)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=folder)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{httpd.server_port}/tiny.pth"
        tiny = replace(
            cards.find("cyclegan-horse2zebra"), name="cyclegan-tiny", filename="tiny.pth", urls=(url,), size=None
        )
        known = {**cards.cards(), tiny.name: tiny}
        monkeypatch.setattr(cards, "cards", lambda: known)
        monkeypatch.setattr("imgxlate.weights.records.cards", lambda: known)
        monkeypatch.setattr("imgxlate.weights.imports.cards", lambda: known)
        yield folder
        httpd.shutdown()


def listed(run):
    return {row["name"]: row for row in json.loads(run("weights", "list", "--json").stdout)["weights"]}


def test_the_list_shows_the_status_of_all_weights(run):
    rows = listed(run)
    assert rows["vgg19"]["status"] == "bundled"
    assert rows["cyclegan-horse2zebra"]["status"] == "downloadable"
    assert rows["munit-edges2shoes"]["status"] == "by hand"
    table = run("weights", "list").stdout
    assert all(name in table for name in rows)


def test_a_card_shows_paper_license_and_source(run):
    row = json.loads(run("weights", "info", "horse2zebra", "--json").stdout)
    assert row["licence"].startswith("BSD")
    assert row["domains"] == ["horse", "zebra"]
    text = run("weights", "info", "horse2zebra").stdout
    assert row["citation"] in text
    assert row["urls"][0] in text


def test_an_unknown_name_gets_the_nearest_one(run):
    result = run("weights", "info", "horse2zebr")
    assert result.exit_code == 5
    assert "horse2zebra" in result.stderr


def test_a_download_is_stored_and_reports_where_its_hash_comes_from(run, server):
    result = run("weights", "download", "cyclegan-tiny")
    assert result.exit_code == 0, result.stderr
    assert "publishes no hash" in result.stderr
    path = Path(run("weights", "path", "cyclegan-tiny").stdout.strip())
    assert path.read_bytes() == (server / "tiny.pth").read_bytes()
    assert listed(run)["cyclegan-tiny"]["status"] == "here"


def test_a_download_can_be_reported_as_json(run, server):
    (row,) = json.loads(run("weights", "download", "cyclegan-tiny", "--json", "-q").stdout)["weights"]
    assert Path(row["path"]).read_bytes() == (server / "tiny.pth").read_bytes()
    assert json.loads(run("weights", "path", "cyclegan-tiny", "--json").stdout)["path"] == row["path"]


def test_path_without_a_name_is_the_folder_of_the_store(run):
    assert Path(run("weights", "path").stdout.strip()).name == "weights"


def test_offline_the_error_names_the_missing_weights_and_how_to_get_them(run):
    result = run("weights", "download", "horse2zebra", "--offline")
    assert result.exit_code == 5
    assert "network is switched off" in result.stderr


def test_weights_for_manual_download_get_the_hint_to_import_them(run):
    result = run("weights", "download", "munit-edges2shoes")
    assert result.exit_code == 5
    assert "imgxlate weights import munit-edges2shoes FILE" in result.stderr


def test_verifying_finds_a_flipped_bit(run, server):
    run("weights", "download", "cyclegan-tiny")
    assert run("weights", "verify").exit_code == 0
    path = Path(run("weights", "path", "cyclegan-tiny").stdout.strip())
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    path.write_bytes(data)
    result = run("weights", "verify", "--json")
    assert result.exit_code == 5
    faults = {row["name"]: row["fault"] for row in json.loads(result.stdout)["weights"]}
    assert faults["vgg19"] is None
    assert "damaged" in faults["cyclegan-tiny"]


@pytest.mark.parametrize("method", ["munit", "unit"])
def test_an_imported_model_is_listed(run, golden, method):
    result = run("weights", "import", "mine", golden / method / "gen_00000001.pt", "--method", method)
    assert result.exit_code == 0, result.stderr
    assert listed(run)["mine"]["status"] == "here"


def test_a_file_without_a_model_of_the_method_is_not_imported(run, golden):
    result = run("weights", "import", "mine", golden / "munit" / "dis_00000001.pt", "--method", "munit")
    assert result.exit_code == 6
    assert "discriminator" in result.stderr.lower()
    assert "mine" not in listed(run)


def test_a_network_of_a_metric_must_be_the_published_file(run, golden):
    result = run("weights", "import", "lpips-alexnet", golden / "munit" / "gen_00000001.pt")
    assert result.exit_code == 5
    assert "is not the published alexnet-owt-7be5be79.pth" in result.stderr
    assert listed(run)["lpips-alexnet"]["status"] != "here"


def test_a_feature_network_is_opened_before_it_is_imported(run, golden):
    result = run("weights", "import", "vgg19-caffe", golden / "munit" / "gen_00000001.pt")
    assert result.exit_code in (5, 6)
    assert listed(run)["vgg19-caffe"]["status"] == "downloadable"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "is not known"),
        (["--method", "munit", "--domains", "summer"], "two names are needed"),
        (["--method", "munit", "--domains", "a,b,c"], "two names are needed"),
        (["--method", "gatys"], "gatys does not translate images"),
    ],
)
def test_an_invalid_import_is_refused_with_the_reason(run, golden, arguments, said):
    result = run("weights", "import", "mine", golden / "munit" / "gen_00000001.pt", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_an_imported_generator_keeps_its_direction(run, golden, tmp_path, pixels):
    file = tmp_path / "latest_net_G_B.pth"
    file.write_bytes((golden / "cyclegan" / "latest_net_G_B.pth").read_bytes())
    imported = ("weights", "import", "zeb", file, "--method", "cyclegan", "--domains", "horse,zebra", "--json")
    assert json.loads(run(*imported).stdout)["name"] == "zeb"
    image = golden / "cyclegan" / "b.png"
    base = ("translate", "cyclegan", image, "--precision", "fp32", "--json")
    result = run(*base, "--model", "zeb", "-o", tmp_path / "out.png")
    assert json.loads(result.stdout)["to"] == "horse"
    assert abs(pixels(tmp_path / "out.png") - pixels(golden / "cyclegan" / "b2a.png")).max() <= 1
    assert "translates to horse only" in run(*base, "--model", "zeb", "--to", "zebra", "-o", tmp_path / "no.png").stderr


def test_a_damaged_import_gets_the_hint_to_import_it_again(run, golden, tmp_path):
    run("weights", "import", "mine", golden / "munit" / "gen_00000001.pt", "--method", "munit")
    path = Path(run("weights", "path", "mine").stdout.strip())
    path.write_bytes(path.read_bytes()[:-1])
    result = run("weights", "verify", "mine")
    assert result.exit_code == 5
    assert "imgxlate weights import mine" in result.stderr


@pytest.fixture
def model(golden, tmp_path):
    """The folder of a run with a model in it."""
    from imgxlate import checkpoint
    from imgxlate.inference.loading import model_header
    from imgxlate.methods import registry
    from imgxlate.training import run_model

    opened = checkpoint.read(golden / "munit" / "gen_00000001.pt")
    translator = registry.implementation(registry.find("munit")).from_checkpoint(opened, {})
    card = run_model.TrainingCard(
        preset="tiny", iterations=9, batch_size=1, seed=0, precision="fp32", ema=0.0, images_a=1, images_b=2, size=72
    )
    header = model_header("munit", translator.config, ("summer", "winter"), "B")
    run_model.write_model(tmp_path / "run" / "model.safetensors", translator.tensors(), header, step=9, card=card)
    return tmp_path / "run"


def test_info_of_a_file_or_a_run_folder_shows_its_contents(run, model):
    rows = [json.loads(run("weights", "info", path, "--json").stdout) for path in (model, model / "model.safetensors")]
    assert rows[0] == rows[1]
    assert {key: rows[0][key] for key in ("method", "step", "domains", "target")} == {
        "method": "munit",
        "step": 9,
        "domains": ["summer", "winter"],
        "target": "winter",
    }
    assert len(rows[0]["payload_sha256"]) == 64
    assert rows[0]["card"]["preset"] == "tiny"
    text = run("weights", "info", model).stdout
    assert rows[0]["payload_sha256"] in text
    assert [line.split()[1] for line in text.splitlines() if line.startswith("card.preset")] == ["tiny"]
    assert "None" not in text


def test_info_of_a_file_shows_its_layers_and_what_is_left_over(run, golden, tmp_path):
    import torch

    generator = torch.load(golden / "cyclegan" / "latest_net_G_A.pth", weights_only=True)
    discriminator = {f"layer{number}.weight": torch.zeros(1) for number in range(10)}
    stored = {"generator": {f"net.{name}": tensor for name, tensor in generator.items()}, "judge": discriminator}
    torch.save(stored, tmp_path / "x.pth")
    text = run("weights", "info", tmp_path / "x.pth").stdout
    assert "judge.layer7.weight, and 2 more" in text
    [line] = [line for line in text.splitlines() if "model.10.conv_block.1 " in line]
    assert line.split()[:6] == ["a", "convolution", "16", "->", "16,", "3x3"]
    assert "generator.net.model.10.conv_block.1.weight, generator.net.model.10.conv_block.1.bias" in line
    document = json.loads(run("weights", "info", tmp_path / "x.pth", "--json").stdout)
    assert document["networks"][0]["name"] == "generator of A to B"
    assert document["left_over"] == [f"judge.layer{number}.weight" for number in range(10)]


def test_the_name_of_a_card_takes_precedence_over_a_file(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "horse2zebra").mkdir()
    row = json.loads(run("weights", "info", "horse2zebra", "--json").stdout)
    assert row["name"] == "cyclegan-horse2zebra"


@pytest.mark.parametrize("content", [b"", b"<html>", b"PK\x03\x04damaged"])
def test_info_of_a_file_without_weights_is_refused(run, tmp_path, content):
    (tmp_path / "model.safetensors").write_bytes(content)
    result = run("weights", "info", tmp_path / "model.safetensors")
    assert result.exit_code == 6
    assert "model.safetensors" in result.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("weights", "info"),
        ("weights", "export", "--format", "half"),
        ("weights", "import", "mine", "--method", "munit"),
        ("weights", "import", "vgg19-caffe"),
        ("weights", "import", "lpips-alexnet"),
        ("translate", "munit", "{photo}", "--checkpoint"),
        ("neural-style", "{photo}", "{photo}", "--features"),
    ],
    ids=" ".join,
)
def test_a_git_lfs_pointer_comes_with_the_command_that_fetches_the_file(run, photo, tmp_path, command):
    file = tmp_path / "weights.pt"
    file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 45512716\n")
    result = run(*(word.format(photo=photo()) for word in command), file)
    assert result.exit_code in (5, 6)
    assert "weights.pt: is a Git LFS pointer" in result.stderr
    assert "git lfs pull" in result.stderr


def test_a_missing_path_is_an_unknown_name(run, tmp_path):
    result = run("weights", "info", tmp_path / ("x" * 300))
    assert result.exit_code == 5
    assert "there are no weights named" in result.stderr


def test_translate_takes_the_folder_of_a_run(run, model, photo, tmp_path, pixels):
    for name, checkpoint in (("folder", model), ("file", model / "model.safetensors")):
        arguments = ("translate", "munit", photo(), "--checkpoint", checkpoint, "--to", "winter", "--json")
        result = run(*arguments, "-o", tmp_path / f"{name}.png")
        assert result.exit_code == 0, result.stderr
        assert json.loads(result.stdout)["model"] == {"folder": "run", "file": "model.safetensors"}[name]
    assert (pixels(tmp_path / "folder.png") == pixels(tmp_path / "file.png")).all()


def test_a_folder_that_is_not_a_run_does_not_translate(run, photo, tmp_path):
    result = run("translate", "munit", photo(), "--checkpoint", tmp_path, "-o", tmp_path / "out.png")
    assert result.exit_code == 6
    assert "the folder holds no model.safetensors" in result.stderr


def test_verifying_weights_that_were_never_downloaded_calls_them_missing(run):
    result = run("weights", "verify", "horse2zebra")
    assert result.exit_code == 5
    assert "1 of 1 are damaged or missing: cyclegan-horse2zebra" in result.stderr
    assert "`imgxlate weights download cyclegan-horse2zebra`" in result.stderr


def test_another_model_of_the_name_is_replaced_only_with_overwrite(run, golden):
    first = ("weights", "import", "mine", golden / "munit" / "gen_00000001.pt", "--method", "munit")
    other = ("weights", "import", "mine", golden / "unit" / "gen_00000001.pt", "--method", "unit")
    assert [run(*first).exit_code, run(*first).exit_code] == [0, 0]
    refused = run(*other)
    assert refused.exit_code == 2
    assert "add --overwrite" in refused.stderr
    assert listed(run)["mine"]["method"] == "munit"
    assert run(*other, "--overwrite").exit_code == 0
    assert listed(run)["mine"]["method"] == "unit"

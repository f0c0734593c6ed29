"""Which metrics there are, and over which feature networks."""

import pytest
import torch

from imgxlate.errors import CheckpointError, ImageError, NetworkError
from imgxlate.evaluate.comparison_metrics import load_metrics
from imgxlate.images.decode import decode
from imgxlate.paths import cache_dir
from imgxlate.weights.store import Store

CPU = torch.device("cpu")


def fetch(card, store, *, offline=False):
    return store.path(card, offline=offline)


def metrics(choice, *, targets=None, styles=(), fetch=fetch, on_failure=pytest.fail, notify=pytest.fail):
    return load_metrics(choice, "all", CPU, styles, targets, fetch, on_failure, notify)


def names(loaded):
    return [measure.name for measure in loaded.measures(3)]


def test_the_measures_depend_on_style_images_and_real_images(photo):
    style, targets = decode(photo("style.png")), [photo("real/a.png", seed=1), photo("real/b.png", seed=2)]
    assert names(metrics("none")) == []
    assert names(metrics("vgg19")) == ["vgg19-distance", "ssim", "content-distance"]
    assert names(metrics("vgg19", targets=targets, styles=[style])) == [
        *("vgg19-distance", "fd-vgg19", "kd-vgg19", "kd-vgg19-deviation"),
        *("ssim", "content-distance", "style-distance"),
    ]


def test_real_images_that_cannot_be_read_are_reported_and_left_out(photo, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"")
    errors = []
    loaded = metrics("vgg19", targets=[tmp_path / "bad.png", photo("a.png")], on_failure=errors.append)
    assert loaded.real.shape == (1, 512)
    assert "bad.png" in str(errors[0])
    with pytest.raises(ImageError, match="none of the images"):
        metrics("vgg19", targets=[tmp_path / "bad.png"], on_failure=errors.append)


def test_without_a_connection_the_bundled_network_measures_and_no_file_is_left(photo, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # where nobody listens
    lines = []
    loaded = metrics("auto", targets=[photo("a.png"), photo("b.png", seed=2)], notify=lines.append)
    assert "vgg19-distance" in names(loaded)
    assert [line.partition(":")[0] for line in lines] == ["FID and KID", "LPIPS"]
    assert all("cannot be downloaded" in line for line in lines)
    assert [file for file in cache_dir().rglob("*") if file.is_file() and file.suffix != ".lock"] == []


def test_missing_published_networks_are_an_error_if_required():
    with pytest.raises(NetworkError, match="switched off"):
        metrics("published", fetch=lambda card, store: fetch(card, store, offline=True))


def test_published_networks_are_fetched_by_name_with_less_patience_if_there_is_a_fallback(photo):
    fetched = []

    def note(card, store):
        fetched.append((card.name, store.patience.tries < Store().patience.tries))
        return photo("no-checkpoint.png")

    with pytest.raises(CheckpointError):
        metrics("published", fetch=note)
    lines = []
    metrics("auto", targets=[photo("a.png")], fetch=note, notify=lines.append)
    assert fetched == [("lpips-alexnet", False), ("fid-inception", True), ("lpips-alexnet", True)]

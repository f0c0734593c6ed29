"""The image of the loss curves."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from imgxlate.training import evaluations, plots

NAMES = ("gen_total", "gen_recon_x_a", "gen_recon_x_b", "gen_recon_kl_cyc_aba", "gen_recon_kl_cyc_bab", "grad_gen")


@pytest.fixture
def history(tmp_path):
    """Write a history of so many steps, with the losses that `loss` returns for each step."""

    def write(steps, names=NAMES, loss=lambda step: 1 / step):
        path = tmp_path / f"{steps}.jsonl"
        with path.open("w") as file:
            for step in range(1, steps + 1):
                losses = {name: loss(step) for name in names}
                line = {"step": step, "time": "2026-01-01T00:00:00+00:00", "seconds": 0.1, "losses": losses}
                file.write(json.dumps(line) + "\n")
        return path

    return write


def rendered(figure):
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=50)
    return np.asarray(Image.open(png).convert("RGB")).astype(int)


@pytest.mark.parametrize("steps", [1, 2, 3, 300, 25_000])
def test_a_history_of_any_length_gives_an_image(history, tmp_path, steps):
    plots.write(tmp_path / "losses.png", history(steps))
    with Image.open(tmp_path / "losses.png") as image:
        assert image.width > 4 * 300
        assert len(image.convert("RGB").getcolors(1 << 24)) > 50


def test_the_same_history_gives_the_same_bytes(history, tmp_path):
    for name in ("first.png", "second.png"):
        plots.write(tmp_path / name, history(20))
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()


def test_without_losses_no_image_is_written(history, tmp_path):
    for source in (tmp_path / "none.jsonl", history(0), history(5, names=())):
        plots.write(tmp_path / "losses.png", source)
    assert not (tmp_path / "losses.png").exists()


def test_losses_that_differ_only_in_the_domain_share_a_panel():
    names = ["D_A", "G_A", "cycle_A", "D_B", "G_B", "cycle_B", "gen_recon_kl_cyc_aba", "gen_recon_kl_cyc_bab", "total"]
    assert plots.panels(names) == {
        "D": ["D_A", "D_B"],
        "G": ["G_A", "G_B"],
        "cycle": ["cycle_A", "cycle_B"],
        "gen_recon_kl_cyc": ["gen_recon_kl_cyc_aba", "gen_recon_kl_cyc_bab"],
        "total": ["total"],
    }
    assert plots.panels(["a", "ab", "grad_dis"]) == {"a": ["a"], "ab": ["ab"], "grad_dis": ["grad_dis"]}


def test_every_loss_is_named_by_a_panel_or_its_legend(history):
    figure = plots.draw(plots.read_curves(history(40)))
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["gen_total", "gen_recon_x", "gen_recon_kl_cyc", "grad_gen"]
    legends = [[text.get_text() for text in axes.get_legend().get_texts()] for axes in figure.axes if axes.get_legend()]
    assert legends == [["gen_recon_x_a", "gen_recon_x_b"], ["gen_recon_kl_cyc_aba", "gen_recon_kl_cyc_bab"]]


@pytest.mark.parametrize("panels", [1, 2, 4, 5, 9])
def test_each_loss_of_its_own_has_a_panel(panels):
    curve = plots.Curve(np.array([1, 2]), np.array([1.0, 2.0]))
    assert len(plots.draw({f"loss{n}": curve for n in range(panels)}).axes) == panels


def test_the_smoothed_curve_follows_the_trend_and_ignores_spikes():
    steps = np.arange(1, 5001)
    values = np.exp(-steps / 2000)
    spiky = np.where(steps % 50 == 0, 100.0, values)
    smooth = plots.Curve(steps, spiky).smoothed()
    assert len(smooth.steps) <= 200
    assert (smooth.steps[0], smooth.steps[-1]) == (1, 5000)
    assert np.allclose(smooth.values, np.exp(-smooth.steps / 2000), rtol=0.1)


def test_a_long_history_is_thinned_evenly(history):
    (curve,) = plots.read_curves(history(24_999, names=("x",), loss=float)).values()
    assert 5000 < len(curve.steps) <= 10_000
    assert set(np.diff(curve.steps)) == {3}
    assert np.array_equal(curve.steps, curve.values)


def test_one_very_large_value_makes_the_axis_logarithmic():
    values = np.linspace(1.0, 2.0, 500)
    values[250] = 1e6
    plain, spiky, signed = (
        plots.draw({"x": plots.Curve(np.arange(500), series)}).axes[0].get_yscale()
        for series in (np.linspace(1.0, 2.0, 500), values, -values)
    )
    assert (plain, spiky, signed) == ("linear", "log", "linear")


@pytest.mark.parametrize(("last", "label"), [(3, "3"), (300, "300"), (30_000, "30k"), (1_000_000, "1M")])
def test_steps_are_labeled_with_short_whole_numbers(last, label):
    steps = np.unique(np.linspace(0, last, 100).astype(int))
    figure = plots.draw({"x": plots.Curve(steps, steps + 1.0)})
    figure.draw_without_rendering()
    low, high = figure.axes[0].get_xlim()
    ticks = figure.axes[0].xaxis.get_major_ticks()
    labels = [tick.label1.get_text() for tick in ticks if low <= tick.get_loc() <= high]
    assert label in labels
    assert len(labels) == len(set(labels)) <= 7
    assert all("." not in text or "k" in text or "M" in text for text in labels)


def test_raw_values_are_drawn_fainter_than_smoothed_ones():
    curve = plots.Curve(np.arange(1000), np.random.default_rng(0).normal(size=1000))
    raw, smooth = plots.draw({"x": curve}).axes[0].get_lines()
    assert raw.get_alpha() < 0.5
    assert smooth.get_alpha() is None
    assert smooth.get_linewidth() > raw.get_linewidth()
    image = rendered(plots.draw({"x": curve}))
    assert image.min() < 200


def test_the_curves_of_evaluations_have_a_line_at_the_best(tmp_path):
    numbers = ({"kd-vgg19_b": 5.0, "kd-vgg19_a": 7.0}, {"kd-vgg19_b": 3.0, "kd-vgg19_a": 4.0, "kid_b": 1.0})
    found = []
    for step, quality in zip((10, 20), numbers, strict=True):
        found = evaluations.add(found, step, quality, "kd-vgg19", seconds=1.0)
    plots.write_quality(tmp_path / "quality.png", found)
    with Image.open(tmp_path / "quality.png") as image:
        assert image.size[0] > 300
    plain, marked = (plots.draw(plots.quality_curves(found), mark=step) for step in (None, 20))
    assert [axes.get_title() for axes in marked.axes] == ["kd-vgg19", "kid"]
    assert len(marked.axes[0].lines) == len(plain.axes[0].lines) + 1

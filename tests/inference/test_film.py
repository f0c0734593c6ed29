"""Films from Python."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from films import clip, drawn  # noqa: F401 (fixtures)
from PIL import Image

import imgxlate
from imgxlate.errors import OutputError, UsageError
from imgxlate.inference.device import Arithmetic

# ruff: noqa: F811 (fixtures)


@pytest.fixture
def model(golden_model):
    """A small model with styles."""
    return imgxlate.load("munit", checkpoint=golden_model("munit"), device="cpu", precision="fp32")


def test_a_film_has_the_style_code_that_is_given(model, clip, tmp_path):
    code = model.sample_styles(1, seed=7)
    counts = []
    options = {"every": 6, "frame_by_frame": True}
    show = {"on_frame": lambda *numbers: counts.append(numbers)}
    result = imgxlate.translate_video(model, clip(), tmp_path / "film", styles=code, **options, **show)
    assert (result.frames, result.size, counts[-1]) == (2, (32, 48), (2, 2))
    again = imgxlate.translate_video(model, clip(), tmp_path / "other", seed=7, **options)
    for one, other in zip(sorted(result.output.iterdir()), sorted(again.output.iterdir()), strict=True):
        assert np.array_equal(Image.open(one), Image.open(other))


def test_a_film_has_one_style(model, clip, tmp_path):
    with pytest.raises(UsageError, match="a film has one style, and 2 are given"):
        imgxlate.translate_video(model, clip(), tmp_path / "out.mp4", styles=model.sample_styles(2))


def test_less_of_a_style_is_refused_before_a_film_is_begun(golden_model, clip, tmp_path):
    cyclegan = imgxlate.load("cyclegan", checkpoint=golden_model("cyclegan"), device="cpu")
    for frame_by_frame in (False, True):
        with pytest.raises(UsageError, match="cyclegan does not mix styles"):
            imgxlate.translate_video(
                cyclegan, clip(), tmp_path / "out" / "a.mp4", strength=0.2, frame_by_frame=frame_by_frame
            )
    assert not (tmp_path / "out").exists()


def test_a_film_is_not_written_over_its_style_image(model, clip, photo, tmp_path):
    style = photo("style.gif")
    with pytest.raises(UsageError, match="would be the same file"):
        imgxlate.translate_video(model, clip(), style, styles=[str(style)], overwrite=True)


def test_a_film_that_exists_is_replaced_on_demand_only(model, clip, tmp_path):
    for overwrite in (False, True):
        result = imgxlate.translate_video(model, clip(), tmp_path / "out.mp4", every=6, overwrite=overwrite)
        assert result.frames == 2
    with pytest.raises(OutputError, match="already exists"):
        imgxlate.translate_video(model, clip(), tmp_path / "out.mp4", every=6)


def test_another_style_does_not_go_on_with_a_film(model, clip, tmp_path, monkeypatch):
    source = clip()

    def stop(done, _):
        if done == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr("imgxlate.inference.film.TRANSLATED", 3)
    with pytest.raises(KeyboardInterrupt):
        imgxlate.translate_video(model, source, tmp_path / "out.mp4", on_frame=stop)
    with pytest.raises(OutputError, match="other inputs or options"):
        imgxlate.translate_video(model, source, tmp_path / "out.mp4", seed=1)


@pytest.mark.parametrize(
    "change",
    [
        {"generators": ("netG_A",)},
        {"norm_statistics": "running"},
        {"arithmetic": Arithmetic(fast=True)},
        {"config": Path(__file__)},
    ],
)
def test_another_network_or_arithmetic_does_not_go_on_with_a_film(model, clip, tmp_path, monkeypatch, change):
    monkeypatch.setattr("imgxlate.inference.film.TRANSLATED", 3)

    source = clip()

    def stop(done, _):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        imgxlate.translate_video(model, source, tmp_path / "out.mp4", on_frame=stop, frame_by_frame=True)
    with pytest.raises(OutputError, match="other inputs or options"):
        imgxlate.translate_video(replace(model, **change), source, tmp_path / "out.mp4", frame_by_frame=True)


def test_images_that_are_not_in_color_make_no_film(model, clip, tmp_path):
    gray = replace(model, formats={"B": imgxlate.PixelFormat(1)})
    with pytest.raises(UsageError, match="films are in color"):
        imgxlate.translate_video(gray, clip(), tmp_path / "out.mp4")

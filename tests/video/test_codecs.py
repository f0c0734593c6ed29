"""Codecs: what quality stands for, and the pixel format of an output."""

from pathlib import Path

import pytest

from imgxlate.video.codecs import CODECS, Encoding


@pytest.mark.parametrize("name", [name for name, codec in CODECS.items() if codec.factors])
def test_a_higher_quality_is_a_smaller_rate_factor(name):
    factors = [int(Encoding(name, quality).options["crf"]) for quality in (0, 50, 75, 100)]
    assert factors == sorted(factors, reverse=True)
    assert (factors[0], factors[-1]) == CODECS[name].factors


@pytest.mark.parametrize(("quality", "profile"), [(0, "proxy"), (40, "lt"), (75, "standard"), (100, "hq")])
def test_the_quality_of_prores_is_a_profile(quality, profile):
    assert Encoding("prores", quality).options["profile"] == profile


@pytest.mark.parametrize(
    ("name", "size", "source", "chosen"),
    [
        ("h264", (32, 48), "yuv420p", "yuv420p"),
        ("h264", (32, 48), "yuvj422p", "yuv422p"),
        ("h264", (32, 48), "yuv420p10le", "yuv420p"),
        ("h264", (32, 48), "yuv422p10le", "yuv422p"),
        ("prores", (32, 48), "yuvj444p", "yuv444p10le"),
        ("prores", (33, 47), "yuv420p", "yuv422p10le"),
        ("h264", (32, 48), "rgb24", "yuv420p"),
        ("h264", (33, 48), "yuv420p", "yuv444p"),
        ("h264", (33, 48), "yuv422p", "yuv422p"),
        ("h264", (32, 47), "yuv422p", "yuv444p"),
        ("prores", (32, 48), "yuv420p", "yuv422p10le"),
        ("prores", (32, 48), "yuv444p10le", "yuv444p10le"),
    ],
)
def test_the_pixel_format_is_that_of_the_input_or_one_that_takes_the_size(name, size, source, chosen):
    assert Encoding(name).pixel_format(size, source) == chosen


@pytest.mark.parametrize(("output", "name"), [("a.mp4", "h264"), ("a.MOV", "h264"), ("a.webm", "vp9")])
def test_each_format_has_a_usual_codec(output, name):
    assert Encoding.of(Path(output), None, None) == Encoding(name, 75)

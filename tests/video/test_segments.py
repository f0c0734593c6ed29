"""The segments of a film on the disk."""

from fractions import Fraction

import pytest

from imgxlate import atomic
from imgxlate.video.segments import Segment, Segments, finished_frames, work_folder


def add_segment(output):
    with Segments.opened(output, ".mkv", {}, whole=48, until=None, anew=False) as segments:
        path = segments.next_path()
        path.write_bytes(b"frames")
        segments.add(Segment(path, 48, (24, 32), Fraction(0), Fraction(47), Fraction(48), until=None), {})


def test_an_interruption_right_after_a_segment_is_finished_keeps_it(tmp_path, monkeypatch):
    write = atomic.write_bytes

    def interrupted(path, data):
        write(path, data)
        if path.name == "000000.json":
            raise KeyboardInterrupt

    monkeypatch.setattr(atomic, "write_bytes", interrupted)
    output = tmp_path / "out.mp4"
    with pytest.raises(KeyboardInterrupt):
        add_segment(output)
    assert finished_frames(output) == 48
    assert (work_folder(output) / "000000.mkv").read_bytes() == b"frames"

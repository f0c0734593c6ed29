"""Encoding frames into video files: each segment of a film into a file of its own, which are then joined."""

import contextlib
import heapq
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from av.video.reformatter import ColorRange
from numpy.typing import NDArray
from PIL import Image

from imgxlate import atomic
from imgxlate.errors import OutputError
from imgxlate.images.sizes import Size
from imgxlate.video.codecs import FORMATS, Encoding
from imgxlate.video.frames import FilmInfo
from imgxlate.video.reader import SCALING
from imgxlate.video.segments import Segment
from imgxlate.video.sound import Sound

Add = Callable[[NDArray[np.uint8], Fraction], None]
"""Adds a frame (H, W, 3) that is shown at a time, in seconds after the film begins."""

_THREADS = 4  # of an encoder. The bytes of a file depend on it, so it is the same on all machines.
_GIF_TIME = Fraction(1, 100)  # seconds; a GIF has no finer times
_GIF_LEAST = 2  # of these, that a frame is shown: browsers show one that lasts 1/100 second for 1/10 second
_SAMPLED = 32  # frames that the palette of a GIF is made of
_SAMPLE_SIDE = 128  # pixels of the longer side of each


@dataclass(frozen=True, slots=True)
class VideoWriter:
    """Writes a video file with the times and the colors of a film."""

    info: FilmInfo
    encoding: Encoding
    sound: Sound | None = None
    suffix: str = ".film"  # of a segment

    @contextlib.contextmanager
    def segment(self, path: Path) -> Iterator[Add]:
        """Encode the frames that are added within the block. The file appears whole, or not at all.

        Raises:
            OutputError: the file cannot be written.
        """
        with _writing(path, self.encoding.codec.segments) as container:
            yield from _encoding(container, self.info, lambda size: self._add_stream(container, size))

    def join(self, segments: Sequence[Segment], output: Path, zero: Fraction) -> None:
        """Join segments without encoding them again, and copy the sound. The time `zero` of the film becomes 0.

        Raises:
            OutputError: the output cannot be written.
        """
        with _writing(output, FORMATS[output.suffix.lower()]) as container:
            parts = [_joined(segments, zero, lambda track: self._copy_stream(container, track))]
            if self.sound:
                parts.append(self.sound.packets(container, zero))
            for packet in heapq.merge(*parts, key=lambda packet: packet.dts * packet.time_base):
                container.mux(packet)

    def _add_stream(self, container: Any, size: Size) -> Any:
        encoding = self.encoding
        stream = container.add_stream(encoding.codec.encoder, rate=self.info.rate, options=encoding.options)
        stream.pix_fmt = encoding.pixel_format(size, self.info.pixel_format)
        stream.codec_context.thread_count = _THREADS
        stream.codec_context.sample_aspect_ratio = self.info.pixel_aspect
        self._tag_colors(stream.codec_context)
        return stream

    def _copy_stream(self, container: Any, track: Any) -> Any:
        """Add a stream for the packets of the track of a segment."""
        stream = container.add_stream_from_template(track, opaque=True)
        self._tag_colors(stream.codec_context)  # Segments do not hold them all.
        if self.encoding.codec.tag:
            stream.codec_context.codec_tag = self.encoding.codec.tag
        return stream

    def _tag_colors(self, context: Any) -> None:
        colors = self.info.colors
        context.colorspace, context.color_primaries = colors.matrix, colors.primaries
        context.color_trc = colors.transfer
        is_full = colors.is_full_range and self.encoding.codec.has_full_range
        context.color_range = int(ColorRange.JPEG if is_full else ColorRange.MPEG)


@dataclass(frozen=True, slots=True)
class GifWriter:
    """Writes an animated GIF with one palette for all frames, so that its colors do not flicker."""

    info: FilmInfo
    suffix: str = ".film"

    @contextlib.contextmanager
    def segment(self, path: Path) -> Iterator[Add]:
        """Keep the frames that are added within the block, without loss. The file appears whole, or not at all.

        Raises:
            OutputError: the file cannot be written.
        """

        def add_stream(_: Size) -> Any:
            stream = container.add_stream("ffv1", rate=self.info.rate)
            stream.pix_fmt = "bgr0"
            return stream

        with _writing(path, "nut") as container:
            yield from _encoding(container, self.info, add_stream)

    def join(self, segments: Sequence[Segment], output: Path, zero: Fraction) -> None:
        """Make the GIF of the segments. The time `zero` of the film becomes 0.

        Raises:
            OutputError: the output cannot be written.
        """
        palette = _palette(segments)
        ticks = [round((time - zero) / _GIF_TIME) for time in (*_times(segments), segments[-1].end)]
        shown = _gif_times(ticks)
        argb = np.zeros((256, 4), np.uint8)
        colors = np.array(palette.getpalette(), np.uint8).reshape(-1, 3)
        argb[: len(colors), 0], argb[: len(colors), 1:] = 255, colors
        with _writing(output, "gif") as container:
            stream = container.add_stream("gif", rate=self.info.rate)
            stream.pix_fmt, stream.codec_context.time_base = "pal8", _GIF_TIME
            stream.height, stream.width = segments[0].size
            for number, image in enumerate(_decoded(segments)):
                if number not in shown:
                    continue
                indices = np.asarray(Image.fromarray(image).quantize(palette=palette))
                frame = av.VideoFrame.from_ndarray((indices, argb), format="pal8")  # type: ignore[arg-type]
                frame.time_base, frame.pts = _GIF_TIME, ticks[number]
                for packet in stream.encode(frame):
                    packet.duration = shown[number]
                    container.mux(packet)
            container.mux(stream.encode())


@contextlib.contextmanager
def _writing(path: Path, form: str) -> Iterator[Any]:
    """A container that appears at `path` whole, or not at all."""
    try:
        with atomic.writer(path) as file, av.open(file, "w", format=form) as container:
            yield container
    except FFmpegError as error:
        raise OutputError(f"{path}: cannot be encoded: {error.strerror or error}") from error


def _encoding(container: Any, info: FilmInfo, add_stream: Callable[[Size], Any]) -> Iterator[Add]:
    """Encode the frames that are added. The first one sets the size of the stream that `add_stream` adds."""
    stream: Any = None
    start = Fraction(0)  # A segment begins at time 0: an offset would be rounded in some formats.

    def add(image: NDArray[np.uint8], time: Fraction) -> None:
        nonlocal stream, start
        if stream is None:
            stream, start = add_stream(image.shape[:2]), time
            stream.height, stream.width = image.shape[:2]
            stream.codec_context.time_base = info.time_base
        frame = _frame(image, stream)
        frame.time_base, frame.pts = info.time_base, round((time - start) / info.time_base)
        container.mux(stream.encode(frame))

    yield add
    if stream is not None:
        container.mux(stream.encode())


def _frame(image: NDArray[np.uint8], stream: Any) -> Any:
    """A frame (H, W, 3) in the pixel format and the colors of a stream."""
    context = stream.codec_context
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image)).reformat(
        format=stream.pix_fmt,
        dst_colorspace=context.colorspace,
        src_color_range=int(ColorRange.JPEG),
        dst_color_range=context.color_range,
        interpolation=SCALING,
    )
    frame.colorspace, frame.color_range = context.colorspace, context.color_range
    frame.color_primaries, frame.color_trc = context.color_primaries, context.color_trc
    return frame


def _joined(segments: Sequence[Segment], zero: Fraction, copy_stream: Callable[[Any], Any]) -> Iterator[Any]:
    """The packets of all segments, for a stream that `copy_stream` adds before the first one is given."""
    stream: Any = None
    last: Any = None  # The duration of a packet is known when the next one is.
    for segment in segments:
        with av.open(str(segment.path)) as source:
            track = source.streams.video[0]
            if stream is None:
                stream = copy_stream(track)
            for packet in source.demux(track):
                if packet.pts is None:
                    continue
                packet.pts += round((segment.start - zero) / packet.time_base)
                packet.dts, packet.stream = packet.pts, stream
                if last is not None:
                    last.duration = packet.pts - last.pts
                    yield last
                last = packet
    last.duration = round((segments[-1].end - zero) / last.time_base) - last.pts
    yield last


def _gif_times(ticks: Sequence[int]) -> dict[int, int]:
    """How long the frames of a GIF are shown, by their numbers. Frames too soon after another one are left out.

    `ticks` are the times of all frames, and the end of the last one, in 1/100 seconds.
    """
    *times, end = ticks
    shown: list[int] = []
    for number, time in enumerate(times):
        if not shown or time - times[shown[-1]] >= _GIF_LEAST:
            shown.append(number)
    ends = [*(times[number] for number in shown[1:]), end]
    return {number: max(_GIF_LEAST, stop - times[number]) for number, stop in zip(shown, ends, strict=True)}


def _palette(segments: Sequence[Segment]) -> Image.Image:
    """The palette of some frames of all segments, spread evenly."""
    total = sum(segment.frames for segment in segments)
    step = -(-total // _SAMPLED)
    samples = [Image.fromarray(image) for image in itertools.islice(_decoded(segments), 0, None, step)]
    for sample in samples:
        sample.thumbnail((_SAMPLE_SIDE, _SAMPLE_SIDE))
    sheet = np.concatenate([np.asarray(sample) for sample in samples])
    return Image.fromarray(sheet).quantize(256)


def _decoded(segments: Sequence[Segment]) -> Iterator[NDArray[np.uint8]]:
    """The frames (H, W, 3) of all segments."""
    for segment in segments:
        with av.open(str(segment.path)) as source:
            for frame in source.decode(video=0):
                yield frame.to_ndarray(format="rgb24")  # type: ignore[misc]


def _times(segments: Sequence[Segment]) -> Iterator[Fraction]:
    """When the frames of all segments are shown, in seconds after the film begins."""
    for segment in segments:
        with av.open(str(segment.path)) as source:
            for packet in source.demux(video=0):
                if packet.pts is not None:
                    yield segment.start + packet.pts * packet.time_base

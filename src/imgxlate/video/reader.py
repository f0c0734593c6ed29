"""Reading video files with PyAV, which brings its own ffmpeg."""

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from imgxlate.errors import ImageError, UsageError
from imgxlate.images import missing
from imgxlate.images.decode import too_many_pixels
from imgxlate.images.image_array import ImageArray, upright
from imgxlate.images.limits import DEFAULT, Limits
from imgxlate.paths import exists, is_file
from imgxlate.video.frames import Colors, FilmInfo, Frame

try:
    import av
    from av.error import FFmpegError
    from av.sidedata.sidedata import Type as SideData
    from av.video.reformatter import ColorRange, Interpolation
except ImportError as error:
    raise UsageError(
        "films need the packages of the extra `video`, which are not installed",
        hint='Type `pip install "imgxlate[video]"`.',
    ) from error

SCALING = int(
    Interpolation.BICUBIC | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP | Interpolation.ACCURATE_RND
)
"""How ffmpeg converts between RGB and YUV: rounded to the nearest value, with chroma for each pixel."""

# Formats without references to other files or addresses: playlists are not read.
_DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,gif,avi,mpeg,mpegts,mpegvideo,flv,asf,ogg,nut,mxf,dv"
_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": _DEMUXERS}
_UNSPECIFIED, _RGB = 2, 0  # matrices of H.273
_BT709, _BT601 = 1, 6
_DEFAULT_RATE = Fraction(25)
_MOST_MISSING = 2  # usual steps between the last frame and the stated end; more are missing only in a file cut short
_CUT = "the film is damaged, cut short, or in an unknown codec: no frame of it can be read"

# The orientation of EXIF of each display matrix (a, b, c, d): x' = ax + cy, y' = bx + dy.
_ORIENTATIONS = {
    (1, 0, 0, 1): 1,
    (-1, 0, 0, 1): 2,
    (-1, 0, 0, -1): 3,
    (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5,
    (0, 1, -1, 0): 6,
    (0, -1, -1, 0): 7,
    (0, -1, 1, 0): 8,
}


class VideoFilm:
    """A video file. Its frames are turned as its display matrix says."""

    def __init__(self, path: Path, limits: Limits = DEFAULT) -> None:
        """Read the properties and the first frame of a file.

        Raises:
            ImageError: the file cannot be read, holds no video, or its frames have too many pixels.
        """
        self._path = path
        self._limits = limits
        with self.opened() as container:
            stream = container.streams.video[0]
            first = next(container.decode(stream), None)
            if first is None:
                raise ImageError(path, _CUT)
            self._orientation = _orientation(first)
            self._stored = (first.height, first.width)
            self._matrix = _matrix(first)
            self.start = _start(container)  # the time of its streams at which it begins
            self._end: Fraction | None = None  # when the last frame ends; None: the file does not say it
            self._stated = stream.frames  # how many frames the file says that it has; 0: it does not say it
            if stream.duration:
                self._end = ((stream.start_time or 0) + stream.duration) * stream.time_base - self.start
            self.info = self._read_info(container, stream, first)

    def frames(self) -> Iterator[Frame]:
        """All frames, in the order in which they are shown. A frame that is shown for no time is left out.

        The last frame before damage cannot be decoded, so that no work is finished that `--end` would leave out.

        Raises:
            ImageError: the file is damaged, or cut short.
        """
        usual = 1 / self.info.rate
        times, count = Times(), 0
        damage: ImageError | None = None
        with self.opened() as container:
            waiting: Frame | None = None  # Its duration is known when the next one is.
            try:
                for image in container.decode(container.streams.video[0]):
                    count += 1
                    time = times.next(self._at(image, image.pts), self._at(image, image.dts), usual)
                    if waiting and time == waiting.time:
                        continue
                    if waiting:
                        yield replace(waiting, duration=time - waiting.time)
                    own = image.duration * image.time_base if image.duration else usual
                    index = waiting.index + 1 if waiting else 0
                    waiting = Frame(index, time, own, partial(self._colors, image))
            except FFmpegError as error:
                damage = self._unreadable(error, times.last)
            if waiting and not damage and self._is_cut(waiting, count, usual):
                damage = self._damage("the film is damaged: it is cut short", times.last)
            if waiting and damage:
                yield replace(waiting, decode=partial(_fail, damage))
            elif waiting:
                rest = self._end - waiting.time if self._end else Fraction(0)
                yield replace(waiting, duration=rest if rest > 0 else waiting.duration)
            if damage:
                raise damage

    def _is_cut(self, last: Frame, count: int, usual: Fraction) -> bool:
        """Whether the file says that there are more than its `count` frames, the last of which has its own duration.

        One sign is not enough: an edit list leaves out frames, and a film can end before its sound.
        """
        if not self._end or count >= self._stated:
            return False
        return self._end - (last.time + last.duration) > _MOST_MISSING * usual

    def times(self) -> list[Fraction]:
        """When frames are shown, in seconds after the film begins, by the packets of the file: none is decoded.

        Raises:
            ImageError: the file is damaged.
        """
        with self.opened() as container:
            packets = container.demux(container.streams.video[0])
            shown = [packet for packet in packets if packet.size and not packet.is_discard]
        times = (self._at(packet, packet.dts if packet.pts is None else packet.pts) for packet in shown)
        return sorted(time for time in times if time is not None)

    def time_of(self, part: Any) -> Fraction:
        """The time of a frame or a packet, in seconds after the film begins."""
        return Fraction(part.pts * part.time_base - self.start)

    def _at(self, part: Any, stamp: int | None) -> Fraction | None:
        """The time of a stamp of a frame or a packet, in seconds after the film begins."""
        return None if stamp is None else Fraction(stamp * part.time_base - self.start)

    @contextlib.contextmanager
    def opened(self) -> Iterator[Any]:
        """The container of the file, whose video stream is ready to be decoded.

        Raises:
            ImageError: the file cannot be read, also within the block.
        """
        if not is_file(self._path):
            reason, hint = missing.explain(str(self._path))
            raise ImageError(self._path, "not a file" if exists(self._path) else reason, hint=hint)
        try:
            with av.open(str(self._path), options=_OPTIONS) as container:
                stream = next(iter(container.streams.video), None)
                if stream is None and len(container.streams):
                    raise ImageError(self._path, "the file holds no video, only sound or data")
                if stream is None or stream.codec_context is None:
                    raise ImageError(self._path, _CUT)
                if stream.width * stream.height > self._limits.pixels:
                    raise too_many_pixels(stream.width * stream.height, self._path, self._limits)
                stream.codec_context.options = {"max_pixels": str(self._limits.pixels)}
                stream.thread_type = "AUTO"
                yield container
        except FFmpegError as error:
            raise self._unreadable(error, None) from error

    def _unreadable(self, error: FFmpegError, last: Fraction | None) -> ImageError:
        """The error for a film that cannot be read after a frame at the time `last`; None: after its beginning."""
        if isinstance(error, OSError):
            return ImageError(self._path, f"cannot be read: {error.strerror or error}")
        return self._damage(f"the film is damaged or of an unsupported kind ({error.strerror or error})", last)

    def _damage(self, reason: str, last: Fraction | None) -> ImageError:
        """The error for a film that is damaged after a frame at the time `last`; None: at its beginning."""
        if last is None:
            return ImageError(self._path, reason)
        hundredths = math.floor(last * 100)  # Rounded up, it would be within the damage.
        end = f"{hundredths / 100:.2f}"
        return ImageError(
            self._path,
            f"{reason}, after {end} seconds",
            hint=f"`--end {end}` takes the part before." if hundredths > 0 else None,
        )

    def _read_info(self, container: Any, stream: Any, first: Any) -> FilmInfo:
        rate = stream.average_rate or stream.guessed_rate or _DEFAULT_RATE
        seconds = self._end or (Fraction(container.duration, av.time_base) if container.duration else None)
        height, width = self._stored
        aspect = Fraction(stream.sample_aspect_ratio or 1)
        is_turned = self._orientation >= 5
        return FilmInfo(
            size=(width, height) if is_turned else (height, width),
            rate=Fraction(rate),
            time_base=stream.time_base,
            frames=stream.frames or (round(seconds * rate) if seconds else None),
            seconds=seconds,
            colors=Colors() if self._matrix == _RGB else self._read_colors(first),
            pixel_format=first.format.name,
            bits=first.format.components[0].bits,
            pixel_aspect=1 / aspect if is_turned else aspect,
            sounds=tuple(track.codec_context.codec.canonical_name for track in sound_tracks(container)),
        )

    def _read_colors(self, first: Any) -> Colors:
        is_full = first.color_range == ColorRange.JPEG or first.format.name.startswith("yuvj")
        return Colors(self._matrix, int(first.color_primaries), int(first.color_trc), is_full)

    def _colors(self, image: Any) -> NDArray[np.uint8]:
        """The colors (H, W, 3) of a frame, upright, on white where it is transparent."""
        has_alpha = any(component.is_alpha for component in image.format.components)
        height, width = self._stored
        source: dict[str, int] = {}
        if self._matrix != _RGB:
            full = self.info.colors.is_full_range
            source = {
                "src_colorspace": self._matrix,
                "src_color_range": int(ColorRange.JPEG if full else ColorRange.MPEG),
            }
        converted = image.reformat(
            width,
            height,
            "rgba" if has_alpha else "rgb24",
            dst_color_range=int(ColorRange.JPEG),
            interpolation=SCALING,
            **source,
        )
        values = upright(converted.to_ndarray(), self._orientation)
        if has_alpha:
            colors: NDArray[np.uint8] = ImageArray(values[..., :3], values[..., 3]).on_white().rgb
            return colors
        return values


@dataclass(slots=True)
class Times:
    """The times of a track, which always rise. Where the clock of the file jumps back, they go on with the next step.

    The clock jumps back where two recordings are joined byte by byte, as in MPEG.
    """

    last: Fraction | None = None  # seconds
    _offset: Fraction = Fraction(0)  # of the times to the clock of the file

    def next(self, shown: Fraction | None, decoded: Fraction | None, step: Fraction) -> Fraction:
        """The time of the next part of the track, from when it is shown and decoded by the clock of the file.

        AVI files with B frames say only when a frame is decoded. Where neither time is after the last one, or both are
        unknown, the next time is a `step` in seconds after the last one.
        """
        if self.last is None:
            time = next((stamp for stamp in (shown, decoded) if stamp is not None), Fraction(0))
        elif shown is not None and shown + self._offset >= self.last:
            time = shown + self._offset
        elif decoded is not None and decoded + self._offset > self.last:
            time = decoded + self._offset
        else:
            time = self.last + step
            self._offset = self._offset if shown is None else time - shown
        self.last = time
        return time


def _fail(error: ImageError) -> NoReturn:
    raise error


def sound_tracks(container: Any) -> list[Any]:
    """The sound tracks of an opened file whose codec is known."""
    return [track for track in container.streams.audio if track.codec_context is not None]


def _matrix(image: Any) -> int:
    """The matrix between RGB and YUV. If it is unspecified, that of HD or of SD, as players guess."""
    if image.format.is_rgb or image.format.name.startswith("pal"):
        return _RGB
    if image.colorspace != _UNSPECIFIED:
        return int(image.colorspace)
    return _BT709 if image.width >= 1280 or image.height > 576 else _BT601


def _start(container: Any) -> Fraction:
    """When the film begins, in the time of its streams."""
    tracks = (*container.streams.video[:1], *sound_tracks(container))
    starts = [track.start_time * track.time_base for track in tracks if track.start_time is not None]
    return max(min(starts, default=Fraction(0)), Fraction(0))


def _orientation(image: Any) -> int:
    """The orientation of EXIF that the display matrix of a frame stands for; 1: it is upright, or turned slightly."""
    data = image.side_data.get(SideData.DISPLAYMATRIX)
    if data is None:
        return 1
    a, b, _, c, d, *_ = np.frombuffer(bytes(data), np.int32).tolist()
    signs = tuple(round(value / 65536) for value in (a, b, c, d))
    return _ORIENTATIONS.get(signs, 1)

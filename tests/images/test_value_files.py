"""Files of values: each kind comes back as it was written, and files that are no image are named."""

import io
import pickle

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from imgxlate.errors import ImageError, UsageError
from imgxlate.images.limits import Limits
from imgxlate.images.pixel_format import PixelFormat
from imgxlate.images.value_files import encode_values, output_suffix, read_values, save_values

RNG = np.random.default_rng(0)
TYPES = ["uint8", "uint16", "int16", "int32", "uint32", "float32", "float64"]


def drawn(kind, channels):
    values = RNG.random((11, 17, channels)) * 200
    return values.astype(kind)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".tif"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 16])
@pytest.mark.parametrize("kind", TYPES)
def test_values_of_every_type_come_back(tmp_path, suffix, channels, kind):
    values, file = drawn(kind, channels), tmp_path / f"image{suffix}"
    save_values(values, file)
    found = read_values(file)
    assert found.dtype == values.dtype
    assert np.array_equal(found, values)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_png_holds_gray_and_three_channels(channels, kind):
    values = drawn(kind, channels)
    found = read_values(encode_values(values, ".png"))
    assert found.dtype == values.dtype
    assert np.array_equal(found, values)


@pytest.mark.parametrize(("kind", "channels"), [("float32", 1), ("uint16", 5), ("int16", 1)])
def test_png_refuses_what_it_does_not_hold(kind, channels):
    with pytest.raises(UsageError, match=f"does not hold .* of {kind}") as caught:
        encode_values(drawn(kind, channels), ".png")
    assert ".tif" in caught.value.hint


def tiff(values, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_tiffs_of_other_programs_are_read(byteorder):
    values = drawn("uint16", 5)
    planar = tiff(np.moveaxis(values, -1, 0), planarconfig="separate", photometric="minisblack", byteorder=byteorder)
    pages = tiff(np.moveaxis(values, -1, 0), photometric="minisblack", byteorder=byteorder)
    imagej = tiff(np.moveaxis(values, -1, 0), imagej=True, metadata={"axes": "CYX"}, photometric="minisblack")
    for data in (planar, pages, imagej):
        assert np.array_equal(read_values(data), values)


def test_white_is_zero_is_inverted():
    values = drawn("uint16", 1)
    assert np.array_equal(read_values(tiff(values[..., 0], photometric="miniswhite")), 65535 - values)


def test_a_volume_is_refused():
    data = tiff(np.zeros((4, 20, 30), np.int16), metadata={"axes": "ZYX"}, photometric="minisblack")
    with pytest.raises(ImageError, match="holds 4 images") as caught:
        read_values(data)
    assert "slice" in caught.value.hint


def test_the_orientation_is_applied(tmp_path):
    gray = Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3))
    exif = gray.getexif()
    exif[274] = 6
    gray.save(tmp_path / "a.png", exif=exif)
    assert read_values(tmp_path / "a.png").shape == (3, 2, 1)
    data = tiff(np.arange(6, dtype=np.uint16).reshape(2, 3), extratags=[(274, 3, 1, 3, True)])
    assert read_values(data)[..., 0].tolist() == [[5, 4, 3], [2, 1, 0]]


def test_an_opaque_alpha_is_dropped_and_another_is_refused():
    values = np.dstack([drawn("uint16", 1)[..., 0], np.full((11, 17), 65535, np.uint16)])
    assert read_values(imagecodecs.png_encode(values)).shape == (11, 17, 1)
    values[0, 0, 1] = 0
    with pytest.raises(ImageError, match="is transparent"):
        read_values(imagecodecs.png_encode(values))


def test_a_pickle_in_an_array_is_never_loaded(tmp_path):
    class Hostile:
        def __reduce__(self):
            return (open, (str(tmp_path / "made"), "w"))

    file = tmp_path / "a.npy"
    np.save(file, np.array([Hostile()], object), allow_pickle=True)
    with pytest.raises(ImageError):
        read_values(file)
    (tmp_path / "b.npy").write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(ImageError):
        read_values(tmp_path / "b.npy")
    assert not (tmp_path / "made").exists()


def test_several_arrays_in_a_file_are_named(tmp_path):
    np.savez(tmp_path / "a.npz", t1=np.zeros((4, 4)), t2=np.zeros((4, 4)))
    with pytest.raises(ImageError, match="holds 2 arrays: t1, t2"):
        read_values(tmp_path / "a.npz")


def test_an_array_that_unpacks_to_more_than_the_limit_is_refused(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", image=np.zeros((1000, 1000)))
    with pytest.raises(ImageError, match="unpacks to more"):
        read_values(tmp_path / "a.npz", limits=Limits(file_bytes=1_000_000))


@pytest.mark.parametrize("suffix", [".npy", ".tif", ".png"])
def test_damaged_files_and_too_many_pixels_are_image_errors(tmp_path, suffix):
    data = encode_values(drawn("uint16", 1), suffix)
    for end in range(0, len(data) - 1, 37):
        with pytest.raises(ImageError):
            read_values(data[:end])
    with pytest.raises(ImageError, match="more than the limit"):
        read_values(data, limits=Limits(pixels=100))


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".tif", ".png"])
def test_files_with_changed_bytes_are_read_or_are_image_errors(suffix):
    data, random = encode_values(drawn("uint16", 3), suffix), np.random.default_rng(1)
    for _ in range(150):
        changed = bytearray(data)
        for place in random.integers(0, min(len(data), 400), 3):
            changed[place] = random.integers(256)
        try:
            values = read_values(bytes(changed))
        except ImageError:
            continue
        assert values.ndim == 3
        assert values.shape[2] <= 16


def test_too_many_channels_are_refused_before_they_are_read():
    data = tiff(np.zeros((9, 20, 30), np.uint8), photometric="minisblack", planarconfig="separate")
    assert read_values(data).shape == (20, 30, 9)
    data = tiff(np.zeros((20, 20, 30), np.uint8), photometric="minisblack", planarconfig="separate")
    with pytest.raises(ImageError, match="20 channels, more than 16"):
        read_values(data)


def test_outputs_are_of_the_inputs_kind_if_it_holds_them():
    ct, bands = PixelFormat(1, (-1024, 3071), "int16"), PixelFormat(5, (0, 1), "float32")
    mr = PixelFormat(1, (0, 4095), "uint16")
    assert [output_suffix(name, mr) for name in ("a.png", "a.TIFF", "a.npy", "a.jpg", "-")] == [
        *(".png", ".tiff", ".npy", ".png", ".png")
    ]
    assert [output_suffix("a.png", pixels) for pixels in (ct, bands)] == [".tif", ".tif"]

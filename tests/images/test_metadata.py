"""Outputs hold only the metadata that is asked for, and never a place without `gps`."""

import io
import struct

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from imgxlate.images.decode import decode, read_metadata, read_text
from imgxlate.images.encode import encode, save
from imgxlate.images.image_array import ImageArray
from imgxlate.images.metadata import NONE, Metadata, left_out_notes

XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>
<rdf:Description rdf:about="" tiff:Orientation="6" exif:GPSLatitude="48,51.5N"
 exif:GPSLongitude='2,17.4E' dc:format="image/jpeg"><tiff:Orientation>8</tiff:Orientation>
<exif:GPSAltitude>35/1</exif:GPSAltitude><exif:GPSMapDatum/><dc:title>Fields</dc:title>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


def exif():
    tags = Image.Exif()
    tags[ExifTags.Base.Make] = "Maker"
    tags[ExifTags.Base.Artist] = "Ada"
    tags[ExifTags.Base.Orientation] = 6
    tags[ExifTags.Base.HostComputer] = "ada's laptop"
    tags.get_ifd(ExifTags.IFD.Exif).update(
        {ExifTags.Base.ExposureTime: 0.01, ExifTags.Base.MakerNote: b"secret place", ExifTags.Base.ExifImageWidth: 7}
    )
    tags.get_ifd(ExifTags.IFD.GPSInfo).update(
        {ExifTags.GPS.GPSLatitudeRef: "N", ExifTags.GPS.GPSLatitude: (48, 51, 30)}
    )
    return tags.tobytes()


@pytest.fixture
def photo(colors, file_of):
    def make(kind="JPEG", **options):
        return file_of(colors, kind, exif=exif(), **({"xmp": XMP.encode()} | options))

    return make


def metadata_in(data):
    with Image.open(io.BytesIO(data)) as image:
        tags = image.getexif()
        parts = {name: tags.get_ifd(ExifTags.IFD[name]) for name in ("Exif", "GPSInfo")}
        return dict(tags), parts["Exif"], parts["GPSInfo"], image.info.get("xmp"), image.info.get("icc_profile")


def rewritten(data, suffix, *, gps, depth=8):
    image = decode(data, name="x").at_depth(depth)
    return encode(image, suffix, metadata=read_metadata(data, name="x", gps=gps))


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize(("suffix", "depth"), [(".png", 8), (".png", 16), (".jpg", 8), (".webp", 8)])
def test_exif_and_xmp_are_kept_upright_and_without_a_place(photo, kind, suffix, depth):
    data = rewritten(photo(kind), suffix, gps=False, depth=depth)
    tags, exposure, place, xmp, _ = metadata_in(data)
    assert (tags[ExifTags.Base.Make], tags[ExifTags.Base.Artist]) == ("Maker", "Ada")
    assert tags[ExifTags.Base.Orientation] == 1
    assert exposure == {ExifTags.Base.ExposureTime: pytest.approx(0.01)}
    assert place == {}
    text = xmp.decode()
    assert text.count("Orientation") == 3
    assert 'Orientation="1"' in text
    assert "Orientation>1<" in text
    assert "<dc:title>Fields" in text
    assert b"GPS" not in data
    assert b"secret" not in data
    assert b"laptop" not in data


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_the_place_is_kept_on_demand(photo, suffix):
    _, _, place, xmp, _ = metadata_in(rewritten(photo(), suffix, gps=True))
    assert place == {ExifTags.GPS.GPSLatitudeRef: "N", ExifTags.GPS.GPSLatitude: (48, 51, 30)}
    assert b'exif:GPSLatitude="48,51.5N"' in xmp


@pytest.mark.parametrize(("name", "most"), [("exif", 65_533), ("xmp", 65_502)])
def test_a_part_that_is_too_long_for_a_jpeg_file_is_left_out_of_it_and_said_to_be(colors, name, most):
    for size in (most, most + 1):
        block = (b"Exif\0\0" if name == "exif" else b"").ljust(size, b"x")
        metadata = Metadata(**{name: block})
        data = encode(ImageArray(colors), ".jpg", metadata=metadata)
        assert (block in data) == (size == most)
        notes = left_out_notes(metadata, ".JPG")
        assert bool(notes) == (size > most)
        assert all(note.startswith(f"{name.upper()} is left out: it has {size:,} bytes") for note in notes)
        for suffix in (".png", ".webp"):
            assert not left_out_notes(metadata, suffix)
            assert block.removeprefix(b"Exif\0\0") in encode(ImageArray(colors), suffix, metadata=metadata)


def test_the_metadata_of_a_heic_file_are_kept(colors):
    heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    heif.from_bytes("RGB", (48, 32), bytes(48 * 32 * 3)).save(file, exif=exif(), xmp=XMP.encode())
    tags, _, place, xmp, _ = metadata_in(rewritten(file.getvalue(), ".jpg", gps=False))
    assert (tags[ExifTags.Base.Make], place) == ("Maker", {})
    assert b"<dc:title>Fields" in xmp


@pytest.mark.parametrize("depth", [8, 16])
def test_a_tiff_file_keeps_the_texts_and_the_xmp_packet(photo, depth):
    data = rewritten(photo(), ".tif", gps=False, depth=depth)
    tags, exposure, _, xmp, _ = metadata_in(data)
    assert (tags[ExifTags.Base.Make], tags[ExifTags.Base.Artist], exposure) == ("Maker", "Ada", {})
    assert b"<dc:title>Fields" in xmp
    assert b"GPS" not in data


def test_the_pixels_and_structure_of_a_tiff_input_do_not_become_metadata(colors, file_of):
    data = rewritten(file_of(colors, "TIFF", compression="tiff_lzw", software="Scanner"), ".png", gps=True)
    tags = metadata_in(data)[0]
    assert tags.pop(ExifTags.Base.Software) == "Scanner"
    assert tags.keys() <= {ExifTags.Base.Orientation, ExifTags.Base.ResolutionUnit}


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_an_rgb_profile_is_kept_and_the_colors_are_written_in_it(colors, file_of, suffix, depth, wide_profile):
    source = file_of(colors, "PNG", icc_profile=wide_profile)
    data = rewritten(source, suffix, gps=False, depth=depth)
    assert metadata_in(data)[4] == wide_profile
    with Image.open(io.BytesIO(data)) as image:
        stored = np.asarray(image.convert("RGB")).astype(int)
    inside = (colors.max(axis=2) - colors.min(axis=2)) < 60  # colors that sRGB has
    assert inside.any()
    assert abs(stored - colors)[inside].max() <= 3
    assert abs(decode(data, name="x").rgb.astype(int) - decode(source, name="x").rgb).max() <= 3


@pytest.fixture
def wide_profile(icc_profile):
    """An RGB profile whose curve is a gamma of 1.8 over the primaries of sRGB."""

    def xyz(*values):
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in values))

    primaries = {
        b"rXYZ": (0.4361, 0.2225, 0.0139),
        b"gXYZ": (0.3851, 0.7169, 0.0971),
        b"bXYZ": (0.1431, 0.0606, 0.7139),
    }
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(1.8 * 256))
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    white = {b"wtpt": xyz(0.9642, 1, 0.8249)}
    return icc_profile(b"RGB ", {name: xyz(*values) for name, values in primaries.items()} | curves | white)


def test_a_broken_profile_is_left_out(colors, file_of):
    broken = b"\0" * 16 + b"RGB " + b"\0" * 200
    metadata = Metadata(profile=broken)
    for depth in (8, 16):
        assert metadata_in(encode(ImageArray(colors).at_depth(depth), ".png", metadata=metadata))[4] is None


def test_a_profile_of_another_kind_of_image_is_left_out(file_of):
    gray = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    data = file_of(Image.new("RGB", (4, 4)), "PNG", icc_profile=gray)
    assert read_metadata(data, name="x", gps=True).profile is None


@pytest.mark.parametrize("hidden", ["<my:gpsPoint>1</my:gpsPoint", 'a="GPS"', "\0G\0P\0S"])
def test_an_xmp_packet_that_may_still_say_a_place_is_left_out(colors, file_of, hidden):
    data = file_of(colors, "JPEG", xmp=f"<x:xmpmeta>{hidden}</x:xmpmeta>".encode())
    assert read_metadata(data, name="x", gps=False).xmp is None


@pytest.mark.parametrize("damage", [b"Exif\0\0", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff", b"Exif\0\0II*\0\xff\xff\xff\x7f"])
def test_broken_metadata_is_left_out(colors, file_of, damage):
    data = file_of(colors, "JPEG", exif=damage, xmp=b"\xff\xfe\xfd")
    assert read_metadata(data, name="x", gps=False) == NONE


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_an_image_without_metadata_stays_without(colors, file_of, suffix):
    plain = encode(ImageArray(colors), suffix)
    assert encode(ImageArray(colors), suffix, metadata=read_metadata(file_of(colors), name="x", gps=True)) == plain


@pytest.mark.parametrize("depth", [8, 16])
def test_a_text_in_a_png_file_comes_back_and_leaves_the_pixels_alone(colors, tmp_path, depth):
    image = ImageArray(colors).at_depth(depth)
    save(image, tmp_path / "x.png", Metadata(text='{"a": "é"}'))
    data = (tmp_path / "x.png").read_bytes()
    assert read_text(data, name="x") == '{"a": "é"}'
    assert np.array_equal(decode(data, name="x", depth=depth).rgb, image.rgb)
    assert read_text(encode(image, ".png"), name="x") is None

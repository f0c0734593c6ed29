import io
import stat
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from imgxlate.data import archives
from imgxlate.data.archives import ArchiveError, cut_pairs, unpack_images

FOLDERS = {"trainA": "set/trainA", "trainB": "set/deep/b"}


@pytest.fixture
def archive(tmp_path):
    """Writes a zip archive of these members."""

    def write(members, compression=zipfile.ZIP_STORED):
        with zipfile.ZipFile(tmp_path / "set.zip", "w", compression) as opened:
            for name, data in members.items():
                opened.writestr(name, data)
        return tmp_path / "set.zip"

    return write


@pytest.fixture
def tar(tmp_path):
    """Writes a tar.gz archive of these members: bytes, or a target for a link."""

    def write(members):
        with tarfile.open(tmp_path / "set.zip", "w:gz") as opened:
            for name, data in members.items():
                entry = tarfile.TarInfo(name)
                if isinstance(data, str):
                    entry.type, entry.linkname = tarfile.SYMTYPE, data
                    opened.addfile(entry)
                else:
                    entry.size = len(data)
                    opened.addfile(entry, io.BytesIO(data))
        return tmp_path / "set.zip"

    return write


@pytest.fixture
def unpack(tmp_path):
    """Unpacks an archive, and returns the files below the target."""

    def run(archive, folders=FOLDERS):
        target = tmp_path / "outer" / "target"
        target.mkdir(parents=True)
        unpack_images(archive, folders, target)
        return {path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()}

    return run


def outside(tmp_path):
    """Files that were written outside of the target."""
    target = tmp_path / "outer" / "target"
    return [p for p in tmp_path.rglob("*") if p.is_file() and p.name != "set.zip" and target not in p.parents]


def test_images_of_the_named_folders_are_unpacked_and_nothing_else(archive, unpack):
    members = {
        "set/trainA/1.jpg": b"1",
        "set/trainA/sub/2.PNG": b"2",
        "set/deep/b/3.jpg": b"3",
        "set/trainA/run.sh": b"#!",
        "set/trainA/.hidden.jpg": b"x",
        "set/trainAB/4.jpg": b"4",
        "__MACOSX/set/trainA/._1.jpg": b"x",
        "other/5.jpg": b"5",
        "set/trainA/": b"",
    }
    assert unpack(archive(members)) == {"trainA/1.jpg": b"1", "trainA/sub/2.PNG": b"2", "trainB/3.jpg": b"3"}


@pytest.mark.parametrize(
    "name", ["set/trainA/../../../evil.jpg", "set/trainA/..\\..\\evil.jpg", "set/trainA/c:evil.jpg"]
)
def test_a_path_that_leads_outside_is_refused(archive, unpack, tmp_path, name):
    with pytest.raises(ArchiveError, match="unsafe path"):
        unpack(archive({"set/trainA/1.jpg": b"1", name: b"evil"}))
    assert outside(tmp_path) == []


@pytest.mark.parametrize("name", ["/etc/evil.jpg", "../evil.jpg", "set/../evil.jpg"])
def test_a_path_outside_of_the_folders_is_left_out(archive, unpack, tmp_path, name):
    assert unpack(archive({"set/trainA/1.jpg": b"1", name: b"evil"})) == {"trainA/1.jpg": b"1"}
    assert outside(tmp_path) == []


def test_a_link_is_left_out(archive, unpack):
    link = zipfile.ZipInfo("set/trainA/link.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert unpack(archive({"set/trainA/1.jpg": b"1", link: b"/etc/passwd"})) == {"trainA/1.jpg": b"1"}


def test_a_bomb_is_refused_before_it_fills_the_disk(archive, unpack, tmp_path):
    bomb = archive({f"set/trainA/{index}.jpg": bytes(10**6) for index in range(40)}, zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < 100_000
    with pytest.raises(ArchiveError, match="would unpack to more than"):
        unpack(bomb)
    assert len([path for path in (tmp_path / "outer").rglob("*") if path.is_file()]) <= 1


def test_a_bomb_outside_of_the_folders_is_refused_too(archive, unpack):
    with pytest.raises(ArchiveError, match="would unpack to more than"):
        unpack(archive({"other/bomb": bytes(10**7), "set/trainA/1.jpg": b"1"}, zipfile.ZIP_DEFLATED))


def test_a_member_that_is_larger_than_it_says_is_cut_and_refused(archive, unpack):
    path = archive({"set/trainA/1.jpg": bytes(5000)}, zipfile.ZIP_DEFLATED)
    data = path.read_bytes()
    path.write_bytes(data.replace((5000).to_bytes(4, "little"), (50).to_bytes(4, "little")))
    with pytest.raises(ArchiveError, match="damaged"):
        unpack(path)


def test_too_many_files_are_refused(archive, unpack, monkeypatch):
    monkeypatch.setattr(archives, "MAX_FILES", 2)
    with pytest.raises(ArchiveError, match="more than 2 files"):
        unpack(archive({f"set/trainA/{index}.jpg": b"1" for index in range(3)}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_comes_twice_is_refused(tmp_path, unpack):
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as opened:
        opened.writestr("set/trainA/1.jpg", b"1")
        opened.writestr("set/trainA/1.jpg", b"2")
    with pytest.raises(ArchiveError, match=r"1\.jpg twice"):
        unpack(tmp_path / "set.zip")


@pytest.mark.parametrize("part", [0.3, 0.9])
def test_a_truncated_archive_is_refused(archive, unpack, part):
    path = archive({"set/trainA/1.jpg": bytes(5000)})
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(ArchiveError, match="it is damaged"):
        unpack(path)


def test_a_flipped_bit_is_noticed(archive, unpack):
    path = archive({"set/trainA/1.jpg": bytes(5000)})
    data = bytearray(path.read_bytes())
    data[2000] ^= 1
    path.write_bytes(data)
    with pytest.raises(ArchiveError, match="damaged"):
        unpack(path)


def test_damage_of_lzma_is_refused(archive, unpack):
    path = archive({"set/trainA/1.jpg": bytes(range(256)) * 20}, zipfile.ZIP_LZMA)
    data = bytearray(path.read_bytes())
    start = 30 + len("set/trainA/1.jpg") + 9  # behind the header of the file, and that of LZMA
    data[start : start + 40] = b"\xff" * 40
    path.write_bytes(data)
    with pytest.raises(ArchiveError, match="damaged"):
        unpack(path)


def test_a_password_is_refused(archive, unpack):
    path = archive({"set/trainA/1.jpg": bytes(50)})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(ArchiveError, match="cannot be unpacked"):
        unpack(path)


def test_a_tar_archive_is_unpacked_without_its_links(tar, unpack):
    members = {"set/trainA/1.jpg": b"1", "set/trainA/link.jpg": "/etc/passwd", "set/deep/b/2.jpg": b"2", "else": b"3"}
    assert unpack(tar(members)) == {"trainA/1.jpg": b"1", "trainB/2.jpg": b"2"}


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"set/trainA/../../../evil.jpg": b"evil"}, "unsafe path"),
        ({"set/trainA/bomb.jpg": bytes(2 * 10**6)}, "would unpack to more than"),
    ],
)
def test_an_unsafe_tar_archive_is_refused(tar, unpack, tmp_path, members, said):
    with pytest.raises(ArchiveError, match=said):
        unpack(tar(members))
    assert outside(tmp_path) == []


@pytest.mark.parametrize("part", [0.3, 0.9])
def test_a_truncated_tar_archive_is_refused(tar, unpack, part):
    path = tar({"set/trainA/1.jpg": np.random.default_rng(0).bytes(5000)})
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(ArchiveError, match="it is damaged"):
        unpack(path)


def test_pairs_are_cut_into_their_halves(tmp_path):
    (tmp_path / "train" / "deep").mkdir(parents=True)
    rgb = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    for name in ("1_AB.png", "deep/2_AB.png"):
        Image.fromarray(rgb).save(tmp_path / "train" / name)
    cut_pairs(tmp_path / "train", tmp_path / "a", tmp_path / "b")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    for name in ("1_AB.png", "deep/2_AB.png"):
        assert np.array_equal(np.asarray(Image.open(tmp_path / "a" / name)), rgb[:, :3])
        assert np.array_equal(np.asarray(Image.open(tmp_path / "b" / name)), rgb[:, 3:])


def test_a_bad_pair_is_named(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "1.jpg").write_bytes(b"no image")
    with pytest.raises(ArchiveError, match=r"1\.jpg: not an image"):
        cut_pairs(tmp_path / "train", tmp_path / "a", tmp_path / "b")

import stat
import zipfile

import pytest

from imgxlate.data import archives
from imgxlate.data.archives import ArchiveError, unpack_images

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


def test_a_bomb_is_refused_before_anything_is_written(archive, unpack, tmp_path):
    bomb = archive({f"set/trainA/{index}.jpg": bytes(10**6) for index in range(4)}, zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < 20_000
    with pytest.raises(ArchiveError, match="would unpack to 4 files of 4,000,000 bytes"):
        unpack(bomb)
    assert [path for path in (tmp_path / "outer").rglob("*") if path.is_file()] == []


def test_a_member_that_is_larger_than_it_says_is_cut_and_refused(archive, unpack):
    path = archive({"set/trainA/1.jpg": bytes(5000)}, zipfile.ZIP_DEFLATED)
    data = path.read_bytes()
    path.write_bytes(data.replace((5000).to_bytes(4, "little"), (50).to_bytes(4, "little")))
    with pytest.raises(ArchiveError, match="damaged"):
        unpack(path)


def test_too_many_files_are_refused(archive, unpack, monkeypatch):
    monkeypatch.setattr(archives, "MAX_FILES", 2)
    with pytest.raises(ArchiveError, match="3 files"):
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
    with pytest.raises(ArchiveError, match="damaged or no zip archive"):
        unpack(path)


def test_a_flipped_bit_is_noticed(archive, unpack):
    path = archive({"set/trainA/1.jpg": bytes(5000)})
    data = bytearray(path.read_bytes())
    data[2000] ^= 1
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

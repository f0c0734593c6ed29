"""Whole checkpoints are read to the bit. Everything else is an error with the reason."""

import errno
import resource
import signal
import struct
import subprocess
import sys
import time
import warnings
import zipfile

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from imgxlate import checkpoint, torch_files
from imgxlate.errors import CheckpointError, OutputError

HEADER = {"method": "munit", "architecture": {"dim": 4}, "domains": ["cat", "dog"]}


def tensors():
    generator = torch.Generator().manual_seed(0)
    return {
        "a.weight": torch.randn(3, 2, generator=generator),
        "a.bias": torch.randn(3, generator=generator).bfloat16(),
        "b.count": torch.tensor(7),
        "b.levels": torch.arange(5, dtype=torch.uint8),
        "b.none": torch.zeros(0, 4),
    }


def assert_same(read, wanted):
    assert read.keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert read[name].dtype == tensor.dtype
        assert torch.equal(read[name], tensor)


def refused(path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(CheckpointError) as caught:
            checkpoint.read(path)
    assert str(caught.value).startswith(str(path))
    assert caught.value.hint
    return str(caught.value)


@pytest.fixture
def ours(tmp_path):
    path = tmp_path / "model.safetensors"
    checkpoint.write(path, tensors(), HEADER)
    return path


@pytest.fixture
def torch_file(tmp_path):
    def save(content, name="gen.pt", **options):
        torch.save(content, tmp_path / name, **options)
        return tmp_path / name

    return save


def test_a_checkpoint_of_ours_comes_back_to_the_bit(ours):
    read = checkpoint.read(ours)
    assert read.header == HEADER
    assert_same(read.tensors, tensors())


def test_the_same_model_gives_the_same_bytes(ours, tmp_path):
    again = tmp_path / "again.safetensors"
    checkpoint.write(again, dict(reversed(tensors().items())), dict(reversed(HEADER.items())))
    assert again.read_bytes() == ours.read_bytes()


def test_the_payload_digest_depends_on_names_dtypes_shapes_and_values():
    digests = {
        checkpoint.payload_sha256(variant)
        for variant in (
            {"w": torch.zeros(2, 3)},
            {"v": torch.zeros(2, 3)},
            {"w": torch.zeros(3, 2)},
            {"w": torch.zeros(2, 3, dtype=torch.int32)},
            {"w": torch.zeros(2, 3).fill_(1e-30)},
        )
    }
    assert len(digests) == 5


def test_tensors_of_any_memory_layout_are_written_with_the_same_values(tmp_path):
    path = tmp_path / "model.safetensors"
    turned = torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last)
    checkpoint.write(path, {"conv": turned, "t": turned[0, 0].T, "p": torch.nn.Parameter(torch.ones(2))}, HEADER)
    assert_same(checkpoint.read(path).tensors, {"conv": turned, "t": turned[0, 0].T, "p": torch.ones(2)})


def test_tensors_that_share_memory_are_written(tmp_path):
    path, tied = tmp_path / "model.safetensors", torch.ones(3)
    checkpoint.write(path, {"a": tied, "b": tied[1:]}, HEADER)
    assert_same(checkpoint.read(path).tensors, {"a": torch.ones(3), "b": torch.ones(2)})


def test_tensors_do_not_change_with_the_file_they_were_read_from(ours):
    read = checkpoint.read(ours)
    ours.write_bytes(b"\0" * ours.stat().st_size)
    assert_same(read.tensors, tensors())


@pytest.mark.parametrize("zipped", [True, False])
def test_an_originals_file_is_flattened_whichever_format_it_has(torch_file, zipped):
    inner = {"enc": tensors()["a.weight"], "dec": [torch.ones(1), torch.zeros(1)]}
    path = torch_file({"a": inner, "iteration": 3, "name": "x"}, _use_new_zipfile_serialization=zipped)
    read = checkpoint.read(path)
    assert read.header == {}
    assert_same(read.tensors, {"a.enc": inner["enc"], "a.dec.0": torch.ones(1), "a.dec.1": torch.zeros(1)})


def test_plain_safetensors_are_read_without_a_header(tmp_path):
    save_file({"w": torch.ones(2)}, tmp_path / "vgg.safetensors", metadata={"format": "pt"})
    read = checkpoint.read(tmp_path / "vgg.safetensors")
    assert (read.header, list(read.tensors)) == ({}, ["w"])


def test_every_mutated_byte_of_a_checkpoint_of_ours_is_noticed(ours):
    whole = ours.read_bytes()
    rng = np.random.default_rng(0)
    padding = whole[: whole.index(b"}", 8 + struct.unpack("<Q", whole[:8])[0] - 10) + 1]
    for position in rng.permutation(len(whole)):
        mutated = bytearray(whole)
        mutated[position] ^= int(rng.integers(1, 256))
        ours.write_bytes(mutated)
        try:
            read = checkpoint.read(ours)
        except CheckpointError:
            continue
        # White space behind the header may be of another kind; all else counts.
        assert len(padding) <= position < 8 + struct.unpack("<Q", whole[:8])[0]
        assert_same(read.tensors, tensors())
        assert read.header == HEADER


@pytest.mark.parametrize("form", ["ours", "zip", "legacy"])
def test_a_file_cut_off_anywhere_is_refused(ours, torch_file, form):
    path = ours if form == "ours" else torch_file(tensors(), _use_new_zipfile_serialization=form == "zip")
    whole = path.read_bytes()
    for length in np.linspace(0, len(whole) - 1, 40).astype(int):
        path.write_bytes(whole[:length])
        refused(path)


def test_every_mutated_weight_of_a_zip_file_is_noticed(torch_file):
    path = torch_file({"w": torch.arange(100.0)})
    whole = path.read_bytes()
    start = whole.index(struct.pack("<3f", 1, 2, 3))
    for position in range(start, start + 300, 7):
        mutated = bytearray(whole)
        mutated[position] ^= 1
        path.write_bytes(mutated)
        assert "checksum" in refused(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"<!DOCTYPE html><html>404</html>", "a web page"),
        (b"  <html><body>Sign in</body></html>", "a web page"),
        (b"\x89PNG\r\n\x1a\n" + bytes(60), "an image"),
        (b"some words", "is not a checkpoint"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
            "is a Git LFS pointer, not a checkpoint",
        ),
        (struct.pack("<Q", 2**60) + b"{}", "is damaged"),
        (struct.pack("<Q", 2) + b"{}", "holds no tensors"),
        (struct.pack("<Q", 63) + b'{"w":{"dtype":"F32","shape":[1000000],"data_offsets":[0,4000000]}}', "is damaged"),
        (b"PK\x03\x04" + bytes(100), "is damaged"),
        (b"\x80\x02" + bytes(100), "is damaged or not a torch file: its pickle cannot be read"),
    ],
)
def test_a_file_that_is_not_a_checkpoint_is_refused_with_the_reason(tmp_path, content, reason):
    path = tmp_path / "weights.pt"
    path.write_bytes(content)
    assert reason in refused(path)


def test_a_git_lfs_pointer_comes_with_the_command_that_fetches_the_file(tmp_path):
    (tmp_path / "gen.pt").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    with pytest.raises(CheckpointError) as caught:
        checkpoint.read(tmp_path / "gen.pt")
    assert "`git lfs pull`" in caught.value.hint


def test_missing_files_and_folders_are_named(tmp_path):
    assert "No such file" in refused(tmp_path / "none.pt")
    assert "Is a directory" in refused(tmp_path)


def rezipped(path, change, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path) as archive:
        entries = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, change(name, content))
    return path


def test_a_compressed_archive_is_refused_before_it_is_unpacked(torch_file):
    path = rezipped(torch_file({"w": torch.zeros(10_000)}), lambda _, content: content, zipfile.ZIP_DEFLATED)
    assert "compressed" in refused(path)


def test_an_archive_whose_entries_overlap_is_refused(torch_file):
    path = torch_file({"w": torch.zeros(1000)})
    with zipfile.ZipFile(path, "a") as archive:
        entry = archive.infolist()[0]
        archive.filelist.extend([entry] * 1000)
        archive._didModify = True
    assert "its entries are larger than the file" in refused(path)


def test_a_storage_larger_than_its_record_is_refused(torch_file):
    def claim(name, content):
        return content.replace(b"K\x10tq", b"J\0\0\0\1tq") if name.endswith("data.pkl") else content

    path = torch_file({"w": torch.zeros(16)})
    before = path.read_bytes()
    refused(rezipped(path, claim))
    assert path.read_bytes() != before


def test_an_expanded_tensor_larger_than_the_file_is_refused(torch_file):
    assert "w is larger than the file" in refused(torch_file({"w": torch.zeros(1).expand(10**12)}))


def test_values_that_are_not_finite_are_refused(torch_file, tmp_path):
    assert "w holds values that are not finite" in refused(torch_file({"w": torch.tensor([1, float("nan")])}))
    checkpoint.write(tmp_path / "x.safetensors", {"w": torch.tensor([float("inf")])}, HEADER)
    assert "not finite" in refused(tmp_path / "x.safetensors")


@pytest.mark.parametrize("content", [{}, {"epoch": 3}, [], "words", {"param_groups": [{"lr": 0.1}]}])
def test_a_file_without_tensors_is_refused(torch_file, content):
    assert "holds no tensors" in refused(torch_file(content))


def test_sparse_and_meta_tensors_are_refused(torch_file):
    for odd in (torch.eye(3).to_sparse(), torch.empty(3, device="meta")):
        assert "not a plain tensor" in refused(torch_file({"w": odd}))


def test_float8_tensors_are_refused(tmp_path):
    for odd in (torch.float8_e4m3fn, torch.float8_e5m2):
        save_file({"w": torch.ones(3).to(odd)}, tmp_path / "x.safetensors")
        assert "not a plain tensor" in refused(tmp_path / "x.safetensors")


def test_many_views_of_the_same_numbers_are_refused(torch_file):
    w = torch.zeros(10_000)
    assert "its tensors are much larger than the file" in refused(torch_file([w[i:] for i in range(300)]))


def test_two_tensors_with_the_same_name_are_refused(torch_file):
    assert "two tensors named a.b" in refused(torch_file({"a": {"b": torch.ones(1)}, "a.b": torch.ones(1)}))


def test_a_dict_that_contains_itself_is_refused_soon(torch_file):
    content = {}
    content.update({str(index): content for index in range(10)})
    assert "entries" in refused(torch_file(content))


def test_other_archives_are_named(tmp_path):
    np.savez(tmp_path / "x.npz", w=np.zeros(3))
    assert "a zip file" in refused(tmp_path / "x.npz")
    with zipfile.ZipFile(tmp_path / "script.pt", "w") as archive:
        archive.writestr("model/data.pkl", b"")
        archive.writestr("model/constants.pkl", b"")
    assert "TorchScript" in refused(tmp_path / "script.pt")


@pytest.mark.parametrize("name", ["model.safetensors", "model.pt", "old.pt"])
def test_a_disk_that_fails_is_not_taken_for_a_damaged_file(tmp_path, monkeypatch, name):
    def fail(*_, **__):
        raise OSError(errno.EIO, "Input/output error")

    torch.save({"w": torch.zeros(3)}, tmp_path / "model.pt")
    torch.save({"w": torch.zeros(3)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    checkpoint.write(tmp_path / "model.safetensors", {"w": torch.zeros(3)}, HEADER)
    monkeypatch.setattr(checkpoint, "load", fail)
    monkeypatch.setattr(torch_files, "read_zip", fail)
    monkeypatch.setattr(torch_files, "read_older", fail)
    with pytest.raises(CheckpointError, match="cannot be read: Input/output error") as raised:
        checkpoint.read(tmp_path / name)
    assert "Check the disk" in raised.value.hint
    assert isinstance(raised.value.__cause__, OSError)  # A run does not skip such a checkpoint.


def test_a_disk_that_fails_while_an_archive_is_checked_is_not_taken_for_damage(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    torch.save({"w": torch.zeros(3)}, tmp_path / "model.pt")
    monkeypatch.setattr(zipfile, "_EndRecData", fail)  # `zipfile` itself hides the error.
    with pytest.raises(CheckpointError, match="cannot be read: Input/output error"):
        checkpoint.read(tmp_path / "model.pt")


def test_a_full_disk_is_an_output_error_for_files_of_originals_too(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))  # A write past it fails as on a full disk.
    try:
        with pytest.raises(OutputError, match="cannot be written: File too large"):
            checkpoint.write_original(tmp_path / "gen.pt", {"w": torch.zeros(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def document(ours, **changes):
    with safe_open(ours, framework="pt") as file:
        return checkpoint.json.loads(file.metadata()["imgxlate"]) | changes


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": "imgxlate/9"}, "pip install --upgrade"),
        ({"header": {**HEADER, "method": "unit"}}, "checksum"),
        ({"payload_sha256": "0" * 64}, "checksum"),
    ],
)
def test_a_header_with_a_wrong_format_or_checksum_is_refused(ours, changes, reason):
    changed = checkpoint.json.dumps(document(ours, **changes))
    save_file(tensors(), ours, metadata={"imgxlate": changed})
    with pytest.raises(CheckpointError) as caught:
        checkpoint.read(ours)
    assert reason in f"{caught.value} {caught.value.hint}"


def test_a_header_without_a_method_is_refused(ours):
    checkpoint.write(ours, tensors(), {"architecture": {}})
    assert "cannot be read" in refused(ours)


def test_a_header_that_is_not_json_is_refused(ours):
    save_file(tensors(), ours, metadata={"imgxlate": "{"})
    assert "cannot be read" in refused(ours)


def test_an_interrupt_while_reading_is_an_interrupt_and_not_a_damaged_file(tmp_path, heed_signals, unmeasured):
    checkpoint.write(tmp_path / "large.safetensors", {f"w{n}": torch.zeros(200, 200) for n in range(300)}, HEADER)
    turns = 8
    code = f"""
import sys
from pathlib import Path
from imgxlate import checkpoint

for turn in range({turns}):
    try:
        print(flush=True)
        while True:
            checkpoint.read(Path(sys.argv[1]))
    except KeyboardInterrupt:
        pass
"""
    command = [sys.executable, "-c", code, tmp_path / "large.safetensors"]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=unmeasured, preexec_fn=heed_signals, **streams) as process:
        for turn in range(turns):
            process.stdout.readline()
            time.sleep(0.03 + 0.017 * turn)
            process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 0

"""Naming outputs, and checks before any work."""

import os
from pathlib import Path

import pytest

from imgxlate.errors import OutputError, UsageError
from imgxlate.images.inputs import expand
from imgxlate.images.outputs import (
    Existing,
    Target,
    plan_jobs,
    refuse_existing,
    require_output_format,
    require_writable,
)


def outputs(jobs):
    return [str(target.path) for job in jobs for target in job.targets]


def test_the_tree_of_a_folder_is_mirrored(photos):
    jobs = plan_jobs(expand(["photos"]), "out", "munit", 1, Existing.REFUSE)
    assert outputs(jobs) == ["out/a.munit.png", "out/b.munit.png", "out/trip/c.munit.png"]


def test_outputs_go_to_the_current_folder_by_default(photos):
    assert outputs(plan_jobs(expand(["photos/a.png"]), None, "unit", 1, Existing.REFUSE)) == ["a.unit.png"]


def test_styles_are_counted_from_00(photos):
    jobs = plan_jobs(expand(["photos/a.png"]), "out/", "munit", 3, Existing.REFUSE)
    assert outputs(jobs) == ["out/a.munit.00.png", "out/a.munit.01.png", "out/a.munit.02.png"]


def test_more_than_a_hundred_styles_still_sort_by_name(photos):
    names = outputs(plan_jobs(expand(["photos/a.png"]), "out/", "munit", 101, Existing.REFUSE))
    assert names == sorted(names)
    assert names[0] == "out/a.munit.000.png"


@pytest.mark.parametrize("output", ["image.png", "new/image.JPG"])
def test_a_path_with_an_image_suffix_is_a_file(photos, output):
    assert outputs(plan_jobs(expand(["photos/a.png"]), output, "unit", 1, Existing.REFUSE)) == [output]


@pytest.mark.parametrize("output", ["a.psd", "a.heic", "a.exr", "a.jpgg", "a.JPGE", "a.tga", "a.gif", "a.mp4", "a.pdf"])
def test_a_file_that_cannot_be_written_is_refused_and_is_no_folder(photos, output):
    with pytest.raises(UsageError, match="cannot write") as caught:
        plan_jobs(expand(["photos/a.png"]), output, "unit", 1, Existing.REFUSE)
    assert f"`{output}/`" in caught.value.hint
    (job,) = plan_jobs(expand(["photos/a.png"]), f"{output}/", "unit", 1, Existing.REFUSE)
    assert job.targets[0].path.parent == Path(output)


@pytest.mark.parametrize("output", ["folder", "folder.png/", "photos", "run.v2", "2024.05.01", "out.tmp", "my.results"])
def test_anything_else_is_a_folder(photos, output):
    (job,) = plan_jobs(expand(["photos/a.png"]), output, "unit", 1, Existing.REFUSE)
    assert job.targets == (Target(0, Path(output) / "a.unit.png"),)


def test_an_existing_folder_with_an_image_suffix_is_a_folder(photos):
    (photos / "folder.png").mkdir()
    assert outputs(plan_jobs(expand(["photos/a.png"]), "folder.png", "unit", 1, Existing.REFUSE)) == [
        "folder.png/a.unit.png"
    ]


@pytest.mark.parametrize(("inputs", "count"), [(["photos"], 1), (["photos/a.png"], 2)])
@pytest.mark.parametrize("output", ["image.png", "-"])
def test_several_outputs_need_a_folder(photos, inputs, count, output):
    with pytest.raises(UsageError, match="outputs cannot go to"):
        plan_jobs(expand(inputs), output, "munit", count, Existing.REFUSE)


def test_standard_output_is_a_target_without_a_path(photos):
    (job,) = plan_jobs(expand(["photos/a.png"]), "-", "unit", 1, Existing.REFUSE)
    assert job.targets == (Target(0, None),)
    assert job.targets[0].name == "-"


def test_names_that_differ_by_their_suffix_only_keep_it(photos):
    (photos / "photos" / "a.jpg").write_bytes(b"")
    names = outputs(plan_jobs(expand(["photos"]), "out", "unit", 1, Existing.REFUSE))
    assert names[:3] == ["out/a.jpg.unit.png", "out/a.png.unit.png", "out/b.unit.png"]


def test_two_inputs_for_one_output_are_refused_before_any_work(photos):
    (photos / "a.png").write_bytes(b"")
    with pytest.raises(UsageError, match=r"photos/a\.png and the output of a\.png would be the same file"):
        plan_jobs(expand(["photos/a.png", "a.png"]), None, "unit", 1, Existing.REFUSE)


@pytest.mark.parametrize("extra", ["out/a.unit.png", "photos/a.png", "out/../photos/a.png"])
def test_other_files_that_are_written_must_not_be_an_output_or_an_input(photos, extra):
    with pytest.raises(UsageError, match="would be the same file"):
        plan_jobs(expand(["photos/a.png"]), "out", "unit", 1, Existing.OVERWRITE, extras=[Path(extra)])


def test_a_link_to_itself_is_an_input_that_fails_later(photos):
    (photos / "loop.png").symlink_to("loop.png")
    jobs = plan_jobs(expand(["loop.png", "photos"], "loop"), "loop", "unit", 1, Existing.REFUSE)
    assert [job.source.name for job in jobs] == ["loop.png", "photos/a.png", "photos/b.JPG", "photos/trip/c.webp"]
    (photos / "loop").symlink_to("loop")
    with pytest.raises(OutputError, match="loop is not a folder"):
        plan_jobs(expand(["photos"], "loop"), "loop", "unit", 1, Existing.REFUSE)


def test_an_input_is_never_written_over(photos):
    with pytest.raises(UsageError, match="would be the same file"):
        plan_jobs(expand(["photos/a.png"]), "photos/a.png", "unit", 1, Existing.OVERWRITE)


@pytest.mark.parametrize("output", ["photos/notes.txt/deeper", "photos/a.png/"])
def test_a_file_where_a_folder_must_be_is_found_before_any_work(photos, output):
    with pytest.raises(OutputError, match="is not a folder"):
        plan_jobs(expand(["photos/b.JPG"]), output, "unit", 1, Existing.REFUSE)


@pytest.mark.parametrize("existing", Existing)
def test_a_folder_where_a_file_must_be_is_found_before_any_work(photos, existing):
    (photos / "out/a.unit.png").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"a\.unit\.png cannot be written: it is a folder"):
        plan_jobs(expand(["photos/a.png"]), "out", "unit", 1, existing)
    with pytest.raises(OutputError, match="out cannot be written: it is a folder"):
        require_writable([Path("out")], expand(["photos"]), existing)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_an_unwritable_folder_is_an_error_before_any_work(photos):
    (photos / "photos").chmod(0o500)
    with pytest.raises(OutputError, match="cannot be written"):
        plan_jobs(expand(["photos/a.png"]), "photos/out", "unit", 1, Existing.REFUSE)


def test_existing_outputs_are_refused_before_any_work(photos):
    for name in ("a.unit.png", "b.unit.png"):
        (photos / name).write_bytes(b"")
    with pytest.raises(OutputError, match=r"a\.unit\.png \(and 1 more\) already exists") as caught:
        plan_jobs(expand(["photos"]), ".", "unit", 1, Existing.REFUSE)
    assert "--overwrite" in caught.value.hint


def test_existing_outputs_can_be_overwritten(photos):
    (photos / "a.unit.png").write_bytes(b"")
    assert outputs(plan_jobs(expand(["photos/a.png"]), None, "unit", 1, Existing.OVERWRITE)) == ["a.unit.png"]


def test_skipping_existing_outputs_keeps_the_missing_ones(photos):
    (photos / "a.munit.00.png").write_bytes(b"")
    (job,) = plan_jobs(expand(["photos/a.png"]), None, "munit", 2, Existing.SKIP)
    assert job.targets == (Target(1, Path("a.munit.01.png")),)
    (photos / "a.munit.01.png").write_bytes(b"")
    assert plan_jobs(expand(["photos/a.png"]), None, "munit", 2, Existing.SKIP) == []


def test_a_name_that_is_too_long_is_not_skipped(photos):
    [name] = outputs(plan_jobs(expand(["photos/a.png"]), f"{300 * 'x'}.png", "munit", 1, Existing.SKIP))
    assert name == f"{300 * 'x'}.png"


def test_skipping_existing_outputs_ignores_other_files(photos):
    with pytest.raises(OutputError, match="already exists"):
        refuse_existing([photos / "photos" / "a.png"], Existing.REFUSE)
    refuse_existing([photos / "photos" / "a.png"], Existing.OVERWRITE)


@pytest.mark.parametrize("name", ["image.gif", "image.txt", "image"])
def test_the_error_for_an_unwritable_format_lists_the_writable_ones(name):
    with pytest.raises(UsageError, match="cannot write") as caught:
        require_output_format(Path(name))
    assert ".png" in caught.value.hint

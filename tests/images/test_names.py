"""The names of outputs: templates, formats and long names."""

import pytest

from imgxlate.errors import UsageError
from imgxlate.images.inputs import Source, expand
from imgxlate.images.names import SAME, Naming
from imgxlate.images.outputs import Existing, plan_jobs, require_depth

LABELS = ("munit", "unit")


@pytest.mark.parametrize(
    ("template", "count", "expected"),
    [
        ("{stem}", 1, ["a.jpg"]),
        ("{stem}", 2, ["a.00.jpg", "a.01.jpg"]),
        ("{style}-{stem}_{method}", 2, ["00-a_munit.jpg", "01-a_munit.jpg"]),
        ("fake_B_{stem}", 1, ["fake_B_a.jpg"]),
        ("{stem}-{style:03d}", 2, ["a-000.jpg", "a-001.jpg"]),
        ("{style:d}_{stem}", 2, ["0_a.jpg", "1_a.jpg"]),
        ("{{style}}{stem}", 2, ["{style}a.00.jpg", "{style}a.01.jpg"]),
    ],
)
def test_a_template_names_the_outputs(template: str, count: int, expected: list[str]) -> None:
    assert list(Naming(template, ".jpg").names("a", "munit", count)) == expected


@pytest.mark.parametrize("template", ["", "plain", "{name}", "{}", "{stem", "out/{stem}", "{stem}/", "{0}", "{stem.x}"])
def test_a_template_that_names_no_file_is_refused_with_the_fields(template: str) -> None:
    with pytest.raises(UsageError, match="name-template") as refusal:
        Naming(template)
    assert "{stem}" in str(refusal.value.hint)


@pytest.mark.parametrize(
    "field",
    ["{stem:d}", "{stem!r}", "{method:>9}", "{style!s}", "{style:x}", "{style:.2f}", "{style: d}", "{style:{stem}}"],
)
def test_a_template_with_another_format_is_refused_with_the_one_that_there_is(field: str) -> None:
    with pytest.raises(UsageError, match=r"\{style:03d\}"):
        Naming("{stem}" + field)


@pytest.mark.parametrize("letter", ["x", "风", "\udcff"])
def test_long_names_are_shortened_to_what_file_systems_take_and_stay_distinct(tmp_path, letter):
    size = len(letter.encode(errors="surrogateescape"))
    stems = [letter * (250 // size - 1) + end for end in "ab"]
    names = [name for stem in stems for name in Naming().names(stem, "munit", 3)]
    assert len(set(names)) == 6
    for name in names:
        (tmp_path / name).with_suffix(".steps").touch()
    assert names[0].startswith(letter * 20)
    assert names[2].endswith(".munit.02.png")


def test_results_of_inputs_with_long_names_are_not_read_again(tmp_path):
    for stem in ("风" * 80, "x" * 250):
        (tmp_path / f"{stem}.png").touch()
    sources = expand([str(tmp_path)], None, LABELS)
    for job in plan_jobs(sources, str(tmp_path), "unit", 2, Existing.REFUSE):
        for target in job.targets:
            target.path.touch()
    assert len(list(tmp_path.iterdir())) == 6
    assert expand([str(tmp_path)], None, LABELS) == sources


def test_names_and_formats_are_for_a_folder_of_outputs(tmp_path):
    for naming in (Naming("{stem}"), Naming(suffix=".jpg")):
        with pytest.raises(UsageError, match="name the files of a folder"):
            plan_jobs([Source(tmp_path / "a.png")], "out.png", "unit", 1, Existing.REFUSE, naming=naming)


def test_results_may_have_the_format_of_their_input(tmp_path):
    sources = [Source(tmp_path / name) for name in ("a.jpg", "b.TIF", "c.gif")]
    jobs = plan_jobs([*sources, Source(None)], str(tmp_path), "unit", 1, Existing.REFUSE, naming=Naming(suffix=SAME))
    names = [target.path.name for job in jobs for target in job.targets]
    assert names == ["a.unit.jpg", "b.unit.TIF", "c.unit.png", "stdin.unit.png"]
    with pytest.raises(UsageError, match="--format same"):
        require_depth("16", str(tmp_path), SAME)

from itertools import pairwise

import numpy as np
import pytest
from PIL import ImageFont

from imgxlate.images.grids import contact_sheet, plan_sheet
from imgxlate.images.image_array import ImageArray

RED, GREEN, BLUE = (200, 0, 0), (0, 200, 0), (0, 0, 200)


def plain(color: tuple[int, int, int], height: int, width: int, alpha: int | None = None) -> ImageArray:
    rgb = np.full((height, width, 3), color, np.uint8)
    return ImageArray(rgb, None if alpha is None else np.full((height, width), alpha, np.uint8))


def extent(sheet: ImageArray, color: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Top, left, height and width of the pixels of this color."""
    rows, columns = np.nonzero((sheet.rgb == color).all(axis=-1))
    return rows.min(), columns.min(), int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def ink(image: ImageArray) -> int:
    """How many pixels are not white."""
    return int((image.rgb != 255).any(axis=-1).sum())


@pytest.mark.parametrize(
    ("size", "fitted"),
    [((50, 100), (64, 128)), ((300, 100), (128, 43)), ((128, 128), (128, 128)), ((1, 500), (1, 128))],
)
def test_an_image_is_fitted_with_its_proportions(size: tuple[int, int], fitted: tuple[int, int]) -> None:
    sheet = contact_sheet([[plain(RED, *size)]], cell=128)
    assert extent(sheet, RED)[2:] == fitted


def test_images_stand_in_rows_and_columns_without_touching() -> None:
    sheet = contact_sheet([[plain(RED, 9, 9), plain(GREEN, 9, 6)], [None, plain(BLUE, 6, 9)]], cell=90)
    red, green, blue = (extent(sheet, color) for color in (RED, GREEN, BLUE))
    assert red[0] == green[0]
    assert red[1] + red[3] < green[1]
    assert green[0] + green[2] < blue[0]
    assert blue[1] + blue[3] / 2 == green[1] + green[3] / 2


def test_rows_are_as_high_as_their_images() -> None:
    wide, square = plain(RED, 10, 40), plain(RED, 40, 40)
    assert contact_sheet([[wide]], cell=120).size[0] == contact_sheet([[square]], cell=120).size[0] - 90


def test_a_row_that_is_shorter_leaves_its_end_empty() -> None:
    full = contact_sheet([[plain(RED, 9, 9), plain(RED, 9, 9)], [plain(RED, 9, 9), None]], cell=40)
    ragged = contact_sheet([[plain(RED, 9, 9), plain(RED, 9, 9)], [plain(RED, 9, 9)]], cell=40)
    assert np.array_equal(full.rgb, ragged.rgb)


def test_a_sheet_of_empty_cells_is_white() -> None:
    assert (contact_sheet([[None, None]]).rgb == 255).all()


def test_headers_and_a_title_are_drawn_outside_the_images() -> None:
    rows = [[plain(RED, 9, 9)], [plain(RED, 9, 9)]]
    bare = contact_sheet(rows, cell=128)
    labelled = contact_sheet(rows, cell=128, column_headers=["style"], row_headers=["one", "two"], title="Title")
    assert (labelled.rgb == RED).all(axis=-1).sum() == (bare.rgb == RED).all(axis=-1).sum()
    assert labelled.size > bare.size
    top, left, height, _ = extent(labelled, RED)
    assert ink(ImageArray(labelled.rgb[:top])) > 0
    assert ink(ImageArray(labelled.rgb[top : top + height, :left])) > 0


def test_a_title_is_drawn_whole() -> None:
    font = ImageFont.load_default(25)
    _, top, _, bottom = font.getbbox("gjpqy|")
    titled = contact_sheet([[plain(RED, 9, 9)]], cell=256, title="gjpqy|")
    rows = (titled.rgb[: extent(titled, RED)[0]] != 255).any(axis=(1, 2))
    assert rows.sum() == bottom - top


def test_each_header_changes_the_sheet() -> None:
    rows = [[plain(RED, 9, 9)]]
    sheets = [
        contact_sheet(rows, row_headers=[row], column_headers=[column], title=title).rgb
        for row, column, title in (("a", "b", "c"), ("x", "b", "c"), ("x", "y", "c"), ("x", "y", "z"))
    ]
    assert not any(np.array_equal(one, other) for one, other in pairwise(sheets))


def test_a_long_label_takes_no_more_room_than_a_cell() -> None:
    long = contact_sheet([[plain(RED, 9, 9)]], row_headers=["name" * 50], column_headers=["word" * 50], title="t" * 500)
    short = contact_sheet([[plain(RED, 9, 9)]], row_headers=[""], column_headers=[""], title="")
    assert long.size[0] == short.size[0]
    assert short.size[1] < long.size[1] <= short.size[1] + 256


def test_long_labels_keep_the_end_that_tells_them_apart() -> None:
    name = "a_photograph_with_a_very_long_name_in_a_folder_of_many_"
    one, two = (contact_sheet([[None]], column_headers=[f"{name}{number}.png"]) for number in (1, 2))
    assert not np.array_equal(one.rgb, two.rgb)


@pytest.mark.parametrize(
    ("label", "drawn"), [("übé", "ube"), ("two\nlines\t", "two lines"), ("日本", "??"), ("caf\udce9", "caf?")]
)
def test_characters_that_the_font_lacks_are_replaced(label: str, drawn: str) -> None:
    assert np.array_equal(
        contact_sheet([[None]], column_headers=[label]).rgb, contact_sheet([[None]], column_headers=[drawn]).rgb
    )


def test_a_transparent_image_lies_on_a_light_checker() -> None:
    sheet = contact_sheet([[plain(RED, 16, 16, alpha=0)]], cell=128)
    shown = sheet.rgb[sheet.size[0] // 4 : -sheet.size[0] // 4, sheet.size[1] // 4 : -sheet.size[1] // 4]
    assert shown.min() > 200
    assert len(np.unique(shown)) == 2


def test_an_opaque_image_with_alpha_is_shown_as_it_is() -> None:
    opaque, bare = (contact_sheet([[plain(RED, 16, 16, alpha=alpha)]]) for alpha in (255, None))
    assert np.array_equal(opaque.rgb, bare.rgb)


@pytest.mark.parametrize("rows", [[], [[]]])
def test_nothing_to_show_is_refused(rows: list[list[ImageArray | None]]) -> None:
    with pytest.raises(ValueError, match="at least one cell"):
        contact_sheet(rows)


@pytest.mark.parametrize("headers", [{"column_headers": ["a"]}, {"row_headers": ["a", "b"]}])
def test_headers_must_be_one_for_each(headers: dict[str, list[str]]) -> None:
    with pytest.raises(ValueError, match=r"headers|argument"):
        contact_sheet([[None, None]], **headers)


def test_leading_rows_and_columns_are_set_off_by_a_wider_gap() -> None:
    rows = [[plain(RED, 9, 9), plain(GREEN, 9, 9)], [plain(BLUE, 9, 9), None]]
    for headers in ({}, {"row_headers": ["a", "b"], "column_headers": ["c", "d"]}):
        even = contact_sheet(rows, cell=48, **headers)
        for leading, axis in (({"leading_rows": 1}, 0), ({"leading_columns": 1}, 1)):
            led = contact_sheet(rows, cell=48, **headers, **leading)
            assert led.size[axis] > even.size[axis]
            assert led.size[1 - axis] == even.size[1 - axis]
            moved = (BLUE, GREEN)[axis]
            assert extent(led, RED) == extent(even, RED)
            assert extent(led, moved)[axis] - extent(even, moved)[axis] == led.size[axis] - even.size[axis]


def test_nothing_is_set_off_where_all_rows_and_columns_lead() -> None:
    rows = [[plain(RED, 9, 9)]]
    assert np.array_equal(contact_sheet(rows, leading_rows=1, leading_columns=1).rgb, contact_sheet(rows).rgb)


def test_a_column_label_is_centered_above_its_images_and_no_wider_than_they_are() -> None:
    sheet = contact_sheet([[plain(RED, 9, 9), plain(GREEN, 9, 6)]], cell=240, column_headers=["", "name" * 20])
    top, left, _, width = extent(sheet, GREEN)
    _, columns = np.nonzero((sheet.rgb[:top] != 255).any(axis=-1))
    assert left <= columns.min()
    assert columns.max() < left + width
    assert abs((columns.min() + columns.max()) / 2 - (left + width / 2)) <= 3


def test_labels_of_small_images_stay_readable() -> None:
    small, tall = contact_sheet([[plain(RED, 9, 9)]], cell=16, row_headers=["style 00"]), plain(GREEN, 90, 9)
    assert small.size[1] > 40
    one, two = (contact_sheet([[tall]], cell=240, column_headers=[name]) for name in ("a name", "another name"))
    assert one.size[1] < two.size[1] < 240


def sheet_size(rows: int, columns: int, cell: int) -> tuple[int, int]:
    """Height and width of a sheet with all that may surround the images.

    A sheet grows by the same pixels with every row and column, so small ones tell the size of a large one.
    """

    def drawn(count: int) -> tuple[int, int]:
        labels = [f"a name that is far longer than its image {index}" for index in range(count)]
        image, around = plain(RED, 2, 2), {"leading_rows": 1, "leading_columns": 1, "title": "a title"}
        grid = [[image] * count] * count
        return contact_sheet(grid, column_headers=labels, row_headers=labels, cell=cell, **around).size

    small, larger = drawn(3), drawn(4)
    height, width = (
        one + (count - 3) * (other - one) for one, other, count in zip(small, larger, (rows, columns), strict=True)
    )
    return height, width


def test_the_size_of_a_large_sheet_follows_from_small_ones():
    labels = [f"a name that is far longer than its image {index}" for index in range(12)]
    sheet = contact_sheet(
        [[plain(RED, 2, 2)] * 7] * 12,
        column_headers=labels[:7],
        row_headers=labels,
        leading_rows=1,
        leading_columns=1,
        cell=30,
        title="a title",
    )
    assert sheet_size(12, 7, 30) == sheet.size


@pytest.mark.parametrize(
    ("rows", "columns"), [(1, 1), (24, 9), (100, 5), (300, 9), (2000, 2), (40_000, 3), (1_000_000, 9)]
)
@pytest.mark.parametrize("longest_side", [None, 65500, 16383])
@pytest.mark.parametrize("across", [False, True])  # `sample-styles` has a column for each input.
def test_a_planned_sheet_stays_below_the_limits_whatever_the_number_of_images(rows, columns, longest_side, across):
    plan = plan_sheet(rows, columns, longest_side=longest_side)
    assert plan.cell >= 16
    assert plan.rows == rows or plan.cell == 16
    counts = (columns, plan.rows) if across else (plan.rows, columns)
    height, width = sheet_size(*counts, plan.cell)
    assert height * width <= 1 << 27
    assert max(height, width) <= (longest_side or 1 << 27)


@pytest.mark.parametrize(("rows", "columns", "longest_side"), [(61, 2, 16383), (81, 3, 16383), (401, 3, 65500)])
def test_long_names_of_styles_beside_many_inputs_fit_on_the_sheet(rows, columns, longest_side):
    plan = plan_sheet(rows, columns, longest_side=longest_side)
    assert max(sheet_size(columns, plan.rows, plan.cell)) <= longest_side


def test_a_few_images_are_shown_at_their_usual_size():
    assert {plan_sheet(rows, columns).cell for rows, columns in ((1, 1), (24, 9), (100, 5))} == {256}

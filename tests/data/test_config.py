import pytest

from imgxlate.config import from_mapping
from imgxlate.data.config import DataConfig
from imgxlate.errors import UsageError


@pytest.mark.parametrize(("key", "value"), [("new_size", 0), ("crop_height", -1), ("crop_width", 0), ("workers", -1)])
def test_an_invalid_length_or_number_of_workers_is_an_error_that_names_it(key, value):
    with pytest.raises(UsageError, match=rf"{key} = -?\d: must be at least"):
        from_mapping(DataConfig, {key: value}, origin="options")


@pytest.mark.parametrize(
    ("key", "value", "bound"), [("rotate", 181.0, "most 180"), ("hue", -1.0, "least 0"), ("contrast", 1.1, "most 1")]
)
def test_a_random_change_beyond_its_range_is_an_error_that_names_the_bound(key, value, bound):
    with pytest.raises(UsageError, match=rf"{key} = {value}: must be at {bound}$"):
        from_mapping(DataConfig, {key: value}, origin="options")

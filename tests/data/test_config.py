import pytest

from imgxlate.config import from_mapping
from imgxlate.data.config import DataConfig
from imgxlate.errors import UsageError


@pytest.mark.parametrize(("key", "value"), [("new_size", 0), ("crop_height", -1), ("crop_width", 0), ("workers", -1)])
def test_lengths_and_workers_that_cannot_be_are_refused_by_name(key, value):
    with pytest.raises(UsageError, match=rf"data\.{key} must be at least"):
        from_mapping(DataConfig, {key: value}, origin="options")

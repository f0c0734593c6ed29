import threading

import pytest
from PIL import Image

from imgxlate.images.pixel_guard import PixelGuard


@pytest.fixture(autouse=True)
def _limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)


@pytest.mark.parametrize(("pixels", "limit"), [(50, 100), (200, 100), (201, 101), (1000, 500)])
def test_pillow_allows_what_may_be_read_and_no_more(pixels: int, limit: int) -> None:
    """Pillow refuses more than twice its limit."""
    with PixelGuard().allowing(pixels):
        assert limit == Image.MAX_IMAGE_PIXELS
    assert Image.MAX_IMAGE_PIXELS == 100


def test_a_guard_that_the_program_has_switched_off_stays_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with PixelGuard().allowing(1000):
        assert Image.MAX_IMAGE_PIXELS is None
    assert Image.MAX_IMAGE_PIXELS is None


def test_the_limit_is_restored_when_the_block_fails() -> None:
    with pytest.raises(KeyError), PixelGuard().allowing(1000):
        raise KeyError
    assert Image.MAX_IMAGE_PIXELS == 100


def test_overlapping_threads_are_allowed_the_largest_of_their_limits() -> None:
    guard, entered, left = PixelGuard(), threading.Event(), threading.Event()
    seen = []

    def second() -> None:
        with guard.allowing(600):
            seen.append(Image.MAX_IMAGE_PIXELS)
            entered.set()
            assert left.wait(timeout=30)
            seen.append(Image.MAX_IMAGE_PIXELS)

    thread = threading.Thread(target=second)
    with guard.allowing(1000):
        thread.start()
        assert entered.wait(timeout=30)
    left.set()
    thread.join(timeout=30)
    assert seen == [500, 300]
    assert Image.MAX_IMAGE_PIXELS == 100

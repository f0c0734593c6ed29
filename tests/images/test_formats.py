import subprocess
import sys

import pytest
from PIL import Image

from imgxlate.images.formats import IMAGE_SUFFIXES, INPUT_FORMATS, OUTPUT_FORMATS


def test_every_suffix_found_in_folders_is_of_a_format_that_is_read() -> None:
    Image.init()
    kinds = Image.registered_extensions()
    by_an_extra = {".heic", ".heif"}
    others = {suffix for suffix in IMAGE_SUFFIXES - by_an_extra if kinds[suffix] not in (*INPUT_FORMATS, "DIB")}
    assert others == set()


def test_every_suffix_that_can_be_written_is_found_in_folders_again() -> None:
    assert set(OUTPUT_FORMATS) <= IMAGE_SUFFIXES


@pytest.mark.parametrize("kind", ["EPS", "PDF", "WMF", "PSD"])
def test_formats_that_are_programs_or_documents_are_not_read(kind: str) -> None:
    assert kind not in INPUT_FORMATS


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        ("formats sizes", "PIL numpy torch torchvision"),
        ("decode encode grids image_array pil", "torch torchvision"),
        ("tensors", "torchvision"),
    ],
)
def test_modules_import_no_more_than_they_need(modules: str, absent: str) -> None:
    imports = "; ".join(f"import imgxlate.images.{module}" for module in modules.split())
    heavy = f"[name for name in {absent.split()} if name in sys.modules]"
    done = subprocess.run([sys.executable, "-c", f"import sys; {imports}; print({heavy})"], capture_output=True)
    assert (done.stdout.strip(), done.stderr) == (b"[]", b"")

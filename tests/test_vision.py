import subprocess
import sys
from pathlib import Path

import pytest


def run(code: str, *, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `code` in a process of its own, where warnings are errors; modules in the folder `path` come first."""
    first = f"import sys; sys.path.insert(0, {str(path)!r})\n" if path else ""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", first + code], capture_output=True, text=True, check=False
    )


def test_torchvision_comes_through_the_door_however_it_was_built() -> None:
    done = run(
        "import contextlib, torch\n"
        "with contextlib.suppress(RuntimeError): import torchvision\n"  # Fails beside a torch of another build.
        "from imgxlate.vision import torchvision as door\n"
        "functional = door('transforms.v2.functional')\n"
        "print(list(functional.resize(torch.zeros(1, 3, 8, 8), [4, 6], antialias=True).shape))\n"
        "print(door('models').vgg19.__name__, door('models') is door('models'), door('models') is door().models)\n"
    )
    assert (done.stdout.split("\n"), done.stderr) == (["[1, 3, 4, 6]", "vgg19 True True", ""], "")


def test_threads_that_come_first_together_get_the_same_module() -> None:
    done = run(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from imgxlate.vision import torchvision\n"
        "with ThreadPoolExecutor(4) as pool:\n"
        "    modules = list(pool.map(torchvision, ['transforms.v2.functional'] * 4))\n"
        "print(len(set(map(id, modules))))\n"
    )
    assert (done.stdout, done.stderr) == ("1\n", "")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise ImportError('libcudart.so: cannot open shared object file')", "libcudart.so"),
        ("raise RuntimeError('operator torchvision::nms does not exist')", "torchvision::nms"),
    ],
)
def test_a_torchvision_that_cannot_be_used_is_an_error_with_the_line_to_type(
    tmp_path: Path, body: str, reason: str
) -> None:
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(f"{body}\n")
    done = run(
        "from imgxlate.errors import ImgxlateError\n"
        "from imgxlate.vision import torchvision\n"
        "try: torchvision('models')\n"
        "except ImgxlateError as error: print(error, error.hint, sep='\\n')\n",
        path=tmp_path,
    )
    assert done.stderr == ""
    message, hint = done.stdout.splitlines()
    assert message.startswith("torchvision cannot be used with torch ")
    assert reason in message
    assert hint.endswith("pip install --upgrade --force-reinstall torch torchvision")

"""Devices and precisions. What this machine lacks is said to be absent, never replaced."""

import pytest
import torch

from imgxlate.errors import DeviceError, UsageError
from imgxlate.inference.device import Arithmetic, fast_bf16, find_arithmetic, find_device, require_exact

CPU = torch.device("cpu")


@pytest.fixture
def flags():
    """What decides how exact CUDA's float32 is: all at its loosest before the test, as it was after it."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn

    def read():
        return matmul.fp32_precision, cudnn.conv.fp32_precision, cudnn.deterministic

    def put(values):
        matmul.fp32_precision, cudnn.conv.fp32_precision, cudnn.deterministic = values

    before = read()
    put(("tf32", "tf32", False))
    yield read
    put(before)


@pytest.mark.parametrize(("dtype", "repeatable"), [(torch.float32, True), (torch.bfloat16, False)])
def test_float32_on_cuda_is_exact_even_beside_bfloat16(flags, dtype, repeatable):
    require_exact(torch.device("cuda"), dtype)
    assert flags() == ("ieee", "ieee", repeatable)


def test_other_devices_than_cuda_keep_their_settings(flags):
    require_exact(torch.device("cpu"), torch.float32)
    assert flags() == ("tf32", "tf32", False)


@pytest.mark.parametrize(
    "name", ["gpu", "cuda:x", "cuda:²", "cuda:٣", "cuda: 1", "cuda:-1", "cuda:1000", "cpu:0", "mps:1", "", "CPU"]
)
def test_an_unknown_device_is_a_usage_error(name):
    with pytest.raises(UsageError, match="no device"):
        find_device(name)


def test_the_cpu_is_always_available():
    assert find_device("cpu") == CPU


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("name", ["cuda", "cuda:1"])
def test_a_gpu_that_is_absent_is_an_error(name):
    with pytest.raises(DeviceError, match="cuda"):
        find_device(name)


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="there is an Apple GPU")
def test_an_apple_gpu_that_is_absent_is_an_error():
    with pytest.raises(DeviceError, match="mps"):
        find_device("mps")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_past_the_last_is_an_error():
    with pytest.raises(DeviceError, match="counted from 0"):
        find_device(f"cuda:{torch.cuda.device_count()}")


def test_auto_takes_the_best_available_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert find_device("auto").type == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert find_device("auto").type == "mps"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert find_device("auto") == CPU


def test_each_process_of_a_machine_takes_a_gpu_of_its_own_unless_one_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    for name, value in {"RANK": "7", "WORLD_SIZE": "8", "LOCAL_RANK": "3"}.items():
        monkeypatch.setenv(name, value)
    assert find_device("auto") == find_device("cuda") == torch.device("cuda:3")
    assert find_device("cuda:1") == torch.device("cuda:1")


@pytest.mark.parametrize("flag", ["avx512_bf16", "amx_bf16"])
def test_auto_is_bf16_if_the_processor_computes_in_it(monkeypatch, flag):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {flag: True})
    assert find_arithmetic("auto", CPU) == Arithmetic(torch.bfloat16, fast=True)


def test_auto_is_fp32_with_fast_convolutions_if_the_processor_would_emulate_bf16(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_f": True})
    assert find_arithmetic("auto", CPU) == find_arithmetic("fp32-fast", CPU) == Arithmetic(torch.float32, fast=True)
    assert not fast_bf16(torch.device("mps"))


def test_an_explicit_precision_is_used():
    assert find_arithmetic("fp32", CPU) == Arithmetic(torch.float32, fast=False)
    assert find_arithmetic("bf16", CPU) == Arithmetic(torch.bfloat16, fast=True)

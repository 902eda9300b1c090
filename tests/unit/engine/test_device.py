"""Devices: what this torch has, and refusals that say what is missing."""

import pytest
import torch

from saccade.engine import pick_device
from saccade.errors import DeviceError


def pretend(
    monkeypatch: pytest.MonkeyPatch, *, built: bool = False, gpus: int = 0, mps: bool = False
) -> None:
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: built)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    monkeypatch.setattr(torch, "__version__", "2.13.0+cpu")


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        ({"built": True, "gpus": 1, "mps": True}, "cuda"),
        ({"mps": True}, "mps"),
        ({}, "cpu"),
    ],
)
def test_auto_prefers_cuda_then_mps_then_cpu(
    monkeypatch: pytest.MonkeyPatch, machine: dict[str, bool], expected: str
) -> None:
    pretend(monkeypatch, **machine)
    assert pick_device().type == expected


def test_cuda_on_a_cpu_build_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch)
    with pytest.raises(DeviceError) as caught:
        pick_device("cuda")
    assert str(caught.value) == (
        "--device cuda: torch 2.13.0 is a CPU build. Use --device cpu, or install a CUDA build."
    )
    assert caught.value.exit_code == 2


def test_cuda_without_a_gpu_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, built=True)
    with pytest.raises(DeviceError, match="finds no usable GPU"):
        pick_device("cuda")


def test_a_gpu_number_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, built=True, gpus=2)
    assert str(pick_device("cuda:1")) == "cuda:1"
    with pytest.raises(DeviceError, match=r"has 2 GPUs. Expected cuda:0 to cuda:1"):
        pick_device("cuda:2")


def test_mps_elsewhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch)
    with pytest.raises(DeviceError, match=r"finds no Metal device\. Use --device cpu"):
        pick_device("mps")


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "cpu:1", "cuda:", ""])
def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(DeviceError, match="Unknown device"):
        pick_device(name)


def test_a_misspelt_name_is_answered_with_the_closest() -> None:
    with pytest.raises(DeviceError, match="Did you mean 'cuda'"):
        pick_device("cdua")


def test_cpu_is_always_there() -> None:
    assert pick_device("cpu") == torch.device("cpu")

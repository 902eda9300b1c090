"""Choosing a device: ``auto`` takes cuda, then mps, then cpu; a named device must exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saccade.errors import DeviceError, did_you_mean

if TYPE_CHECKING:
    import torch

__all__ = ["DEVICES", "pick_device"]

DEVICES = ("auto", "cpu", "cuda", "mps")


def pick_device(name: str = "auto") -> torch.device:
    """Return the device for a name, or say why this machine does not have it.

    Args:
        name: ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:N"`` or ``"mps"``.

    Raises:
        DeviceError: The name is unknown or the device is absent.

    Examples:
        >>> pick_device("cpu")
        device(type='cpu')
    """
    import torch

    kind, colon, number = name.partition(":")
    if kind not in DEVICES or (colon and (kind != "cuda" or not number.isdecimal())):
        raise DeviceError(
            f"Unknown device {name!r}.",
            did_you_mean(kind, DEVICES) if kind not in DEVICES else "",
            f"Expected one of {', '.join(DEVICES)}, or cuda:N.",
        )
    if kind == "auto":
        return torch.device(_best())
    if kind == "cuda":
        _require_cuda(name, int(number or 0))
    if kind == "mps" and not torch.backends.mps.is_available():
        raise DeviceError(
            f"--device mps: torch {_version()} finds no Metal device.",
            fix="Use --device cpu.",
        )
    return torch.device(name)


def _best() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _require_cuda(name: str, number: int) -> None:
    import torch

    if not torch.backends.cuda.is_built():
        raise DeviceError(
            f"--device {name}: torch {_version()} is a CPU build.",
            fix="Use --device cpu, or install a CUDA build.",
        )
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if number < found:
        return
    if not found:
        raise DeviceError(
            f"--device {name}: torch {_version()} finds no usable GPU.",
            fix="Use --device cpu, or check the driver with nvidia-smi.",
        )
    raise DeviceError(
        f"--device {name}: this machine has {found} GPU{'s' if found > 1 else ''}.",
        f"Expected cuda:0 to cuda:{found - 1}." if found > 1 else "Expected cuda:0.",
    )


def _version() -> str:
    import torch

    return str(torch.__version__).partition("+")[0]

"""What this installation can do: versions, devices, optional packages, compiled kernels.

Ends with exit code 1 when a core package is missing or a kernel cannot be compiled.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import sys
from dataclasses import dataclass

from saccade import __version__
from saccade.contracts import Cell, Report, Table
from saccade.optional import EXTRAS

__all__ = ["Args", "run"]

CORE = (
    "numpy",
    "numba",
    "torch",
    "h5py",
    "aedat",
    "tyro",
    "rich",
    "pyyaml",
    "safetensors",
    "matplotlib",
    "pillow",
)


@dataclass(frozen=True, kw_only=True)
class Args:
    """No arguments."""


def run(args: Args) -> Report:
    """Look at the installation and report."""
    core = [(name, _version(name)) for name in CORE]
    kernel_ok, kernel_text = _kernel()
    rows: list[tuple[Cell, ...]] = [(name, version or "missing", "") for name, version in core]
    for module, extra in EXTRAS.items():
        found = importlib.util.find_spec(module) is not None
        hint = "" if found else f'pip install "saccade[{extra}]"'
        version = _version(module) or ("installed" if found else "not installed")
        rows.append((module, version, hint))
    return Report(
        title=f"saccade {__version__}",
        values={
            "python": platform.python_version(),
            "platform": f"{platform.system()} {platform.machine()}",
            "executable": sys.executable,
            "kernels": kernel_text,
            "devices": ", ".join(_devices()),
            "packages": dict(core),
        },
        tables=(Table("Packages", ("package", "version", "to install"), tuple(rows)),),
        ok=kernel_ok and all(version for _, version in core),
    )


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _kernel() -> tuple[bool, str]:
    try:
        import numpy as np

        from saccade import Events, SensorSize
        from saccade.represent import count_frame

        one = np.array([1])
        frame = count_frame(Events(one, one, one, one, SensorSize(2, 2)))
    except Exception as error:  # whatever is broken in the compiler, the doctor reports it
        return False, f"numba cannot compile: {type(error).__name__}: {error}"
    return bool(frame[1, 1, 1] == 1), "numba compiles and runs"


def _devices() -> list[str]:
    if _version("torch") is None:
        return []
    import torch

    devices = [f"cpu ({torch.get_num_threads()} threads)"]
    if torch.cuda.is_available():
        devices += [
            f"cuda:{k} ({torch.cuda.get_device_name(k)})" for k in range(torch.cuda.device_count())
        ]
    if torch.backends.mps.is_available():
        devices.append("mps")
    return devices

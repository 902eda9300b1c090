"""Optional packages: imported here and nowhere else, so that the message can name the extra."""

from __future__ import annotations

import importlib
from types import ModuleType

from saccade.errors import MissingExtraError

__all__ = ["EXTRAS", "require"]

EXTRAS: dict[str, str] = {
    "av": "video",
    "distributed": "cluster",
    "hdf5plugin": "hdf5",
    "mlflow": "track",
    "pynmea2": "geo",
    "tensorboard": "track",
    "wandb": "wandb",
}
"""Optional module -> the extra of ``pip install "saccade[EXTRA]"`` that brings it."""


def require(module: str, purpose: str) -> ModuleType:
    """Import an optional package or say which extra installs it.

    Args:
        module: Import name, one of `EXTRAS`.
        purpose: What needs it, as the start of a sentence: ``"Reading Blosc-compressed HDF5"``.

    Raises:
        MissingExtraError: The package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{purpose} needs {module!r}.",
            fix=f'Install with: pip install "saccade[{EXTRAS[module]}]"',
        ) from error

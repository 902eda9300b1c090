"""Golden files of modular STDP place recognition, found by what their names begin with."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["FOLDER", "cases"]

FOLDER = (
    Path(os.environ["SACCADE_PARITY_DATA"]) / "modular_stdp"
    if "SACCADE_PARITY_DATA" in os.environ
    else Path(__file__).parent / "data" / "modular_stdp"
)


def cases(prefix: str) -> list[Path]:
    """Return the golden files whose name starts with a prefix."""
    return sorted(FOLDER.glob(f"{prefix}*.npz"))

"""Where the golden data of modular STDP place recognition lie, and the cases of one kind.

Set ``SACCADE_PARITY_DATA`` to a folder of further cases of the same form.
"""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(os.environ.get("SACCADE_PARITY_DATA", Path(__file__).parent / "data"))
FOLDER = ROOT / "modular_stdp"


def cases(prefix: str) -> list[Path]:
    """Return the files whose names begin with a prefix, in order of their names."""
    return sorted(FOLDER.glob(f"{prefix}*.npz"))

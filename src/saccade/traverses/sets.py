"""The data sets of place recognition, by name."""

from __future__ import annotations

import importlib

from saccade.traverses.config import SetArgs
from saccade.traverses.traverse import PlaceSet

__all__ = ["SETS", "open_set"]

SETS: dict[str, str] = {
    "brisbane": "saccade.traverses.brisbane",
    "nsavp": "saccade.traverses.nsavp",
    "nyc": "saccade.traverses.nyc",
    "files": "saccade.traverses.recordings",
    "images": "saccade.traverses.images",
    "stills": "saccade.traverses.stills",
}
"""Name -> module with ``open_set(args)`` and ``check(folder)``."""


def open_set(args: SetArgs) -> PlaceSet:
    """Open a data set: nothing but names, times and positions is read.

    Recordings of ``files`` are decoded, once: the events around their places are kept on disk.

    Raises:
        ConfigError: A traverse is unknown, or plays two parts.
        MissingFileError: The folder or a traverse is not there; see ``saccade data check``.
        DataError: Positions or times cannot be used.
    """
    return importlib.import_module(SETS[args.data]).open_set(args)

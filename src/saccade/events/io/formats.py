"""The table of event formats: name -> where its `Format` record is, imported when used."""

from __future__ import annotations

import importlib
from typing import cast

from saccade.errors import UsageError, did_you_mean, listing
from saccade.events.io.format import Format

__all__ = ["FORMATS", "get_format"]

FORMATS: dict[str, str] = {
    "evt3": "saccade.events.io.evt3:FORMAT",
    "evt2": "saccade.events.io.evt2:FORMAT",
    "evt21": "saccade.events.io.evt21:FORMAT",
    "dat": "saccade.events.io.dat:FORMAT",
    "es": "saccade.events.io.es:FORMAT",
    "aedat4": "saccade.events.io.aedat4:FORMAT",
    "hdf5": "saccade.events.io.hdf5:FORMAT",
    "npz": "saccade.events.io.npz:FORMAT",
    "npy": "saccade.events.io.npy:FORMAT",
    "text": "saccade.events.io.text:FORMAT",
    "nmnist": "saccade.events.io.nmnist:FORMAT",
}
"""Tried in this order when content is sniffed: signatures first, headerless layouts last."""


def get_format(name: str) -> Format:
    """Return the record of a format.

    Raises:
        UsageError: There is no such format.
    """
    if name not in FORMATS:
        raise UsageError(
            f"Unknown event format {name!r}.",
            f"Formats: {listing(FORMATS, most=20)}.",
            did_you_mean(name, FORMATS),
        )
    module, _, attribute = FORMATS[name].partition(":")
    return cast(Format, getattr(importlib.import_module(module), attribute))

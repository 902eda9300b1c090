"""Drives along a route, window by window, and the data sets of places that hold them.

    Traverse   N windows: where each was taken, in which session, and the frame made when asked for
    Pair       one traverse looked up in another, and which matches are right
    PlaceSet   traverses to train on, a pair to stop by, pairs to test on

    open_set(SetArgs(data="stills", root=...)) -> PlaceSet

A data set is one module with ``open_set(args)`` and ``check(folder)``, named in `SETS`:

    brisbane, nsavp, nyc   published recordings, with their preparation and positions
    files                  recordings of your own, each with a table of positions (`recordings`)
    images                 plain images of a route: an array a traverse, or files and lists of them
    stills                 the same, seen by a simulated camera that pans (`passes`)

`baselines` compares frames without learning. Nothing here learns, so that every task that
recognises places stands on it. Names load on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from saccade.traverses.config import DATA_ROOT as DATA_ROOT
    from saccade.traverses.config import SetArgs as SetArgs
    from saccade.traverses.config import SetName as SetName
    from saccade.traverses.sets import SETS as SETS
    from saccade.traverses.sets import open_set as open_set
    from saccade.traverses.traverse import COUNTS as COUNTS
    from saccade.traverses.traverse import GREY as GREY
    from saccade.traverses.traverse import EventTraverse as EventTraverse
    from saccade.traverses.traverse import ImageTraverse as ImageTraverse
    from saccade.traverses.traverse import MatrixPair as MatrixPair
    from saccade.traverses.traverse import Pair as Pair
    from saccade.traverses.traverse import PlaceSet as PlaceSet
    from saccade.traverses.traverse import Positions as Positions
    from saccade.traverses.traverse import Traverse as Traverse
    from saccade.traverses.traverse import voxel_sums as voxel_sums

_NAMES: dict[str, str] = {
    "COUNTS": "traverse",
    "DATA_ROOT": "config",
    "EventTraverse": "traverse",
    "GREY": "traverse",
    "ImageTraverse": "traverse",
    "MatrixPair": "traverse",
    "Pair": "traverse",
    "PlaceSet": "traverse",
    "Positions": "traverse",
    "SETS": "sets",
    "SetArgs": "config",
    "SetName": "config",
    "Traverse": "traverse",
    "open_set": "sets",
    "voxel_sums": "traverse",
}

__all__ = [
    "COUNTS",
    "DATA_ROOT",
    "GREY",
    "SETS",
    "EventTraverse",
    "ImageTraverse",
    "MatrixPair",
    "Pair",
    "PlaceSet",
    "Positions",
    "SetArgs",
    "SetName",
    "Traverse",
    "open_set",
    "voxel_sums",
]


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'saccade.traverses' has no attribute {name!r}")
    return getattr(importlib.import_module(f"saccade.traverses.{_NAMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

"""HDF5 files of events: which of the known layouts a file has.

own      attribute ``saccade_events``; x, y, t, p, ms_to_idx           hdf5_own.py
DSEC     events/{x,y,t,p}, ms_to_idx, t_offset                         hdf5_dsec.py
MVSEC    davis/{left,right}/events (N, 4)                              hdf5_mvsec.py
generic  x, y, t, p under usual names, or a table, in any group        hdf5_generic.py
"""

from __future__ import annotations

from pathlib import Path

from saccade.events.io import hdf5_dsec, hdf5_generic, hdf5_mvsec, hdf5_own
from saccade.events.io.format import Format, ReadOptions
from saccade.events.io.hdf5_columns import Hdf5Reader, open_file

__all__ = ["FORMAT", "open_hdf5"]

_MAGIC = b"\x89HDF\r\n\x1a\n"


def sniff(head: bytes, path: Path) -> bool:
    """Tell by the magic bytes, at the start or after a user block of 512, 1024, ... bytes."""
    offsets = (0, *(512 << power for power in range(7)))
    return any(head.startswith(_MAGIC, offset) for offset in offsets)


def open_hdf5(path: Path, options: ReadOptions) -> Hdf5Reader:
    """Open an HDF5 file of events.

    Raises:
        FormatError: It is damaged, or holds no events that can be recognised.
        MissingExtraError: Its compression needs hdf5plugin.
    """
    with open_file(path) as file:
        for layout in (hdf5_own, hdf5_dsec, hdf5_mvsec):
            if layout.matches(file):
                return layout.open_layout(path, file, options)
        return hdf5_generic.open_layout(path, file, options)


FORMAT = Format(
    name="hdf5",
    title="HDF5: own layout, DSEC, MVSEC, or x, y, t, p in a group",
    extensions=(".h5", ".hdf5"),
    sniff=sniff,
    open=open_hdf5,
    write=hdf5_own.write_hdf5,
)

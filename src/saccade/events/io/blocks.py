"""Events from files that hold columns: array, text and HDF5 files, block by block.

    file --blocks--> x, y, t, p as stored --columns.py--> pixels, µs, 0/1 --verify--> Events

A format brings a function that yields the stored columns in blocks. Origin, polarity, range and
order are dealt with here, once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.errors import EventError
from saccade.events.columns import TimeUnit, polarity_values, to_microseconds, to_pixels
from saccade.events.io.check import explain_late, explain_outside, late_events
from saccade.events.io.format import ANY_SIZE, Header, ReadOptions
from saccade.events.types import Events, SensorSize

__all__ = ["Block", "BlockReader", "ColumnCheck"]

_READ_EVENTS = 1 << 18
_EARLIEST = int(np.iinfo(np.int64).min)


@dataclass(frozen=True)
class Block:
    """Columns of consecutive events as a file stores them.

    Args:
        x: Columns, any numeric type.
        y: Rows, any numeric type.
        t: Times in ``unit``; ``offset_us`` is added after conversion.
        p: Polarities: bool, 0/1 or -1/+1.
        unit: Unit of ``t``.
        whole: A fraction of a microsecond is an error rather than rounded.
        offset_us: Added to the converted times.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    t: NDArray[Any]
    p: NDArray[Any]
    unit: TimeUnit = "us"
    whole: bool = False
    offset_us: int = 0


class ColumnCheck:
    """Turns blocks of one recording, in order, into verified events."""

    def __init__(self, path: Path, size: SensorSize | None, options: ReadOptions) -> None:
        self._path, self._options = path, options
        self._size = size or ANY_SIZE
        self._position = 0
        self._last_us = _EARLIEST
        self._polarities: frozenset[int] = frozenset()
        self.disordered = False

    def events(self, block: Block, *, sort_later: bool = False) -> Events:
        """Convert and verify the next block.

        Args:
            block: Stored columns.
            sort_later: Let time run backwards and set ``disordered``.

        Raises:
            EventError: An event breaks a rule; the message names it by its index.
        """
        at, name = self._position, self._path.name
        x = to_pixels(block.x, "x", origin=self._options.origin, position=at, source=name)
        y = to_pixels(block.y, "y", origin=self._options.origin, position=at, source=name)
        t = to_microseconds(block.t, block.unit, position=at, source=name, whole=block.whole)
        if block.offset_us:
            t = t + np.int64(block.offset_us)
        p, occurred = polarity_values(block.p, position=at, source=name)
        self._refuse_mixed(occurred)
        self._position += t.shape[0]
        events = Events(
            np.ascontiguousarray(x),
            np.ascontiguousarray(y),
            np.ascontiguousarray(t),
            np.ascontiguousarray(p),
            self._size,
            check=False,
        )
        return self._verified(events, at, sort_later)

    def _refuse_mixed(self, occurred: frozenset[int]) -> None:
        self._polarities |= occurred
        if {-1, 0} <= self._polarities:
            raise EventError(
                f"{self._path.name} has polarities -1 and 0.",
                "Expected 0/1 or -1/+1 throughout.",
                "Is another column meant? State the order with --columns.",
            )

    def _verified(self, events: Events, position: int, sort_later: bool) -> Events:
        size, t = self._size, events.t
        if not len(events):
            return events
        if int(events.x.max()) >= size.width or int(events.y.max()) >= size.height:
            raise explain_outside(events, size, position, self._path, self._options.origin)
        if int(t[0]) < self._last_us or bool((t[1:] < t[:-1]).any()):
            events = self._in_order(events, position, sort_later)
        if len(events):
            self._last_us = max(self._last_us, int(events.t[-1]))
        return events

    def _in_order(self, events: Events, position: int, sort_later: bool) -> Events:
        policy = self._options.on_disorder
        if policy == "sort" and sort_later:
            self.disordered = True
            return events
        late, running = late_events(events.t, self._last_us)
        if policy == "drop":
            return events[~late]
        at = int(np.argmax(late))
        back_us = int(running[at] - events.t[at])
        raise explain_late(back_us, position + at, self._path, packets=policy == "sort")


class BlockReader:
    """An opened file of columns.

    Args:
        path: The file.
        header: What the file says about itself.
        options: What the user said.
        blocks: Yields the stored columns in blocks of at most the given number of events, from the
            start at every call.
    """

    def __init__(
        self,
        path: Path,
        header: Header,
        options: ReadOptions,
        blocks: Callable[[int], Iterator[Block]],
    ) -> None:
        self._path, self._header, self._options = path, header, options
        self._blocks = blocks

    @property
    def header(self) -> Header:
        """What the file says about itself."""
        return self._header

    def packets(self, max_events: int = 1 << 16) -> Iterator[Events]:
        """Yield consecutive packets of at most ``max_events`` events in bounded memory.

        Raises:
            EventError: An event breaks a rule. Sorting needs the whole recording, so
                ``on_disorder="sort"`` raises where time runs backwards; `read` can sort.
            FormatError: The file is damaged or truncated.
        """
        check = ColumnCheck(self._path, self._header.size, self._options)
        for block in self._blocks(max_events):
            events = check.events(block)
            if len(events):
                yield events

    def read(self) -> Events:
        """Return the whole recording as fresh arrays.

        Raises:
            EventError: An event breaks a rule.
            FormatError: The file is damaged or truncated.
        """
        check = ColumnCheck(self._path, self._header.size, self._options)
        sort = self._options.on_disorder == "sort"
        parts = [check.events(block, sort_later=sort) for block in self._blocks(_READ_EVENTS)]
        size = self._header.size or ANY_SIZE
        if not parts:
            return Events.empty(size)
        x, y, t, p = (np.concatenate([getattr(part, name) for part in parts]) for name in "xytp")
        if check.disordered:
            order = np.argsort(t, kind="stable")
            x, y, t, p = x[order], y[order], t[order], p[order]
        return Events(x, y, t, p, size, check=False)

"""Events from a file of fixed-size binary words, block by block.

      file --readinto--> block (reused) --decode--> columns x, y, t, p --verify--> Events
                           |                 |
                    unread rest moves     state (int64 array) is all
                    to the front          that survives a block

A format brings a `Layout`: the type of its words and a compiled function that turns words into
events until the words or the room for events run out. Reading, packets, range and order checks and
truncated files are dealt with here, once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from saccade.events.io.check import (
    IN_ORDER,
    OUTSIDE,
    explain_late,
    explain_outside,
    late_events,
    verify,
)
from saccade.events.io.format import ANY_SIZE, Header, ReadOptions, truncated
from saccade.events.types import Events, SensorSize

__all__ = ["MADE", "STATE", "USED", "Columns", "Layout", "WordReader"]

USED, MADE, STATE = 0, 1, 2
"""Entries of the state: words read and events made by the last call, then the format's own."""

_BLOCK = 1 << 20  # bytes read at once: large enough that the calls per block cost little
_STEP = 1 << 16  # events decoded before they are checked, while they are still in the cache


@dataclass(frozen=True)
class Columns:
    """Writable x, y, t, p of equal length."""

    x: NDArray[np.uint16]
    y: NDArray[np.uint16]
    t: NDArray[np.int64]
    p: NDArray[np.uint8]

    @classmethod
    def room(cls, count: int) -> Columns:
        """Return columns for ``count`` events, not yet filled."""
        return cls(
            np.empty(count, np.uint16),
            np.empty(count, np.uint16),
            np.empty(count, np.int64),
            np.empty(count, np.uint8),
        )

    def __len__(self) -> int:
        return self.x.shape[0]

    def part(self, start: int, stop: int) -> Columns:
        """Return a view of the events ``start`` to ``stop``."""
        cut = slice(start, stop)
        return Columns(self.x[cut], self.y[cut], self.t[cut], self.p[cut])


Decode = Callable[..., None]
"""``decode(words, x, y, t, p, state)``: fills the columns and sets ``state[USED], state[MADE]``."""


@dataclass(frozen=True)
class Layout:
    """How the body of a file turns into events.

    Args:
        decode: Compiled decoder; stops where fewer than ``most_events`` places are left.
        dtype: Type of a word (little endian), or of one of its ``columns`` parts.
        columns: Parts per word; 1 passes ``words`` as ``[N]``, more as ``[N, columns]``.
        state: What the decoder knows at the start of the body, after the two counts.
        most_events: Most events that one word can hold.
        bytes_per_event: Fewest bytes an event can take, where an event is several words.
        count: Compiled function from words to an upper bound of their number of events; needed
            where ``most_events`` is larger than 1.
    """

    decode: Decode
    dtype: str
    columns: int = 1
    state: tuple[int, ...] = ()
    most_events: int = 1
    bytes_per_event: int = 0
    count: Callable[..., int] | None = None

    @property
    def word_bytes(self) -> int:
        """Size of a word."""
        return np.dtype(self.dtype).itemsize * self.columns


class WordReader:
    """An opened file of binary words.

    Args:
        path: The file.
        body: Offset of the first word.
        layout: What the words mean.
        header: What the file says about itself.
        options: What the user said.
    """

    def __init__(
        self, path: Path, body: int, layout: Layout, header: Header, options: ReadOptions
    ) -> None:
        self._path, self._body, self._layout = path, body, layout
        self._header, self._options = header, options

    @property
    def header(self) -> Header:
        """What the file says about itself."""
        return self._header

    def packets(self, max_events: int = 1 << 16) -> Iterator[Events]:
        """Yield consecutive packets of at most ``max_events`` events in bounded memory.

        Each packet owns its arrays, so packets may be kept.

        Raises:
            EventError: An event lies outside the sensor or time runs backwards. Sorting needs the
                whole recording, so ``on_disorder="sort"`` raises as well; `read` can sort.
            FormatError: The file ends inside a word.
        """
        size = self._header.size or ANY_SIZE
        with self._pass() as source:
            while not source.ended:
                columns = Columns.room(max(max_events, self._layout.most_events))
                made = source.fill(columns, sort_later=False)
                for start in range(0, made, max_events):
                    cut = columns.part(start, min(start + max_events, made))
                    yield Events(cut.x, cut.y, cut.t, cut.p, size, check=False)

    def read(self) -> Events:
        """Return the whole recording as fresh arrays.

        Raises:
            EventError: An event lies outside the sensor or time runs backwards.
            FormatError: The file ends inside a word.
        """
        sort = self._options.on_disorder == "sort"
        end = self._path.stat().st_size
        columns = Columns.room(self._bound(end))
        made = 0
        with self._pass(end) as source:
            while not source.ended:
                stop = min(made + _STEP, len(columns))
                made += source.fill(columns.part(made, stop), sort_later=sort)
        kept = columns.part(0, made)
        if source.disordered:
            order = np.argsort(kept.t, kind="stable")
            kept = Columns(kept.x[order], kept.y[order], kept.t[order], kept.p[order])
        size = self._header.size or ANY_SIZE
        return Events(kept.x, kept.y, kept.t, kept.p, size, check=False)

    def _pass(self, end: int | None = None) -> _Pass:
        blocks = _Blocks(self._path, self._body, self._layout, end)
        return _Pass(blocks, self._path, self._layout, self._header.size or ANY_SIZE, self._options)

    def _bound(self, end: int) -> int:
        layout = self._layout
        body_bytes = max(0, end - self._body)
        if layout.count is None:
            return body_bytes // (layout.bytes_per_event or layout.word_bytes) + 1
        total = layout.most_events
        with _Blocks(self._path, self._body, layout, end) as blocks:
            while blocks.load():
                words = blocks.words()
                total += layout.count(words)
                blocks.use(words.shape[0])
        return total


class _Blocks:
    """The body of a file, one block at a time in a reused buffer."""

    def __init__(self, path: Path, body: int, layout: Layout, end: int | None = None) -> None:
        self._layout = layout
        self._file = path.open("rb", buffering=0)
        self._file.seek(body)
        self._remaining = None if end is None else max(0, end - body)
        self._buffer = np.empty(_BLOCK, np.uint8)
        self._start = self._stop = 0

    def __enter__(self) -> _Blocks:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    @property
    def left(self) -> int:
        """Bytes that are loaded and not used."""
        return self._stop - self._start

    def load(self) -> bool:
        """Move the rest to the front and fill the buffer; False when nothing was added."""
        rest = self.left
        self._buffer[:rest] = self._buffer[self._start : self._stop]
        self._start, self._stop = 0, rest
        most = _BLOCK - rest if self._remaining is None else min(_BLOCK - rest, self._remaining)
        got = self._file.readinto(cast(Any, self._buffer[rest : rest + most])) or 0
        if self._remaining is not None:
            self._remaining -= got
        self._stop += got
        return got > 0

    def words(self) -> NDArray[Any]:
        """Return the whole words that are loaded and not used."""
        layout = self._layout
        whole = self.left // layout.word_bytes * layout.word_bytes
        words = self._buffer[self._start : self._start + whole].view(layout.dtype)
        return words if layout.columns == 1 else words.reshape(-1, layout.columns)

    def use(self, words: int) -> None:
        """Mark words as used."""
        self._start += words * self._layout.word_bytes


class _Pass:
    """One pass over a file: decoder state, checks, position."""

    def __init__(
        self, blocks: _Blocks, path: Path, layout: Layout, size: SensorSize, options: ReadOptions
    ) -> None:
        self._blocks, self._path, self._layout = blocks, path, layout
        self._size, self._options = size, options
        self._state = np.array([0, 0, *layout.state], np.int64)
        self._last_us = np.iinfo(np.int64).min
        self._position = 0
        self.disordered = self.ended = False

    def __enter__(self) -> _Pass:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._blocks.__exit__(kind, value, trace)

    def fill(self, out: Columns, *, sort_later: bool) -> int:
        """Decode into the columns until they are full or the file ends; return the events kept."""
        kept = 0
        while kept < len(out):
            words = self._blocks.words()
            made = self._decode(words, out, kept)
            if made:
                kept += self._accept(out.part(kept, kept + made), sort_later)
            elif self._state[USED] == 0:
                full = words.shape[0] > 0 and len(out) - kept < self._layout.most_events
                if full or not self._refill():
                    break
        return kept

    def _decode(self, words: NDArray[Any], out: Columns, start: int) -> int:
        stop = min(len(out), start + max(_STEP, self._layout.most_events))
        room = out.part(start, stop)
        self._layout.decode(words, room.x, room.y, room.t, room.p, self._state)
        self._blocks.use(int(self._state[USED]))
        return int(self._state[MADE])

    def _refill(self) -> bool:
        if self._blocks.load():
            return True
        self.ended = True
        left = self._blocks.left
        whole = self._layout.bytes_per_event or self._layout.word_bytes
        if left and self._options.on_truncation == "error":
            raise truncated(
                self._path,
                f"{left:,} bytes are left over after {self._position:,} events",
                f"Expected whole words of {whole} bytes.",
            )
        return False

    def _accept(self, made: Columns, sort_later: bool) -> int:
        if self._options.origin:
            np.subtract(made.x, 1, out=made.x)
            np.subtract(made.y, 1, out=made.y)
        size = self._size
        count = len(made)
        verdict = cast(
            int, verify(made.x, made.y, made.t, made.p, size.width, size.height, self._last_us)
        )
        if verdict & OUTSIDE:
            raise explain_outside(made, size, self._position, self._path, self._options.origin)
        if verdict != IN_ORDER:
            count = self._reorder(made, sort_later)
        self._position += len(made)
        if count:
            self._last_us = max(self._last_us, int(made.t[count - 1]))
        return count

    def _reorder(self, made: Columns, sort_later: bool) -> int:
        policy = self._options.on_disorder
        if policy == "sort" and sort_later:
            self.disordered = True
            return len(made)
        late, running = late_events(made.t, self._last_us)
        if policy != "drop":
            at = int(np.argmax(late))
            back_us = int(running[at] - made.t[at])
            raise explain_late(back_us, self._position + at, self._path, packets=policy == "sort")
        keep = np.flatnonzero(~late)
        for column in (made.x, made.y, made.t, made.p):
            column[: keep.shape[0]] = column[keep]
        return keep.shape[0]

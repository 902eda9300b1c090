"""Batches made ahead by threads, handed out in order.

    make(0), make(1), ...  on a few threads, at most so many ahead  -->  batch 0, batch 1, ...

Decoding, counting and decompressing release the interpreter lock, so threads suffice, and the data
of a batch are never copied between processes. The result does not depend on the number of threads:
batch k is a function of k alone.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

__all__ = ["Ahead"]

BatchT = TypeVar("BatchT")


class Ahead(Generic[BatchT]):
    """Iterates over ``make(first) ... make(count - 1)``.

    Args:
        make: Makes a batch from its number; called by several threads at once.
        count: Number of batches.
        first: Where to begin.
        workers: Threads; 0 makes each batch when it is asked for.
        ahead: Batches that may be waiting.

    Attributes:
        waited_s: Time that the reader spent waiting for batches.

    Examples:
        >>> list(Ahead(lambda k: k * k, 4, first=1, workers=2))
        [1, 4, 9]
    """

    def __init__(
        self,
        make: Callable[[int], BatchT],
        count: int,
        *,
        first: int = 0,
        workers: int = 2,
        ahead: int = 4,
    ) -> None:
        self._make, self._count, self._first = make, count, first
        self._workers, self._ahead = workers, max(ahead, 1)
        self.waited_s = 0.0

    def __len__(self) -> int:
        return max(self._count - self._first, 0)

    def __iter__(self) -> Iterator[BatchT]:
        if self._workers < 1:
            for number in range(self._first, self._count):
                yield self._timed(lambda number=number: self._make(number))
            return
        waiting: deque[Future[BatchT]] = deque()
        pool = ThreadPoolExecutor(self._workers)
        try:
            following = self._first
            while following < self._count or waiting:
                while following < self._count and len(waiting) < self._ahead:
                    waiting.append(pool.submit(self._make, following))
                    following += 1
                yield self._timed(waiting.popleft().result)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _timed(self, get: Callable[[], BatchT]) -> BatchT:
        begin = time.perf_counter()
        batch = get()
        self.waited_s += time.perf_counter() - begin
        return batch

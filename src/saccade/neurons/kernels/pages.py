"""Large results on huge pages: one page fault per 2 MB instead of one per 4 KB.

The C library gives the memory of a large tensor back to the system when it is freed, so every fresh
result is mapped and cleared again page by page; for 64 MB that costs more than computing the
spikes. Linux is asked (``madvise``) to use huge pages for a large result before it is first
written. Where the system does not offer them, or is not Linux, nothing changes.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from typing import Any

import torch
from torch import Tensor

__all__ = ["fresh_like"]

LARGE = 1 << 22
"""Bytes from which the request pays; smaller results come from memory that is kept."""
HUGE_PAGES: int | None = getattr(mmap, "MADV_HUGEPAGE", None)


def _madvise() -> Any:
    if HUGE_PAGES is None or not sys.platform.startswith("linux"):
        return None
    function = ctypes.CDLL(None).madvise
    function.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return function


_advise = _madvise()


def fresh_like(x: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Return an uninitialised tensor of the shape, dtype and memory order of ``x``."""
    fresh = torch.empty_like(x, dtype=dtype)
    size = fresh.numel() * fresh.element_size()
    if size >= LARGE and _advise is not None:
        begin = -(-fresh.data_ptr() // mmap.PAGESIZE) * mmap.PAGESIZE
        end = (fresh.data_ptr() + size) // mmap.PAGESIZE * mmap.PAGESIZE
        _advise(begin, end - begin, HUGE_PAGES)
    return fresh

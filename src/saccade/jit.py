"""The one door to numba: project-wide settings, and a disk cache that notices every edit.

``kernel`` compiles on first call, caches the machine code on disk and releases the GIL. Fast-math
stays off, so that a kernel and its plain reference agree to the last bit.

numba drops a cached function when its own file changes, not when a function it calls does: machine
code of an older layout would then run on newer data. Here the cache of a kernel is tied to all
source files of its room (``saccade/<room>/``), since kernels call only kernels of their room, and
to the pieces of machine code they are built from (`saccade.vector_code`).
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numba
from numba.extending import intrinsic as _intrinsic

__all__ = ["carray", "int64", "intrinsic", "kernel", "pointer_type", "prange", "sources", "uint8"]

prange = cast(Callable[..., range], numba.prange)
intrinsic = cast(Callable[[Callable[..., Any]], Any], _intrinsic)
int64, uint8 = cast(Any, numba).int64, cast(Any, numba).uint8
carray, pointer_type = cast(Any, numba).carray, cast(Any, numba).types.CPointer


def kernel(
    function: Callable[..., Any] | None = None,
    *,
    parallel: bool = False,
    inline: bool = False,
    counted: bool = True,
    apart: bool = False,
) -> Any:
    """Compile a function with numba (cached, GIL released, IEEE arithmetic).

    Args:
        function: The function, when used as ``@kernel`` without arguments.
        parallel: Split ``prange`` loops over threads (``numba.set_num_threads`` sets how many).
        inline: Inline into other kernels at the numba level.
        counted: Count references to arrays. A kernel that allocates nothing, and calls only such
            kernels, can do without, and is then inlined into its callers: in a loop over pixels
            counting and calling cost more than the work.
        apart: With ``counted=False``: stay a function of its own, being large or seldom called.

    Examples:
        >>> @kernel
        ... def total(values):
        ...     result = 0
        ...     for value in values:
        ...         result += value
        ...     return result
        >>> total.py_func([1, 2, 3])
        6
    """
    compiled = cast(Any, numba).njit(
        nogil=True,
        parallel=parallel,
        inline="always" if inline else "never",
        error_model="numpy",
        boundscheck=False,
        **({} if counted else {"_nrt": False, "forceinline": not apart}),
    )

    def decorate(plain: Callable[..., Any]) -> Any:
        path = Path(plain.__code__.co_filename)
        dispatcher = compiled(plain)
        if not path.is_file():  # typed in by hand: there is no place for a cache
            return dispatcher
        dispatcher.enable_caching()
        index = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
        if index is not None:
            index._source_stamp = sources(_room(path))
        return dispatcher

    return decorate(function) if function is not None else decorate


@functools.cache
def sources(room: Path) -> str:
    """Return a digest that changes with any source file of a room: name, time of change, size."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in (*sorted(room.rglob("*.py")), Path(__file__).with_name("vector_code.py")):
        status = path.stat()
        digest.update(f"{path.name} {status.st_mtime_ns} {status.st_size}\n".encode())
    return digest.hexdigest()


def _room(path: Path) -> Path:
    package = Path(__file__).parent
    if package not in path.parents:
        return path.parent
    return package / path.relative_to(package).parts[0]

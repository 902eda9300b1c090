"""The one door to numba: project-wide settings and a type that keeps the function's signature.

``kernel`` compiles on first call, caches the machine code on disk and releases the GIL. Fast-math
stays off, so that a kernel and its plain reference agree to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from numba.extending import intrinsic as _intrinsic

__all__ = ["carray", "int64", "intrinsic", "kernel", "pointer_type", "prange", "uint8"]

F = TypeVar("F", bound=Callable[..., Any])

prange = cast(Callable[..., range], numba.prange)
intrinsic = cast(Callable[[Callable[..., Any]], Any], _intrinsic)
int64, uint8 = cast(Any, numba).int64, cast(Any, numba).uint8
carray, pointer_type = cast(Any, numba).carray, cast(Any, numba).types.CPointer


def kernel(function: F | None = None, *, parallel: bool = False, inline: bool = False) -> Any:
    """Compile a function with numba (cached, GIL released, IEEE arithmetic).

    Args:
        function: The function, when used as ``@kernel`` without arguments.
        parallel: Split ``prange`` loops over threads (``numba.set_num_threads`` sets how many).
        inline: Inline into other kernels at the numba level.
    """
    compiled = cast(Any, numba).njit(
        cache=True,
        nogil=True,
        parallel=parallel,
        inline="always" if inline else "never",
        error_model="numpy",
        boundscheck=False,
    )
    return compiled(function) if function is not None else compiled

"""Tensor memory as seen by the compiled loops: an address and a size, given as plain integers.

Turning six tensors into NumPy arrays costs more than running a small layer; an address costs
nothing. The caller keeps the tensors alive for the length of the call.
"""

from __future__ import annotations

from typing import Any

from saccade.jit import carray, intrinsic, kernel, pointer_type

__all__ = ["memory"]


@intrinsic
def pointer_like(_: Any, address: Any, like: Any) -> Any:
    """Reinterpret an integer as a pointer to the dtype of the array ``like``."""
    pointer = pointer_type(like.dtype)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(pointer))

    return pointer(address, like), generate


@kernel
def memory(address: int, size: int, like: Any) -> Any:
    """Return the ``size`` numbers at ``address`` as an array of the dtype of ``like``."""
    return carray(pointer_like(address, like), (size,))

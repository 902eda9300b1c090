"""Pieces of LLVM code with explicit vectors, for operations that live inside numba kernels.

Each function emits instructions through an llvmlite ``builder`` and returns the values it made.
Vectors have a fixed number of lanes; LLVM maps them to the registers of the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import llvmlite.binding
from llvmlite import ir

__all__ = [
    "I8",
    "I32",
    "I64",
    "LANES",
    "add_lanes",
    "floats",
    "load",
    "loop",
    "multiply_add",
    "pointer",
    "select_pointer",
    "splat",
    "store",
    "vector",
]

F32, I8, I32, I64 = ir.FloatType(), ir.IntType(8), ir.IntType(32), ir.IntType(64)

LANES = 16 if llvmlite.binding.get_host_cpu_features().get("avx512f", False) else 8
"""float32 values per register."""


def vector(kind: Any, lanes: int) -> Any:
    """Return a vector type."""
    return ir.VectorType(kind, lanes)


def floats(lanes: int) -> Any:
    """Return the type of a float32 vector."""
    return ir.VectorType(F32, lanes)


def pointer(context: Any, builder: Any, sig: Any, args: Any, index: int) -> Any:
    """Return the address of the first element of the array that is argument ``index``."""
    return context.make_array(sig.args[index])(context, builder, args[index]).data


def load(builder: Any, base: Any, offset: Any, kind: Any) -> Any:
    """Load a vector of a type from element ``offset`` on; no alignment is assumed."""
    at = builder.bitcast(builder.gep(base, [offset]), kind.as_pointer())
    return builder.load(at, align=_bytes(kind))


def store(builder: Any, value: Any, base: Any, offset: Any) -> None:
    """Store a vector from element ``offset`` on; no alignment is assumed."""
    at = builder.bitcast(builder.gep(base, [offset]), value.type.as_pointer())
    builder.store(value, at, align=_bytes(value.type))


def splat(builder: Any, scalar: Any, lanes: int) -> Any:
    """Fill a vector with one value."""
    kind = ir.VectorType(scalar.type, lanes)
    empty = ir.Constant(kind, ir.Undefined)
    single = builder.insert_element(empty, scalar, I32(0))
    first = ir.Constant(ir.VectorType(I32, lanes), [0] * lanes)
    return builder.shuffle_vector(single, empty, first)


def multiply_add(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a b + c, in one instruction and with one rounding where the machine has it."""
    name = f"llvm.fmuladd.v{a.type.count}f32"
    return builder.call(_declare(builder, name, a.type, [a.type] * 3), [a, b, c])


def add_lanes(builder: Any, value: Any) -> Any:
    """Return the sum over the lanes of an integer vector, of the type of one lane."""
    name = f"llvm.vector.reduce.add.v{value.type.count}i{value.type.element.width}"
    return builder.call(_declare(builder, name, value.type.element, [value.type]), [value])


def select_pointer(builder: Any, condition: Any, base: Any, offset: Any, otherwise: Any) -> Any:
    """Return the address of element ``offset``, or ``otherwise`` where the condition fails."""
    return builder.select(condition, builder.gep(base, [offset]), otherwise)


def loop(
    builder: Any,
    count: Any,
    start: Sequence[Any],
    body: Callable[[Any, list[Any]], list[Any]],
) -> list[Any]:
    """Emit ``count`` (at least 1) rounds that carry values from one to the next.

    Args:
        builder: Where the code goes.
        count: Rounds, int64.
        start: Values the first round gets.
        body: Emits a round; takes its index and the carried values and returns the new ones.

    Returns:
        The values after the last round.
    """
    before = builder.block
    inside, after = builder.append_basic_block("round"), builder.append_basic_block("done")
    builder.branch(inside)
    builder.position_at_end(inside)
    index = builder.phi(I64)
    carried = [builder.phi(value.type) for value in start]
    new = body(index, list(carried))
    following = builder.add(index, I64(1))
    firsts, laters = (I64(0), *start), (following, *new)
    for phi, first, later in zip((index, *carried), firsts, laters, strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(later, builder.block)
    builder.cbranch(builder.icmp_signed("<", following, count), inside, after)
    builder.position_at_end(after)
    return new


def _bytes(kind: Any) -> int:
    """Size of one lane, which is all the alignment there is."""
    return 4 if isinstance(kind.element, ir.FloatType) else kind.element.width // 8


def _declare(builder: Any, name: str, result: Any, arguments: list[Any]) -> Any:
    found = builder.module.globals.get(name)
    return found or ir.Function(builder.module, ir.FunctionType(result, arguments), name)

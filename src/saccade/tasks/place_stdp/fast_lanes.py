"""Vector instructions of the fast engine: eight float32 values at once, modules or neurons.

numba would make scalar code of these loops, because it must assume that the arrays overlap.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from saccade import vector_code as code
from saccade.jit import int64, intrinsic
from saccade.tasks.place_stdp.config_network import MODEL
from saccade.vector_code import I8, I64

__all__ = ["LANES", "add_lanes", "advance_lanes"]

LANES = 8
"""Values per vector; one register with AVX2, two with NEON."""


@intrinsic
def add_lanes(_context: Any, total: Any, at: Any, values: Any, start: Any) -> Any:
    """Add `LANES` values to as many sums.

    Args:
        total: float32, flat, changed from element ``at`` on.
        at: int64.
        values: float32, flat, read from element ``start`` on.
        start: int64.
    """

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = code.floats(LANES)
        sums, added = (code.pointer(context, builder, sig, args, k) for k in (0, 2))
        old = code.load(builder, sums, args[1], kind)
        new = builder.fadd(old, code.load(builder, added, args[3], kind))
        code.store(builder, new, sums, args[1])
        return I64(0)

    return int64(total, int64, values, int64), generate


@intrinsic
def advance_lanes(
    _context: Any,
    v: Any,
    ge: Any,
    bar: Any,
    at: Any,
    arrivals: Any,
    start: Any,
    gi: Any,
    step_e: Any,
    step_ge: Any,
) -> Any:
    """Advance `LANES` neurons by one Euler step; returns the ones above their bar as bits.

        v  <- v + dt/tau [(rest - v) + (ge (0 - v) + gi (inhibition - v))]
        ge <- ge - dt/tau_ge ge + arrivals

    Args:
        v: float32, flat; likewise ``ge`` and ``bar``: elements from ``at`` on.
        at: int64.
        arrivals: float32, flat, read from element ``start`` on.
        start: int64.
        gi: float32 ``[LANES]``.
        step_e: float32, dt / tau of the membrane.
        step_ge: float32, dt / tau of ge.
    """

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = code.floats(LANES)

        def values(index: int, offset: Any) -> Any:
            base = code.pointer(context, builder, sig, args, index)
            return code.load(builder, base, offset, kind)

        def all_of(number: float) -> Any:
            return kind([number] * LANES)

        u, g, bars = (values(k, args[3]) for k in (0, 1, 2))
        add, sub, times = builder.fadd, builder.fsub, builder.fmul
        step, step_g = (code.splat(builder, args[k], LANES) for k in (7, 8))
        excited = times(g, sub(all_of(0.0), u))
        inhibited = times(values(6, I64(0)), sub(all_of(MODEL.reversal_gi_e), u))
        pull = add(sub(all_of(MODEL.rest_e), u), add(excited, inhibited))
        u = add(u, times(step, pull))
        left = sub(g, times(step_g, g))
        is_some = builder.fcmp_ordered(">", left, all_of(1e-30))
        left = builder.select(is_some, left, all_of(0.0))
        g = add(left, values(4, args[5]))
        for index, value in ((0, u), (1, g)):
            code.store(builder, value, code.pointer(context, builder, sig, args, index), args[3])
        above = builder.fcmp_ordered(">", u, bars)
        return builder.zext(builder.bitcast(above, I8), ir.IntType(64))

    arrays = (v, ge, bar, int64, arrivals, int64, gi, step_e, step_ge)
    return int64(*arrays), generate

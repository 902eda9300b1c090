"""Vector instructions of the fast engine: eight float32 values at once, modules or neurons.

numba would make scalar code of these loops, because it must assume that the arrays overlap.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from saccade import vector_code as code
from saccade.jit import int64, intrinsic
from saccade.tasks.place_stdp.config_network import MODEL
from saccade.vector_code import I8, I32, I64

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
    fired: Any,
    bar: Any,
    at: Any,
    arrivals: Any,
    start: Any,
    gi: Any,
    first: Any,
    rounds: Any,
    refractory: Any,
    lockout: Any,
    step_e: Any,
    step_ge: Any,
    above: Any,
) -> Any:
    """Advance `LANES` neurons by some Euler steps; returns whether any fired.

        v  <- v + dt/tau [(rest - v) + (ge (0 - v) + gi (inhibition - v))], reset while frozen
        ge <- ge - dt/tau_ge ge + arrivals
        fires where v > bar and the lock-out is over; then v = reset

    Args:
        v: float32, flat; likewise ``ge`` and ``bar``: elements from ``at`` on.
        fired: int32, flat, steps of the last spikes, from ``at`` on.
        at: int64.
        arrivals: float32, flat, ``LANES`` a step from element ``start`` on; cleared.
        start: int64.
        gi: float32, flat, ``LANES`` a step.
        first: int64, the first step.
        rounds: int64, how many steps, 1 or more.
        refractory: int64, steps in which a neuron is frozen.
        lockout: int64, steps before it fires again.
        step_e: float32, dt / tau of the membrane.
        step_ge: float32, dt / tau of ge.
        above: int64, receives for each step a bit for every lane that fired.
    """

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind, whole = code.floats(LANES), code.vector(I32, LANES)
        bases = {k: code.pointer(context, builder, sig, args, k) for k in (0, 1, 2, 3, 5, 7, 14)}
        add, sub, times, select = builder.fadd, builder.fsub, builder.fmul, builder.select

        def all_of(number: float) -> Any:
            return kind([number] * LANES)

        def narrow(value: Any) -> Any:
            return code.splat(builder, builder.trunc(value, I32), LANES)

        frozen_for, locked_for = narrow(args[10]), narrow(args[11])
        step, step_g = (code.splat(builder, args[k], LANES) for k in (12, 13))
        bars = code.load(builder, bases[3], args[4], kind)

        def body(r: Any, state: list[Any]) -> list[Any]:
            u, g, last, some = state
            row = builder.mul(r, I64(LANES))
            now = narrow(builder.add(args[8], r))
            since = builder.sub(now, last)
            slow = code.load(builder, bases[7], row, kind)
            excited = times(g, sub(all_of(0.0), u))
            inhibited = times(slow, sub(all_of(MODEL.reversal_gi_e), u))
            pull = add(sub(all_of(MODEL.rest_e), u), add(excited, inhibited))
            u = add(u, times(step, pull))
            u = select(builder.icmp_signed("<", since, frozen_for), all_of(MODEL.reset_e), u)
            left = sub(g, times(step_g, g))
            left = select(builder.fcmp_ordered(">", left, all_of(1e-30)), left, all_of(0.0))
            here = builder.add(args[6], row)
            g = add(left, code.load(builder, bases[5], here, kind))
            code.store(builder, all_of(0.0), bases[5], here)
            free = builder.icmp_signed(">=", since, locked_for)
            fires = builder.and_(builder.fcmp_ordered(">", u, bars), free)
            u, last = select(fires, all_of(MODEL.reset_e), u), select(fires, now, last)
            bits = builder.zext(builder.bitcast(fires, I8), I64)
            builder.store(bits, builder.gep(bases[14], [r]))
            return [u, g, last, builder.or_(some, bits)]

        state = [code.load(builder, bases[k], args[4], t) for k, t in ((0, kind), (1, kind))]
        state += [code.load(builder, bases[2], args[4], whole), ir.Constant(I64, 0)]
        *state, some = code.loop(builder, args[9], state, body)
        for index, value in enumerate(state):
            code.store(builder, value, bases[index], args[4])
        return some

    signature = int64(
        v, ge, fired, bar, int64, arrivals, int64, gi, int64, int64, int64, int64, step_e, step_ge,
        above,
    )  # fmt: skip
    return signature, generate

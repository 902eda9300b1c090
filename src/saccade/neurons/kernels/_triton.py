"""The leaky spiking sequence on a GPU: one program per block of neurons, time inside.

As on the CPU, forward reads x once and writes the spikes once. Backward keeps nothing but x; the
membrane of a block is computed again into a buffer of ``steps`` rows per program, and programs take
blocks in turn so that this buffer stays small. Fused multiply-add is switched off, so that spikes
equal those of the plain torch form to the last bit.
"""

from __future__ import annotations

from typing import Any, cast

import torch
import triton  # pyright: ignore[reportMissingImports]
import triton.language as tl  # pyright: ignore[reportMissingImports]
from torch import Tensor

from saccade.neurons.kernels.layout import inner_size, like_layout
from saccade.neurons.rule import Rule

__all__ = ["backward", "forward"]

BLOCK = 256
PROGRAMS = 1024
"""Most programs of a backward launch; each owns one history buffer."""


@triton.jit
def _phi(u, CODE: tl.constexpr, A: tl.constexpr, B: tl.constexpr):
    """Surrogate derivative; the formulas are those of `saccade.neurons.surrogate`."""
    if CODE == 0:
        e = tl.exp(-tl.abs(A * u))
        out = A * e / ((1.0 + e) * (1.0 + e))
    elif CODE == 1:
        scaled = (1.5707963267948966 * A) * u
        out = 0.5 * A / (1.0 + scaled * scaled)
    elif CODE == 2:
        out = 1.0 / (1.0 + A * u * u)
    elif CODE == 3:
        side = 1.0 + A * tl.abs(u)
        out = 1.0 / (side * side)
    elif CODE == 4:
        out = tl.maximum(1.0 - A * tl.abs(u), 0.0)
    elif CODE == 5:
        high = 1.15 * 0.3989422804014327 / A
        low = 0.15 * 0.3989422804014327 / (6.0 * A)
        left = (u + A) / (6.0 * A)
        right = (u - A) / (6.0 * A)
        mid = u / A
        flanks = tl.exp(-0.5 * left * left) + tl.exp(-0.5 * right * right)
        out = high * tl.exp(-0.5 * mid * mid) - low * flanks
    else:
        out = tl.where(tl.abs(u) < A, 0.5 / A, tl.where(tl.abs(u) < float("inf"), B, 0.0))
    return out.to(u.dtype)


@triton.jit
def _charge(v, z, x, d, g, th, rest, SOFT: tl.constexpr, DELAYED: tl.constexpr):
    """Potential at firing, in the order of operations of the torch form."""
    if SOFT and DELAYED:
        return d * (v - rest) - z * th + g * x + rest
    return d * (v - rest) + g * x + rest


@triton.jit
def _carry(h, fired, th, reset, SOFT: tl.constexpr, DELAYED: tl.constexpr):
    """What the membrane brings to the next charge."""
    if SOFT and DELAYED:
        return h
    if SOFT:
        return h - tl.where(fired, th, 0.0).to(h.dtype)
    return tl.where(fired, reset, h)


@triton.jit
def _before(
    v0,
    z0,
    at,
    ok,
    reset,
    rest,
    like,
    HAS_V0: tl.constexpr,
    HAS_Z0: tl.constexpr,
    HARD_NEXT: tl.constexpr,
):
    """Potential and pending spikes before the first step."""
    v = tl.zeros_like(like) + rest
    z = tl.zeros_like(like)
    if HAS_V0:
        v = tl.load(v0 + at, mask=ok, other=0.0)
    if HAS_Z0:
        z = tl.load(z0 + at, mask=ok, other=0.0)
        if HARD_NEXT:
            v = tl.where(z != 0, reset, v)
    return v, z


@triton.jit
def _charge_all(
    x, row, at, ok, N, v, z, d, g, th,
    T: tl.constexpr, REST: tl.constexpr, RESET: tl.constexpr, SOFT: tl.constexpr,
    DELAYED: tl.constexpr, STRICT: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Write the potential at firing of all steps into the history; return the offset after them."""
    now = at
    for t in range(T):
        h = _charge(v, z, tl.load(x + now, mask=ok, other=0.0), d, g, th, REST, SOFT, DELAYED)
        tl.store(row + t * BLOCK, h)
        fired = (h > th) if STRICT else (h >= th)
        z = fired.to(d.dtype)
        v = _carry(h, fired, th, RESET, SOFT, DELAYED)
        now += N
    return now


@triton.jit
def _finish_state(
    v0, z0, gv0, gz0, at, ok, first_z, gv, gh, d, th,
    REST: tl.constexpr, RESET: tl.constexpr, SOFT: tl.constexpr, DELAYED: tl.constexpr,
    DETACH: tl.constexpr, HAS_V0: tl.constexpr, HAS_Z0: tl.constexpr, WANT_V0: tl.constexpr,
    WANT_Z0: tl.constexpr,
):  # fmt: skip
    """Gradients with respect to the potential and the pending spikes before the first step."""
    if WANT_V0:
        gate = (first_z != 0) & (DELAYED and not SOFT)
        tl.store(gv0 + at, tl.where(gate, 0.0, gv), mask=ok)
    if WANT_Z0:
        pull = tl.zeros_like(d)
        if DELAYED and not DETACH:
            raw_v, _ = _before(v0, z0, at, ok, RESET, REST, d, HAS_V0, HAS_Z0, False)
            pull = -th * gh if SOFT else gv * (RESET - raw_v)
        tl.store(gz0 + at, pull, mask=ok)


@triton.jit
def _forward_kernel(
    x, v0, z0, decay, gain, theta, s, v_out, N, inner,
    D: tl.constexpr, G: tl.constexpr, C: tl.constexpr, T: tl.constexpr,
    REST: tl.constexpr, RESET: tl.constexpr, SOFT: tl.constexpr, DELAYED: tl.constexpr,
    STRICT: tl.constexpr, HAS_V0: tl.constexpr, HAS_Z0: tl.constexpr, WANT_V: tl.constexpr,
    BLOCK: tl.constexpr,
):  # fmt: skip
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    ok = at < N
    d = tl.load(decay + (at // inner) % D, mask=ok, other=0.0)
    g = tl.load(gain + (at // inner) % G, mask=ok, other=0.0)
    th = tl.load(theta + (at // inner) % C, mask=ok, other=1.0)
    v, z = _before(v0, z0, at, ok, RESET, REST, d, HAS_V0, HAS_Z0, DELAYED and not SOFT)
    h, now = v, at
    for _ in range(T):
        h = _charge(v, z, tl.load(x + now, mask=ok, other=0.0), d, g, th, REST, SOFT, DELAYED)
        fired = (h > th) if STRICT else (h >= th)
        z = fired.to(d.dtype)
        tl.store(s + now, z, mask=ok)
        now += N
        v = _carry(h, fired, th, RESET, SOFT, DELAYED)
    if WANT_V:
        tl.store(v_out + at, h if DELAYED else v, mask=ok)


@triton.jit
def _backward_kernel(
    grad, grad_v, x, v0, z0, decay, gain, theta, past, gx, gv0, gz0, sums, N, inner, blocks,
    D: tl.constexpr, G: tl.constexpr, C: tl.constexpr, T: tl.constexpr,
    REST: tl.constexpr, RESET: tl.constexpr, SOFT: tl.constexpr, DELAYED: tl.constexpr,
    STRICT: tl.constexpr, DETACH: tl.constexpr, CODE: tl.constexpr, A: tl.constexpr,
    B: tl.constexpr, HAS_GV: tl.constexpr, HAS_V0: tl.constexpr, HAS_Z0: tl.constexpr,
    WANT_V0: tl.constexpr, WANT_Z0: tl.constexpr, WANT_P: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    lane = tl.arange(0, BLOCK).to(tl.int64)
    row = past + tl.program_id(0).to(tl.int64) * T * BLOCK + lane
    for block in range(tl.program_id(0), blocks, tl.num_programs(0)):
        at = block * BLOCK + lane
        ok = at < N
        d = tl.load(decay + (at // inner) % D, mask=ok, other=0.0)
        g = tl.load(gain + (at // inner) % G, mask=ok, other=0.0)
        th = tl.load(theta + (at // inner) % C, mask=ok, other=1.0)
        first_v, first_z = _before(
            v0, z0, at, ok, RESET, REST, d, HAS_V0, HAS_Z0, DELAYED and not SOFT
        )
        now = _charge_all(
            x, row, at, ok, N, first_v, first_z, d, g, th,
            T, REST, RESET, SOFT, DELAYED, STRICT, BLOCK,
        )  # fmt: skip
        gv, gh = tl.zeros_like(d), tl.zeros_like(d)
        if HAS_GV:
            gv = tl.load(grad_v + at, mask=ok, other=0.0)
        sum_d, sum_g, sum_th = tl.zeros_like(d), tl.zeros_like(d), tl.zeros_like(d)
        for back in range(T):
            t = T - 1 - back
            now -= N
            h = tl.load(row + t * BLOCK)
            fired = (h > th) if STRICT else (h >= th)
            gs = tl.load(grad + now, mask=ok, other=0.0)
            acts = (t < T - 1) or (not DELAYED)
            taken = gh if DELAYED else gv
            if SOFT:
                if not DETACH:
                    gs = gs - taken * th
                pulse = gs * _phi(h - th, CODE, A, B)
                sum_th -= tl.where(fired, taken, 0.0)
                gh = pulse + gv
            else:
                if not DETACH:
                    gs = gs + tl.where(acts, gv * (RESET - h), 0.0)
                pulse = gs * _phi(h - th, CODE, A, B)
                gh = pulse + tl.where(fired & acts, 0.0, gv)
            sum_th -= pulse
            tl.store(gx + now, g * gh, mask=ok)
            gv = d * gh
            if WANT_P:
                carried = first_v
                if t > 0:
                    h_before = tl.load(row + (t - 1) * BLOCK)
                    fired_before = (h_before > th) if STRICT else (h_before >= th)
                    carried = _carry(h_before, fired_before, th, RESET, SOFT, DELAYED)
                sum_d += gh * (carried - REST)
                sum_g += gh * tl.load(x + now, mask=ok, other=0.0)
        if SOFT and DELAYED:
            sum_th -= first_z * gh
        _finish_state(
            v0, z0, gv0, gz0, at, ok, first_z, gv, gh, d, th,
            REST, RESET, SOFT, DELAYED, DETACH, HAS_V0, HAS_Z0, WANT_V0, WANT_Z0,
        )  # fmt: skip
        if WANT_P:
            tl.store(sums + at, sum_d, mask=ok)
            tl.store(sums + N + at, sum_g, mask=ok)
            tl.store(sums + 2 * N + at, sum_th, mask=ok)


def forward(
    x: Tensor,
    v0: Tensor | None,
    z0: Tensor | None,
    decay: Tensor,
    input_gain: Tensor,
    v_threshold: Tensor,
    rule: Rule,
    want_v: bool,
) -> tuple[Tensor, Tensor]:
    """Run a sequence; arguments and results as `reference.forward`, bit-equal spikes."""
    steps, N = x.shape[0], x[0].numel()
    spikes = torch.empty_like(x)
    v = torch.empty_like(x[0]) if want_v else x.new_empty(0)
    if x.numel() == 0:
        return spikes, v
    cast(Any, _forward_kernel)[(triton.cdiv(N, BLOCK),)](
        x, _beside(v0, x), _beside(z0, x), decay, input_gain, v_threshold, spikes, v, N,
        inner_size(x), D=decay.numel(), G=input_gain.numel(), C=v_threshold.numel(), T=steps,
        **_order(rule), HAS_V0=v0 is not None, HAS_Z0=z0 is not None and rule.reset_delay,
        WANT_V=want_v, BLOCK=BLOCK, enable_fp_fusion=False,
    )  # fmt: skip
    return spikes, v


def backward(
    grad_spikes: Tensor,
    grad_v: Tensor | None,
    x: Tensor,
    v0: Tensor | None,
    z0: Tensor | None,
    decay: Tensor,
    input_gain: Tensor,
    v_threshold: Tensor,
    rule: Rule,
    wanted: tuple[bool, bool, bool],
) -> tuple[Tensor, Tensor | None, Tensor | None, tuple[Tensor, Tensor, Tensor] | None]:
    """Differentiate a sequence; arguments and results as `reference.backward`."""
    want_v0, want_z0, want_parameters = wanted
    steps, N = x.shape[0], x[0].numel()
    grad_x = torch.empty_like(x)
    grad_v0 = torch.empty_like(x[0]) if want_v0 else None
    grad_z0 = torch.empty_like(x[0]) if want_z0 else None
    parameters = (decay, input_gain, v_threshold)
    sums = x.new_empty((3, N) if want_parameters else 0)
    if x.numel() > 0:
        blocks = triton.cdiv(N, BLOCK)
        programs = min(blocks, PROGRAMS, max(64, blocks // 12))
        past = x.new_empty(programs * steps * BLOCK)
        a, b = rule.surrogate.shape
        cast(Any, _backward_kernel)[(programs,)](
            like_layout(grad_spikes, x), _beside(grad_v, x), x, _beside(v0, x), _beside(z0, x),
            *parameters, past, grad_x, _or(grad_v0, x), _or(grad_z0, x), sums, N, inner_size(x),
            blocks, D=decay.numel(), G=input_gain.numel(), C=v_threshold.numel(), T=steps,
            **_order(rule), DETACH=rule.detach_reset, CODE=rule.surrogate.code, A=a, B=b,
            HAS_GV=grad_v is not None, HAS_V0=v0 is not None,
            HAS_Z0=z0 is not None and rule.reset_delay, WANT_V0=want_v0, WANT_Z0=want_z0,
            WANT_P=want_parameters, BLOCK=BLOCK, enable_fp_fusion=False,
        )  # fmt: skip
    if not want_parameters:
        return grad_x, grad_v0, grad_z0, None
    d, g, t = (_per_parameter(sums[i], parameters[i], x) for i in range(3))
    return grad_x, grad_v0, grad_z0, (d, g, t)


def _order(rule: Rule) -> dict[str, Any]:
    return {
        "REST": rule.v_rest,
        "RESET": rule.v_reset or 0.0,
        "SOFT": rule.v_reset is None,
        "DELAYED": rule.reset_delay,
        "STRICT": rule.is_strict,
    }


def _or(tensor: Tensor | None, x: Tensor) -> Tensor:
    return x if tensor is None else tensor


def _beside(tensor: Tensor | None, x: Tensor) -> Tensor:
    """Return a step tensor in the memory order of ``x``; ``x`` itself stands for an absent one."""
    return x if tensor is None else like_layout(tensor, x[0])


def _per_parameter(sums: Tensor, parameter: Tensor, x: Tensor) -> Tensor:
    if parameter.numel() == 1:
        return sums.sum(dtype=torch.float64).to(x.dtype).reshape(parameter.shape)
    inner, C = inner_size(x), parameter.numel()
    total = sums.view(-1, C, inner).sum((0, 2), dtype=torch.float64)
    return total.to(x.dtype).reshape(parameter.shape)

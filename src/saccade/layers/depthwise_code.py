"""Two vector operations of a 3x3 depthwise convolution in training, for use inside kernels.

    convolve_row    out[x, c]  =  Σ_ij w[i, j, c] in[i, x + j - 1, c]
    correlate_row   sums[i, j, c] += Σ_x in[i, x + j - 1, c] g[x, c]        gradient of w

Both do LANES channels of one row at a time, with weights or sums in registers; every number is
read once per row. Input is float32 or, for spikes, bytes; outside the map it is zero.
"""

from __future__ import annotations

from typing import Any

from saccade import vector_code as code
from saccade.jit import int64, intrinsic
from saccade.vector_code import I8, I32, I64, LANES

__all__ = ["LANES", "convolve_row", "correlate_row"]


def _window(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    """Return a function that loads a column of the window: arguments 0 to 6 of both operations."""
    source, empty = (code.pointer(context, builder, sig, args, i) for i in (0, 5))
    is_bytes, kind = sig.args[0].dtype.bitwidth == 8, code.floats(LANES)
    rows = [
        code.select_pointer(builder, builder.icmp_signed(">=", at, I64(0)), source, at, empty)
        for at in args[1:4]
    ]

    def column(index: Any) -> list[Any]:
        inside = builder.icmp_signed("<", index, args[6])
        at = builder.mul(index, args[4])
        found: list[Any] = []
        for row in rows:
            place = code.select_pointer(builder, inside, row, at, empty)
            if is_bytes:
                small = code.load(builder, place, I64(0), code.vector(I8, LANES))
                whole = builder.zext(small, code.vector(I32, LANES))
                found.append(builder.sitofp(whole, kind))
            else:
                found.append(code.load(builder, place, I64(0), kind))
        return found

    return column


def _taps(builder: Any, args: Any) -> list[Any]:
    """Return where the 9 weights or sums of a block of channels lie: arguments 4 and 8."""
    return [builder.add(args[8], builder.mul(args[4], I64(tap))) for tap in range(9)]


@intrinsic
def convolve_row(
    _context: Any,
    x: Any,
    upper_at: Any,
    center_at: Any,
    lower_at: Any,
    stride: Any,
    zeros: Any,
    width: Any,
    weights: Any,
    weight_at: Any,
    out: Any,
    out_at: Any,
) -> Any:
    """Convolve one row for LANES channels.

    Args:
        x: float32 or uint8, flat, channels innermost.
        upper_at: Start of the upper row at the first channel of the block, negative where the row
            is outside; likewise ``center_at`` and ``lower_at``.
        stride: Channels per pixel.
        zeros: One row of zeros, of the dtype of ``x``.
        width: Pixels of a row, at least 1.
        weights: float32, flat ``[9, channels]``, read from ``weight_at`` on.
        weight_at: First channel.
        out: float32, flat; the row is written from ``out_at`` on.
        out_at: As ``center_at``.
    """

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        column, kind = _window(context, builder, sig, args), code.floats(LANES)
        table, target = (code.pointer(context, builder, sig, args, i) for i in (7, 9))
        taps = [code.load(builder, table, place, kind) for place in _taps(builder, args)]

        def pixel(index: Any, carried: list[Any]) -> list[Any]:
            right = column(builder.add(index, I64(1)))
            columns, total = (carried[:3], carried[3:], right), kind([0.0] * LANES)
            for tap, weight in enumerate(taps):
                total = code.multiply_add(builder, columns[tap % 3][tap // 3], weight, total)
            place = builder.add(args[10], builder.mul(index, args[4]))
            code.store(builder, total, target, place)
            return [*carried[3:], *right]

        code.loop(builder, args[6], [kind([0.0] * LANES)] * 3 + column(I64(0)), pixel)
        return I64(0)

    places = (int64, int64, int64, int64)
    return int64(x, *places, zeros, int64, weights, int64, out, int64), generate


@intrinsic
def correlate_row(
    _context: Any,
    x: Any,
    upper_at: Any,
    center_at: Any,
    lower_at: Any,
    stride: Any,
    zeros: Any,
    width: Any,
    sums: Any,
    sums_at: Any,
    g: Any,
    g_at: Any,
) -> Any:
    """Add one row's part of the gradient of the weights, for LANES channels.

    Args:
        x: As in `convolve_row`, and so are the places, ``stride``, ``zeros`` and ``width``.
        upper_at: See there.
        center_at: See there.
        lower_at: See there.
        stride: See there.
        zeros: See there.
        width: See there.
        sums: float32, flat ``[9, channels]``, added to from ``sums_at`` on.
        sums_at: First channel.
        g: Gradient of the convolution's output, float32, flat, read from ``g_at`` on.
        g_at: As ``center_at``.
    """

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        column, kind = _window(context, builder, sig, args), code.floats(LANES)
        table, gradient = (code.pointer(context, builder, sig, args, i) for i in (7, 9))
        at = _taps(builder, args)

        def pixel(index: Any, carried: list[Any]) -> list[Any]:
            right = column(builder.add(index, I64(1)))
            columns = (carried[:3], carried[3:6], right)
            place = builder.add(args[10], builder.mul(index, args[4]))
            factor = code.load(builder, gradient, place, kind)
            totals = [
                code.multiply_add(builder, columns[tap % 3][tap // 3], factor, total)
                for tap, total in enumerate(carried[6:])
            ]
            return [*carried[3:6], *right, *totals]

        start = [kind([0.0] * LANES)] * 3 + column(I64(0))
        start += [code.load(builder, table, place, kind) for place in at]
        after = code.loop(builder, args[6], start, pixel)
        for place, total in zip(at, after[6:], strict=True):
            code.store(builder, total, table, place)
        return I64(0)

    places = (int64, int64, int64, int64)
    return int64(x, *places, zeros, int64, sums, int64, g, int64), generate

"""Three vector operations that a loop over arrays cannot express, for use inside kernels.

``threshold_product``: a block of ROWS pixels by LANES_OUT channels stays in registers while the sum
over k runs, is compared with the threshold, joined with the identity, and leaves as bytes. The
float products are never written to memory.

    s[r, n] = [ sum_k a[r, k] w[k, n] >= threshold[n] ]
    out[r, n] = fired + (id[r, n] & keep_on)    where s[r, n] = 1
                id[r, n] & keep_off             where s[r, n] = 0

``depthwise_row``: one output row of a 3x3 depthwise convolution for LANES channels. Weights and the
columns under the window stay in registers; every byte is read and converted once per row.

``threshold_row``: as ``threshold_product`` for two inputs per pixel, without identity.

The sum over k runs in ascending order for every pixel, so a result does not depend on the batch,
on the tile it falls in, or on the number of threads. NumPy twins of the kernels that use these are
in `saccade.layers.fused_reference`.
"""

from __future__ import annotations

from typing import Any

from saccade import vector_code as code
from saccade.jit import int64, intrinsic, uint8
from saccade.vector_code import I8, I32, I64, LANES

__all__ = [
    "LANES",
    "LANES_OUT",
    "ROWS",
    "depthwise_row",
    "depthwise_row_strided",
    "threshold_product",
    "threshold_row",
]

ROWS = 6
"""Pixels per register block: 6 x 2 accumulators, 2 weights and 1 input fill 16 registers."""
LANES_OUT = 2 * LANES
"""Output channels per register block; the channel axes of weights and maps are padded to it."""


@intrinsic
def threshold_product(
    _context: Any,
    tile: Any,
    tile_at: Any,
    tile_stride: Any,
    depth: Any,
    valid: Any,
    panels: Any,
    panel_at: Any,
    threshold: Any,
    channel: Any,
    identity: Any,
    out: Any,
    out_at: Any,
    out_stride: Any,
    fired: Any,
    keep_on: Any,
    keep_off: Any,
) -> Any:
    """Compute one register block and return the number of spikes in it.

    Args:
        tile: float32, flat ``[depth, pixels, LANES]``: channel k of pixel r of the block is at
            ``tile_at + (k // LANES) tile_stride + r LANES + k % LANES``.
        depth: Number of input channels divided by LANES.
        valid: Pixels of the block that exist, 1 to ROWS; others are computed, but neither kept nor
            counted.
        panels: float32, flat; ``w[k, n]`` of this block at ``panel_at + k LANES_OUT + n``.
        threshold: float32, flat, read from ``channel`` on.
        identity: uint8, flat, indexed as ``out``; must not overlap it where ``keep_*`` is not 0.
        out: uint8, flat; pixel r of the block starts at ``out_at + r out_stride``.
        fired: uint8, what a spike adds.
        keep_on: uint8 mask of the identity where there is a spike.
        keep_off: uint8 mask of the identity where there is none.
    """
    signature = int64(
        *(tile, int64, int64, int64, int64, panels, int64, threshold, int64),
        *(identity, out, int64, int64, uint8, uint8, uint8),
    )

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        source, weights, limits, identities, outputs = (
            code.pointer(context, builder, sig, args, i) for i in (0, 5, 7, 9, 10)
        )
        valid, out_at, out_stride = args[4], args[11], args[12]
        block, panel = builder.gep(source, [args[1]]), builder.gep(weights, [args[6]])
        sums = _sums(builder, block, args[2], panel, args[3])
        limit = code.load(builder, limits, args[8], code.floats(LANES_OUT))
        small = code.vector(I8, LANES_OUT)
        on, kept_on, kept_off = (code.splat(builder, args[i], LANES_OUT) for i in (13, 14, 15))
        last = builder.sub(valid, I64(1))
        spikes = small([0] * LANES_OUT)
        # From the last row up: rows that do not exist go to the last one that does, before it does.
        for row in reversed(range(ROWS)):
            exists = builder.icmp_signed("<", I64(row), valid)
            place = builder.select(exists, I64(row), last)
            at = builder.add(out_at, builder.mul(out_stride, place))
            carried = code.load(builder, identities, at, small)
            fires = builder.fcmp_ordered(">=", sums[row], limit)
            counted = code.splat(builder, builder.zext(exists, I8), LANES_OUT)
            spikes = builder.add(spikes, builder.and_(builder.zext(fires, small), counted))
            with_spike = builder.add(on, builder.and_(kept_on, carried))
            without = builder.and_(kept_off, carried)
            code.store(builder, builder.select(fires, with_spike, without), outputs, at)
        return builder.zext(code.add_lanes(builder, spikes), I64)

    return signature, generate


def _sums(builder: Any, block: Any, block_stride: Any, panel: Any, depth: Any) -> list[Any]:
    """Emit the sum over k, LANES at a time; return one vector per row."""
    kind = code.floats(LANES_OUT)

    def add_lanes(k: Any, sums: list[Any]) -> list[Any]:
        inputs = builder.gep(block, [builder.mul(k, block_stride)])
        weights = builder.gep(panel, [builder.mul(k, I64(LANES * LANES_OUT))])
        for lane in range(LANES):
            weight = code.load(builder, weights, I64(lane * LANES_OUT), kind)
            for row in range(ROWS):
                scalar = builder.load(builder.gep(inputs, [I64(row * LANES + lane)]))
                value = code.splat(builder, scalar, LANES_OUT)
                sums[row] = code.multiply_add(builder, value, weight, sums[row])
        return sums

    return code.loop(builder, depth, [kind([0.0] * LANES_OUT)] * ROWS, add_lanes)


@intrinsic
def threshold_row(
    _context: Any,
    line: Any,
    line_at: Any,
    weights: Any,
    weight_at: Any,
    weight_stride: Any,
    threshold: Any,
    out: Any,
    out_at: Any,
    out_stride: Any,
    width: Any,
) -> Any:
    """Fire LANES_OUT channels of a row from two inputs per pixel; return the number of spikes.

    Args:
        line: float32, flat: the inputs of pixel i are at ``line_at + 2 i`` and the next place.
        weights: float32, flat, read from ``weight_at`` on for the first input and from
            ``weight_at + weight_stride`` on for the second.
        threshold: float32, flat, read from ``weight_at`` on.
        out: uint8, flat; pixel i is written at ``out_at + i out_stride``.
        width: Pixels, 1 to 255 (a byte per channel counts them).
    """
    signature = int64(
        *(line, int64, weights, int64, int64, threshold, out, int64, int64, int64),
    )

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        source, table, limits, target = (
            code.pointer(context, builder, sig, args, i) for i in (0, 2, 5, 6)
        )
        kind, small = code.floats(LANES_OUT), code.vector(I8, LANES_OUT)
        first = code.load(builder, table, args[3], kind)
        second = code.load(builder, table, builder.add(args[3], args[4]), kind)
        limit = code.load(builder, limits, args[3], kind)

        def fire(x: Any, spikes: list[Any]) -> list[Any]:
            pixel = builder.gep(source, [builder.add(args[1], builder.mul(x, I64(2)))])
            off, on = (
                code.splat(builder, builder.load(builder.gep(pixel, [I64(i)])), LANES_OUT)
                for i in (0, 1)
            )
            total = code.multiply_add(builder, on, second, builder.fmul(off, first))
            fires = builder.zext(builder.fcmp_ordered(">=", total, limit), small)
            code.store(builder, fires, target, builder.add(args[7], builder.mul(x, args[8])))
            return [builder.add(spikes[0], fires)]

        (counted,) = code.loop(builder, args[9], [small([0] * LANES_OUT)], fire)
        wide = builder.zext(counted, code.vector(I32, LANES_OUT))
        return builder.zext(code.add_lanes(builder, wide), I64)

    return signature, generate


def _depthwise(stride: int) -> Any:
    """Return the row operation for one stride."""

    def depthwise_row(
        _context: Any,
        x: Any,
        upper_at: Any,
        center_at: Any,
        lower_at: Any,
        x_stride: Any,
        x_width: Any,
        zeros: Any,
        weights: Any,
        weight_at: Any,
        weight_stride: Any,
        out: Any,
        out_at: Any,
        width: Any,
    ) -> Any:
        signature = int64(
            *(x, int64, int64, int64, int64, int64, zeros, weights, int64, int64),
            *(out, int64, int64),
        )
        return signature, _depthwise_code(stride)

    return intrinsic(depthwise_row)


def _depthwise_code(stride: int) -> Any:
    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        source, empty, table, target = (
            code.pointer(context, builder, sig, args, i) for i in (0, 6, 7, 10)
        )
        kind = code.floats(LANES)
        rows = [
            code.select_pointer(builder, builder.icmp_signed(">=", at, I64(0)), source, at, empty)
            for at in args[1:4]
        ]
        taps = [
            code.load(builder, table, builder.add(args[8], builder.mul(args[9], I64(tap))), kind)
            for tap in range(9)
        ]

        def column(index: Any) -> list[Any]:
            inside = builder.icmp_signed("<", index, args[5])
            at = builder.mul(index, args[4])
            picked = (code.select_pointer(builder, inside, row, at, empty) for row in rows)
            return [_as_floats(builder, place) for place in picked]

        def pixel(x: Any, carried: list[Any]) -> list[Any]:
            here = builder.mul(x, I64(stride))
            left, middle = carried[:3], carried[3:] or column(here)
            right = column(builder.add(here, I64(1)))
            total = kind([0.0] * LANES)
            for tap, weight in enumerate(taps):
                value = (left, middle, right)[tap % 3][tap // 3]
                total = code.multiply_add(builder, value, weight, total)
            code.store(builder, total, target, builder.add(args[11], builder.mul(x, I64(LANES))))
            return [*middle, *right] if stride == 1 else right

        # With stride 1 the window keeps two of its columns, with stride 2 one.
        kept = column(I64(0)) if stride == 1 else []
        code.loop(builder, args[12], [kind([0.0] * LANES)] * 3 + kept, pixel)
        return I64(0)

    return generate


def _as_floats(builder: Any, place: Any) -> Any:
    """Load LANES bytes and convert them."""
    small = code.load(builder, place, I64(0), code.vector(I8, LANES))
    whole = builder.zext(small, code.vector(I32, LANES))
    return builder.sitofp(whole, code.floats(LANES))


depthwise_row = _depthwise(1)
"""Convolve one row of bytes with 3x3 weights for LANES channels, stride 1.

    out[x, c] = sum_ij w[i, j, c] x[i, stride x + j - 1, c]          zeros outside the map

Args:
    x: uint8, flat: pixel by pixel, channels innermost.
    upper_at: Start of the upper input row at the first channel of the block, negative where the row
        is outside the map; likewise ``center_at`` and ``lower_at``.
    x_stride: Channels per pixel.
    x_width: Pixels of an input row.
    zeros: uint8, one row of zeros.
    weights: float32, flat ``[9, channels]``, read from ``weight_at`` on.
    weight_stride: Channels of the weights.
    out: float32, flat; pixel i is written at ``out_at + i LANES``.
    width: Output pixels, at least 1.
"""
depthwise_row_strided = _depthwise(2)
"""As `depthwise_row` with stride 2."""

"""Values of an image between its pixels, inside compiled loops.

    Catmull-Rom, 0 <= a < 1:    f(a) = Σ_i w_i(a) f_i,   i = -1, 0, 1, 2

        w_-1 = -a b^2 / 2      w_0 = 1 + a^2 (3 a - 5) / 2      b = 1 - a
        w_2  = -b a^2 / 2      w_1 = 1 + b^2 (3 b - 5) / 2

It goes through the pixels and keeps edges as sharp between them, where linear weights blur: an
image that moves would otherwise flicker as edges cross pixel centres.
"""

from __future__ import annotations

from saccade.jit import kernel

__all__ = ["cubic", "mirror"]


@kernel
def cubic(a: float) -> tuple[float, float, float, float]:
    """Return the four weights at a fraction of a pixel; they sum to 1.

    Examples:
        >>> cubic(0.0), cubic(0.5)
        ((-0.0, 1.0, 0.0, -0.0), (-0.0625, 0.5625, 0.5625, -0.0625))

    Reference:
        Keys, Cubic convolution interpolation for digital image processing, IEEE TASSP 1981.
    """
    b = 1.0 - a
    return (
        -0.5 * a * b * b,
        1.0 + a * a * (1.5 * a - 2.5),
        1.0 + b * b * (1.5 * b - 2.5),
        -0.5 * b * a * a,
    )


@kernel
def mirror(i: int, length: int) -> int:
    """Return the index of a pixel beyond the border: the picture is folded over at its edge.

    Examples:
        >>> [mirror(i, 3) for i in range(-4, 7)]
        [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]
    """
    i = i % (2 * length)
    return i if i < length else 2 * length - 1 - i

"""Time surfaces: how recent the last event of each pixel is.

    S[p, y, x] = exp(-(at - t_last(p, y, x)) / τ)        1 = just now, 0 = never

with ``t_last`` the last event of polarity p at (x, y) up to and including ``at``.

All surfaces of a recording come from one pass: events between two surfaces overwrite the age of
their pixel, then every age is turned into its exponential. That is a fixed series, so that it
compiles to vector instructions and gives the same bits on every machine:

    e^-a = 2^z,   z = -a / ln 2 = n + r,   n whole, |r| <= 1/2,   2^r = Σ_{m<=7} (r ln 2)^m / m!
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError, ShapeError
from saccade.events.types import Events
from saccade.jit import kernel
from saccade.represent.pixels import BLOCK, columns, locate

__all__ = ["time_surface", "time_surfaces"]

_LOG2_E = math.log2(math.e)
_C1, _C2, _C3, _C4, _C5, _C6, _C7 = (
    np.float32(math.log(2.0) ** m / math.factorial(m)) for m in range(1, 8)
)
_LOWEST = np.float32(-127.0)  # 2^-127 is written with exponent bits 0, which is zero
_SMALL, _LARGE = 1 << 30, 1 << 61  # ages that stand for "never" in 32 and 64 bits


def time_surface(events: Events, at_us: int, tau_us: float) -> NDArray[np.float32]:
    """Return the time surface at one moment.

    Args:
        events: A recording.
        at_us: The moment, on the recording's clock; later events are ignored.
        tau_us: Time constant of the decay, microseconds.

    Returns:
        float32 ``[2, H, W]``, channels (OFF, ON), 0 to 1.

    Raises:
        ConfigError: ``tau_us`` is not positive.

    Examples:
        >>> from saccade.events import Events, SensorSize
        >>> events = Events([0, 1, 1], [0, 0, 0], [0, 50, 200], [1, 1, 1], SensorSize(1, 3))
        >>> [round(float(value), 4) for value in time_surface(events, 100, 50.0)[1, 0]]
        [0.1353, 0.3679, 0.0]

    Reference:
        Lagorce et al., HOTS: a hierarchy of event-based time-surfaces, 2017, equation 3.
    """
    return time_surfaces(events, [at_us], tau_us)[0]


def time_surfaces(events: Events, at_us: ArrayLike, tau_us: float) -> NDArray[np.float32]:
    """Return the time surfaces at many moments, in one pass.

    Args:
        events: A recording.
        at_us: The moments ``[K]``, whole microseconds on the recording's clock, in any order.
        tau_us: Time constant of the decay, microseconds.

    Returns:
        float32 ``[K, 2, H, W]``, channels (OFF, ON), 0 to 1, in the order of ``at_us``.

    Raises:
        ConfigError: ``tau_us`` is not positive.
        ShapeError: ``at_us`` is not a list of whole numbers.
    """
    if not tau_us > 0 or not math.isfinite(tau_us):
        raise ConfigError(f"tau_us is {tau_us}.", "Expected a positive number of microseconds.")
    moments = np.asarray(at_us)
    if moments.ndim != 1 or (moments.size and moments.dtype.kind not in "iu"):
        raise ShapeError(
            f"at_us has shape {moments.shape} and type {moments.dtype}.",
            "Expected whole microseconds [K].",
        )
    size = events.size
    surfaces = np.empty((moments.shape[0], 2, size.height, size.width), np.float32)
    order = np.argsort(moments, kind="stable")
    # 2^-127 is reached after 88 tau: ages of 32 bits suffice where that is sooner than "never"
    never, kind = (_SMALL, np.int32) if 128 * tau_us < _SMALL else (_LARGE, np.int64)
    ages = np.full(2 * size.pixels, -never, kind)
    _fill(
        *columns(events),
        moments[order].astype(np.int64),
        order,
        size.height,
        size.width,
        np.float32(_LOG2_E / tau_us),
        ages,
        never,
        surfaces.reshape(len(surfaces), 2 * size.pixels),
    )
    return surfaces


@kernel
def _fill(
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    t: NDArray[np.int64],
    p: NDArray[np.uint8],
    moments: NDArray[np.int64],
    order: NDArray[np.int64],
    height: int,
    width: int,
    rate: np.float32,
    ages: NDArray[Any],
    never: int,
    surfaces: NDArray[np.float32],
) -> None:
    """Walk through sorted moments; ``ages`` holds t_last - moment, at least ``-never``."""
    block = np.empty(BLOCK, np.uint32)
    start = 0
    for k in range(moments.shape[0]):
        step = min(moments[k] - moments[k - 1], never) if k else 0
        before = moments[k] - step
        stop = _after(t, start, moments[k])
        for first in range(start, stop, BLOCK):
            last = min(first + BLOCK, stop)
            locate(x, y, p, first, last, height, width, block)
            for i in range(last - first):
                ages[block[i]] = max(t[first + i] - before, -never)
        start = stop
        _decay(ages, ages.dtype.type(step), ages.dtype.type(-never), rate, surfaces[order[k]])


@kernel
def _after(t: NDArray[np.int64], start: int, moment: int) -> int:
    """Index of the first event later than a moment."""
    stop = t.shape[0]
    while start < stop:
        middle = (start + stop) // 2
        if t[middle] <= moment:
            start = middle + 1
        else:
            stop = middle
    return start


@kernel
def _decay(
    ages: NDArray[Any], step: Any, never: Any, rate: np.float32, surface: NDArray[np.float32]
) -> None:
    """Let all ages grow by a step and write their exponentials."""
    kind = ages.dtype.type  # keeps the difference of 32-bit numbers in 32 bits
    for j in range(ages.shape[0]):
        age = max(kind(ages[j] - step), never)
        ages[j] = age
        z = max(np.float32(age) * rate, _LOWEST)
        n = np.floor(z + np.float32(0.5))
        r = z - n
        power = np.float32(1.0) + r * (
            _C1 + r * (_C2 + r * (_C3 + r * (_C4 + r * (_C5 + r * (_C6 + r * _C7)))))
        )
        exponent = np.int32((np.int32(n) + np.int32(127)) << np.int32(23))
        surface[j] = power * exponent.view(np.float32)

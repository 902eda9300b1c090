"""Time surfaces: how recently every pixel fired, fading exponentially.

    S[p, y, x] = exp(-(at - t_last[p, y, x]) / tau)      t_last = latest event with t <= at
    S[p, y, x] = 0                                       where there was none

       1 |*                 an event lifts its pixel to 1,
         | *.               which then fades by 1/e every tau
       0 |____**....______ at - t_last
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError, ShapeError
from saccade.events.types import Events
from saccade.jit import kernel
from saccade.represent.cells import BLOCK, columns, fill_cells

__all__ = ["time_surface", "time_surfaces", "time_surfaces_reference"]

_LOG2_E = 1.4426950408889634


def time_surface(events: Events, at_us: int, tau_us: float) -> NDArray[np.float32]:
    """Show how recently every pixel fired, per polarity.

    Args:
        events: Events; later ones than ``at_us`` are not looked at.
        at_us: Time of the surface in microseconds on the recording's clock.
        tau_us: Time constant in microseconds.

    Returns:
        float32 ``[2, H, W]`` in [0, 1], channels (OFF, ON); relative error below 1e-4 where the
        value is above 1e-30, zero below 1e-37.

    Raises:
        ConfigError: ``tau_us`` is not above 0.

    Example:
        >>> from saccade.events import SensorSize
        >>> events = Events([0, 1], [0, 0], [100, 200], [1, 1], SensorSize(1, 3))
        >>> [round(float(value), 4) for value in time_surface(events, 200, 100)[1, 0]]
        [0.3679, 1.0, 0.0]

    Reference:
        Lagorce, Orchard, Galluppi, Shi, Benosman: HOTS: a hierarchy of event-based time-surfaces for
        pattern recognition, IEEE TPAMI 39(7), 2017.
    """
    return time_surfaces(events, [at_us], tau_us)[0]


def time_surfaces(events: Events, at_us: ArrayLike, tau_us: float) -> NDArray[np.float32]:
    """Make the time surfaces of many moments in one pass over the events.

    Args:
        events: The recording.
        at_us: Times of the surfaces, integers ``[K]`` in microseconds, in any order.
        tau_us: Time constant in microseconds.

    Returns:
        float32 ``[K, 2, H, W]`` in [0, 1], channels (OFF, ON), in the order of ``at_us``.

    Raises:
        ConfigError: ``tau_us`` is not above 0.
        ShapeError: ``at_us`` is not a list of integers.
    """
    times = _times(at_us, tau_us)
    x, y, t, p = columns(events)
    size = events.size
    surfaces = np.empty((len(times), 2 * size.pixels), np.float32)
    order = np.argsort(times, kind="stable")
    stops = np.searchsorted(t, times[order], side="right")
    used = int(stops.max(initial=0))
    span = int(t[used - 1] - t[0]) if used else 0
    # Four-byte times keep the plane of latest times small; recordings over 35 minutes need eight.
    kind = np.int32 if span <= np.iinfo(np.int32).max else np.int64
    latest = np.full(2 * size.pixels, -1, kind)
    _surfaces(x, y, t, p, times, order, stops, tau_us, size.width, latest, surfaces)
    return surfaces.reshape(-1, 2, size.height, size.width)


def time_surfaces_reference(
    events: Events, at_us: ArrayLike, tau_us: float
) -> NDArray[np.float64]:
    """Compute `time_surfaces` the plain way, as the equation reads."""
    times = _times(at_us, tau_us)
    surfaces = np.zeros((len(times), 2, events.size.height, events.size.width))
    for surface, at in zip(surfaces, times, strict=True):
        past = events[: int(np.searchsorted(events.t, at, side="right"))]
        # Assignment in order: of the events of one cell the latest stays.
        surface[past.p, past.y, past.x] = np.exp(-(at - past.t) / tau_us)
    return surfaces


def _times(at_us: ArrayLike, tau_us: float) -> NDArray[np.int64]:
    if not tau_us > 0 or not np.isfinite(tau_us):
        raise ConfigError(f"tau_us is {tau_us}.", "Expected a time constant above 0 microseconds.")
    times = np.asarray(at_us)
    if times.ndim != 1 or (times.size and times.dtype.kind not in "iu"):
        raise ShapeError(
            f"Surface times have shape {times.shape} and type {times.dtype}.",
            "Expected integers [K] in microseconds.",
        )
    return times.astype(np.int64)


@kernel
def _surfaces(
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    t: NDArray[np.int64],
    p: NDArray[np.uint8],
    times: NDArray[np.int64],
    order: NDArray[np.int64],
    stops: NDArray[np.int64],
    tau: float,
    width: int,
    latest: NDArray[np.int32],
    surfaces: NDArray[np.float32],
) -> None:
    cells = np.empty(BLOCK, np.uint32)
    plane = latest.shape[0] // 2
    begin = 0
    for k in range(order.shape[0]):
        for start in range(begin, stops[k], BLOCK):
            stop = min(start + BLOCK, stops[k])
            fill_cells(x[start:stop], y[start:stop], p[start:stop], width, plane, cells)
            for i in range(stop - start):
                latest[cells[i]] = t[start + i] - t[0]
        begin = stops[k]
        if begin == 0:
            surfaces[order[k]] = 0
        else:
            # Ages count from the last event used, which is as small a number as the plane holds;
            # the time from there to the surface is one common factor.
            newest = t[begin - 1] - t[0]
            wait = np.float64(times[order[k]] - t[begin - 1])
            _fade(latest, newest, wait, 1.0 / tau, surfaces[order[k]])


@kernel
def _fade(
    latest: NDArray[np.int32], newest: int, wait: float, rate: float, surface: NDArray[np.float32]
) -> None:
    """Write ``exp(-(newest - latest + wait)·rate)`` in single precision.

    2^z = 2^n · 2^f with n = round(z) and f in [-1/2, 1/2]: the first factor is an exponent field, the
    second a Taylor polynomial of degree 6 (error 1.2e-7). Plain arithmetic, so that it runs
    in vector registers.
    """
    slope = np.float32(-rate * _LOG2_E)
    offset = np.float32(max(-wait * rate * _LOG2_E, -1000.0))
    last = latest.dtype.type(newest)
    for c in range(latest.shape[0]):
        z = np.float32(last - latest[c]) * slope + offset
        z = max(z, np.float32(-125.0))
        n = np.int32(z - np.float32(0.5))
        f = z - np.float32(n)
        series = np.float32(1.5403530e-4)
        series = series * f + np.float32(1.3333558e-3)
        series = series * f + np.float32(9.6181291e-3)
        series = series * f + np.float32(5.5504109e-2)
        series = series * f + np.float32(2.4022651e-1)
        series = series * f + np.float32(6.9314718e-1)
        series = series * f + np.float32(1.0)
        power = np.int32((n + np.int32(127)) << np.int32(23)).view(np.float32)
        alive = latest[c] >= 0 and z > np.float32(-125.0)
        surface[c] = series * power if alive else np.float32(0.0)

"""Colours of events: blue = ON = brighter, orange = OFF = darker, apart for every kind of eye.

A pixel with n_on and n_off events in a picture:

    colour = background + strength (mix - background)
    mix      = (n_on ON + n_off OFF) / (n_on + n_off)
    strength = 0.4 + 0.6 min(1, (n_on + n_off) / saturation),  0 where nothing happened

Pictures are palette images: a byte a pixel that says strength and mix, so PNG and GIF stay small
and a film's colours never flicker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["DARK", "LIGHT", "TEXT", "Theme", "palette", "saturation_of", "shade"]

RGB = tuple[int, int, int]

_STRENGTHS, _MIXES = 16, 9
_WEAKEST = 0.4
TEXT = 1 + _STRENGTHS * _MIXES
"""First of the 16 palette entries that lead from background to text colour."""
TEXT_SHADES = 16


@dataclass(frozen=True)
class Theme:
    """Colours of a picture, red green blue 0 to 255."""

    background: RGB
    off: RGB
    on: RGB
    text: RGB


LIGHT = Theme(background=(255, 255, 255), off=(217, 95, 2), on=(31, 120, 200), text=(40, 40, 40))
DARK = Theme(background=(18, 18, 20), off=(255, 150, 50), on=(90, 175, 255), text=(225, 225, 225))


def palette(theme: Theme = LIGHT) -> NDArray[np.uint8]:
    """Return the palette ``[256, 3]``: background, events, text shades; the rest is background.

    Examples:
        >>> palette()[0].tolist(), palette()[TEXT + 15].tolist()
        ([255, 255, 255], [40, 40, 40])
    """
    background = np.array(theme.background, np.float64)
    colors = np.tile(background, (256, 1))
    strength = _WEAKEST + (1 - _WEAKEST) * np.linspace(0, 1, _STRENGTHS)
    on_share = np.linspace(0, 1, _MIXES)[:, None]
    mix = on_share * np.array(theme.on) + (1 - on_share) * np.array(theme.off)
    events = background + strength[:, None, None] * (mix - background)
    colors[1:TEXT] = events.reshape(-1, 3)
    ramp = np.linspace(0, 1, TEXT_SHADES)[:, None]
    colors[TEXT : TEXT + TEXT_SHADES] = background + ramp * (np.array(theme.text) - background)
    return colors.round().astype(np.uint8)


def saturation_of(counts: NDArray[Any]) -> float:
    """Return the events per pixel at full colour: 95 % of active pixels stay below.

    Args:
        counts: ``[..., 2, H, W]`` events per polarity and pixel.

    Examples:
        >>> saturation_of(np.zeros((2, 4, 4)))
        1.0
    """
    total = counts.sum(axis=-3)
    active = total[total > 0]
    return max(1.0, float(np.quantile(active, 0.95))) if active.size else 1.0


def shade(counts: NDArray[Any], saturation: float) -> NDArray[np.uint8]:
    """Turn counts into palette entries.

    Args:
        counts: ``[2, H, W]`` events per polarity (OFF, ON) and pixel.
        saturation: Events per pixel at full colour.

    Returns:
        uint8 ``[H, W]``, entries of `palette`.

    Examples:
        >>> shade(np.array([[[0, 4]], [[0, 0]]]), saturation=4).tolist()
        [[0, 136]]
    """
    off, on = counts[0].astype(np.float32), counts[1].astype(np.float32)
    total = off + on
    strength = np.minimum(total / np.float32(saturation), 1) * (_STRENGTHS - 1)
    share = np.divide(on, total, out=np.zeros_like(total), where=total > 0) * (_MIXES - 1)
    entry = 1 + strength.round().astype(np.uint8) * _MIXES + share.round().astype(np.uint8)
    return np.where(total > 0, entry, 0).astype(np.uint8)

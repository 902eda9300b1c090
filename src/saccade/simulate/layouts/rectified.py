"""Raw images, depth and flow as the rectified camera has them, image after image.

    place(r) = where the raw camera sees the ray of the rectified pixel r        worked out once
    image(r) = mean of the four pixels around place(r);   depth(r) = nearest,  z' = z (R ray)_z
    flow(r)  = rect(n + f(n)) - rect(n),  n = the raw pixel nearest to place(r)

`saccade.simulate.rectify.resample_rect` gives the same image by image, without memory.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from saccade.simulate.camera import Camera

__all__ = ["Resampler"]

_BORDER = 0.5


class Resampler:
    """Turns what one raw camera gives into what its rectified camera would.

    Args:
        raw: The raw camera.
        rotation: float64 ``[3, 3]``, raw camera frame to rectified frame.
        rectified: The rectified camera.
    """

    def __init__(self, raw: Camera, rotation: NDArray[np.float64], rectified: Camera) -> None:
        self._raw, self._rotation, self._rectified = raw, rotation, rectified
        height, width = raw.size.height, raw.size.width
        place = raw.project(rectified.rays() @ rotation)
        end = np.array([width, height]) - _BORDER
        self._seen = np.all((place > -_BORDER) & (place < end), axis=-1)
        x, y = np.where(self._seen[..., None], place, 0.0).transpose(2, 0, 1)
        self._nearest = np.rint(y).astype(np.int64) * width + np.rint(x).astype(np.int64)
        x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
        left = np.minimum(x.astype(np.int64), max(width - 2, 0))
        top = np.minimum(y.astype(np.int64), max(height - 2, 0))
        right, below = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
        self._corners = [row * width + column for row in (top, below) for column in (left, right)]
        a, b = x - left, y - top
        self._weights = [v * u for v in (1 - b, b) for u in (1 - a, a)]
        self._along = raw.rays() @ rotation[2]

    def image(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a frame ``[H, W]``; black where the raw camera saw nothing."""
        pixels = image.reshape(-1)
        total = np.zeros(self._seen.shape)
        for corner, weight in zip(self._corners, self._weights, strict=True):
            total += weight * pixels[corner]
        return np.where(self._seen, np.rint(total), 0).astype(np.uint8)

    def depth(self, depth: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return depth ``[H, W]`` along the rectified axis; NaN where there is none."""
        along = (depth * self._along).astype(np.float32).reshape(-1)
        return np.where(self._seen, along[self._nearest], np.float32(np.nan))

    def flow(self, flow: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return flow ``[2, H, W]`` in rectified pixels; NaN where it is not known.

        Both ends of each vector are rectified; the vector is that of the nearest raw pixel.
        """
        height, width = flow.shape[1:]
        y, x = np.mgrid[0:height, 0:width]
        known = np.isfinite(flow).all(axis=0)
        ends = np.stack([x + flow[0], y + flow[1]], axis=-1)[known]
        vectors = np.full((height, width, 2), np.nan)
        vectors[known] = self._rect(self._raw.rays_at(ends)) - self._home[known]
        picked = vectors.reshape(-1, 2)[self._nearest]
        picked[~self._seen] = np.nan
        return np.ascontiguousarray(picked.transpose(2, 0, 1), np.float32)

    @functools.cached_property
    def _home(self) -> NDArray[np.float64]:
        """Where each raw pixel lies in the rectified image."""
        return self._rect(self._raw.rays())

    def _rect(self, rays: NDArray[np.float64]) -> NDArray[np.float64]:
        return self._rectified.project(rays @ self._rotation.T)

"""From frames of any size to the inputs of a learner: one byte per input, a rate per byte.

    frames [N, C, H, W] -> one or two channels -> h x w -> z or share -> byte -> rate = byte / 4 Hz

    plain          x / 255                                                        grey images
    patch          z of the patch around the pixel                                grey images
    log            ln(1 + x) / ln(1 + largest x of the reference)                 event counts
    log_patch      z of the patch around the pixel, of ln(1 + x)                  event counts
    standardised   z of the pixel over the reference traverse, of ln(1 + x)       event counts
    scene          z of the pixel over the traverse, of z of its patch, of ln(10 + x)      images

``area`` resizing gives the mean of grey values, but all events of the piece for event counts.

A signed z (all but plain and log) is cut at ± limit and laid onto 0 .. 255 with 0 in the
middle, or split: the negative and the positive half become two inputs each, and nothing is silent
twice. ``log``, ``standardised`` and ``scene`` need `PixelStatistics`; a model keeps those of the
reference.

``compat`` takes the arithmetic of a published system instead, see `published_input`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError, DataError, ShapeError
from saccade.tasks.place_stdp.patches import patch_normalised
from saccade.tasks.place_stdp.published_input import signed_to_bytes, vprsnn_image, vprtempo_image
from saccade.tasks.place_stdp.resize import Resize, resized

__all__ = ["Frames", "Kind", "PixelStatistics", "Preprocess", "measure", "prepare", "rates_hz"]

Kind = Literal["plain", "patch", "log", "log_patch", "standardised", "scene"]
Compat = Literal["vprsnn", "vprtempo", "lens"]

_SIGNED = ("patch", "log_patch", "standardised", "scene")
_COUNTS = ("log", "log_patch", "standardised")
_MEASURED = ("log", "standardised", "scene")
_GREY = (0.299, 0.587, 0.114)
_DARK, _FAINT, _FAR = 10.0, 0.02, 1e3
"""scene: grey values that count as dark, softness of faint patches, no limit before statistics."""
_BLOCK_ELEMENTS = 1 << 20


class Frames(Protocol):
    """Frames ``[N, C, H, W]`` that can be read in slices: an array, a memory map, an HDF5 set."""

    @property
    def shape(self) -> tuple[int, ...]:
        """``(N, C, H, W)``."""
        ...

    def __getitem__(self, rows: slice, /) -> Any:
        """Return frames ``[n, C, H, W]``."""
        ...


@dataclass(frozen=True, kw_only=True)
class Preprocess:
    """What becomes of a frame before a network sees it.

    Args:
        size: Rows and columns of inputs.
        kind: What is done with a pixel, see the head of this file.
        window: Side of the patch in pixels, odd.
        limit: Standard deviations at full scale.
        split: Negative and positive half as two inputs per pixel; for signed kinds.
        merge: One channel: event counts of both polarities summed, colours made grey.
        resize: How pixels become fewer: ``"area"``, ``"bilinear"`` or ``"pick"``.
        compat: ``"vprsnn"``, ``"vprtempo"``: their images, uint8 RGB or grey, of which only `size`
            and `window` are chosen. ``"lens"``: event counts, one pixel of each block.

    Raises:
        ConfigError: A value is outside its range or contradicts another.

    Examples:
        >>> Preprocess(kind="patch", split=True).inputs(channels=3)
        1568
        >>> Preprocess(kind="plain", split=True)
        Traceback (most recent call last):
        saccade.errors.ConfigError: split with kind plain. Expected a kind with negative ...
    """

    size: tuple[int, int] = (28, 28)
    kind: Kind = "patch"
    window: int = 7
    limit: float = 1.0
    split: bool = False
    merge: bool = True
    resize: Resize = "area"
    compat: Compat | None = None

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("kind", self.kind, get_args(Kind)),
            ("resize", self.resize, get_args(Resize)),
            ("compat", self.compat, (None, *get_args(Compat))),
        ):
            if value not in allowed:
                words = ", ".join(map(str, allowed))
                raise ConfigError(f"{name} is {value!r}.", f"Expected one of {words}.")
        if len(self.size) != 2 or min(self.size) < 1:
            raise ConfigError(f"size is {self.size}.", "Expected rows and columns, at least 1.")
        if self.window < 1 or self.window % 2 == 0:
            raise ConfigError(f"window is {self.window}.", "Expected an odd number of pixels.")
        if not (np.isfinite(self.limit) and self.limit > 0):
            raise ConfigError(f"limit is {self.limit}.", "Expected a number above 0.")
        if self.split and (self.kind not in _SIGNED or self.compat):
            what = f"compat {self.compat}" if self.compat else f"kind {self.kind}"
            raise ConfigError(
                f"split with {what}.",
                f"Expected a kind with negative values: {', '.join(_SIGNED)}.",
            )

    @property
    def needs_statistics(self) -> bool:
        """Whether `measure` has to look at the reference traverse first."""
        return self.compat is None and self.kind in _MEASURED

    def inputs(self, channels: int) -> int:
        """Return the number of inputs that frames of so many channels give."""
        planes = 1 if self.merge or self.compat else channels
        return planes * self.size[0] * self.size[1] * (2 if self.split else 1)


@dataclass(frozen=True, eq=False)
class PixelStatistics:
    """What the reference traverse is like, of ln(1 + x) after resizing; kept with the model.

    Args:
        mean: float32 ``[C, h, w]``.
        deviation: float32 ``[C, h, w]``; 0 where a pixel never changes.
        largest: Largest value of all pixels.

    Raises:
        ShapeError: The arrays differ in shape.
    """

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    largest: float

    def __post_init__(self) -> None:
        if self.mean.ndim != 3 or self.mean.shape != self.deviation.shape:
            raise ShapeError(
                f"Means {list(self.mean.shape)}, deviations {list(self.deviation.shape)}.",
                "Expected both [C, h, w].",
            )


def measure(frames: Frames, settings: Preprocess) -> PixelStatistics | None:
    """Look at the reference traverse once, block by block.

    Args:
        frames: Event counts ``[N, C, H, W]``.
        settings: What will be done with them.

    Returns:
        None where the settings need no statistics.

    Raises:
        ShapeError: There is no frame.
        DataError: A count is below 0, NaN or infinite.

    Examples:
        >>> seen = measure(np.array([[[[0.0]]], [[[2.0]]]]), Preprocess(size=(1, 1), kind="log"))
        >>> round(seen.largest, 3)
        1.099
    """
    if not settings.needs_statistics:
        return None
    _check_shape(frames)
    count, mean, power, largest = 0, np.float64(0), np.float64(0), 0.0
    for rows in _blocks(frames):
        values = _resized(frames[rows], settings).astype(np.float64)
        block_mean = values.mean(axis=0)
        total = count + len(values)
        shift = block_mean - mean
        power = power + ((values - block_mean) ** 2).sum(axis=0)
        power = power + shift**2 * (count * len(values) / total)
        mean, count = mean + shift * (len(values) / total), total
        largest = max(largest, float(values.max()))
    variance = power / count
    never_changes = variance <= 1e-9 * (np.asarray(mean) ** 2 + variance)
    deviation = np.where(never_changes, 0.0, np.sqrt(variance))
    return PixelStatistics(np.float32(mean), np.float32(deviation), largest)  # type: ignore[arg-type]


def prepare(
    frames: Frames, settings: Preprocess, statistics: PixelStatistics | None = None
) -> NDArray[np.uint8]:
    """Return the inputs of every frame.

    Args:
        frames: Real ``[N, C, H, W]`` of any size: grey values or colours 0 to 255, or event counts.
        settings: What to do with them.
        statistics: Of the reference traverse, where the settings need them. Statistics of the query
            traverse make both sides alike in their own light, if it is known as a whole.

    Returns:
        uint8 ``[N, inputs]``: channels, then rows, then columns; with ``split`` all negative halves
        before all positive ones.

    Raises:
        ShapeError: The frames or the statistics have another shape than expected.
        DataError: A value is NaN, infinite or outside the range of its kind.
        ConfigError: Statistics are needed and missing.

    Examples:
        >>> bright = np.full((1, 1, 56, 56), 200.0)
        >>> [int(prepare(bright, Preprocess(kind=kind)).max()) for kind in ("plain", "patch")]
        [200, 127]
    """
    _check_shape(frames)
    if settings.needs_statistics and statistics is None:
        raise ConfigError(
            f"kind {settings.kind} without statistics.",
            "Expected those of the reference traverse.",
            "Make them with measure(reference_frames, settings), or load them with the model.",
        )
    found = np.empty((frames.shape[0], settings.inputs(frames.shape[1])), np.uint8)
    for rows in _blocks(frames):
        if settings.compat is not None:
            found[rows] = _published(np.asarray(frames[rows]), settings)
        else:
            found[rows] = _native(_resized(frames[rows], settings), settings, statistics)
    return found


def rates_hz(inputs: ArrayLike) -> NDArray[np.float32]:
    """Return the rate of every input: a quarter of its byte, 0 to 63.75 Hz.

    Examples:
        >>> rates_hz(np.array([0, 127, 255], np.uint8)).tolist()
        [0.0, 31.75, 63.75]
    """
    return np.asarray(inputs, np.float32) / np.float32(4)


def _native(
    values: NDArray[np.float32], settings: Preprocess, statistics: PixelStatistics | None
) -> NDArray[np.uint8]:
    if settings.kind == "plain":
        if values.min() < 0 or values.max() > 255:
            raise DataError(
                f"Pixels are {values.min():g} to {values.max():g}.", "Expected 0 to 255.",
                "Scale them first, or use another kind.",
            )  # fmt: skip
        return np.rint(values).astype(np.uint8).reshape(len(values), -1)
    if settings.kind in _MEASURED:
        assert statistics is not None
        if statistics.mean.shape != values.shape[1:]:
            raise ShapeError(
                f"Statistics of {list(statistics.mean.shape)} inputs.",
                f"Expected {list(values.shape[1:])}, as these frames give.",
                "Measure the reference with the same settings and channels.",
            )
        if settings.kind == "log":
            share = np.clip(values / max(statistics.largest, 1e-12), 0, 1)
            return np.rint(255 * share).astype(np.uint8).reshape(len(values), -1)
        changing = statistics.deviation > 0
        scale = np.where(changing, statistics.deviation, 1)
        z = np.where(changing, (values - statistics.mean) / scale, 0)
    else:
        z = patch_normalised(values, settings.window, limit=settings.limit)
    z = np.clip(z / settings.limit, -1, 1).reshape(len(values), -1)
    if not settings.split:
        return signed_to_bytes(z)
    halves = np.concatenate([np.maximum(-z, 0), np.maximum(z, 0)], axis=1)
    return np.rint(255 * halves).astype(np.uint8)


def _resized(block: Any, settings: Preprocess) -> NDArray[np.float32]:
    """Channels as wanted, size as wanted, the logarithm of counts: float32 ``[n, C, h, w]``."""
    frames = np.asarray(block, np.float32)
    if settings.kind in _COUNTS and float(frames.min(initial=0)) < 0:
        raise DataError(
            "A frame holds values below 0.", "Expected event counts.",
            "The logarithm is for counts; use kind='patch' for other frames.",
        )  # fmt: skip
    if settings.merge and frames.shape[1] == 3:
        frames = np.einsum("nchw,c->nhw", frames, np.array(_GREY, np.float32))[:, None]
    elif settings.merge and frames.shape[1] > 1:
        frames = frames.sum(axis=1, keepdims=True)
    small = resized(frames, settings.size, settings.resize)
    if not np.isfinite(small).all():
        raise DataError("A pixel is NaN or infinite.", "Expected finite values.")
    if settings.kind == "scene":
        dark = np.log(np.maximum(small, 0) + _DARK)
        z = patch_normalised(dark, settings.window, limit=_FAR, softness=_FAINT)
        return z.astype(np.float32)
    if settings.kind not in _COUNTS:
        return small
    pixels = frames.shape[2] * frames.shape[3] / (settings.size[0] * settings.size[1])
    return np.log1p(small * np.float32(pixels if settings.resize == "area" else 1))


def _published(block: NDArray[Any], settings: Preprocess) -> NDArray[np.uint8]:
    if settings.compat == "lens":
        if not (block.min() >= 0 and np.isfinite(block.max())):
            raise DataError("A pixel is NaN, infinite or below 0.", "Expected event counts.")
        picked = resized(block.sum(axis=1, dtype=np.float64), settings.size, "pick")
        return np.clip(picked, 0, 255).astype(np.uint8).reshape(len(block), -1)
    if block.shape[1] not in (1, 3):
        raise ShapeError(
            f"Frames have {block.shape[1]} channels.",
            f"Expected 1 (grey) or 3 (red, green, blue) with compat={settings.compat!r}.",
        )
    images = block[:, 0] if block.shape[1] == 1 else block.transpose(0, 2, 3, 1)
    size, window = settings.size, settings.window
    if settings.compat == "vprsnn":
        levels = [vprsnn_image(image, size, window) for image in images]
    else:
        levels = [vprtempo_image(image, size, window).levels for image in images]
    return np.stack(levels).reshape(len(block), -1)


def _blocks(frames: Frames) -> Iterator[slice]:
    step = max(1, _BLOCK_ELEMENTS // int(np.prod(frames.shape[1:])))
    for start in range(0, frames.shape[0], step):
        yield slice(start, min(start + step, frames.shape[0]))


def _check_shape(frames: Frames) -> None:
    if len(frames.shape) != 4 or 0 in frames.shape:
        raise ShapeError(
            f"Frames have shape {list(frames.shape)}.",
            "Expected [N, C, H, W], no axis of them 0.",
        )

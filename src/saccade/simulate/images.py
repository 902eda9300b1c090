"""Frames from a folder of pictures: in natural order, at a frame rate or at listed times.

frame_2.png  frame_10.png        natural order: numbers in names count as numbers

times.txt    0.000000 frame_2.png        seconds, then optionally the picture's name;
             0.041700 frame_10.png       lines without names go with the sorted pictures
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError, FormatError, MissingFileError, listing
from saccade.events.types import SensorSize
from saccade.simulate.luminance import Frame, check_white, fit, linear_light

__all__ = ["image_files", "image_frames", "image_stills", "read_image"]

_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
_EXACT = 1e-9


def image_frames(
    folder: str | Path,
    *,
    fps: float | None = None,
    times: str | Path | None = None,
    size: SensorSize | None = None,
    white_cd_m2: float = 100.0,
    encoding: Literal["srgb", "linear"] = "srgb",
) -> Iterator[Frame]:
    """Yield the pictures of a folder as frames.

    Args:
        folder: Holds PNG, JPEG, BMP, TIFF, WebP, PGM or PPM files of one size; others are ignored.
        fps: Pictures per second; frame k is at floor(10^6 k / fps) microseconds.
        times: A text file of times instead, see the module; ``#`` starts a comment.
        size: Sensor size; pictures are cut to its aspect ratio and resized. None: as they are.
        white_cd_m2: Luminance of white, cd/m2.
        encoding: ``"srgb"``, or ``"linear"`` where values are proportional to light.

    Yields:
        Time in microseconds, 0 for the first frame, increasing; luminance float32 ``[H, W]`` in
        cd/m2.

    Raises:
        MissingFileError: The folder, the times file or a picture that it names does not exist.
        FormatError: A picture cannot be read, or has another size than the first; the times do
            not fit.
        ConfigError: Not exactly one of ``fps`` and ``times``, or a value out of range.
    """
    check_white(white_cd_m2)
    if (fps is None) == (times is None):
        raise ConfigError(
            f"fps is {fps} and times is {times}.", "Expected exactly one of them.", "Pass --fps 30."
        )
    if fps is not None and not 0.0 < fps <= 1e6:
        raise ConfigError(f"fps is {fps}.", "Expected more than 0 and at most 1,000,000.")
    files = image_files(folder)
    if times is None:
        assert fps is not None
        moments = [math.floor(k * 1e6 / fps + _EXACT) for k in range(len(files))]
    else:
        files, moments = _timed(Path(folder), files, Path(times))
    white = np.float32(white_cd_m2)
    for t_us, image in zip(moments, _same_size(files, encoding), strict=True):
        yield t_us, fit(image, size) * white


def image_stills(
    folder: str | Path,
    *,
    size: SensorSize | None = None,
    encoding: Literal["srgb", "linear"] = "srgb",
) -> NDArray[np.float32]:
    """Return the pictures of a folder, in natural order, as relative luminance.

    Args:
        folder: As for `image_frames`.
        size: Cut and resize to this size; None leaves pictures as they are.
        encoding: As for `image_frames`.

    Returns:
        float32 ``[N, H, W]``, 0 black to 1 white: what `saccade.simulate.pan.Pan` takes.

    Raises:
        MissingFileError: There is no such folder.
        FormatError: It holds no pictures, or one cannot be read or has another size.
    """
    files = image_files(folder)
    return np.stack([fit(image, size) for image in _same_size(files, encoding)])


def image_files(folder: str | Path) -> list[Path]:
    """Return the pictures of a folder in natural order.

    Raises:
        MissingFileError: There is no such folder.
        FormatError: It holds no pictures.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as root:
        ...     for name in ("f10.png", "f9.png", "notes.txt"):
        ...         _ = Path(root, name).write_bytes(b"")
        ...     [path.name for path in image_files(root)]
        ['f9.png', 'f10.png']
    """
    path = Path(folder)
    if not path.is_dir():
        raise MissingFileError(
            f"No such folder: {path} (looked in {Path.cwd()}).", "Expected a folder of pictures."
        )
    files = [entry for entry in path.iterdir() if entry.suffix.lower() in _ENDINGS]
    if not files:
        raise FormatError(f"{path} holds no pictures.", f"Endings: {listing(_ENDINGS, most=20)}.")
    return sorted(files, key=_natural)


def read_image(path: Path, encoding: Literal["srgb", "linear"] = "srgb") -> NDArray[np.float32]:
    """Read a picture, upright, as relative luminance float32 ``[H, W]``.

    Raises:
        MissingFileError: There is no such file.
        FormatError: It is no picture, or is truncated.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as opened:
            picture = ImageOps.exif_transpose(opened)
            values = _values(picture)
    except FileNotFoundError as error:
        raise MissingFileError(f"No such file: {path} (looked in {Path.cwd()}).") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise FormatError(
            f"{path.name} cannot be read as a picture: {error}.", "Expected a whole picture."
        ) from error
    return linear_light(values, encoding=encoding)


def _values(picture: Any) -> NDArray[Any]:
    if picture.mode.startswith("I"):  # 16 bits of grey, which some readers widen to 32
        values = np.asarray(picture)
        if values.min() < 0 or values.max() > 65_535:
            raise ValueError(f"values from {values.min():,} to {values.max():,}, not 0 to 65,535")
        return values.astype(np.uint16)
    if picture.mode == "F":
        raise ValueError("floating-point values, whose white is unknown")
    grey = picture.mode in ("1", "L", "LA")
    return np.asarray(picture.convert("L" if grey else "RGB"))


def _same_size(files: Sequence[Path], encoding: Literal["srgb", "linear"]) -> Iterator[Any]:
    expected: tuple[int, ...] | None = None
    for path in files:
        image = read_image(path, encoding)
        expected = expected or image.shape
        if image.shape != expected:
            raise FormatError(
                f"{path.name} is {image.shape[1]}x{image.shape[0]}.",
                f"Expected {expected[1]}x{expected[0]}, as {files[0].name}.",
                "Put pictures of one size into a folder of their own.",
            )
        yield image


def _natural(path: Path) -> list[tuple[bool, int, str]]:
    parts = re.split(r"(\d+)", path.name.lower())
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


def _timed(folder: Path, files: list[Path], times: Path) -> tuple[list[Path], list[int]]:
    """Pair pictures with the lines of a times file; zero is the first time."""
    lines = _lines(times)
    named = [path for _, path in lines if path]
    if named and len(named) < len(lines):
        raise FormatError(f"{times.name} names pictures in some lines only.")
    if not named and len(lines) != len(files):
        raise FormatError(
            f"{times.name} has {len(lines):,} times for {len(files):,} pictures.",
            "Expected one line per picture.",
        )
    if named:
        files = [folder / name for name in named]
        missing = [path.name for path in files if not path.is_file()]
        if missing:
            raise MissingFileError(f"{folder} lacks {listing(missing)}, named in {times.name}.")
    moments = [round((seconds - lines[0][0]) * 1e6) for seconds, _ in lines]
    for number in range(1, len(moments)):
        if moments[number] <= moments[number - 1]:
            raise FormatError(
                f"{times.name}: time {number + 1:,} does not come after the one before it.",
                "Expected increasing times in seconds, at least 1 µs apart.",
            )
    return files, moments


def _lines(times: Path) -> list[tuple[float, str]]:
    try:
        text = times.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise MissingFileError(f"No such file: {times} (looked in {Path.cwd()}).") from error
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{times.name} is no text: {error}.") from error
    found: list[tuple[float, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        first, _, rest = line.partition("#")[0].replace(",", " ").strip().partition(" ")
        if not first:
            continue
        try:
            seconds = float(first)
        except ValueError as error:
            raise FormatError(f"{times.name}:{number}: {first!r} is no time.") from error
        if not math.isfinite(seconds):
            raise FormatError(f"{times.name}:{number}: {first!r} is no time.")
        found.append((seconds, rest.strip()))
    if not found:
        raise FormatError(f"{times.name} holds no times.")
    return found

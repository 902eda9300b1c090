"""Small image sets for modules, and the flags of modules that learn them in a second."""

from __future__ import annotations

import hashlib
import io
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saccade.cli.main import main

GRID = ("--grid", "8x6")
SMALL = (
    *(*GRID, "--neurons", "20", "--input-ms", "120", "--module-places", "3"),
    *("--epochs", "2", "--jobs", "1"),
)
"""Modules of 48 inputs and 20 neurons."""
EXACT = ("--engine", "exact")
PLAIN = ("--no-standardised", "--baselines", "centred", "--no-report", "--jobs", "1")
"""Tests without the page."""


def drives(
    places: int, names: str = "abc", *, size: tuple[int, int] = (12, 16), noise: float = 8.0
) -> dict[str, NDArray[np.uint8]]:
    """Return images uint8 ``[places, h, w]`` of one route, each drive with noise of its own."""
    rng = np.random.default_rng(7)
    scene = rng.integers(30, 220, (places, *size)).astype(np.float64)
    return {
        name: np.clip(scene * (1 - 0.1 * k) + rng.normal(0, noise, scene.shape), 0, 255).astype(
            "u1"
        )
        for k, name in enumerate(names)
    }


def write_set(path: Path, places: int = 9, names: str = "abc") -> Path:
    """Write drives as arrays of one file."""
    np.savez(path, **drives(places, names))
    return path


@dataclass(frozen=True)
class Told:
    """What a command line left behind."""

    code: int
    out: str
    err: str


def tell(*words: str | Path | float) -> Told:
    """Run a command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main([str(word) for word in words])
    return Told(code, out.getvalue(), " ".join(err.getvalue().split()))


def words(verb: str, root: Path, *more: str | Path | float) -> list[str]:
    """Return ``saccade VERB place_stdp`` on a set whose drive b is looked up in a."""
    data = (verb, "place_stdp", "--data", "images", "--root", root, "--tests", "b:a")
    return [str(word) for word in (*data, *more)]


def made(verb: str, root: Path, *more: str | Path | float) -> str:
    """Run such a command, which has to succeed; returns what it printed."""
    told = tell(*words(verb, root, *more))
    assert told.code == 0, told.err
    return told.out


def refused(verb: str, root: Path, *more: str | Path | float) -> str:
    """Run such a command, which has to be refused; returns the message."""
    told = tell(*words(verb, root, *more))
    assert told.code in (1, 2, 3), (told.code, told.out, told.err)
    assert len(told.err) < 600 and "Traceback" not in told.err
    return told.err


def digests(folder: Path, pattern: str = "**/*.safetensors") -> dict[str, str]:
    """Return the SHA-256 of files of a run, by name."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.glob(pattern))
    }

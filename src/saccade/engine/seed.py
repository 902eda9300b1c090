"""Seeds: one number per run, one independent generator per named stream.

    generator(seed, "augment") = PCG64(SeedSequence([seed, bytes of "augment"]))

Code of this library draws only from generators that are handed to it. `seed_all` exists for other
libraries that draw from the global ones.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np

from saccade.errors import ConfigError

if TYPE_CHECKING:
    import torch

__all__ = ["numpy_rng", "seed_all", "torch_rng"]


def seed_all(seed: int) -> None:
    """Seed the global generators of Python, NumPy and torch (all devices).

    Args:
        seed: 0 to 2**32 - 1.

    Raises:
        ConfigError: The seed is outside its range.
    """
    import torch

    _check(seed)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the global state that other libraries read
    torch.manual_seed(seed)  # pyright: ignore[reportUnknownMemberType]


def numpy_rng(seed: int, stream: str = "") -> np.random.Generator:
    """Return a NumPy generator that depends on the seed and the name of the stream only.

    Args:
        seed: 0 to 2**32 - 1.
        stream: What it is for; other names give independent numbers for the same seed.

    Examples:
        >>> a, b = numpy_rng(7, "drop"), numpy_rng(7, "flip")
        >>> bool(a.random() == b.random()), bool(numpy_rng(7).random() == numpy_rng(7).random())
        (False, True)
    """
    return np.random.Generator(np.random.PCG64(_sequence(seed, stream)))


def torch_rng(seed: int, stream: str = "", *, device: str = "cpu") -> torch.Generator:
    """Return a torch generator that depends on the seed and the name of the stream only.

    Args:
        seed: 0 to 2**32 - 1.
        stream: What it is for.
        device: Where it draws.

    Examples:
        >>> torch_rng(7, "weights").initial_seed() == torch_rng(7, "weights").initial_seed()
        True
    """
    import torch

    state = int(_sequence(seed, stream).generate_state(1, np.uint64)[0])
    generator = torch.Generator(device=device)
    generator.manual_seed(state & (2**63 - 1))
    return generator


def _sequence(seed: int, stream: str) -> np.random.SeedSequence:
    _check(seed)
    return np.random.SeedSequence([seed, *stream.encode()])


def _check(seed: int) -> None:
    if not 0 <= seed < 2**32:
        raise ConfigError(f"seed is {seed:,}.", f"Expected 0 to {2**32 - 1:,}.")

"""Seeds: same seed and stream, same numbers; nothing else matters."""

import random

import numpy as np
import pytest
import torch

from saccade.engine import numpy_rng, seed_all, torch_rng
from saccade.errors import ConfigError


def test_seed_all_repeats_every_global_generator() -> None:
    def draw() -> tuple[float, float, float]:
        return random.random(), float(np.random.rand()), float(torch.rand(1))  # noqa: NPY002

    seed_all(5)
    first = draw()
    seed_all(5)
    assert draw() == first
    seed_all(6)
    assert draw() != first


def test_streams_of_one_seed_are_independent_and_repeatable() -> None:
    a, b = numpy_rng(3, "drop").random(1_000), numpy_rng(3, "flip").random(1_000)
    np.testing.assert_array_equal(a, numpy_rng(3, "drop").random(1_000))
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.1


def test_torch_streams_repeat_and_differ_by_seed_and_name() -> None:
    def draw(seed: int, stream: str) -> list[float]:
        return torch.rand(4, generator=torch_rng(seed, stream)).tolist()

    assert draw(1, "w") == draw(1, "w")
    assert draw(1, "w") != draw(2, "w")
    assert draw(1, "w") != draw(1, "b")


def test_making_a_generator_leaves_the_global_ones_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    torch_rng(9, "x")
    numpy_rng(9, "x")
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_seeds_outside_32_bits_are_refused(seed: int) -> None:
    with pytest.raises(ConfigError, match="Expected 0 to 4,294,967,295"):
        numpy_rng(seed)
    with pytest.raises(ConfigError):
        seed_all(seed)

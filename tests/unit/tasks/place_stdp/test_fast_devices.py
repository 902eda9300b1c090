"""The fast engine on devices of torch, plain and in Triton, against its NumPy reference.

The interpreter needs the package ``triton`` and ``TRITON_INTERPRET=1`` before it is imported.
"""

from __future__ import annotations

import importlib.util
import os
from typing import Any

import numpy as np
import pytest
import torch

from saccade.errors import ConfigError, DeviceError, ShapeError
from saccade.tasks.place_stdp import fast_torch
from saccade.tasks.place_stdp.config_model import StdpArgs
from saccade.tasks.place_stdp.config_network import NetworkConfig
from saccade.tasks.place_stdp.fast_device import DeviceGroup, DeviceLearner
from saccade.tasks.place_stdp.fast_reference import learn_plain, respond_plain
from saccade.tasks.place_stdp.network import Network, draw_delays
from saccade.tasks.place_stdp.respond import responses
from saccade.tasks.place_stdp.spikes import Raster, poisson_raster

SMALL = NetworkConfig(n_in=12, n_e=7, lockout_ms=20.0)
MS = 25.0  # one block of a lock-out and a part of the next
HAS_TRITON = importlib.util.find_spec("triton") is not None
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"


def modules(count: int, config: NetworkConfig = SMALL) -> list[Network]:
    """Return modules of which many neurons fire, and that have learned different thresholds."""
    rng = np.random.default_rng(3)
    delays = draw_delays(config, rng)
    found = [Network.fresh(config, rng, delays=delays) for _ in range(count)]
    for network in found:
        network.weights *= 40 * 12 / config.n_in
        network.weights.clip(0, 1, out=network.weights)
        network.theta += rng.uniform(-4, 4, config.n_e)
    return found


def image(seed: int, n_in: int = SMALL.n_in, ms: float = MS) -> Raster:
    rng = np.random.default_rng(seed)
    return poisson_raster(rng.uniform(100, 400, n_in), round(ms * 10), 0.1, rng)


def answers_agree(device: str, face: Any, networks: list[Network], images: list[Raster]) -> None:
    """Compare the spikes of all modules for all images."""
    found = DeviceGroup(networks, device, face).counts_of(images)
    expected = [[respond_plain(network, one) for network in networks] for one in images]
    assert found.sum() > 2 * len(networks) * len(images)
    assert np.array_equal(found, expected)


def lessons_agree(
    device: str, face: Any, networks: list[Network], ms: float = MS, turns: int = 2
) -> None:
    """Compare what modules learn from some images each."""
    learner = DeviceLearner(networks, device, face)
    n_in, moved = networks[0].config.n_in, 0.0
    for turn in range(turns):
        learner.normalise(0.9 * n_in)  # weights above 1 are clipped where a neuron learns
        images = [image(10 * turn + m, n_in, ms) for m in range(len(networks))]
        before = learner.networks()
        counts = learner.show(images)
        for m, (network, one) in enumerate(zip(before, images, strict=True)):
            expected, learned = learn_plain(network, one)
            assert np.array_equal(counts[m], expected)
            assert np.array_equal(learner.networks()[m].weights, learned.weights)
            assert np.allclose(learner.networks()[m].theta, learned.theta, rtol=0, atol=1e-12)
            moved = max(moved, float(np.abs(learned.weights - network.weights).max()))
    assert moved > 5e-4


def test_plain_torch_answers_as_the_reference() -> None:
    answers_agree("cpu", None, modules(3), [image(0), image(1)])


def test_plain_torch_learns_as_the_reference() -> None:
    lessons_agree("cpu", None, modules(2), ms=70.0)


@pytest.mark.interpreter
@pytest.mark.skipif(not HAS_TRITON, reason="the package triton is not installed")
@pytest.mark.skipif(not INTERPRETED, reason="TRITON_INTERPRET=1 is not set")
def test_interpreted_triton_answers_and_learns_as_the_reference() -> None:
    from saccade.tasks.place_stdp import _fast_triton

    answers_agree("cpu", _fast_triton, modules(2), [image(0), image(1)])
    lessons_agree("cpu", _fast_triton, modules(2), turns=1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device")
def test_on_a_gpu_it_answers_and_learns_as_the_reference() -> None:
    config = NetworkConfig(n_in=60, n_e=150)
    for face in (None, fast_torch):
        answers_agree("cuda", face, modules(9, config), [image(k, 60, 350.0) for k in range(3)])
        lessons_agree("cuda", face, modules(2, config), 130.0)


def test_images_of_different_length_are_refused() -> None:
    with pytest.raises(ShapeError, match="one length"):
        DeviceGroup(modules(1), "cpu").counts_of([image(0), image(1, ms=15.0)])


def test_a_module_needs_an_image_of_its_own() -> None:
    with pytest.raises(ShapeError, match="one for 2 modules"):
        DeviceLearner(modules(2), "cpu").show([image(0)])


def test_silent_images_have_no_spikes() -> None:
    assert DeviceGroup(modules(2), "cpu").counts(Raster.empty(600)).sum() == 0


def test_the_exact_engine_has_no_gpu() -> None:
    with pytest.raises(ConfigError, match="--device cpu"):
        StdpArgs(engine="exact", device="cuda")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_an_absent_gpu_is_named() -> None:
    inputs: Any = None  # not looked at before the device is
    answers = responses(modules(1), inputs, engine="fast", seed=0, images=[0], device="cuda")
    with pytest.raises(DeviceError, match="cuda"):
        next(answers)

"""The fast engine: kernels equal to the reference, and the reference near the exact engine."""

import numpy as np
import pytest
from numpy.typing import NDArray

from saccade.errors import ConfigError, ShapeError
from saccade.tasks.place_stdp.config_network import NetworkConfig
from saccade.tasks.place_stdp.exact import ExactEngine
from saccade.tasks.place_stdp.fast import FastGroup, FastLearner, latency
from saccade.tasks.place_stdp.fast_reference import learn_plain, respond_plain
from saccade.tasks.place_stdp.network import Network, State, draw_delays
from saccade.tasks.place_stdp.spikes import Raster, poisson_raster

CONFIG = NetworkConfig(n_in=60, n_e=21)


def modules(count: int, config: NetworkConfig = CONFIG, seed: int = 0) -> list[Network]:
    """Return modules that fire: weights large enough for so few inputs."""
    rng = np.random.default_rng(seed)
    delays = draw_delays(config, rng)
    found = [Network.fresh(config, rng, delays=delays) for _ in range(count)]
    for network in found:
        network.weights *= 6
    return found


def image(seed: int, ms: float = 350.0, n_in: int = 60) -> Raster:
    rng = np.random.default_rng(seed)
    return poisson_raster(rng.uniform(5, 60, n_in), round(ms * 10), 0.1, rng)


def exact_counts(network: Network, inputs: Raster) -> NDArray[np.int32]:
    engine = ExactEngine(network, State.rest(network.config))
    return engine.run(inputs, learn=False).excitatory.counts(network.config.n_e)


@pytest.mark.parametrize(("count", "ms"), [(1, 350.0), (9, 123.4)])
def test_kernel_and_reference_count_the_same_spikes(count: int, ms: float) -> None:
    networks, inputs = modules(count), image(1, ms)
    found = FastGroup(networks).counts(inputs)
    assert found.sum() > 5 * count
    assert np.array_equal(found, [respond_plain(network, inputs) for network in networks])


def test_learning_kernel_and_reference_agree() -> None:
    (network,) = modules(1)
    learner = FastLearner(network)
    for seed in range(2):
        inputs = image(seed)
        learner.normalise(20.0)
        before = learner.network()
        counts, expected = learn_plain(before, inputs)
        assert np.array_equal(learner.show(inputs), counts)
        assert np.abs(expected.weights - before.weights).max() > 5e-4
        assert np.array_equal(learner.network().weights, expected.weights)
        assert np.allclose(learner.network().theta, expected.theta, rtol=0, atol=1e-12)


def test_it_counts_what_the_exact_engine_counts() -> None:
    networks = modules(3)
    pairs = [
        (FastGroup(networks).counts(image(seed)), [exact_counts(n, image(seed)) for n in networks])
        for seed in range(4)
    ]
    found, expected = (np.concatenate(side).ravel() for side in zip(*pairs, strict=True))
    assert np.corrcoef(found, expected)[0, 1] > 0.99


def test_what_it_learns_is_what_the_exact_engine_learns() -> None:
    (network,) = modules(1)
    fast, exact = FastLearner(network), ExactEngine(network, State.rest(CONFIG))
    for seed in range(6):
        exact = ExactEngine(exact.network(), State.rest(CONFIG))
        for engine in (fast, exact):
            engine.normalise(20.0)
        fast.show(image(seed))
        exact.run(image(seed), learn=True)
    start = network.weights * (20.0 / network.weights.sum(axis=0))
    learned = [engine.network().weights - start for engine in (fast, exact)]
    assert np.corrcoef(learned[0].ravel(), learned[1].ravel())[0, 1] > 0.9
    assert fast.theta.mean() == pytest.approx(exact.theta.mean(), abs=0.05)


def test_silence_stays_silent() -> None:
    (network,) = modules(1)
    assert FastGroup([network]).counts(Raster.empty(3500)).sum() == 0
    learner = FastLearner(network)
    assert learner.show(Raster.empty(3500)).sum() == 0
    assert np.array_equal(learner.network().weights, network.weights.astype(np.float32))


def test_answers_do_not_depend_on_the_modules_beside() -> None:
    networks, inputs = modules(11), image(5)
    together = FastGroup(networks).counts(inputs)
    alone = np.concatenate([FastGroup([network]).counts(inputs) for network in networks])
    assert np.array_equal(together, alone)


def test_latency_is_that_of_the_exact_engine() -> None:
    (network,) = modules(1)
    answer = ExactEngine(network, State.rest(CONFIG)).run(image(2), learn=False)
    inhibitory = {(int(s), int(n)) for s, n in zip(answer.inhibitory.step, answer.inhibitory.neuron,
                                                  strict=True)}  # fmt: skip
    due = {
        (int(s) + latency(CONFIG), int(n))
        for s, n in zip(answer.excitatory.step, answer.excitatory.neuron, strict=True)
        if s + latency(CONFIG) < 3500
    }
    assert due == inhibitory
    assert due


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"reset_per_image": False}, "--engine exact"),
        ({"lockout_ms": 4.0}, "lock-out of 4 ms"),
    ],
)
def test_what_it_cannot_stand_for_is_refused(changes: dict[str, object], text: str) -> None:
    config = NetworkConfig(n_in=4, n_e=2, **changes)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=text):
        FastLearner(Network.fresh(config, np.random.default_rng(0)))


def test_modules_with_other_delays_are_refused() -> None:
    with pytest.raises(ShapeError, match="Module 1 differs"):
        FastGroup([*modules(1, seed=0), *modules(1, seed=1)])


def test_unknown_inputs_are_refused() -> None:
    with pytest.raises(ShapeError, match="inputs 0 to 60"):
        FastGroup(modules(1)).counts(Raster.of([0, 60], [1, 2], 10))

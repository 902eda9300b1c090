"""Modular STDP golden data: whole networks and the learning rule alone, by every engine.

Files are picked by the start of their name and checked by what they store. In float64 every spike
is in its step; weights 1e-12, thresholds 1e-8 V, potentials 1e-7 V.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from modular_stdp_files import cases
from numpy.typing import NDArray

from saccade.tasks.place_stdp.config_network import MODEL, NetworkConfig
from saccade.tasks.place_stdp.equations import PlainEngine
from saccade.tasks.place_stdp.exact import ExactEngine, pair_rule
from saccade.tasks.place_stdp.network import Network
from saccade.tasks.place_stdp.spikes import Raster

VOLT = 1e-3  # of a millivolt
ENGINES = pytest.mark.parametrize("engine", [PlainEngine, ExactEngine], ids=["plain", "numba"])


def by_name(prefix: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", cases(prefix), ids=lambda path: path.stem)


def build(data: Any) -> Network:
    """Return the network of a case, before its first step."""
    is_test = bool(data["test_mode"])
    dt = float(data["dt_ms"])
    delays = data["delay_steps"].astype(np.int16)
    config = NetworkConfig.published(
        n_in=int(data["n_in"]),
        n_e=int(data["n_e"]),
        dt_ms=dt,
        tau_ge_ms=float(data["tc_ge_ms"]),
        tau_gi_ms=float(data["tc_gi_ms"]),
        max_delay_ms=max(int(delays.max()), 1) * dt,
    )
    theta = data["theta0_V"].astype(np.float64) / VOLT
    if is_test and np.allclose(theta, 20 + 0.5 * np.arange(len(theta)), atol=1e-4):
        theta = 20 + 0.5 * np.arange(len(theta))  # what the float32 numbers stand for
    return Network(config, data["w0"].astype(np.float64), delays, theta)


def segments(data: Any) -> list[int]:
    return [round(float(ms) / float(data["dt_ms"])) for ms in data["seg_ms"]]


def spikes_of(rasters: list[Raster], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return step and neuron of all spikes, ordered as the golden lists are."""
    rows = [
        np.column_stack([raster.step + start, raster.neuron])
        for raster, start in zip(rasters, starts, strict=True)
    ]
    found = np.concatenate(rows).astype(np.int64)
    return found[np.lexsort((found[:, 1], found[:, 0]))]


@by_name("net_")
@ENGINES
def test_network_fires_and_learns_as_published(path: Path, engine: Any) -> None:
    data = np.load(path)
    machine = engine(build(data))
    learn = not bool(data["test_mode"])
    raster = Raster.of(data["in_idx"], data["in_step"], sum(segments(data)))
    starts = np.cumsum([0, *segments(data)])
    answers = []
    for k, (low, high) in enumerate(itertools.pairwise(starts)):
        if data["seg_norm"][k]:
            machine.normalise(float(data["norm_target"]))
        answers.append(machine.run(raster.cut(int(low), int(high)), learn=learn))
        weights = machine.network().weights
        assert np.allclose(weights, data["w_after_seg"][k], rtol=0, atol=1e-7)
        counts = answers[-1].excitatory.counts(machine.config.n_e)
        assert (counts == data["counts_per_seg"][k]).all()
    for name, found in (
        ("exc", [answer.excitatory for answer in answers]),
        ("inh", [answer.inhibitory for answer in answers]),
    ):
        expected = np.column_stack([data[f"{name}_spk_step"], data[f"{name}_spk_idx"]])
        assert np.array_equal(spikes_of(found, starts[:-1]), expected)
    assert np.abs(machine.network().weights - data["w_after_seg_f64"]).max() <= 1e-12
    assert np.abs(machine.network().theta * VOLT - data["theta_final_V"]).max() <= 1e-8
    assert np.abs(machine.state.v_e * VOLT - data["v_e_final_V"]).max() <= 1e-7
    assert np.abs(machine.state.v_i * VOLT - data["v_i_final_V"]).max() <= 1e-7


def traces(data: Any) -> dict[str, tuple[int, int]]:
    """Return name -> (steps between samples, number of samples) of the stored traces."""
    stride = int(data["tr_stride"])
    found: dict[str, tuple[int, int]] = {}
    for name in data:
        if name.startswith("full_"):
            found[name] = (1, data[name].shape[1])
        elif re.match(r"tr_(v|g|theta|timer)", name):
            slow = name in ("tr_theta_V", "tr_timer_s")
            found[name] = (stride * (10 if slow else 1), data[name].shape[1])
    return found


@by_name("net_")
def test_traces_of_the_numba_engine(path: Path) -> None:
    data = dict(np.load(path))
    machine = ExactEngine(build(data))
    learn = not bool(data["test_mode"])
    n_steps = sum(segments(data))
    raster = Raster.of(data["in_idx"], data["in_step"], n_steps)
    due = {int(s): bool(f) for s, f in zip(np.cumsum([0, *segments(data)]), data["seg_norm"],
                                           strict=False)}  # fmt: skip
    samples = traces(data)
    for n in range(n_steps):
        if due.get(n):
            machine.normalise(float(data["norm_target"]))
        for name, (every, many) in samples.items():
            if n % every == 0 and n // every < many:
                expected = data[name][:, n // every]
                found = now(machine, name, n)[: len(expected)]
                bound = 1e-7 if name.endswith(("_V", "_s")) else 1e-5
                assert np.abs(found - expected).max() <= bound, (name, n)
        machine.run(raster.cut(n, n + 1), learn=learn)


def now(machine: ExactEngine, name: str, n: int) -> NDArray[np.float64]:
    """Return a quantity at the start of a step."""
    state = machine.state
    quantity = name.removeprefix("tr_").removeprefix("full_")
    if quantity == "timer_s":  # runs at a tenth of the clock
        since = n - np.maximum(state.last_e, state.origin) - 1
        return since * machine.config.dt_ms * 1e-3 * 0.1
    if quantity == "theta_V":
        return machine.network().theta * VOLT
    if quantity.endswith("_V"):
        return getattr(state, quantity.removesuffix("_V")) * VOLT
    return getattr(state, quantity)


@by_name("stdp_")
def test_learning_rule_alone(path: Path) -> None:
    data = np.load(path)
    end = 1 + max(int(data[name].max()) for name in ("pre_step", "post_step", "snapshot_step"))
    found = pair_rule(
        data["w0"],
        data["delay_steps"],
        Raster.of(data["pre_idx"], data["pre_step"], end),
        Raster.of(data["post_idx"], data["post_step"], end),
        dt_ms=float(data["dt_ms"]),
        at=data["snapshot_step"],
        nu_pre=MODEL.nu_pre,
    )
    assert np.abs(found - data["w_snapshots"]).max() <= 1e-12


def test_there_are_cases_of_every_kind() -> None:
    assert all(cases(prefix) for prefix in ("net_", "stdp_"))

"""One module of place recognition in Brian2, written from the model's equations: the rival.

    dv/dt = [(rest - v) + ge (0 - v) + gi (inhibition - v)] / tau, frozen while refractory
    E fires above theta - 72 mV where its timer, which runs at a tenth of the clock, passed 5 ms
    pre   ge += w;  x := 1;  w := clip(w + nu_pre y1)
    post  w := clip(w + nu_post x y2);  y1 := y2 := 1

Its authors wire E to I and I to E with all 160,000 synapses each, most of them 0; here only those
that are not 0 exist, which can only help it. Spikes come from a generator, so that all candidates
see the same ones.
"""

from __future__ import annotations

from typing import Any

import brian2 as b2
import numpy as np
from brian2 import ms, mV, second  # pyright: ignore[reportAttributeAccessIssue]
from numpy.typing import NDArray

from saccade.tasks.place_stdp.config_network import MODEL, NetworkConfig
from saccade.tasks.place_stdp.network import Network
from saccade.tasks.place_stdp.spikes import Raster

__all__ = ["BrianModule"]

EXCITATORY = """
dv/dt = ((rest - v) + ge*(0*mV - v) + gi*(inhibition - v)) / tau : volt (unless refractory)
dge/dt = -ge/tau_ge : 1
dgi/dt = -gi/tau_gi : 1
dtimer/dt = 0.1 : second
"""
INHIBITORY = """
dv/dt = ((rest - v) + ge*(0*mV - v)) / tau : volt (unless refractory)
dge/dt = -ge/tau_ge : 1
"""
PLASTIC = """
w : 1
dx/dt = -x/tau_x : 1 (event-driven)
dy1/dt = -y1/tau_1 : 1 (event-driven)
dy2/dt = -y2/tau_2 : 1 (event-driven)
"""


class BrianModule:
    """A module in Brian2 that starts as published: below rest and locked out.

    Args:
        network: Weights, delays and thresholds.
        learn: Plastic, or as after training.
    """

    def __init__(self, network: Network, *, learn: bool) -> None:
        config = self.config = network.config
        b2.defaultclock.dt = config.dt_ms * ms
        common = {"tau_ge": config.tau_ge_ms * ms}
        decay = "dtheta/dt = -theta/tau_theta : volt" if learn else "theta : volt"
        self.e = b2.NeuronGroup(
            config.n_e,
            EXCITATORY + decay,
            threshold="timer > 5*ms and v > theta + base",
            reset="v = reset_v; timer = 0*ms" + ("; theta += theta_plus" if learn else ""),
            refractory=MODEL.refractory_e_ms * ms,
            method="euler",
            namespace=common
            | {
                "rest": MODEL.rest_e * mV,
                "reset_v": MODEL.reset_e * mV,
                "inhibition": MODEL.reversal_gi_e * mV,
                "tau": MODEL.tau_e_ms * ms,
                "tau_gi": config.tau_gi_ms * ms,
                "tau_theta": MODEL.tau_theta_ms * ms,
                "base": MODEL.threshold_e * mV,
                "theta_plus": MODEL.theta_plus * mV,
            },
        )
        self.i = b2.NeuronGroup(
            config.n_e,
            INHIBITORY,
            threshold="v > bar",
            reset="v = reset_v",
            refractory=MODEL.refractory_i_ms * ms,
            method="euler",
            namespace=common
            | {
                "rest": MODEL.rest_i * mV,
                "reset_v": MODEL.reset_i * mV,
                "tau": MODEL.tau_i_ms * ms,
                "bar": MODEL.threshold_i * mV,
            },
        )
        self.e.v, self.i.v = MODEL.start_e * mV, MODEL.start_i * mV
        self.e.theta = network.theta * mV
        self.x = b2.SpikeGeneratorGroup(config.n_in, [], [] * ms)
        self.synapses = self._synapses(network, config, learn)
        excite = b2.Synapses(self.e, self.i, on_pre=f"ge_post += {MODEL.weight_ei}")
        excite.connect(j="i")
        inhibit = b2.Synapses(self.i, self.e, on_pre=f"gi_post += {MODEL.weight_ie}")
        inhibit.connect(condition="i != j")
        self.spikes = b2.SpikeMonitor(self.e)
        self.net = b2.Network(self.e, self.i, self.x, self.synapses, excite, inhibit, self.spikes)
        self.seen = 0

    def _synapses(self, network: Network, config: NetworkConfig, learn: bool) -> Any:
        pre, post = "ge_post += w", ""
        if learn:
            pre += "\nx = 1\nw = clip(w + nu_pre*y1, 0, 1)"
            post = "w = clip(w + nu_post*x*y2, 0, 1)\ny1 = 1\ny2 = 1"
        synapses = b2.Synapses(
            self.x,
            self.e,
            PLASTIC if learn else "w : 1",
            on_pre=pre,
            on_post=post or None,
            namespace={
                "tau_x": MODEL.tau_pre_ms * ms,
                "tau_1": MODEL.tau_post1_ms * ms,
                "tau_2": MODEL.tau_post2_ms * ms,
                "nu_pre": config.factors().nu_pre,
                "nu_post": MODEL.nu_post,
            },
        )
        synapses.connect()
        synapses.w = network.weights.ravel()
        synapses.pre.delay = network.delays.ravel() * config.dt_ms * ms
        return synapses

    def normalise(self, target: float) -> None:
        """Scale the weights of every neuron to a sum."""
        weights = np.asarray(self.synapses.w).reshape(self.config.n_in, -1)
        self.synapses.w = (weights * (target / weights.sum(axis=0))).ravel()

    def show(self, inputs: Raster) -> Raster:
        """Run the steps of a raster; returns the spikes of E."""
        step_s = self.config.dt_ms * 1e-3
        start = round(float(self.net.t / second) / step_s)
        self.x.set_spikes(inputs.neuron, (start + inputs.step.astype(np.int64)) * step_s * second)
        self.net.run(inputs.n_steps * step_s * second, namespace={})
        neuron, time = (np.asarray(part)[self.seen :] for part in (self.spikes.i, self.spikes.t))
        self.seen += len(neuron)
        step = np.rint(time / step_s).astype(np.int64) - start
        return Raster.of(neuron, step, inputs.n_steps)

    def weights(self) -> NDArray[np.float64]:
        """Return the weights, ``[n_in, n_e]``."""
        return np.asarray(self.synapses.w).reshape(self.config.n_in, -1).copy()

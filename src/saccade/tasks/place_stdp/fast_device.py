"""The fast engine on a device of torch: Triton where it is, plain torch elsewhere.

    for each block of one lock-out:   arrive, advance, and in training learn

`DeviceGroup` answers like `fast.FastGroup`, `DeviceLearner` learns like as many `fast.FastLearner`
as it has modules: same spikes, same weights, held equal by tests (Triton under its interpreter and,
where there is one, on a GPU). On the CPU the compiled loops of `fast` are the faster choice. The
speed on a GPU has not been measured.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saccade.errors import ShapeError
from saccade.tasks.place_stdp import fast_torch
from saccade.tasks.place_stdp.config_network import MODEL
from saccade.tasks.place_stdp.equations import check_inputs
from saccade.tasks.place_stdp.fast import FastSteps, same_delays, trace_tables
from saccade.tasks.place_stdp.fast_torch import NEVER, Past, Spikes, State
from saccade.tasks.place_stdp.network import Network
from saccade.tasks.place_stdp.spikes import Raster

__all__ = ["DeviceGroup", "DeviceLearner", "face_of"]


def face_of(device: torch.device) -> Any:
    """Return the functions that run a block: `_fast_triton` on a GPU with Triton."""
    if device.type == "cuda" and importlib.util.find_spec("triton") is not None:
        from saccade.tasks.place_stdp import _fast_triton

        return _fast_triton
    return fast_torch


class _Modules:
    """Weights and delays of some modules on a device.

    Args:
        networks: Modules of one configuration with equal delays.
        device: Where they are.
        face: Functions that run a block; those of the device without.
    """

    def __init__(
        self, networks: Sequence[Network], device: str | torch.device, face: Any = None
    ) -> None:
        same_delays(networks)
        self.config, self.modules = networks[0].config, len(networks)
        self.steps = FastSteps.of(self.config)
        self.device = torch.device(device)
        self.face = face_of(self.device) if face is None else face
        weights = np.stack([network.weights for network in networks]).astype(np.float32)
        self.weights = torch.from_numpy(weights).to(self.device)
        self._delays = torch.from_numpy(networks[0].delays.astype(np.int32)).to(self.device)
        theta = np.stack([network.theta for network in networks])
        self.theta = torch.from_numpy(theta).to(self.device)

    def _pairs(self, module: NDArray[Any], image: NDArray[Any]) -> State:
        """Return neurons at rest for pairs of a module and an image."""
        s, pairs, n_e = self.steps, len(module), self.config.n_e

        def new(*shape: int, value: float = 0, dtype: torch.dtype = torch.float32) -> Tensor:
            return torch.full(shape, value, dtype=dtype, device=self.device)

        whose = self._put(module)
        ring = 1 << s.latency.bit_length()
        return State(
            module=whose,
            image=self._put(image),
            arrivals=new(pairs, s.block + s.slots, n_e),
            v=new(pairs, n_e, value=MODEL.rest_e),
            ge=new(pairs, n_e),
            bar=(self.theta + MODEL.threshold_e).float()[whose.long()],
            fired=new(pairs, n_e, value=NEVER, dtype=torch.int32),
            counts=new(pairs, n_e, dtype=torch.int32),
            gi=new(pairs),
            pending=new(pairs, ring),
        )

    def _spikes(self, rasters: Sequence[Raster]) -> Spikes:
        for raster in rasters:
            check_inputs(raster, self.config.n_in)
        n_steps = rasters[0].n_steps
        if any(raster.n_steps != n_steps for raster in rasters):
            raise ShapeError(
                f"Images of {sorted({raster.n_steps for raster in rasters})} steps.",
                "Expected images of one length.",
            )
        starts = np.arange(0, n_steps + self.steps.block, self.steps.block)
        first = np.cumsum([0, *(len(raster) for raster in rasters)])
        bounds = [a + np.searchsorted(r.step, starts) for a, r in zip(first, rasters, strict=False)]
        neuron, step = (
            np.concatenate([getattr(r, k) for r in rasters]) for k in ("neuron", "step")
        )
        return Spikes(self._put(neuron), self._put(step), self._put(np.stack(bounds)))

    def _block(self, state: State, spikes: Spikes, block: int, n_steps: int) -> tuple[int, int]:
        """Run a block without learning; returns its first step and the step after it."""
        s = self.steps
        start, stop = block * s.block, min((block + 1) * s.block, n_steps)
        if block:
            state.arrivals[:, : s.slots] = state.arrivals[:, s.block :].clone()
            state.arrivals[:, s.slots :] = 0
        self.face.arrive(state, spikes, self.weights, self._delays, block, s)
        self.face.advance(state, start, stop - start, s)
        return start, stop

    def _put(self, values: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values, np.int32)).to(self.device)


class DeviceGroup(_Modules):
    """Trained modules with common delays on a device, ready to be shown images.

    Args:
        networks: One or more modules of one configuration with equal delays.
        device: ``"cpu"``, ``"cuda"`` ...

    Raises:
        ConfigError: The configuration needs the exact engine.
        ShapeError: Configurations or delays differ.

    Examples:
        >>> from saccade.tasks.place_stdp.config_network import NetworkConfig
        >>> config = NetworkConfig(n_in=4, n_e=2, max_delay_ms=1.0)
        >>> group = DeviceGroup([Network.fresh(config, np.random.default_rng(0))], "cpu")
        >>> inputs = Raster.of([0, 1, 2, 3] * 100, np.repeat(np.arange(100) * 4, 4), 400)
        >>> group.counts(inputs).shape
        (1, 2)
    """

    def counts(self, inputs: Raster) -> NDArray[np.int32]:
        """Return the spikes of every neuron for one image, int32 ``[modules, n_e]``.

        Raises:
            ShapeError: An input does not exist.
        """
        return self.counts_of([inputs])[0]

    def counts_of(self, rasters: Sequence[Raster]) -> NDArray[np.int32]:
        """Return the spikes for some images of one length, int32 ``[images, modules, n_e]``.

        A pair of a module and an image takes 4 n_e bytes for each of about 600 steps: 1 MB.

        Raises:
            ShapeError: An input does not exist, or images differ in length.
        """
        images = len(rasters)
        module = np.repeat(np.arange(self.modules), images)
        state = self._pairs(module, np.tile(np.arange(images), self.modules))
        spikes, n_steps = self._spikes(rasters), rasters[0].n_steps
        for block in range(spikes.bounds.shape[1] - 1):
            self._block(state, spikes, block, n_steps)
        counts = state.counts.cpu().numpy().reshape(self.modules, images, -1)
        return np.ascontiguousarray(counts.transpose(1, 0, 2))


class DeviceLearner(_Modules):
    """Modules that learn side by side, each from images of its own.

    Args:
        networks: Where they begin: modules of one configuration with equal delays.
        device: ``"cpu"``, ``"cuda"`` ...

    Raises:
        ConfigError: The configuration needs the exact engine.
        ShapeError: Configurations or delays differ.
    """

    def __init__(
        self, networks: Sequence[Network], device: str | torch.device, face: Any = None
    ) -> None:
        super().__init__(networks, device, face)
        tables = trace_tables(self.config.dt_ms)
        x, y1, y2 = (torch.from_numpy(table).to(self.device) for table in tables)
        self._decays = (x, y1, y2)

    def networks(self) -> list[Network]:
        """Return the modules as they are now."""
        delays = self._delays.cpu().numpy().astype(np.int16)
        weights = self.weights.cpu().numpy().astype(np.float64)
        theta = self.theta.cpu().numpy()
        return [
            Network(self.config, w, delays.copy(), t.copy())
            for w, t in zip(weights, theta, strict=True)
        ]

    def normalise(self, target: float) -> None:
        """Scale the weights of every neuron to a sum; nothing is clipped."""
        total = self.weights.sum(1, keepdim=True, dtype=torch.float64)
        scale = torch.where(total != 0, target / total, 1.0)
        self.weights.mul_(scale.float())

    def show(self, rasters: Sequence[Raster]) -> NDArray[np.int32]:
        """Learn from one image a module; returns the spikes of every neuron, ``[modules, n_e]``.

        Args:
            rasters: As many as there are modules, of one length.

        Raises:
            ShapeError: Their number or lengths do not fit, or an input does not exist.
        """
        if len(rasters) != self.modules:
            raise ShapeError(f"{len(rasters)} images.", f"Expected one for {self.modules} modules.")
        each, factors = np.arange(self.modules), self.config.factors()
        state, n_steps = self._pairs(each, each), rasters[0].n_steps
        spikes, sorted_by_input = self._spikes(rasters), _by_input(rasters, self.config.n_in)
        for block in range(spikes.bounds.shape[1] - 1):
            before, known = state.fired.clone(), state.counts.clone()
            start, stop = self._block(state, spikes, block, n_steps)
            self.theta.add_((state.counts - known).double(), alpha=MODEL.theta_plus)
            state.bar = (self.theta + MODEL.threshold_e).float()
            self.face.learn(
                self.weights, self._delays, self._past(sorted_by_input, stop), state.fired, before,
                (start, stop), factors.nu_pre, self._decays,
            )  # fmt: skip
        self.theta.mul_((1.0 - factors.step_theta) ** n_steps)
        return state.counts.cpu().numpy()

    def _past(self, spikes: tuple[NDArray[Any], ...], stop: int) -> Past:
        step, begin = spikes
        gone = np.concatenate([[0], np.cumsum(step < stop)])
        ends = np.append(begin.ravel()[1:], len(step))
        passed = begin + (gone[ends] - gone[begin.ravel()]).reshape(begin.shape)
        longest = int((passed - begin).max(initial=0))
        return Past(self._put(step), self._put(begin), self._put(passed), longest)


def _by_input(rasters: Sequence[Raster], n_in: int) -> tuple[NDArray[Any], ...]:
    """Sort spikes by image, then input: their steps, and where those of each input begin."""
    key = np.concatenate([raster.neuron + k * n_in for k, raster in enumerate(rasters)])
    step = np.concatenate([raster.step for raster in rasters])
    order = np.argsort(key, kind="stable")
    begin = np.searchsorted(key[order], np.arange(len(rasters) * n_in))
    return step[order], begin.reshape(len(rasters), n_in)

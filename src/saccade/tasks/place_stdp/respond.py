"""Trained modules are shown images: what every neuron answers, with either engine.

All modules of a member see the same input spikes of an image, so that one image is drawn once and
eight modules run side by side. Images begin from rest; only the published protocol
(``carry_state``, ``compat="vprsnn"``) carries the state of the neurons from image to image, and the
answer to an image then depends on the image before (defect 7).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from saccade.engine.device import pick_device
from saccade.engine.seed import numpy_rng
from saccade.tasks.place_stdp.exact import ExactEngine
from saccade.tasks.place_stdp.fast import FastGroup
from saccade.tasks.place_stdp.inputs import StoredInputs
from saccade.tasks.place_stdp.network import Network, State
from saccade.tasks.place_stdp.spikes import Raster

if TYPE_CHECKING:
    from saccade.tasks.place_stdp.fast_device import DeviceGroup

__all__ = ["Device", "Engine", "responses"]

Engine = Literal["fast", "exact"]
Device = Literal["auto", "cpu", "cuda"]


def responses(
    networks: Sequence[Network],
    inputs: StoredInputs,
    *,
    engine: Engine,
    seed: int,
    images: Sequence[int] | None = None,
    device: Device = "auto",
) -> Iterator[NDArray[np.int32]]:
    """Yield the spikes of every neuron for one image after the other.

    Args:
        networks: Modules of one member.
        inputs: The images.
        engine: ``"fast"`` or ``"exact"``.
        seed: Of the member; with the name of the images it seeds the input spikes.
        images: Which ones; all without.
        device: Where the fast engine runs; auto: a GPU where there is one, with Triton.

    Yields:
        int32 ``[modules, n_e]``.

    Raises:
        DeviceError: ``"cuda"`` is wanted and absent.
    """
    config = networks[0].config
    chosen = range(len(inputs)) if images is None else images
    machines = _Exact(networks) if engine == "exact" else _fast(networks, device)
    for k in chosen:
        rng = numpy_rng(seed, f"{inputs.path.name} {k}")
        yield machines.counts(inputs.raster(k, config, rng))


def _fast(networks: Sequence[Network], device: Device) -> FastGroup | DeviceGroup:
    wanted = device
    if device == "auto" and importlib.util.find_spec("triton") is not None:
        import torch

        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    if wanted != "cuda":
        return FastGroup(networks)
    from saccade.tasks.place_stdp.fast_device import DeviceGroup

    return DeviceGroup(networks, pick_device("cuda"))


class _Exact:
    """Modules side by side in the exact engine, with or without a state that is carried along."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._config = networks[0].config
        self._machines = [ExactEngine(network) for network in networks]
        if not self._config.reset_per_image and self._config.start_ms:
            self._all(Raster.empty(self._config.steps(self._config.start_ms)))
        self._owed = np.zeros((len(networks), self._config.n_e), np.int32)

    def counts(self, inputs: Raster) -> NDArray[np.int32]:
        """Return the spikes of every neuron, int32 ``[modules, n_e]``."""
        if self._config.reset_per_image:
            for machine in self._machines:
                machine.state = State.rest(self._config)
            return self._all(inputs)
        found = self._all(inputs) + self._owed
        self._owed = self._all(Raster.empty(self._config.steps(self._config.rest_ms)))
        return found

    def _all(self, inputs: Raster) -> NDArray[np.int32]:
        n_e = self._config.n_e
        return np.stack(
            [machine.run(inputs, learn=False).excitatory.counts(n_e) for machine in self._machines]
        )

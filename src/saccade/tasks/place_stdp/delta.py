"""Place recognition by the delta rule: modules of two layers, collapsed into one matrix.

    training   x --W_f--> y_f = clip(W_f x - theta_f) --W_o--> y_o = clip(W_o y_f - theta_o)
    a query    scores = C x,    C = W_o W_f of each module, one below the other    [places, N]

Queries meet neither thresholds nor limits, as published, so that a trained network is one matrix.
Training is a fixed list of steps; the random numbers of an epoch come from a generator of its own,
named by seed, module, layer and epoch. A model that was stopped anywhere and restored from `state`
goes on to the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.contracts import Progress
from saccade.engine.seed import numpy_rng
from saccade.errors import CheckpointError, ConfigError, listing
from saccade.tasks.place_stdp.config_delta import DeltaConfig
from saccade.tasks.place_stdp.delta_images import as_inputs
from saccade.tasks.place_stdp.delta_layer import DeltaLayer, draw_layer
from saccade.tasks.place_stdp.delta_rule import QUIRKS
from saccade.tasks.place_stdp.delta_training import Lessons, teach

__all__ = ["DeltaModel", "DeltaModule"]

Floats = NDArray[np.float32]

_LEARNT = ("weights", "signs", "thresholds")


@dataclass(frozen=True, eq=False)
class DeltaModule:
    """The network of some consecutive places.

    Args:
        first: Number of its first place.
        feature: Inputs to features.
        output: Features to places.
    """

    first: int
    feature: DeltaLayer
    output: DeltaLayer

    @property
    def places(self) -> range:
        """Numbers of its places."""
        return range(self.first, self.first + len(self.output.weights))


class DeltaModel:
    """A network that says for each of a number of places how much an image looks like it.

    Args:
        inputs: Values of an image, N.
        places: Number of places; any number, the last module holds what is left over.
        config: Settings.

    Raises:
        ConfigError: There is no input or no place.

    Examples:
        >>> images = np.random.default_rng(0).random((6, 5, 5))
        >>> model = DeltaModel(inputs=25, places=6, config=DeltaConfig(max_module=4, epochs=20))
        >>> [len(module.places) for module in model.modules]
        [4, 2]
        >>> model.train(images, labels=range(6))
        0
        >>> model.scores(images).argmax(axis=1).tolist()
        [0, 1, 2, 3, 4, 5]
    """

    def __init__(self, inputs: int, places: int, config: DeltaConfig | None = None) -> None:
        for name, value in (("inputs", inputs), ("places", places)):
            if value < 1:
                raise ConfigError(f"{name} is {value:,}.", "Expected 1 or more.")
        self.inputs, self.places = inputs, places
        self.config = config or DeltaConfig()
        starts = range(0, places, self.config.max_module)
        self.modules = tuple(self._draw(number, first) for number, first in enumerate(starts))
        self.steps_done = 0
        self._collapsed: Floats | None = None

    def _draw(self, number: int, first: int) -> DeltaModule:
        cfg = self.config
        places = min(cfg.max_module, self.places - first)
        features, rate = cfg.features(self.inputs), cfg.output_rate
        rng = numpy_rng(cfg.seed, f"weights of module {number}")
        last = QUIRKS[cfg.compat].norm_of_last_neuron
        return DeltaModule(
            first,
            draw_layer(
                *(features, self.inputs, cfg.feature_connected),
                *(cfg.feature_threshold, cfg.feature_rates, rng),
                norm_of_last=last,
            ),
            draw_layer(
                *(places, features, cfg.output_connected),
                *(cfg.output_threshold, (rate, rate), rng),
                norm_of_last=last,
            ),
        )

    def train(
        self,
        images: ArrayLike,
        labels: ArrayLike,
        *,
        steps: int | None = None,
        threads: int | None = None,
        tell: Progress | None = None,
    ) -> int:
        """Train, or go on with training; call it again with the same images until 0 is left.

        A step shows one image to one layer. Each module learns its feature layer first, then its
        output layer, from the images of its own places, each epoch in a new order.

        Args:
            images: uint8 (0 to 255) or float (0 to 1), ``[P, N]`` or ``[P, H, W]`` with N = H W.
            labels: Integers ``[P]``: the place of each image. Places may have several images.
            steps: Most steps in this call (default: all that are left).
            threads: How many work at the same time (default: as many as there are cores).
            tell: Called with (steps done, steps in all).

        Returns:
            Number of steps left.

        Raises:
            ShapeError: Images and labels do not fit the model or each other.
            DataError: Values outside their range, a place without an image, other images than
                training began with.
        """
        inputs = as_inputs(images, self.inputs, self.config.compat)
        lessons = Lessons.of(self, inputs, labels, np.shape(images))
        self._collapsed = None
        return teach(self, lessons, steps=steps, threads=threads, tell=tell)

    def collapse(self) -> Floats:
        """Return the matrix C of all queries, float32 ``[places, N]``."""
        if self._collapsed is None:
            parts = [module.output.weights @ module.feature.weights for module in self.modules]
            self._collapsed = np.concatenate(parts)
        return self._collapsed

    def scores(self, queries: ArrayLike) -> Floats:
        """Return how much each query looks like each place: S = X C^T.

        Args:
            queries: As images of `train`, any number Q.

        Returns:
            float32 ``[Q, places]``, without a unit, larger = more alike.

        Raises:
            ShapeError: The queries do not have N values each.
            DataError: Values outside their range.
        """
        return as_inputs(queries, self.inputs, self.config.compat) @ self.collapse().T

    def state(self) -> dict[str, NDArray[Any]]:
        """Return copies of all arrays that training changes, and how many steps were done.

        Examples:
            >>> sorted(DeltaModel(4, 2).state())[:3]
            ['module0.feature.signs', 'module0.feature.thresholds', 'module0.feature.weights']
        """
        arrays = {name: array.copy() for name, array in self._arrays().items()}
        return {**arrays, "steps_done": np.array(self.steps_done, np.int64)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `state` returned for a model of the same sizes and settings.

        Raises:
            CheckpointError: Arrays are missing, too many, or of another shape or type.

        Examples:
            >>> one, other = DeltaModel(4, 2), DeltaModel(4, 2, DeltaConfig(seed=1))
            >>> other.restore(one.state())
            >>> bool((other.collapse() == one.collapse()).all())
            True
        """
        mine = {**self._arrays(), "steps_done": np.array(0, np.int64)}
        if state.keys() != mine.keys():
            odd = sorted(state.keys() ^ mine.keys())
            raise CheckpointError(
                f"Arrays missing or too many: {listing(odd)}.",
                f"Expected those of {len(self.modules)} modules.",
            )
        for name, array in mine.items():
            found = np.asarray(state[name])
            if (found.shape, found.dtype) != (array.shape, array.dtype):
                raise CheckpointError(
                    f"{name} is {found.dtype} {list(found.shape)}.",
                    f"Expected {array.dtype} {list(array.shape)}.",
                )
        for name, array in mine.items():
            array[...] = state[name]
        self.steps_done = int(mine["steps_done"])
        self._collapsed = None

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {
            f"module{number}.{layer}.{part}": getattr(getattr(module, layer), part)
            for number, module in enumerate(self.modules)
            for layer in ("feature", "output")
            for part in _LEARNT
        }

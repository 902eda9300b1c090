"""The delta rule on receptive fields: many small experts, each of which knows all places.

    field m    x = inputs of the field, mean 0, length 1; less the mean over the references, and
               scaled to mean power 1
    training   y = W x,  W <- (1 - eta lambda B / d) W + eta sum_(B images) (onehot - y) x^T
    answer     h = W' x, rows of W' of length 1; the largest over shifts of the query
    adaptation z = (h - mean) / deviation, over the places, then of each neuron over the queries
    vote       S(q, place) = sum over fields of max(z - threshold, 0)

One output neuron a place and the delta rule are VPRTempo's; what is new is that a field sees a part
of the image only, so that a change of light, season or traffic in one part spoils some votes, not
all, and that each neuron adapts to what it usually gives. The fixed point of the rule is ridge
regression of the places on the field, with lambda in mean powers of an input.

Reference:
    A. D. Hines et al., "VPRTempo: A fast temporally encoded spiking neural network for visual place
    recognition", ICRA 2024.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.contracts import Progress
from saccade.engine.seed import numpy_rng
from saccade.errors import CheckpointError, DataError, ShapeError
from saccade.retrieval import standardised
from saccade.tasks.place_stdp.config_fields import FieldConfig

__all__ = ["FieldModel", "graded"]

Floats = NDArray[np.float32]

_SPAN = 2.2
"""Inputs from -span to span have graded levels of their own."""
_EPSILON = np.float32(1e-9)


class FieldModel:
    """Receptive fields over a grid of inputs, each with a neuron for every place.

    Args:
        shape: Planes, rows and columns of the inputs.
        places: Number of places R.
        config: Settings.
        seed: Of fields, start weights and order.
        limit: Value of an input at full scale: byte 255 is +limit, 0 is -limit.

    Raises:
        ShapeError: A field is larger than the grid.

    Examples:
        >>> images = np.random.default_rng(0).integers(0, 256, (5, 80), np.uint8)
        >>> model = FieldModel((1, 8, 10), 5, FieldConfig(fields=9, field_size="5x5"), seed=0)
        >>> model.train(images, np.arange(5))
        0
        >>> model.scores(images).argmax(axis=1).tolist()
        [0, 1, 2, 3, 4]
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        places: int,
        config: FieldConfig,
        *,
        seed: int,
        limit: float = 1.0,
    ) -> None:
        self.shape, self.places, self.config, self.seed = shape, places, config, seed
        self.limit = limit
        self.fields = _draw_fields(shape, config, numpy_rng(seed, "fields"))
        size = self.fields.shape[1] * config.levels
        rng = numpy_rng(seed, "field weights")
        start = rng.standard_normal((config.fields, places, size), np.float32)
        self.weights = start * np.float32(0.01 / size**0.5)
        self.mean = np.zeros((config.fields, 1, size), np.float32)
        self.scale = np.ones((config.fields, 1, 1), np.float32)
        self.usual = np.zeros((2, config.fields, places), np.float32)
        self.usual[1] = 1
        self.epochs_done = 0

    def train(
        self,
        images: NDArray[np.uint8],
        labels: NDArray[np.int64],
        *,
        epochs: int | None = None,
        tell: Progress | None = None,
    ) -> int:
        """Train, or go on with training; call it again until 0 is left.

        Args:
            images: uint8 ``[P, planes h w]``.
            labels: Place of each image ``[P]``, every place at least once.
            epochs: Most epochs in this call.
            tell: Called with epochs done and in all.

        Returns:
            Epochs left.

        Raises:
            ShapeError: Images and labels do not fit the model or each other.
            DataError: A place has no image.
        """
        self._check(images, labels)
        x = np.stack([self._coded(images, field) for field in self.fields])
        if self.epochs_done == 0:
            self.mean = x.mean(axis=1, keepdims=True)
        x -= self.mean
        if self.epochs_done == 0:
            power = np.sqrt(np.einsum("mnd,mnd->m", x, x) / len(images))
            self.scale = (1 / np.maximum(power, _EPSILON)).astype(np.float32)[:, None, None]
        x *= self.scale
        cfg = self.config
        last = cfg.field_epochs if epochs is None else self.epochs_done + epochs
        last = min(last, cfg.field_epochs)
        if cfg.templates:
            self.weights[:] = 0
            for k, label in enumerate(labels):
                self.weights[:, label] += x[:, k]
            self.epochs_done = last = cfg.field_epochs
        for epoch in range(self.epochs_done, last):
            self._epoch(x, labels, epoch)
            self.epochs_done = epoch + 1
            if tell is not None:
                tell(self.epochs_done, cfg.field_epochs)
        if self.epochs_done == cfg.field_epochs:
            self._finish(images)
        return cfg.field_epochs - self.epochs_done

    def answers(self, queries: NDArray[np.uint8]) -> Iterator[Floats]:
        """Yield what the neurons of each field give, float32 ``[Q, R]``.

        Args:
            queries: uint8 ``[Q, planes h w]``.
        """
        step = self.config.jitter
        moves = [(a, b) for a in range(-step, step + 1) for b in range(-step, step + 1)]
        for m in range(self.config.fields):
            best: Floats | None = None
            for move in moves:
                x = self._coded(queries, self._moved(self.fields[m], *move))
                part = (x - self.mean[m]) @ self.weights[m].T
                best = part if best is None else np.maximum(best, part)
            assert best is not None
            yield best

    def scores(self, queries: NDArray[np.uint8]) -> Floats:
        """Return the votes of all fields, float32 ``[Q, R]``, larger = more alike.

        With ``adapt="queries"`` scores of a place are standardised over the queries at the end,
        so all queries of a traverse are to be given at once.

        Args:
            queries: uint8 ``[Q, planes h w]``.

        Raises:
            ShapeError: The queries have another number of inputs.
        """
        self._check_inputs(queries)
        cfg = self.config
        own = cfg.adapt == "queries" and len(queries) > 1
        votes = np.zeros((len(queries), self.places), np.float32)
        for m, found in enumerate(self.answers(queries)):
            z = standardised(found, 1)
            usual, spread = self.usual[:, m]
            z = standardised(z, 0) if own else (z - usual) / spread
            votes += np.maximum(z - np.float32(cfg.threshold), 0)
        return standardised(votes, 0) if own else votes

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all that training changes, as arrays."""
        return {
            "field_weights": self.weights,
            "field_mean": self.mean,
            "field_scale": self.scale,
            "field_usual": self.usual,
            "field_epochs": np.array(self.epochs_done),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `state` returned for a model of the same sizes.

        Raises:
            CheckpointError: Arrays are missing or of another shape.
        """
        for name, mine in self.state().items():
            if name not in state or state[name].shape != mine.shape:
                found = list(state[name].shape) if name in state else "nothing"
                raise CheckpointError(f"{name}: {found}.", f"Expected {list(mine.shape)}.")
        self.weights, self.mean = np.array(state["field_weights"]), np.array(state["field_mean"])
        self.scale, self.usual = np.array(state["field_scale"]), np.array(state["field_usual"])
        self.epochs_done = int(state["field_epochs"])

    def _epoch(self, x: Floats, labels: NDArray[np.int64], epoch: int) -> None:
        cfg, size = self.config, x.shape[2]
        order = numpy_rng(self.seed, f"field order {epoch}").permutation(len(labels))
        batches = -(-len(labels) // cfg.batch)
        decay = np.geomspace(cfg.decay, cfg.decay_to or cfg.decay, cfg.fields) if cfg.decay else 0
        decay = np.broadcast_to(np.float32(decay), (cfg.fields,))[:, None, None]
        for number in range(batches):
            rows = order[number * cfg.batch : (number + 1) * cfg.batch]
            done = (epoch * batches + number) / (cfg.field_epochs * batches)
            eta = np.float32(cfg.field_eta * (1 - done))
            part = x[:, rows]
            error = -(part @ self.weights.transpose(0, 2, 1))
            error[:, np.arange(len(rows)), labels[rows]] += 1
            self.weights *= 1 - eta * decay * np.float32(len(rows) / size)
            self.weights += eta * (error.transpose(0, 2, 1) @ part)

    def _finish(self, images: NDArray[np.uint8]) -> None:
        """Bring rows to length 1 and keep what neurons usually give to the references."""
        length = np.linalg.norm(self.weights, axis=2, keepdims=True)
        self.weights /= np.maximum(length, _EPSILON)
        for m, found in enumerate(self.answers(images)):
            z = standardised(found, 1)
            self.usual[0, m], self.usual[1, m] = z.mean(axis=0), z.std(axis=0) + _EPSILON

    def _coded(self, images: NDArray[np.uint8], field: NDArray[np.int64]) -> Floats:
        """Return the inputs of a field, coded, of mean 0 and length 1: float32 ``[n, d]``."""
        values = images[:, field].astype(np.float32) * np.float32(2 / 255) - 1
        x = graded(values * np.float32(self.limit), self.config.levels)
        x = x.reshape(len(images), -1)
        x -= x.mean(axis=1, keepdims=True)
        return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), np.float32(1e-6))

    def _moved(self, field: NDArray[np.int64], down: int, right: int) -> NDArray[np.int64]:
        """Return the inputs some pixels from those of a field; beyond the border the last ones."""
        plane, row, column = np.unravel_index(field, self.shape)
        row = np.clip(row + down, 0, self.shape[1] - 1)
        column = np.clip(column + right, 0, self.shape[2] - 1)
        return np.ravel_multi_index((plane, row, column), self.shape)

    def _check(self, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
        self._check_inputs(images)
        if labels.shape != (len(images),):
            raise ShapeError(f"{len(images):,} images, labels {list(labels.shape)}.")
        known = np.zeros(self.places, np.bool_)
        known[labels] = True
        if not known.all():
            raise DataError(
                f"Place {int(np.argmin(known)):,} has no image.", "Expected one for every place."
            )

    def _check_inputs(self, images: NDArray[np.uint8]) -> None:
        inputs = int(np.prod(self.shape))
        if images.ndim != 2 or images.shape[1] != inputs:
            raise ShapeError(f"Inputs of shape {list(images.shape)}.", f"Expected [n, {inputs:,}].")


def graded(values: Floats, levels: int) -> Floats:
    """Code values by how far they exceed each of some levels, -1 to 1, ``[..., levels]``.

    Examples:
        >>> graded(np.float32([-5, 0, 5]), 2).tolist()
        [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0]]
    """
    if levels == 1:
        return values[..., None]
    centres = np.linspace(-_SPAN, _SPAN, levels, dtype=np.float32)
    step = centres[1] - centres[0]
    return np.clip((values[..., None] - centres) / step + np.float32(0.5), 0, 1) * 2 - 1


def _draw_fields(
    shape: tuple[int, int, int], config: FieldConfig, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the inputs of each field, int64 ``[M, d]``; a field has all planes of its pixels."""
    planes, height, width = shape
    grid = np.arange(planes * height * width).reshape(shape)
    if config.scattered:
        if config.scattered > height * width:
            raise ShapeError(
                f"--scattered {config.scattered} of {height * width} pixels.",
                "Expected no more than there are.",
            )
        flat = grid.reshape(planes, -1)
        chosen = [
            np.sort(rng.permutation(height * width)[: config.scattered])
            for _ in range(config.fields)
        ]
        return np.stack([flat[:, which].ravel() for which in chosen])
    rows, columns = config.rectangle()
    if rows > height or columns > width:
        raise ShapeError(
            f"Fields of {config.field_size} on a grid of {width}x{height}.",
            "Expected fields that fit.",
            "Give a smaller --field-size or a larger --grid.",
        )
    tops = rng.integers(0, height - rows + 1, config.fields)
    lefts = rng.integers(0, width - columns + 1, config.fields)
    return np.stack(
        [
            grid[:, top : top + rows, left : left + columns].ravel()
            for top, left in zip(tops, lefts, strict=True)
        ]
    )

"""The course of training: which image each layer of each module sees at which step.

    module 0: feature layer, epochs x images steps; output layer, as many; module 1: ...

The feature layer no longer changes when the output layer learns, so the activity of features is
computed once for all epochs (once for each, where images are disturbed at random).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.contracts import Progress
from saccade.engine.seed import numpy_rng
from saccade.errors import ConfigError, DataError, ShapeError, listing
from saccade.tasks.place_stdp.config_delta import DeltaConfig
from saccade.tasks.place_stdp.delta_images import disturbed
from saccade.tasks.place_stdp.delta_kernels import learn
from saccade.tasks.place_stdp.delta_rule import feature_rule, learning_rates, output_rule

if TYPE_CHECKING:
    from saccade.tasks.place_stdp.delta import DeltaModel

__all__ = ["Epoch", "Lessons", "epoch_rng", "epochs_of", "teach"]

Floats = NDArray[np.float32]
Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Lessons:
    """Training images, sorted by module.

    Args:
        inputs: For each module float32 ``[P_m, N]``.
        targets: For each module int64 ``[P_m]``, number of the place within the module.
        shape: Of the images as they were given.
    """

    inputs: tuple[Floats, ...]
    targets: tuple[Index, ...]
    shape: tuple[int, ...]

    @classmethod
    def of(
        cls, model: DeltaModel, inputs: Floats, labels: ArrayLike, shape: tuple[int, ...]
    ) -> Lessons:
        """Sort images by module.

        Raises:
            ShapeError: Not one label for each image.
            DataError: Labels are no places of the model, or a place has no image.
        """
        places = np.asarray(labels)
        if places.shape != (len(inputs),):
            raise ShapeError(
                f"{len(inputs):,} images and labels {places.shape}.",
                "Expected the place of each image, [P].",
            )
        if places.dtype.kind not in "iu":
            raise DataError(f"Labels hold {places.dtype} values.", "Expected integers.")
        outside = (places < 0) | (places >= model.places)
        if outside.any():
            raise DataError(
                f"Image {int(outside.argmax()):,} shows place {places[outside][0]:,}.",
                f"Expected 0 to {model.places - 1:,}.",
            )
        missing = np.setdiff1d(np.arange(model.places), places)
        if len(missing):
            raise DataError(
                f"Places without an image: {listing(missing.tolist())}.",
                "Expected at least one image of each.",
            )
        here = [np.flatnonzero(np.isin(places, module.places)) for module in model.modules]
        return cls(
            tuple(np.ascontiguousarray(inputs[some]) for some in here),
            tuple(
                places[some].astype(np.int64) - module.first
                for some, module in zip(here, model.modules, strict=True)
            ),
            shape,
        )

    def steps(self, epochs: int) -> int:
        """Return the number of steps of the whole training."""
        return 2 * epochs * sum(len(images) for images in self.inputs)


class Epoch(NamedTuple):
    """One layer sees the images of its module once.

    Args:
        module: Number of the module.
        supervised: The output layer.
        number: Epoch of this layer.
        first: Its first step, counted over the whole training.
        images: Number of images, which is the number of steps.
    """

    module: int
    supervised: bool
    number: int
    first: int
    images: int


def epochs_of(lessons: Lessons, epochs: int) -> Iterator[Epoch]:
    """Yield all epochs of a training in their order."""
    first = 0
    for module, inputs in enumerate(lessons.inputs):
        for supervised in (False, True):
            for number in range(epochs):
                yield Epoch(module, supervised, number, first, len(inputs))
                first += len(inputs)


def teach(
    model: DeltaModel,
    lessons: Lessons,
    *,
    steps: int | None = None,
    threads: int | None = None,
    tell: Progress | None = None,
) -> int:
    """Train a model from where it stands; `delta.DeltaModel.train` explains the arguments.

    Raises:
        ConfigError: ``steps`` is negative.
        DataError: The model was trained for more steps than these images give.
    """
    cfg, total = model.config, lessons.steps(model.config.epochs)
    if steps is not None and steps < 0:
        raise ConfigError(f"steps is {steps:,}.", "Expected 0 or more.")
    if model.steps_done > total:
        raise DataError(
            f"The model has learnt for {model.steps_done:,} steps, these images give {total:,}.",
            "Expected the images and settings that training began with.",
        )
    end = total if steps is None else min(total, model.steps_done + steps)
    prepared: _Prepared | None = None
    for epoch in epochs_of(lessons, cfg.epochs):
        if epoch.first >= end:
            break
        if epoch.first + epoch.images <= model.steps_done:
            continue
        if prepared is None or not prepared.serves(epoch):
            prepared = _Prepared.of(model, lessons, epoch)
        some = slice(model.steps_done - epoch.first, min(end - epoch.first, epoch.images))
        _show(model, lessons, prepared, epoch, some, threads)
        model.steps_done = epoch.first + some.stop
        if tell is not None:
            tell(model.steps_done, total)
    return total - model.steps_done


class _Prepared(NamedTuple):
    """What a layer sees in an epoch: its inputs ``[P, N]`` and its presynaptic terms."""

    epoch: Epoch
    lasts: bool
    inputs: Floats
    presynaptic: Floats

    @classmethod
    def of(cls, model: DeltaModel, lessons: Lessons, epoch: Epoch) -> _Prepared:
        cfg, x = model.config, lessons.inputs[epoch.module]
        lasts = cfg.shift == 0 and cfg.noise == 0
        if not lasts:
            x = disturbed(x, lessons.shape, cfg.shift, cfg.noise, epoch_rng(cfg, epoch, "images"))
        if not epoch.supervised:
            return cls(epoch, lasts, x, (x > 0).astype(np.float32))
        feature = model.modules[epoch.module].feature
        activity = feature.respond(x, cfg.clip)
        return cls(epoch, lasts, activity, activity / feature.rates)

    def serves(self, epoch: Epoch) -> bool:
        same = (self.epoch.module, self.epoch.supervised) == (epoch.module, epoch.supervised)
        return self.epoch == epoch or (same and self.lasts)


def epoch_rng(cfg: DeltaConfig, epoch: Epoch, stream: str) -> np.random.Generator:
    """Return the generator of an epoch for one purpose."""
    layer = "output" if epoch.supervised else "feature"
    return numpy_rng(cfg.seed, f"{stream}, module {epoch.module}, {layer}, epoch {epoch.number}")


def _show(
    model: DeltaModel,
    lessons: Lessons,
    prepared: _Prepared,
    epoch: Epoch,
    some: slice,
    threads: int | None,
) -> None:
    """Show some images of an epoch to its layer."""
    cfg, module = model.config, model.modules[epoch.module]
    layer = module.output if epoch.supervised else module.feature
    order = epoch_rng(cfg, epoch, "order").permutation(epoch.images)[some]
    eta_stdp, eta_ip = learning_rates(
        cfg, epoch.number * epoch.images + some.start, len(order), cfg.epochs * epoch.images
    )
    rule = output_rule(cfg) if epoch.supervised else feature_rule(cfg)
    learn(
        *(layer.weights, layer.signs, layer.thresholds, layer.rates),
        *(prepared.inputs, prepared.presynaptic, order, lessons.targets[epoch.module][order]),
        *(eta_stdp, eta_ip, rule),
        threads=threads,
    )

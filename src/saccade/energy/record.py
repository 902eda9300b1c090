"""What a network did, layer by layer and sample by sample: the result of a measurement.

    synaptic operations of a layer = Σ over inputs  |x| · (outputs it reaches)      spikes, counts
                                     Σ over inputs [x ≠ 0] · (outputs it reaches)   real numbers

The first are additions (AC): a count of k is k spikes, hence k additions. The second are
multiplications with addition (MAC). Outputs beyond the border do not exist and cost nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saccade.energy.layer import Activity, LayerShape
from saccade.energy.tally import COLUMNS
from saccade.errors import DataError, ShapeError

__all__ = ["ActivityRecord", "Call", "InputKind", "LayerActivity", "Others"]

InputKind = Literal["binary", "counts", "real"]
Counts = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class LayerActivity:
    """A layer and what went through it in every inference that was measured.

    Args:
        name: Name of the module, with the size of its output where it serves several sizes.
        kind: Its class, e.g. ``"Conv2d"``.
        shape: Its size in one evaluation.
        inputs: ``"binary"``: 0 and ±1. ``"counts"``: whole numbers. ``"real"``: anything else.
        largest: Largest whole input, 0 for real ones.
        steps: Evaluations per inference: time steps, or uses of a shared layer.
        nonzeros: Non-zero inputs of each sample, int64 ``[S]``.
        spikes_in: Their sum for spikes and counts, their number for real inputs, ``[S]``.
        operations: Synaptic operations of each sample, exactly, ``[S]``.
        spikes_out: Spikes of the neurons right behind the layer, 0 where there are none, ``[S]``.
    """

    name: str
    kind: str
    shape: LayerShape
    inputs: InputKind
    largest: int
    steps: float
    nonzeros: Counts
    spikes_in: Counts
    operations: Counts
    spikes_out: Counts

    @property
    def is_real(self) -> bool:
        """Whether an input costs a multiplication."""
        return self.inputs == "real"

    @property
    def ac(self) -> float:
        """Additions per inference."""
        return 0.0 if self.is_real else float(self.operations.mean())

    @property
    def mac(self) -> float:
        """Multiplications with addition per inference, zeros left out."""
        return float(self.operations.mean()) if self.is_real else 0.0

    @property
    def dense(self) -> float:
        """Multiply-accumulates per inference if zeros were not left out."""
        return self.shape.synapses * self.steps

    @property
    def zero_share(self) -> float:
        """Share of inputs that are 0, averaged over samples."""
        places = self.shape.inputs * self.steps
        return 1 - float(self.nonzeros.mean()) / places if places else 1.0

    @property
    def activity(self) -> Activity:
        """Mean over samples, per inference."""
        return Activity(
            spikes_in=float(self.spikes_in.mean()),
            spikes_out=float(self.spikes_out.mean()),
            zero_share=self.zero_share,
            is_real=self.is_real,
        )

    @property
    def deviation(self) -> Activity:
        """Standard deviation over samples, of the same quantities."""
        places = max(self.shape.inputs * self.steps, 1)
        return Activity(
            spikes_in=float(self.spikes_in.std()),
            spikes_out=float(self.spikes_out.std()),
            zero_share=float(self.nonzeros.std()) / places,
            is_real=self.is_real,
        )


@dataclass
class Call:
    """What one inference of B samples did in one layer.

    Args:
        kind: Class of the layer.
        shape: Its size.
        targets: Output channels that an input reaches.
        tally: int64 ``[B, 6]``, see `saccade.energy.tally`.
        spikes_out: int64 ``[B]``.
        steps: Evaluations.
    """

    kind: str
    shape: LayerShape
    targets: int
    tally: Tensor
    spikes_out: Tensor
    steps: int

    def add(self, tally: Tensor, steps: int) -> None:
        """Add another evaluation of the same layer in the same inference."""
        largest = torch.maximum(self.tally[:, 4], tally[:, 4])
        is_real = torch.maximum(self.tally[:, 5], tally[:, 5])
        self.tally = self.tally + tally
        self.tally[:, 4], self.tally[:, 5] = largest, is_real
        self.steps += steps


@dataclass
class Others:
    """Modules of one class that ran and are not charged for.

    Args:
        modules: Their names.
        values: Numbers they gave per inference.
    """

    modules: set[str] = field(default_factory=set[str])
    values: float = 0.0


@dataclass
class ActivityRecord:
    """All inferences of a measurement; made by `saccade.energy.measure`.

    Args:
        inferences: For each call of the network, layer name -> what it did.
        batches: Samples of each call.
        others: Class name -> modules that ran and are not counted.
        silent: Layers with weights that never ran.
        size: Shape of one sample, the same for all.
    """

    inferences: list[dict[str, Call]] = field(default_factory=list[dict[str, Call]])
    batches: list[int] = field(default_factory=list[int])
    others: dict[str, Others] = field(default_factory=dict[str, Others])
    silent: tuple[str, ...] = ()
    size: tuple[int, ...] | None = None

    @property
    def samples(self) -> int:
        """Samples measured."""
        return sum(self.batches)

    def check_size(self, size: tuple[int, ...]) -> None:
        """Refuse samples of another shape than before: their mean would describe none of them.

        Raises:
            ShapeError: The shape differs.
        """
        if self.size is not None and self.size != size:
            raise ShapeError(
                f"A sample of shape {size} after samples of shape {self.size}.",
                "Expected one shape in a measurement.",
                "Open another measure(model) block for it.",
            )
        self.size = size

    def layers(self) -> list[LayerActivity]:
        """Return every layer that ran, in order of execution.

        Raises:
            DataError: The network was never called.
        """
        if not self.inferences:
            raise DataError(
                "Nothing was measured.",
                "Expected the model itself to be called inside the measure(model) block.",
            )
        names = dict.fromkeys(name for calls in self.inferences for name in calls)
        return [self._layer(name) for name in names]

    def _layer(self, name: str) -> LayerActivity:
        pairs = list(zip(self.inferences, self.batches, strict=True))
        first = next(calls[name] for calls, _ in pairs if name in calls)
        tallies = np.concatenate([_rows(calls.get(name), batch) for calls, batch in pairs])
        columns = dict(zip((*COLUMNS, "out"), tallies.T, strict=True))
        is_real = bool(columns["is_real"].any())
        largest = 0 if is_real else int(columns["largest"].max())
        inputs: InputKind = "real" if is_real else "binary" if largest <= 1 else "counts"
        steps = sum(calls[name].steps * batch for calls, batch in pairs if name in calls)
        return LayerActivity(
            name=name,
            kind=first.kind,
            shape=first.shape,
            inputs=inputs,
            largest=largest,
            steps=steps / self.samples,
            nonzeros=columns["nonzeros"],
            spikes_in=columns["nonzeros" if is_real else "sum"],
            operations=columns["reached" if is_real else "spread"] * first.targets,
            spikes_out=columns["out"],
        )


def _rows(call: Call | None, batch: int) -> Counts:
    """Return the tally of a layer with its output spikes, zeros where it did not run."""
    if call is None:
        return np.zeros((batch, len(COLUMNS) + 1), np.int64)
    return torch.cat([call.tally, call.spikes_out[:, None]], dim=1).cpu().numpy()

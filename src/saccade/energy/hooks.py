"""Look at the actual input of every layer with weights while a network runs.

    with measure(model) as record:
        model(frames)
    for layer in record.layers(): ...

A call of the model is one inference of B samples. Time steps belong to their sample: layers may see
``[T, B, ...]``, both axes in one (``[T * B, ...]``, time outside), or one step after the other.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn

from saccade.energy.layer import LayerShape
from saccade.energy.record import ActivityRecord, Call, Others
from saccade.energy.tally import Window, reach, tally
from saccade.errors import ConfigError, ShapeError
from saccade.neurons import Neuron, Recurrent

__all__ = ["COUNTED", "measure"]

COUNTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d)
"""Layers whose inputs are counted."""

_FREE = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Flatten, nn.Unflatten)

_Site = tuple[str, LayerShape, Tensor | None, int]
"""Name of an entry, its shape, reach of its inputs (None: 1 for all), channels they reach."""


@contextmanager
def measure(
    model: nn.Module,
    *,
    batch_axis: int | None = None,
    spiking: tuple[type[nn.Module], ...] = (Neuron, Recurrent),
) -> Iterator[ActivityRecord]:
    """Record the activity of every convolution and linear layer while the block runs.

    Args:
        model: Any network; what it returns does not change. It must be called itself, since its
            first tensor tells which samples there are.
        batch_axis: Axis of that tensor that counts samples: 0, or 1 where time comes first. None
            = 1 for five axes ``[T, B, C, H, W]``, else 0.
        spiking: Classes of spiking neurons; their spikes are added to the layer before them.

    Yields:
        A record that fills with every call.

    Raises:
        ShapeError: Samples have different shapes, or a layer's input cannot be divided among them.
        ConfigError: ``batch_axis`` is neither 0 nor 1.

    Examples:
        >>> model = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.ReLU())
        >>> frames = torch.zeros(5, 2, 8, 8)
        >>> frames[:, 0, 4, 4], frames[:, 1, 0, 0] = 1, 2
        >>> with measure(model) as record:
        ...     _ = model(frames)
        >>> layer = record.layers()[0]
        >>> layer.inputs, layer.operations.tolist()
        ('counts', [68, 68, 68, 68, 68])
    """
    if batch_axis not in (None, 0, 1):
        raise ConfigError(f"batch_axis={batch_axis}.", "Expected 0, 1 or None.")
    record = ActivityRecord()
    watch = _Watch(record, batch_axis)
    handles = [model.register_forward_pre_hook(watch.begin, with_kwargs=True)]
    for name, module in model.named_modules():
        if isinstance(module, COUNTED):
            handles.append(module.register_forward_hook(watch.layer(name)))
        elif isinstance(module, spiking):
            handles.append(module.register_forward_hook(watch.neuron))
        elif _is_other(module):
            handles.append(module.register_forward_hook(watch.other(name)))
    handles.append(model.register_forward_hook(watch.end))
    try:
        yield record
    finally:
        for handle in handles:
            handle.remove()
        record.silent = tuple(watch.never())


class _Watch:
    """The hooks, and what they have to remember during one call of the model."""

    def __init__(self, record: ActivityRecord, batch_axis: int | None) -> None:
        self.record = record
        self.batch_axis = batch_axis
        self.batch = self.steps = 0
        self.calls: dict[str, Call] = {}
        self.sites: dict[tuple[Any, ...], _Site] = {}
        self.before: tuple[Call, int] | None = None
        self.ran: dict[str, bool] = {}

    def begin(self, model: nn.Module, inputs: Any, keywords: dict[str, Any]) -> None:
        """Note the samples of a new inference."""
        x = _first_tensor((inputs, keywords))
        if x is None or x.ndim == 0:
            raise ShapeError("The model was called without a tensor.", "Expected [B, ...].")
        axis = self.batch_axis if self.batch_axis is not None else int(x.ndim == 5)
        if x.ndim <= axis or x.shape[axis] == 0:
            raise ShapeError(f"Input {tuple(x.shape)}.", f"Expected samples on axis {axis}.")
        self.record.check_size((*x.shape[:axis], *x.shape[axis + 1 :]))
        self.batch, self.steps = x.shape[axis], x.shape[0] if axis else 1
        self.calls, self.before = {}, None

    def end(self, model: nn.Module, inputs: Any, output: Any) -> None:
        """Hand the inference over to the record."""
        self.record.inferences.append(self.calls)
        self.record.batches.append(self.batch)
        self.batch = 0

    def layer(self, name: str) -> Callable[[nn.Module, Any, Tensor], None]:
        """Return the hook that counts the input of a layer."""
        self.ran[name] = False

        def count(module: nn.Module, inputs: Any, output: Tensor) -> None:
            self.ran[name] = True
            if not self.batch:
                return
            x = cast(Tensor, inputs[0]).detach()
            rows, positions, steps = _rows(module, x, self.batch, self.steps, name)
            key = (name, positions, x.shape[2:], output.shape[2:])
            if key not in self.sites:
                self.sites[key] = self._site(module, x, output, positions, name)
            entry, shape, reached, targets = self.sites[key]
            reached = _ones(rows.shape[-1]) if reached is None else reached
            found = tally(rows, reached)
            if entry in self.calls:
                self.calls[entry].add(found, steps)
            else:
                none = torch.zeros(self.batch, dtype=torch.int64, device=x.device)
                kind = type(module).__name__
                self.calls[entry] = Call(kind, shape, targets, found, none, steps)
            self.before = self.calls[entry], shape.neurons * steps

        return count

    def neuron(self, module: nn.Module, inputs: Any, output: Any) -> None:
        """Add the spikes of a neuron to the layer that ran last, if it has as many outputs."""
        before, self.before = self.before, None
        spikes = _first_tensor(output)
        if not self.batch or before is None or spikes is None:
            return
        call, neurons = before
        if spikes.numel() != neurons * self.batch:
            return
        parts = _by_sample(spikes.detach(), self.batch, self.steps, spikes.ndim - 1, "")
        rows = parts.flatten(3) if parts.ndim > 3 else parts[:, :, None]
        call.spikes_out = call.spikes_out + tally(rows, _ones(rows.shape[-1]))[:, 1]

    def other(self, name: str) -> Callable[[nn.Module, Any, Any], None]:
        """Return the hook that notes a module that is not counted."""

        def note(module: nn.Module, inputs: Any, output: Any) -> None:
            given = _first_tensor(output)
            if self.batch:
                entry = self.record.others.setdefault(type(module).__name__, Others())
                entry.modules.add(name)
                entry.values += given.numel() if given is not None else 0

        return note

    def never(self) -> list[str]:
        """Return the layers that never ran."""
        return [name for name, ran in self.ran.items() if not ran]

    def _site(
        self, module: nn.Module, x: Tensor, output: Tensor, positions: int, name: str
    ) -> _Site:
        """Describe a layer at the sizes it was just used with."""
        if isinstance(module, nn.Linear):
            has_bias, inputs = module.bias is not None, module.in_features
            shape = LayerShape.linear(
                inputs, module.out_features, positions=positions, has_bias=has_bias
            )
            reached = None
            targets = module.out_features
        else:
            layer = cast(nn.Conv2d, module)
            spatial = len(layer.kernel_size)
            size = tuple(x.shape[-spatial:])
            is_transposed = isinstance(module, (nn.ConvTranspose1d, nn.ConvTranspose2d))
            shape = _conv_shape(layer, size, tuple(output.shape[-spatial:]), is_transposed)
            reached = reach(size, _window(layer, is_transposed), is_transposed)
            targets = layer.out_channels // layer.groups
        entry = name or type(module).__name__
        if any(site[0] == entry for site in self.sites.values()):
            rows, columns = shape.size_out
            entry += f" {rows}x{columns}"
        return entry, shape, reached, targets


@functools.lru_cache(maxsize=64)
def _ones(length: int) -> Tensor:
    return torch.ones(length, dtype=torch.int64)


def _rows(
    module: nn.Module, x: Tensor, batch: int, steps: int, name: str
) -> tuple[Tensor, int, int]:
    """Return an input as ``[T, B, C, L]``, positions of a linear layer, and evaluations."""
    if isinstance(module, nn.Linear):
        parts = _by_sample(x, batch, steps, x.ndim - 1, name)
        positions = math.prod(parts.shape[2:-1])
        # Sums know no order, so a transposed input is read as it lies in memory, without a copy.
        order = sorted(range(2, parts.ndim), key=parts.stride, reverse=True)
        rows = parts.permute(0, 1, *order).flatten(2, -2) if parts.ndim > 3 else parts[:, :, None]
        return rows, positions, parts.shape[0]
    spatial = len(cast(nn.Conv2d, module).kernel_size)
    parts = _by_sample(x, batch, steps, x.ndim - 1 - spatial, name)
    return parts.flatten(2, 3).flatten(3), 1, parts.shape[0] * parts.shape[2]


def _by_sample(x: Tensor, batch: int, steps: int, lead: int, name: str) -> Tensor:
    """Return ``[T, B, P, ...]`` (or ``[T, B, ...]`` if it has these axes), time outside.

    Args:
        x: Features behind ``lead`` axes of time, samples and positions.
        batch: B.
        steps: Time steps of the model's input.
        lead: Axes before the features.
        name: Of the layer.
    """
    if lead >= 2 and tuple(x.shape[:2]) == (steps, batch):
        return x
    x = x if lead else x[None]
    rows = x.shape[0]
    if rows % batch:
        raise ShapeError(
            f"Layer {name!r} was given {rows:,} rows for {batch:,} samples.",
            "Expected [T, B, ...], or a multiple of the samples with time outside.",
            "Say with batch_axis which axis of the model's input counts samples.",
        )
    times = steps if rows % (steps * batch) == 0 else 1
    return x.unflatten(0, (times, batch, rows // (times * batch)))


def _conv_shape(
    layer: nn.Conv2d, size: tuple[int, ...], out: tuple[int, ...], is_transposed: bool
) -> LayerShape:
    return LayerShape(
        is_conv=True,
        channels_in=layer.in_channels,
        channels_out=layer.out_channels,
        size_in=_pair(size),
        size_out=_pair(out),
        kernel=_pair(layer.kernel_size),
        stride=_pair(layer.stride),
        groups=layer.groups,
        has_bias=layer.bias is not None,
        is_transposed=is_transposed,
    )


def _pair(values: tuple[int, ...]) -> tuple[int, int]:
    """Return rows and columns; what has one axis has one row."""
    return (1, values[0]) if len(values) == 1 else (values[0], values[1])


def _window(layer: nn.Conv2d, is_transposed: bool) -> Window:
    """Return how a kernel lies over its input; padding in the order of `functional.pad`."""
    kernel, dilation = layer.kernel_size, layer.dilation
    if layer.padding == "same":
        sums = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        sides = [(total // 2, total - total // 2) for total in sums]
    elif layer.padding == "valid":
        sides = [(0, 0)] * len(kernel)
    else:
        beyond = layer.output_padding if is_transposed else (0,) * len(kernel)
        sides = [
            (int(p), int(p) - int(more)) for p, more in zip(layer.padding, beyond, strict=True)
        ]
    padding = tuple(side for pair in reversed(sides) for side in pair)
    return kernel, layer.stride, dilation, layer.padding_mode, padding


def _is_other(module: nn.Module) -> bool:
    """Whether a module computes something itself: it is a leaf, or holds parameters of its own."""
    leaf = next(module.children(), None) is None
    own = next(module.parameters(recurse=False), None) is not None
    return (leaf or own) and not isinstance(module, _FREE)


def _first_tensor(value: Any) -> Tensor | None:
    """Return the first tensor in a nest of tuples, lists and dicts."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, dict):
        value = list(cast("dict[Any, Any]", value).values())
    if isinstance(value, (list, tuple)):
        for item in cast("list[Any]", value):
            found = _first_tensor(item)
            if found is not None:
                return found
    return None

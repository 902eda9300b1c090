"""The conventional rival, by the sizes of its layers: what EventVPR would cost.

    events ── MLP 1-30-30-1 for every event and bin ── 18 x 224 x 224 ── ResNet-34 ── 512 x 7 x 7
           ── 1x1 convolution to 64 clusters ── 32768 ── 1x1 convolution with bias ── 4096

Energy of a dense network follows from sizes alone, so neither weights nor pictures are needed.
"""

from __future__ import annotations

from saccade.energy import CostTable, LayerShape, dense_energy

__all__ = ["BINS", "event_vpr_energy", "event_vpr_shapes"]

BINS = 9
"""Bins of the event grid; the first layers are applied to every event in each of them."""

_PER_EVENT = "events."


def event_vpr_shapes() -> tuple[tuple[str, LayerShape], ...]:
    """Return name and size of every layer, the three of the event MLP once.

    Examples:
        >>> shapes = dict(event_vpr_shapes())
        >>> round(sum(shape.synapses for shape in shapes.values()) / 1e9, 2)
        4.39
        >>> shapes["wpca"].weights
        134217728
    """
    layers = [
        (f"{_PER_EVENT}{k}", LayerShape.linear(inputs, outputs, has_bias=True))
        for k, (inputs, outputs) in enumerate(((1, 30), (30, 30), (30, 1)))
    ]
    layers.append(("conv1", _conv(18, 64, 7, 2, 224)))
    width, size = 64, 56
    for stage, blocks in enumerate((3, 4, 6, 3)):
        channels = 64 << stage
        for block in range(blocks):
            stride, name = (2 if stage and not block else 1), f"layer{stage + 1}.{block}"
            layers.append((f"{name}.conv1", _conv(width, channels, 3, stride, size)))
            if stride == 2:
                layers.append((f"{name}.downsample", _conv(width, channels, 1, 2, size)))
            size //= stride
            layers.append((f"{name}.conv2", _conv(channels, channels, 3, 1, size)))
            width = channels
    layers.append(("assignment", _conv(512, 64, 1, 1, 7)))
    layers.append(("wpca", _conv(512 * 64, 4096, 1, 1, 1, has_bias=True)))
    return tuple(layers)


def event_vpr_energy(proxy: str, costs: CostTable, events: float | None = None) -> float:
    """Return the energy of one inference in pJ.

    Args:
        proxy: ``"operations"`` or one of the ``"ann_..."`` that need no zeros: naive, lemaire.
        costs: The table.
        events: Events of a frame; the MLP then runs for each of them in each bin. None counts it
            once, as in the published figure.

    Examples:
        >>> from saccade.energy import cost_table
        >>> round(event_vpr_energy("ann_lemaire", cost_table("45nm")) / 1e9, 2)
        633.86
    """
    times = 1.0 if events is None else events * BINS
    return sum(
        dense_energy(shape, proxy, costs) * (times if name.startswith(_PER_EVENT) else 1.0)
        for name, shape in event_vpr_shapes()
    )


def _conv(
    channels_in: int, channels_out: int, kernel: int, stride: int, size: int, has_bias: bool = False
) -> LayerShape:
    out = -(-size // stride)
    return LayerShape(
        is_conv=True,
        channels_in=channels_in,
        channels_out=channels_out,
        size_in=(size, size),
        size_out=(out, out),
        kernel=(kernel, kernel),
        stride=(stride, stride),
        has_bias=has_bias,
    )

"""Six published estimates of the energy of one layer and inference, in pJ.

Symbols: ti, to spikes in and out; w weights, n neurons, b 1 with a bias else 0; M bytes of weights
and membranes; e = S(M) and S from the cost table; c channels a spike reaches; syn dense operations.

    snn_dampfhoffer   ti f (3 e + add)                                 f neurons a spike reaches
    snn_lemaire       (reads + writes) e + mac MAC + acc AC
    ann_naive         syn (4 e + MAC)
    ann_eyeriss       syn (0.45 (1 - z) + 0.55) ...                    see `ann_eyeriss`
    ann_bestcase      every operand fetched once
    ann_lemaire       reads S(weights) + writes S(feature map) + macs MAC

They differ by an order of magnitude for the same layer: compare networks under one, never across.
The spiking ones take spikes for granted. An input that is a real number costs them a multiplication
where a spike costs an addition; the memory they charge stays the same.

Dampfhoffer et al. 2023 (IEEE TETCI 7(3)); Lemaire et al. 2022 (ICONIP).
"""

from __future__ import annotations

from collections.abc import Callable

from saccade.energy.costs import CostTable
from saccade.energy.layer import Activity, LayerShape

__all__ = ["PROXIES"]

_DENSE_SHARE = 0.55  # of an operation's fetches that Eyeriss pays for zeros, too


def snn_dampfhoffer(shape: LayerShape, activity: Activity, costs: CostTable) -> float:
    """At each neuron a spike reaches: read a weight, read and write a membrane, add."""
    reached = shape.fan_out if shape.is_conv else shape.channels_out
    add = costs.mac if activity.is_real else costs.add
    return activity.spikes_in * reached * (3 * _memory(shape, costs) + add)


def snn_lemaire(shape: LayerShape, activity: Activity, costs: CostTable) -> float:
    """The same with addresses, biases, thresholds and resets counted."""
    ti, to, b = activity.spikes_in, activity.spikes_out, int(shape.has_bias)
    n = shape.neurons
    if shape.is_conv:
        taps = ti * shape.targets * shape.kernel_area
        synaptic = ti * shape.fan_out
        adds, macs = b * n + to + taps, 2 * ti
        reads = ti + 2 * taps + 2 * b * n
        writes = to + taps + b * n
    else:
        synaptic = ti * n
        adds, macs = ti * n + b * n + to, 0.0
        reads = ti + ti * n + b * n + (ti + 1) * n
        writes = to + ti * n + b * n
    work = (costs.mac if activity.is_real else costs.ac) * synaptic
    return (reads + writes) * _memory(shape, costs) + work + costs.mac * macs + costs.ac * adds


def ann_naive(shape: LayerShape, activity: Activity, costs: CostTable) -> float:
    """Every operation fetches input, weight and sum and writes the sum; nothing is kept."""
    del activity
    return shape.synapses * (4 * _memory(shape, costs) + costs.mac)


def ann_eyeriss(shape: LayerShape, activity: Activity, costs: CostTable) -> float:
    """A row-stationary array that spares part of the work for zeros."""
    done = (1 - activity.zero_share) + _DENSE_SHARE * activity.zero_share
    reuse = max((_sharing(shape)[0] + _sharing(shape)[2]) / 2, 1)
    e = _memory(shape, costs)
    return shape.synapses * done * (e + 3 * e / reuse + costs.mac + 3 * costs.register)


def ann_bestcase(shape: LayerShape, activity: Activity, costs: CostTable) -> float:
    """Every operand is fetched from memory once and shared by all operations that need it."""
    i, w, p = _sharing(shape)
    e, done = _memory(shape, costs), 1 - activity.zero_share
    fetched = shape.synapses * (e / i + e / w + 2 * e / p)
    registers = shape.synapses * (costs.register + done * 3 * costs.register)
    return fetched + registers + shape.synapses * done * costs.mac


def ann_lemaire(shape: LayerShape, activity: Activity, costs: CostTable) -> float:
    """Weights from a memory of their size, results to one of the larger feature map's size."""
    del activity
    b, n, size = int(shape.has_bias), shape.neurons, costs.bytes_per_value
    first_reads = shape.synapses if shape.is_conv else shape.channels_in
    reads = first_reads + shape.synapses + b * n
    weights = costs.access(size * shape.weights)
    maps = costs.access(size * max(shape.inputs, n))
    return reads * weights + n * maps + costs.mac * shape.synapses


PROXIES: dict[str, Callable[[LayerShape, Activity, CostTable], float]] = {
    "snn_dampfhoffer": snn_dampfhoffer,
    "snn_lemaire": snn_lemaire,
    "ann_naive": ann_naive,
    "ann_eyeriss": ann_eyeriss,
    "ann_bestcase": ann_bestcase,
    "ann_lemaire": ann_lemaire,
}
"""Name -> estimate of a layer in pJ per inference."""


def _memory(shape: LayerShape, costs: CostTable) -> float:
    """Return the price of an access to a memory of the layer's weights and membranes."""
    return costs.access(costs.bytes_per_value * (shape.weights + shape.neurons))


def _sharing(shape: LayerShape) -> tuple[float, float, float]:
    """Return how many operations share an input, a weight and a sum."""
    return shape.channels_out // shape.groups, shape.positions, max(shape.fan_in, 1.0)

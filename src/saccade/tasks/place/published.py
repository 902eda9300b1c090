"""The weights that were published for SpikeVPR, by SHA-256 of the file.

A published file holds a plain state dict and does not say which neuron its head needs, nor which
polarity its first input channel carries (defects A3 and 1.4 of the original); this table does. The
checksums are those its authors list beside the weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["PUBLISHED", "PublishedWeights"]


@dataclass(frozen=True, kw_only=True)
class PublishedWeights:
    """What a published file does not say about itself."""

    file: str
    head_neuron: Literal["lif", "if"]
    channel_order: Literal["off_on", "on_off"]


PUBLISHED: dict[str, PublishedWeights] = {
    "f87efa8034dd9b3c04d89ef205cbbcb4666e5c1c0b43dda85fe2abf36bf66e00": PublishedWeights(
        file="sew_resnet18_brisbane.pth", head_neuron="lif", channel_order="off_on"
    ),
    "f13f87df98d18c103d9fd891a9f832f0da54c78c051d1f304fecd8be5653ae32": PublishedWeights(
        file="sew_resnet18_nsavp.pth", head_neuron="lif", channel_order="off_on"
    ),
    "19854bde407f1e4b72315f3405ea861cbdf9e855b09839e16d5be7856e154871": PublishedWeights(
        file="sew_resnet34_brisbane.pth", head_neuron="lif", channel_order="off_on"
    ),
    "0e729ac1091957f2dc97c08021954ad4c7ab4a0adb78e0fc79516289e464c79b": PublishedWeights(
        file="sew_resnet34_nsavp.pth", head_neuron="lif", channel_order="off_on"
    ),
    "58c8e599fc24099779c34b2fb865b828177be99c50952826f1a54f9f096254d7": PublishedWeights(
        file="sew_resnet34_nyc.pth", head_neuron="if", channel_order="on_off"
    ),
}

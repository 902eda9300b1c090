"""Figures of energy draw what they are given and refuse what does not fit."""

import numpy as np
import pytest

from saccade.errors import ShapeError
from saccade.view.energy import energy_estimates, energy_per_layer
from saccade.view.figures import figure_png


def test_layers_are_bars_in_joule() -> None:
    kinds = ["counts", "binary", "real", "binary"]
    figure = energy_per_layer(["a", "b", "c", "d"], [4e9, 2e9, 1e9, 0], kinds)
    (axes,) = figure.axes
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([4e-3, 2e-3, 1e-3, 0])
    assert len({bar.get_facecolor() for bar in axes.patches}) == 3
    texts = [text.get_text() for text in axes.texts]
    assert texts[0].startswith("4.00 mJ") and "57.1%" in texts[0] and texts[3] == "0"
    assert figure_png(figure)[:4] == b"\x89PNG"


def test_a_silent_network_can_be_drawn() -> None:
    assert figure_png(energy_per_layer(["a"], [0.0], ["binary"]))[:4] == b"\x89PNG"
    assert figure_png(energy_estimates(["a"], [0.0], ["net"]))[:4] == b"\x89PNG"


def test_estimates_stand_on_a_logarithmic_axis() -> None:
    figure = energy_estimates(["x", "y", "x"], [1e6, 1e9, 1e11], ["ours", "ours", "theirs"])
    (axes,) = figure.axes
    assert axes.get_xscale() == "log"
    low, high = axes.get_xlim()
    assert low < 1e-6 and high > 0.1
    assert {text.get_text() for text in figure.legends[0].get_texts()} == {"ours", "theirs"}


@pytest.mark.parametrize("count", [0, 2])
def test_lengths_that_differ_are_refused(count: int) -> None:
    with pytest.raises(ShapeError):
        energy_per_layer(["a"] * count, np.ones(1), ["binary"])
    with pytest.raises(ShapeError):
        energy_estimates(["a"] * count, np.ones(1), ["net"])

"""Networks of our own: fewer stages, other widths, logarithms of counts, the head of cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from saccade.tasks.place.calibrate import calibrate
from saccade.tasks.place.checkpoint import load_published, save_weights
from saccade.tasks.place.config_model import PlaceModelConfig
from saccade.tasks.place.inference import fuse
from saccade.tasks.place.model import PlaceNet

SMALL: list[dict[str, Any]] = [
    {"arch": "sew_resnet8", "width": 8, "aggregator": "cells", "grid": (4, 8), "out_channels": 4},
    {"arch": "sew_resnet10", "width": 12, "aggregator": "cells", "grid": (2, 4), "counts": "log"},
    {"arch": "sew_resnet8", "width": 8, "grid": (3, 4), "out_channels": 8, "counts": "log"},
    {"arch": "sew_resnet10", "width": 8, "aggregator": "gem"},
]


def frames() -> torch.Tensor:
    rng = torch.Generator().manual_seed(2)
    return torch.poisson(torch.full((4, 2, 64, 128), 0.7), generator=rng)


@pytest.mark.parametrize("settings", SMALL, ids=lambda item: f"{item['arch']} {len(item)}")
def test_fused_form_gives_the_same_descriptors(settings: dict[str, Any]) -> None:
    model = PlaceNet.build(PlaceModelConfig(**settings), seed=1)
    calibrate(model, frames())
    with torch.no_grad():
        whole = model(frames())
    torch.testing.assert_close(fuse(model)(frames()), whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("settings", SMALL, ids=lambda item: f"{item['arch']} {len(item)}")
def test_saved_weights_rebuild_the_network(settings: dict[str, Any], tmp_path: Path) -> None:
    model = PlaceNet.build(PlaceModelConfig(**settings), seed=1)
    calibrate(model, frames())
    again = load_published(save_weights(model, tmp_path / "own.safetensors"))
    assert again.config == model.config
    with torch.no_grad():
        torch.testing.assert_close(again(frames()), model(frames()), rtol=0, atol=0)


def test_logarithms_bound_what_a_busy_pixel_weighs() -> None:
    settings: dict[str, Any] = SMALL[1]
    model = PlaceNet.build(PlaceModelConfig(**settings), seed=1)
    assert float(model.stem_input(torch.tensor(100.0))) == pytest.approx(4.615, abs=1e-3)


def test_the_head_of_cells_keeps_the_layout() -> None:
    """A change in one corner of the map leaves the numbers of the other cells in proportion."""
    from saccade.layers.pool_heads import CellHead

    head = CellHead(3, (2, 2), 2).eval()
    x = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    changed = x.clone()
    changed[..., :2, :2] += 5.0
    with torch.no_grad():
        before, after = head(x).view(2, 4), head(changed).view(2, 4)
    ratio = after[:, 1:] / before[:, 1:]
    torch.testing.assert_close(ratio, ratio.flatten()[0].expand_as(ratio))

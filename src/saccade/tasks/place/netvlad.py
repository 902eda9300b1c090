"""EventVPR, the artificial network that SpikeVPR is compared with: EST, ResNet-34, NetVLAD, WPCA.

    events -> EST grid [18, H, W] -> centre square -> nearest 224x224 -> ResNet-34 [512, 7, 7]
           -> NetVLAD [512 x 64] -> 1x1 convolution to 4096 -> length 1

    NetVLAD    a_k(n) = softmax_k( w_k . x_n ),    V[:, k] = sum_n a_k(n) (x_n + c_k)
               each V[:, k] to length 1, flattened row by row (D-major), to length 1

The residual is x + c, so a cluster centre is stored with its sign changed. 155.6 M parameters,
134 M of them in the last convolution.

Reference:
    R. Arandjelović et al., "NetVLAD: CNN architecture for weakly supervised place recognition",
    CVPR 2016.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from saccade.errors import CheckpointError, MissingFileError, ShapeError, listing
from saccade.events import Events
from saccade.layers.initial import seeded
from saccade.tasks.place.netvlad_est import EST, event_rows
from saccade.tasks.place.netvlad_resnet import ResNet34, unset

__all__ = ["EventVPR", "NetVLAD", "centre_square", "load_parts"]

_SIDE = 224


class NetVLAD(nn.Module):
    """A feature map to one vector of residuals to K clusters; weights are not set yet.

    Args:
        clusters: K.
        channels: D of the map.
    """

    def __init__(self, clusters: int = 64, channels: int = 512) -> None:
        super().__init__()
        self.assignment = cast(nn.Conv2d, unset(nn.Conv2d, channels, clusters, 1, bias=False))
        self.clusters = nn.Parameter(torch.empty(1, 1, 1, channels, clusters))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, D, h, w]`` to ``[B, D K]`` of length 1."""
        share = self.assignment(x).softmax(dim=1).flatten(2)
        sums = torch.einsum("bkn,bdn->bdk", share, x.flatten(2))
        residuals = sums + self.clusters[0, 0, 0] * share.sum(dim=2)[:, None]
        return functional.normalize(functional.normalize(residuals, dim=1).flatten(1), dim=1)


class EventVPR(nn.Module):
    """The whole network; `build` gives it seeded weights, `load_parts` published ones.

    Args:
        height: Rows of the sensor.
        width: Columns.
        compat: See `EST`.
    """

    def __init__(
        self, height: int = 260, width: int = 346, *, compat: Literal["spikevpr"] | None = None
    ) -> None:
        super().__init__()
        self.est = EST(height, width, compat=compat)
        self.backbone = ResNet34(2 * self.est.bins)
        self.netvlad = NetVLAD()
        self.wpca = cast(nn.Conv2d, unset(nn.Conv2d, 512 * 64, 4096, 1))

    @classmethod
    def build(
        cls,
        seed: int = 0,
        *,
        height: int = 260,
        width: int = 346,
        compat: Literal["spikevpr"] | None = None,
        fit_steps: int = 1000,
    ) -> EventVPR:
        """Return the network with seeded weights, in evaluation mode; it takes 0.6 GB.

        Args:
            seed: Decides every weight; torch's own generator is left alone.
            height: Rows of the sensor.
            width: Columns.
            compat: See `EST`.
            fit_steps: Steps of the fit of the time kernel.
        """
        model, rng = cls(height, width, compat=compat), seeded(seed)
        model.est.kernel.fit_trilinear(model.est.bins, rng, steps=fit_steps)
        for module in model.backbone.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_out", nonlinearity="relu", generator=rng
                )
        with torch.no_grad():
            for weight, inputs in (
                (model.netvlad.assignment.weight, 512),
                (model.netvlad.clusters, 512),
                (model.wpca.weight, 512 * 64),
            ):
                weight.normal_(std=inputs**-0.5, generator=rng)
            cast(Tensor, model.wpca.bias).zero_()
        return model.eval()

    def forward(self, events: Tensor, items: int) -> Tensor:
        """Map rows (x, y, t, p, item) ``[N, 5]`` to descriptors ``[items, 4096]`` of length 1."""
        grid = functional.interpolate(centre_square(self.est(events, items)), (_SIDE, _SIDE))
        vlad = self.netvlad(self.backbone(grid))
        return functional.normalize(self.wpca(vlad[:, :, None, None]).flatten(1), dim=1)

    @torch.no_grad()
    def embed(self, batch: Sequence[Events]) -> Tensor:
        """Return descriptors ``[B, 4096]`` of windows of events.

        Raises:
            ShapeError: A window was taken by a sensor of another size.
        """
        for k, events in enumerate(batch):
            if (events.size.height, events.size.width) != (self.est.height, self.est.width):
                raise ShapeError(
                    f"Window {k} is of a {events.size} sensor.",
                    f"Expected {self.est.width}x{self.est.height}.",
                    "Build the network for that size, or scale the events.",
                )
        return self(event_rows(batch), len(batch))


def centre_square(grid: Tensor) -> Tensor:
    """Cut the largest square out of the middle of ``[..., H, W]``.

    Examples:
        >>> centre_square(torch.arange(12.0).view(1, 2, 6)).tolist()
        [[[2.0, 3.0], [8.0, 9.0]]]
    """
    height, width = grid.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return grid[..., top : top + side, left : left + side]


def load_parts(
    model: EventVPR,
    *,
    netvlad: str | Path | None = None,
    wpca: str | Path | None = None,
    backbone: str | Path | None = None,
    kernel: str | Path | None = None,
) -> EventVPR:
    """Load weights files into parts of the network, in place; what is not named stays.

    Files are unpickled with weights only: no code in them runs. A classifier (``fc.*``) of a
    backbone is left out.

    Args:
        model: The network.
        netvlad: ``assignment.weight`` and ``clusters``; published as ``netvlad_weights.pth``.
        wpca: ``weight`` and ``bias``; published as ``wpca_weights.pth``.
        backbone: Names as in torchvision, ``conv1.weight`` with 18 channels.
        kernel: ``mlp.0.weight`` and so on, of the time kernel.

    Raises:
        MissingFileError: There is no such file.
        CheckpointError: A file is no state dict, or does not fit.
    """
    parts = {
        "NetVLAD": (model.netvlad, netvlad),
        "WPCA": (model.wpca, wpca),
        "ResNet-34": (model.backbone, backbone),
        "time kernel": (model.est.kernel, kernel),
    }
    for name, (module, path) in parts.items():
        if path is not None:
            _load(module, Path(path), name)
    return model


def _load(module: nn.Module, path: Path, name: str) -> None:
    if not path.is_file():
        raise MissingFileError(f"No such file: {path}.", f"Expected weights of {name}.")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"{path.name} cannot be read: {reason}") from error
    tensors = isinstance(state, Mapping) and all(isinstance(v, Tensor) for v in state.values())
    if not tensors:
        raise CheckpointError(f"{path.name} is no dict of tensors.", f"Expected those of {name}.")
    found = {key: value for key, value in state.items() if not key.startswith("fc.")}
    own = module.state_dict()
    wrong = [
        f"{key} {list(found[key].shape)} instead of {list(own[key].shape)}"
        for key in own.keys() & found.keys()
        if found[key].shape != own[key].shape
    ]
    missing = [key for key in own if key not in found and "num_batches" not in key]
    unknown = [key for key in found if key not in own]
    if wrong or missing or unknown:
        raise CheckpointError(
            f"{path.name} does not fit {name}: "
            + "; ".join(
                f"{word}: {listing(keys, 3)}"
                for word, keys in (("missing", missing), ("unknown", unknown), ("shape", wrong))
                if keys
            )
            + ".",
            fix="The stem takes 18 channels of the EST grid; image weights have 3."
            if any(text.startswith("conv1.weight") for text in wrong)
            else "",
        )
    module.load_state_dict(found, strict=False)

"""Golden NetVLAD layer and event spike tensor, and the size and files of the whole network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from spikevpr_numbers import files

from saccade.errors import CheckpointError, EventError, MissingFileError, ShapeError
from saccade.events import Events, SensorSize
from saccade.tasks.place.netvlad import EventVPR, NetVLAD, centre_square, load_parts
from saccade.tasks.place.netvlad_est import EST, ValueKernel, event_rows, trilinear_kernel
from saccade.tasks.place.netvlad_resnet import ResNet34

CASES = pytest.mark.parametrize("path", files("netvlad_"), ids=lambda path: path.stem)
DTYPES = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["f64", "f32"])


@CASES
@DTYPES
def test_layer(path: Path, dtype: torch.dtype) -> None:
    data = np.load(path)
    if "vlad_y" not in data.files:
        pytest.skip("this file stores no NetVLAD layer")
    clusters, channels = data["vlad_assignment"].shape[:2]
    layer = NetVLAD(clusters, channels).to(dtype)
    layer.load_state_dict(
        {
            "assignment.weight": torch.from_numpy(data["vlad_assignment"]),
            "clusters": torch.from_numpy(data["vlad_clusters"]),
        }
    )
    found = layer(torch.from_numpy(data["vlad_x"]).to(dtype)).detach().numpy()
    np.testing.assert_allclose(found, data["vlad_y"], rtol=0, atol=1e-6)


@CASES
@DTYPES
def test_grid(path: Path, dtype: torch.dtype) -> None:
    data = np.load(path)
    if "est_voxel" not in data.files:
        pytest.skip("this file stores no grid")
    items, channels, height, width = data["est_voxel"].shape
    est = EST(height, width, bins=channels // 2, compat="spikevpr").to(dtype)
    assert list(est.kernel.state_dict()) == [str(key) for key in data["est_keys"]]
    prefix = "est_w/"
    est.kernel.load_state_dict(
        {n.removeprefix(prefix): torch.from_numpy(data[n]) for n in data.files if prefix in n}
    )
    events = torch.from_numpy(data["events"])
    before = events.clone()
    with torch.no_grad():
        found = est(events, items).numpy()
    np.testing.assert_allclose(found, data["est_voxel"], rtol=0, atol=1e-5)
    assert torch.equal(events, before), "the caller's events were written to (defect D12)"


def test_parameters_are_those_of_the_published_network() -> None:
    with torch.device("meta"):
        model = EventVPR()
    assert all(parameter.is_meta for parameter in model.parameters())
    assert sum(parameter.numel() for parameter in model.parameters()) == 155_620_093
    shapes = {key: list(value.shape) for key, value in model.state_dict().items()}
    assert shapes["netvlad.assignment.weight"] == [64, 512, 1, 1]
    assert shapes["netvlad.clusters"] == [1, 1, 1, 512, 64]
    assert shapes["wpca.weight"] == [4096, 32768, 1, 1]
    assert shapes["wpca.bias"] == [4096]
    assert shapes["backbone.layer2.0.downsample.0.weight"] == [128, 64, 1, 1]
    blocks = {key.split(".")[1:3][-1] for key in shapes if key.startswith("backbone.layer3.")}
    assert blocks == {str(block) for block in range(6)}


@torch.no_grad()
def test_backbone_has_the_map_and_the_arithmetic_of_resnet() -> None:
    rng = torch.Generator().manual_seed(0)
    model = ResNet34(18).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight, generator=rng)
    frames = torch.rand(1, 18, 64, 64, generator=rng)
    assert model(frames).shape == (1, 512, 2, 2)
    block = model.layer2[0]
    state, x = block.state_dict(), torch.rand(1, 64, 9, 9, generator=rng)
    eps = 1 / (1 + 1e-5) ** 0.5  # batch norm at its start: variance 1, epsilon 1e-5
    way = torch.conv2d(x, state["conv1.weight"], stride=2, padding=1).mul(eps).relu()
    way = torch.conv2d(way, state["conv2.weight"], padding=1) * eps
    short = torch.conv2d(x, state["downsample.0.weight"], stride=2) * eps
    assert torch.allclose(block(x), (way + short).relu(), atol=1e-5)


class TestKernel:
    """The fitted time kernel."""

    def test_it_learns_the_trilinear_kernel(self) -> None:
        kernel = ValueKernel()
        assert kernel.fit_trilinear(9, torch.Generator().manual_seed(5), steps=300) < 1e-3
        dt = torch.linspace(-1, 1, 201)
        with torch.no_grad():
            assert float((kernel(dt) - trilinear_kernel(dt, 9)).abs().max()) < 0.1

    def test_it_depends_on_the_seed_alone(self) -> None:
        state = torch.random.get_rng_state()
        kernels = [ValueKernel() for _ in range(3)]
        for kernel, seed in zip(kernels, (5, 5, 6), strict=True):
            kernel.fit_trilinear(9, torch.Generator().manual_seed(seed), steps=3)
        assert torch.equal(state, torch.random.get_rng_state())
        dt = torch.linspace(-1, 1, 201)
        with torch.no_grad():
            assert torch.equal(kernels[0](dt), kernels[1](dt))
            assert not torch.equal(kernels[0](dt), kernels[2](dt))


def grid(events: torch.Tensor, items: int = 1, **options: str) -> torch.Tensor:
    est = EST(4, 6, bins=3, **options)  # type: ignore[arg-type]
    with torch.no_grad():
        for k, parameter in enumerate(est.parameters()):
            parameter.copy_(torch.linspace(-1, 1, parameter.numel()).view(parameter.shape) + k / 7)
        return est(events, items)


ROWS = torch.tensor([[1, 2, 10, 1, 0], [5, 3, 60, -1, 0], [0, 0, 30, 1, 1], [0, 0, 90, 1, 1]])


def test_natively_a_later_recording_of_the_same_events_gives_the_same_grid() -> None:
    later = ROWS.double()
    later[:, 2] += 1.6e15
    assert torch.allclose(grid(ROWS.double(), 2), grid(later, 2))
    published = [grid(rows, 2, compat="spikevpr") for rows in (ROWS.double(), later)]
    assert not torch.allclose(*published, atol=1e-3)


def test_off_channels_come_first_and_an_item_without_events_is_zero() -> None:
    found = grid(ROWS.double(), 3)
    assert found.shape == (3, 6, 4, 6)
    off, on = found[0, :3], found[0, 3:]
    assert off[:, 3, 5].abs().max() > 0
    assert on[:, 3, 5].abs().max() == 0
    assert found[2].abs().max() == 0
    assert found[1, 3:, 0, 0].abs().max() > 0


def test_wrong_events_are_refused() -> None:
    for column, value, message in ((0, 6, "x from"), (4, 2, "item from"), (3, 0, "polarity")):
        rows = ROWS.double().clone()
        rows[0, column] = value
        with pytest.raises(EventError, match=message):
            grid(rows, 2)
    with pytest.raises(ShapeError, match="x, y, t, p, item"):
        grid(torch.zeros(3, 4))


def test_rows_of_windows_carry_signed_polarity_and_the_number_of_the_window() -> None:
    size = SensorSize(4, 6)
    windows = [Events([1, 2], [0, 3], [5, 9], [0, 1], size), Events([4], [1], [7], [1], size)]
    expected = [[1, 0, 5, -1, 0], [2, 3, 9, 1, 0], [4, 1, 7, 1, 1]]
    assert event_rows(windows).tolist() == expected
    assert event_rows([]).shape == (0, 5)


def test_the_published_crop_is_centred() -> None:
    columns = torch.arange(346.0).expand(1, 260, 346)
    square = centre_square(columns)
    assert square.shape == (1, 260, 260)
    assert (square[0, 0, 0], square[0, 0, -1]) == (43, 302)


class TestFiles:
    """Weights files into the parts they belong to."""

    @staticmethod
    def small() -> EventVPR:
        """The network with a stand-in for the 512 MB of WPCA."""
        with torch.device("meta"):
            model = EventVPR(8, 8)
        model.netvlad = NetVLAD()
        model.wpca = torch.nn.Conv2d(4, 2, 1)
        return model

    def test_published_keys_load_bit_for_bit(self, tmp_path: Path) -> None:
        model = self.small()
        vlad = {
            "assignment.weight": torch.rand(64, 512, 1, 1),
            "clusters": torch.rand(1, 1, 1, 512, 64),
        }
        wpca = {"weight": torch.rand(2, 4, 1, 1), "bias": torch.rand(2)}
        torch.save(vlad, tmp_path / "netvlad_weights.pth")
        torch.save(wpca, tmp_path / "wpca_weights.pth")
        load_parts(
            model, netvlad=tmp_path / "netvlad_weights.pth", wpca=tmp_path / "wpca_weights.pth"
        )
        assert torch.equal(model.netvlad.clusters, vlad["clusters"])
        assert torch.equal(model.wpca.weight, wpca["weight"])

    def test_a_classifier_is_left_out_and_an_image_stem_is_named(self, tmp_path: Path) -> None:
        model = self.small()
        model.backbone = ResNet34(18)
        state = {
            key: torch.zeros(value.shape) for key, value in model.backbone.state_dict().items()
        }
        torch.save(state | {"fc.weight": torch.zeros(3, 512)}, tmp_path / "resnet.pth")
        load_parts(model, backbone=tmp_path / "resnet.pth")
        assert not model.backbone.conv1.weight.any()
        torch.save(state | {"conv1.weight": torch.zeros(64, 3, 7, 7)}, tmp_path / "images.pth")
        with pytest.raises(CheckpointError, match="18 channels"):
            load_parts(model, backbone=tmp_path / "images.pth")

    def test_what_does_not_fit_is_refused_by_name(self, tmp_path: Path) -> None:
        model = self.small()
        torch.save({"weight": torch.zeros(2, 4, 1, 1), "gain": torch.zeros(2)}, tmp_path / "a.pth")
        with pytest.raises(CheckpointError, match="missing: bias; unknown: gain"):
            load_parts(model, wpca=tmp_path / "a.pth")
        (tmp_path / "b.pth").write_bytes(b"no weights")
        with pytest.raises(CheckpointError, match="cannot be read"):
            load_parts(model, wpca=tmp_path / "b.pth")
        torch.save([torch.zeros(2)], tmp_path / "c.pth")
        with pytest.raises(CheckpointError, match="no dict of tensors"):
            load_parts(model, wpca=tmp_path / "c.pth")
        with pytest.raises(MissingFileError, match="weights of WPCA"):
            load_parts(model, wpca=tmp_path / "d.pth")


@pytest.mark.slow
def test_the_whole_network_gives_unit_descriptors_from_a_seed() -> None:
    rng = np.random.default_rng(0)
    size = SensorSize(40, 50)
    windows: list[Events] = []
    for _ in range(2):
        t = np.sort(rng.integers(0, 9_999, 400))
        x, y, p = (rng.integers(0, limit, 400) for limit in (50, 40, 2))
        windows.append(Events(x, y, t, p, size))
    model = EventVPR.build(3, height=40, width=50, fit_steps=20)
    found = model.embed(windows)
    assert found.shape == (2, 4096)
    assert torch.allclose(found.norm(dim=1), torch.ones(2), atol=1e-5)
    assert not torch.allclose(found[0], found[1], atol=1e-4)
    assert torch.allclose(model.embed(windows[1:])[0], found[1], atol=1e-5)
    with pytest.raises(ShapeError, match="6x4 sensor"):
        model.embed([Events([1], [1], [1], [1], SensorSize(4, 6))])

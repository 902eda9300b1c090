"""SpikeVPR golden data: blocks, whole networks, heads, state dicts, events.

Files are picked by the start of their name and tested by what they store. Tolerances are those of
the golden data's README: A exact, B 1e-6 in float64, C float32.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from spikevpr_numbers import files, formula_weights, loss_weights, meta, uniform
from torch import nn

from saccade.layers.mixvpr import HeadNeuron, MixVPR
from saccade.layers.pool_heads import GEM, MLP
from saccade.layers.sew import SEWBlock, per_step
from saccade.tasks.place.checkpoint import load_published
from saccade.tasks.place.config import PlaceModelConfig
from saccade.tasks.place.model import PlaceNet
from saccade.tasks.place.spikes import record_spikes

NEURON: dict[str, HeadNeuron] = {"LIFNode": "lif", "IFNode": "if"}
DTYPES = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["f64", "f32"])


def by_name(prefix: str) -> pytest.MarkDecorator:
    found = [path for path in files(prefix) if path.suffix == ".npz"]
    return pytest.mark.parametrize("path", found, ids=lambda path: path.stem)


def fill(module: nn.Module, keys: list[tuple[str, tuple[int, ...]]], seed: int) -> None:
    """Put formula weights into a module; every parameter must get one."""
    weights = formula_weights(keys, seed)
    parameters = dict(module.named_parameters())
    assert parameters.keys() - {"aggregator.p", "p"} == weights.keys()
    with torch.no_grad():
        for key, value in weights.items():
            parameters[key].copy_(value)


def put_statistics(module: nn.Module, data: Any, prefix: str) -> None:
    buffers = dict(module.named_buffers())
    for name in data.files:
        if name.startswith(prefix):
            buffers[name.removeprefix(prefix)].copy_(torch.from_numpy(data[name]))


def relative(found: torch.Tensor, expected: Any) -> float:
    wanted = torch.from_numpy(np.asarray(expected)).double()
    return float(
        (found.detach().double() - wanted).abs().max() / wanted.abs().max().clamp(min=1e-12)
    )


def check_weights(data: Any, state: dict[str, torch.Tensor], keys: list[str]) -> None:
    for row, key in zip(data["weight_check"], keys, strict=True):
        if not np.isnan(row[0]):
            values = state[key].double()
            assert float(values.sum()) == pytest.approx(row[0], abs=1e-4), key
            assert float(values.abs().sum()) == pytest.approx(row[1], rel=1e-5), key


def test_generator_gives_the_numbers_of_the_readme() -> None:
    expected = [0.433258347, 0.230031553, 0.064164232, 0.534156363]
    assert np.allclose(uniform(4, 0, 11), expected, atol=1e-9, rtol=0)


class TestBlock:
    """One SEW block in training and in evaluation."""

    @staticmethod
    def build(data: Any, dtype: torch.dtype) -> tuple[SEWBlock, dict[str, Any]]:
        about = meta(data)
        block = SEWBlock(
            about["inplanes"],
            about["planes"],
            stride=about["stride"],
            connect=about["connect_f"],
        ).to(dtype)
        assert list(block.state_dict()) == about["keys"]
        assert [list(value.shape) for value in block.state_dict().values()] == about["shapes"]
        shapes = [tuple(shape) for shape in about["shapes"]]
        fill(block, list(zip(about["keys"], shapes, strict=True)), about["seed"])
        check_weights(data, block.state_dict(), about["keys"])
        return block, about

    @staticmethod
    def run(
        block: SEWBlock, data: Any, seed: int, dtype: torch.dtype
    ) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
        x = torch.from_numpy(data["x"]).to(dtype)[None].requires_grad_()
        with record_spikes(block) as record:
            y = block(x)
        (y * loss_weights(tuple(y.shape), 79, seed, dtype)).sum().backward()
        assert x.grad is not None
        return y[0].detach(), x.grad[0], {n: record.per_sample(n) for n in record.counts}

    @by_name("block_")
    @DTYPES
    def test_training_step(self, path: Path, dtype: torch.dtype) -> None:
        data = np.load(path)
        block, about = self.build(data, dtype)
        limit = 1e-5 if dtype == torch.float64 else 1e-4
        y, gx, spikes = self.run(block.train(), data, about["seed"], dtype)
        assert torch.equal(y, torch.from_numpy(data["y_train"]).to(dtype))
        assert relative(gx, data["gx_train"]) <= limit
        parameters = dict(block.named_parameters())
        for name in (n for n in data.files if n.startswith("g_train/")):
            gradient = parameters.pop(name.removeprefix("g_train/")).grad
            assert gradient is not None
            assert relative(gradient, data[name]) <= limit, name
        assert not parameters
        for name in (n for n in data.files if n.startswith("spikes_train/")):
            assert spikes[name.removeprefix("spikes_train/")].tolist() == data[name].tolist(), name
        buffers = dict(block.named_buffers())
        for name in (n for n in data.files if n.startswith("running_after_train/")):
            assert relative(buffers[name.removeprefix("running_after_train/")], data[name]) <= limit

    @by_name("block_")
    @DTYPES
    def test_evaluation(self, path: Path, dtype: torch.dtype) -> None:
        data = np.load(path)
        block, about = self.build(data, dtype)
        put_statistics(block, data, "eval_stats/")
        y, gx, spikes = self.run(block.eval(), data, about["seed"], dtype)
        assert torch.equal(y, torch.from_numpy(data["y_eval"]).to(dtype))
        assert relative(gx, data["gx_eval"]) <= (1e-5 if dtype == torch.float64 else 1e-4)
        for name in (n for n in data.files if n.startswith("spikes_eval/")):
            assert spikes[name.removeprefix("spikes_eval/")].tolist() == data[name].tolist(), name


class TestWholeNetwork:
    """Frames to descriptors, with every layer's spikes."""

    @staticmethod
    def config(data: Any) -> PlaceModelConfig:
        about = meta(data)
        settings: dict[str, Any] = {
            "arch": about["encoder"],
            "head_neuron": NEURON[about["neuron"]],
            "aggregator": about.get("aggregator", "mixvpr"),
            "connect": about.get("connect_f", "ADD"),
            "compat": "spikevpr",
        }
        if settings["aggregator"] == "mlp":
            settings["out_channels"] = data["descriptor"].shape[1]
        elif settings["aggregator"] == "mixvpr":
            settings["out_channels"] = about.get("out_channels", 512)
            settings["out_rows"] = data["descriptor"].shape[1] // settings["out_channels"]
        return PlaceModelConfig(**settings)

    @classmethod
    def build(cls, data: Any, dtype: torch.dtype) -> PlaceNet:
        model = PlaceNet.build(cls.config(data))
        state = model.state_dict()
        fill(model, [(key, tuple(value.shape)) for key, value in state.items()], meta(data)["seed"])
        put_statistics(model, data, "stats/")
        if "aggregator.p" not in state:
            check_weights(data, state, list(state))
        return model.to(dtype)

    @staticmethod
    def embed(
        model: PlaceNet, data: Any, dtype: torch.dtype
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor], Any]:
        seen: dict[str, torch.Tensor] = {}

        def keep(name: str) -> Any:
            return lambda module, inputs, output: seen.__setitem__(name, output)

        hooks = [model.bn1.register_forward_hook(keep("bn1"))]
        hooks += [
            stage.register_forward_hook(keep(f"layer{k}"))
            for k, stage in enumerate(model.stages(), 1)
        ]
        with torch.no_grad(), record_spikes(model) as record:
            descriptor = model(torch.from_numpy(data["frames"]).to(dtype))
        for hook in hooks:
            hook.remove()
        return descriptor, seen, record

    @staticmethod
    def names(data: Any, ours: list[str]) -> list[tuple[int, str]]:
        """Pair columns of the file with our layers: backbone by name, head layers in order."""
        head = [name for name in ours if name.startswith("aggregator.")]
        theirs = [str(name) for name in data["neuron_names"]]
        pairs: list[tuple[int, str]] = []
        for column, name in enumerate(theirs):
            if not name.startswith("aggregator."):
                pairs.append((column, name))
            elif head:
                pairs.append((column, head.pop(0)))
            else:  # the membrane of the MLP head never fires
                assert data["spike_counts"][:, column].sum() == 0
        assert not head
        return pairs

    @by_name("full_")
    def test_float64_is_exact(self, path: Path) -> None:
        data = np.load(path)
        model = self.build(data, torch.float64)
        descriptor, seen, record = self.embed(model, data, torch.float64)
        for column, name in self.names(data, list(record.counts)):
            assert record.neurons[name] == data["neurons"][column], name
            counts = record.per_sample(name).tolist()
            assert counts == data["spike_counts"][:, column].tolist(), name
        crop = seen["bn1"].flatten(0, -4)[:, :8, 40:48, 60:68].numpy()
        assert np.abs(crop - data["bn1_crop"]).max() <= 1e-6 * max(1, np.abs(crop).max())
        assert np.array_equal(seen["layer4"][0].numpy(), data["layer4_out"])
        for k in (1, 2, 3):
            sums = seen[f"layer{k}"][0].sum((-2, -1)).numpy()
            assert np.array_equal(sums, data[f"layer{k}_channel_sum"])
        assert np.abs(descriptor.numpy() - data["descriptor"]).max() <= 1e-6

    @by_name("full_")
    def test_float32_is_within_a_few_spikes(self, path: Path) -> None:
        data = np.load(path)
        model = self.build(data, torch.float32)
        descriptor, _, record = self.embed(model, data, torch.float32)
        for column, name in self.names(data, list(record.counts)):
            counts = record.per_sample(name).numpy()
            assert np.abs(counts - data["spike_counts"][:, column]).max() <= 20, name
        expected = torch.from_numpy(data["descriptor"])
        assert float(nn.functional.cosine_similarity(descriptor, expected).min()) >= 0.9999

    @by_name("full_")
    def test_native_and_compat_agree_on_the_published_size(self, path: Path) -> None:
        data = np.load(path)
        compat = self.build(data, torch.float32)
        native = PlaceNet(compat, compat.aggregator).eval()
        frames = torch.from_numpy(data["frames"][:1]).float()
        with torch.no_grad():
            assert torch.equal(native(frames), compat(frames))


class TestHeads:
    """Heads alone, on a stored map."""

    @staticmethod
    def cases(data: Any, pattern: str) -> list[str]:
        return [name for name in data.files if re.fullmatch(pattern, name)]

    @by_name("heads_")
    @DTYPES
    def test_gem(self, path: Path, dtype: torch.dtype) -> None:
        data = np.load(path)
        for name in self.cases(data, r"gem(_IFNode|_LIFNode)?"):
            found = GEM().to(dtype)(torch.from_numpy(data["x"]).to(dtype)).detach().numpy()
            assert np.abs(found - data[name]).max() <= 1e-6

    @by_name("heads_")
    @DTYPES
    def test_mlp(self, path: Path, dtype: torch.dtype) -> None:
        data = np.load(path)
        x = torch.from_numpy(data["x"]).to(dtype)
        for name in self.cases(data, r"mlp_(IFNode|LIFNode)"):
            head = MLP(x.shape[1], data[name].shape[1], neuron=NEURON[name.split("_")[-1]]).to(
                dtype
            )
            state = head.state_dict()
            assert list(state) == [str(key) for key in data["mlp_keys"]]
            keys = [(key, tuple(value.shape)) for key, value in state.items()]
            fill(head, keys, meta(data).get("seed", 101))
            found = head(x).detach().numpy()
            assert np.abs(found - data[name]).max() <= (1e-6 if dtype == torch.float64 else 1e-5)

    @staticmethod
    def mixvpr(data: Any, name: str, dtype: torch.dtype) -> tuple[MixVPR, str, str]:
        stem, neuron = name.rsplit("_", 1)
        weights = f"{stem}_g_{neuron}/"
        shapes = {
            key.removeprefix(weights): data[key].shape
            for key in data.files
            if key.startswith(weights)
        }
        hidden, cells = shapes["mix.0.fc.weight"]
        channels, height, width = data[f"{stem}_gx_{neuron}"].shape[1:]
        head = MixVPR(
            channels,
            (height, width),
            out_channels=shapes["channel_proj.weight"][0],
            out_rows=shapes["row_proj.weight"][0],
            depth=sum(key.endswith(".fc.weight") for key in shapes),
            mlp_ratio=hidden / cells,
            neuron=NEURON[neuron],
            exact_grid=True,
        ).to(dtype)
        assert [(k, tuple(v.shape)) for k, v in head.state_dict().items()] == list(shapes.items())
        return head, weights, f"{stem}_gx_{neuron}"

    @by_name("heads_")
    @DTYPES
    def test_mixvpr(self, path: Path, dtype: torch.dtype) -> None:
        data = np.load(path)
        about = meta(data)
        seed = about.get("seed", 101)
        tiny, wide = (1e-6, 1e-5) if dtype == torch.float64 else (1e-5, 1e-4)
        for name in self.cases(data, r"mixvpr\w*_(IFNode|LIFNode)"):
            if "_gx_" in name:
                continue
            head, weights, gx = self.mixvpr(data, name, dtype)
            keys = [(key, tuple(value.shape)) for key, value in head.state_dict().items()]
            fill(head, keys, about.get("mixvpr_seed", seed + 1))
            size = data[gx].shape
            x = torch.from_numpy(data["x"][:, : size[1], : size[2], : size[3]]).to(dtype)
            y = head(x.requires_grad_())
            (y * loss_weights(tuple(y.shape), 3, seed, dtype)).sum().backward()
            assert np.abs(y.detach().numpy() - data[name]).max() <= tiny
            assert relative(cast(torch.Tensor, x.grad), data[gx]) <= wide
            for key, parameter in head.named_parameters():
                assert relative(cast(torch.Tensor, parameter.grad), data[weights + key]) <= wide, (
                    key
                )


@pytest.mark.parametrize("path", files("state_dict_"), ids=lambda path: path.stem)
def test_published_keys_and_shapes_are_ours_in_order(path: Path, tmp_path: Path) -> None:
    entries = [(key, tuple(shape), dtype) for key, shape, dtype in json.loads(path.read_text())]
    state = {key: torch.ones(shape, dtype=getattr(torch, dtype)) for key, shape, dtype in entries}
    torch.save(state, tmp_path / "weights.pth")
    model = load_published(
        tmp_path / "weights.pth", head_neuron="lif", channel_order="off_on", compat="spikevpr"
    )
    ours = [
        (key, tuple(value.shape), str(value.dtype).removeprefix("torch."))
        for key, value in model.state_dict().items()
    ]
    assert ours == entries


@by_name("events_")
def test_events(path: Path) -> None:
    from spikevpr_events import check_events

    check_events(path)


def test_stem_sees_off_first() -> None:
    """Weights for (ON, OFF) frames give the same stem output on (OFF, ON) frames once converted."""
    model = PlaceNet.sew_resnet18(seed=1)
    frames = torch.from_numpy(uniform(2 * 32 * 48, 5, 1).reshape(1, 1, 2, 32, 48)).float()
    state = {key: value.clone() for key, value in model.state_dict().items()}
    from saccade.tasks.place.checkpoint import _off_first

    expected = per_step(model.conv1, frames)
    model.load_state_dict(_off_first(state))
    assert torch.allclose(per_step(model.conv1, frames.flip(2)), expected, atol=1e-6)

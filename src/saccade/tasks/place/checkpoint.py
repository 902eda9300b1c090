"""Weights of the place network: published ``.pth`` files and our own ``.safetensors``.

A published file is a plain dict of tensors. What it does not say, the head's neuron and the
polarity of the first input channel, comes from a flag, from our metadata or from the table of
packaged weight cards (`saccade.hub`). Backbone, head and sizes are read off keys and
shapes, and every key and shape is compared with the network before anything is copied.
"""

from __future__ import annotations

import json
import pickle
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, Literal, cast

import torch
from torch import Tensor

from saccade import hub
from saccade.errors import CheckpointError, ConfigError, MissingFileError, listing
from saccade.files import file_sha256, write_atomically
from saccade.layers.mixvpr import HeadNeuron
from saccade.tasks.place.config import PlaceModelConfig
from saccade.tasks.place.model import PlaceNet

__all__ = ["ChannelOrder", "load_published", "save_weights"]

ChannelOrder = Literal["off_on", "on_off"]

BLOCKS: dict[tuple[int, ...], str] = {(2, 2, 2, 2): "sew_resnet18", (3, 4, 6, 3): "sew_resnet34"}
NEURONS, ORDERS = ("lif", "if"), ("off_on", "on_off")
SCHEMA = "saccade.place.1"


def load_published(
    path: str | Path,
    *,
    head_neuron: HeadNeuron | None = None,
    channel_order: ChannelOrder | None = None,
    grid: tuple[int, int] | None = None,
    compat: Literal["spikevpr"] | None = None,
) -> PlaceNet:
    """Build the network a weights file belongs to and load the weights.

    Args:
        path: A ``.pth`` or ``.safetensors`` file; the content decides, not the name. ``.pth``
            files are unpickled with weights only: no code in them runs.
        head_neuron: ``"lif"`` or ``"if"``; needed where neither the file nor a weight card says it.
            Overrides both.
        channel_order: Polarity order of the input channels the weights were trained with.
            ``"on_off"`` weights are permuted, so that the network takes (OFF, ON) like every other.
        grid: Rows and columns of a MixVPR head that is neither 9x11 nor ours.
        compat: See `PlaceNet`.

    Returns:
        The network in evaluation mode, on the CPU, float32.

    Raises:
        MissingFileError: There is no such file.
        CheckpointError: The file is no state dict, does not fit, or does not say what is needed.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = save_weights(PlaceNet.sew_resnet18(seed=3), Path(folder) / "own.safetensors")
        ...     model = load_published(path)
        >>> model.config.arch, model.config.head_neuron
        ('sew_resnet18', 'lif')
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(
            f"No such file: {path}.", "--weights takes a .pth or .safetensors file."
        )
    state, metadata = _read(path)
    config, stored_order = _described(metadata, path)
    if config is None:
        card = hub.find(file_sha256(path))
        config = _inferred(state, grid, path)
        neuron = head_neuron or cast(HeadNeuron | None, _said(card, "head_neuron", NEURONS))
        order = channel_order or cast(ChannelOrder | None, _said(card, "channel_order", ORDERS))
        _ask_for_missing(path, neuron if config.aggregator != "gem" else "none", order)
        config = replace(config, head_neuron=neuron or "lif")
    else:
        order = channel_order or stored_order
        config = replace(config, head_neuron=head_neuron or config.head_neuron)
    model = PlaceNet.build(replace(config, compat=compat))
    _fill(model, _off_first(state) if order == "on_off" else state, path)
    return model


def save_weights(model: PlaceNet, path: str | Path) -> Path:
    """Write weights as ``.safetensors`` with all that is needed to rebuild the network.

    Equal weights give equal bytes, so that a checksum says whether a run was reproduced.

    Args:
        model: A network made by `PlaceNet.build`, its named constructors or `load_published`.
        path: File to write; it appears only when it is complete.

    Raises:
        ConfigError: The network was put together by hand, so nothing describes it.
    """
    from safetensors.torch import save

    if model.config is None:
        raise ConfigError(
            "This PlaceNet has no config, so its weights could not be loaded again.",
            fix="Make it with PlaceNet.build(PlaceModelConfig(...)).",
        )
    path = Path(path)
    config = asdict(replace(model.config, compat=None))
    metadata = {
        "schema": SCHEMA,
        "config": json.dumps(config),
        "arch": model.config.arch,
        "head_neuron": model.config.head_neuron,
        "channel_order": "off_on",
    }
    tensors = {key: value.contiguous() for key, value in model.state_dict().items()}
    return write_atomically(path, _with_metadata(save(tensors), metadata))


def _with_metadata(content: bytes, metadata: dict[str, str]) -> bytes:
    """Put metadata into safetensors bytes, in order: the library's order changes with each run."""
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.dumps({"__metadata__": metadata, **json.loads(content[8:start])})
    padded = header.encode() + b" " * (-len(header) % 8)
    return len(padded).to_bytes(8, "little") + padded + content[start:]


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    with path.open("rb") as file:
        head = file.read(9)
    if head[8:9] == b"{":
        return _read_safetensors(path)
    try:
        loaded: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (
        pickle.UnpicklingError,
        RuntimeError,
        EOFError,
        ValueError,
        KeyError,
        IndexError,
    ) as error:
        raise CheckpointError(
            f"{path.name} cannot be read as weights.",
            "Expected a .safetensors file, or a .pth file that holds only tensors (nothing else is "
            "unpickled).",
            "Download the file again, or save model.state_dict() alone.",
        ) from error
    if not isinstance(loaded, dict):
        raise CheckpointError(
            f"{path.name} holds a {type(loaded).__name__}.", "Expected a dict of tensors."
        )
    items = cast(dict[Any, Any], loaded)
    odd = [key for key, value in items.items() if not isinstance(value, Tensor)]
    if {"model", "progressed"} <= items.keys():
        raise CheckpointError(
            f"{path.name} is a checkpoint of a run, for --resume.",
            "Expected weights alone.",
            "Take weights.safetensors of the same folder.",
        )
    if odd:
        raise CheckpointError(
            f"{path.name} holds entries that are no tensors: {listing(odd)}.",
            "Expected a plain state dict.",
            "Save the state dict inside it alone.",
        )
    return cast(dict[str, Tensor], items), {}


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            return state, dict(file.metadata() or {})
    except SafetensorError as error:
        raise CheckpointError(
            f"{path.name} is a damaged safetensors file: {error}.", fix="Copy the file again."
        ) from error


def _described(
    metadata: dict[str, str], path: Path
) -> tuple[PlaceModelConfig | None, ChannelOrder | None]:
    if "config" not in metadata:
        return None, None
    if metadata.get("schema") != SCHEMA:
        raise CheckpointError(
            f"{path.name} has schema {metadata.get('schema')!r}.",
            f"This version reads {SCHEMA!r}.",
            "Was it written by a later saccade?",
        )
    stored = json.loads(metadata["config"])
    known = {item.name for item in fields(PlaceModelConfig)}
    if stored.keys() - known:
        raise CheckpointError(
            f"{path.name} has unknown settings: {listing(sorted(stored.keys() - known))}.",
            f"Known: {listing(sorted(known), most=20)}.",
        )
    stored["grid"] = tuple(stored["grid"])
    return PlaceModelConfig(**stored), cast(ChannelOrder, metadata["channel_order"])


def _said(card: hub.WeightCard | None, key: str, choices: tuple[str, ...]) -> str | None:
    said = card.settings.get(key) if card else None
    if card and said is not None and said not in choices:
        raise CheckpointError(
            f"The card of {card.name!r} has {key} {said!r}.", f"Expected {' or '.join(choices)}."
        )
    return said


def _inferred(
    state: dict[str, Tensor], grid: tuple[int, int] | None, path: Path
) -> PlaceModelConfig:
    blocks = tuple(
        sum(f"layer{stage}.{block}.conv1.0.0.weight" in state for block in range(64))
        for stage in (1, 2, 3, 4)
    )
    if blocks not in BLOCKS:
        raise CheckpointError(
            f"{path.name} is not a SEW-ResNet 18 or 34 with depthwise-separable blocks: it has "
            f"{', '.join(map(str, blocks))} blocks in the four stages.",
            "Expected 2, 2, 2, 2 or 3, 4, 6, 3 (keys layer1.0.conv1.0.0.weight and so on).",
            f"Its first keys: {listing(state)}.",
        )
    config = PlaceModelConfig(arch=cast(Any, BLOCKS[blocks]))
    if "aggregator.p" in state:
        return replace(config, aggregator="gem")
    if "aggregator.fc2.weight" in state:
        size = state["aggregator.fc2.weight"].shape[0]
        return replace(config, aggregator="mlp", out_channels=size)
    try:
        rows, cells = state["aggregator.row_proj.weight"].shape
        hidden = state["aggregator.mix.0.fc.weight"].shape[0]
        channels = state["aggregator.channel_proj.weight"].shape[0]
    except KeyError as error:
        raise CheckpointError(
            f"{path.name} has no head this version knows; it lacks {error}.",
            "Expected keys of MixVPR (aggregator.mix.*), GEM (aggregator.p) or MLP "
            "(aggregator.fc1).",
        ) from error
    depth = sum(f"aggregator.mix.{k}.fc.weight" in state for k in range(64))
    return replace(
        config,
        grid=_grid(cells, grid, path),
        out_channels=channels,
        out_rows=rows,
        depth=depth,
        mlp_ratio=hidden / cells,
    )


def _grid(cells: int, grid: tuple[int, int] | None, path: Path) -> tuple[int, int]:
    grid = grid or ((9, 11) if cells == 99 else None)
    if grid is None or grid[0] * grid[1] != cells:
        raise CheckpointError(
            f"{path.name} has a MixVPR head for {cells:,} grid cells"
            + (f", not {grid[0]}x{grid[1]}." if grid else "; the file does not say how they lie."),
            fix="Pass grid=(rows, columns) to load_published.",
        )
    return grid


def _ask_for_missing(path: Path, neuron: str | None, order: str | None) -> None:
    missing: list[str] = []
    if neuron is None:
        missing.append("--head-neuron lif (Brisbane, NSAVP) or --head-neuron if (NYC)")
    if order is None:
        missing.append("--channel-order off_on (Brisbane, NSAVP) or --channel-order on_off (NYC)")
    if missing:
        raise CheckpointError(
            f"{path.name} is not one of the published files known by SHA-256, and a plain state "
            "dict does not say how it was trained.",
            f"Add {' and '.join(missing)}.",
        )


def _off_first(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Exchange the input channels: the depthwise stem filters and the columns that read them."""
    swapped = dict(state)
    swapped["conv1.0.weight"] = state["conv1.0.weight"].flip(0)
    swapped["conv1.1.weight"] = state["conv1.1.weight"].flip(1)
    return swapped


def _fill(model: PlaceNet, state: dict[str, Tensor], path: Path) -> None:
    own = model.state_dict()
    if "aggregator.p" in state and state["aggregator.p"].numel() == 1:
        state = {**state, "aggregator.p": state["aggregator.p"].reshape(own["aggregator.p"].shape)}
    lacks = [key for key in own if key not in state]
    extra = [key for key in state if key not in own]
    shapes = [
        f"{key} {tuple(state[key].shape)} instead of {tuple(own[key].shape)}"
        for key in own
        if key in state and state[key].shape != own[key].shape
    ]
    problems = [
        f"{what} {len(found):,}: {listing(found)}"
        for what, found in (("missing", lacks), ("unexpected", extra), ("other shape", shapes))
        if found
    ]
    if problems:
        assert model.config is not None
        raise CheckpointError(
            f"{path.name} does not fit {model.config.arch} with {model.config.aggregator}: "
            f"{'; '.join(problems)}.",
            f"Expected {len(own):,} tensors.",
        )
    model.load_state_dict(state)

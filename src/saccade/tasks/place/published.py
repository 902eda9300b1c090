"""Weights files from elsewhere: read, checked, converted, kept under a name.

    foreign .pth --SHA-256 known?--> what the file does not say --> our .safetensors and its card

A published file holds a plain state dict and does not say which neuron its head needs, nor which
polarity its first input channel carries (defect A3 of the original). The packaged weight cards say
it for the files known by SHA-256; for all others the caller has to.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from tyro.conf import Positional

from saccade import hub
from saccade.contracts import Report
from saccade.errors import CheckpointError, ConfigError

if TYPE_CHECKING:
    from saccade.tasks.place.model import PlaceNet

__all__ = ["ImportConfig", "import_published", "import_weights"]


@dataclass(frozen=True, kw_only=True)
class ImportConfig:
    """Check a weights file, convert it, and keep it under a name for --weights.

    Published files are known by their SHA-256. Any other needs --head-neuron and --channel-order,
    unless it is a .safetensors file of saccade. .pth files are unpickled with weights only.
    """

    file: Positional[Path]
    """A .pth or .safetensors file."""
    name: Annotated[str | None, tyro.conf.arg(name="as")] = None
    """Name to keep it under (default: that of the published file it is, if it is one)."""
    head_neuron: Literal["lif", "if"] | None = None
    """Neuron of the head."""
    channel_order: Literal["off_on", "on_off"] | None = None
    """Polarity of the first channel the weights were trained with."""
    grid: tuple[int, int] | None = None
    """Rows and columns of a MixVPR head that is not 9x11."""
    trained_on: str = "unknown"
    """For the card of an unknown file: the data."""
    licence: str = "unknown"
    """For the card of an unknown file: the licence."""
    overwrite: bool = False
    """Replace a model of this name."""


def import_weights(cfg: ImportConfig) -> Report:
    """Answer ``saccade models import``: convert a file and say what became of it.

    Raises:
        MissingFileError: There is no such file.
        CheckpointError: The file does not fit, or does not say what is needed.
        ConfigError: The name is missing or taken.
    """
    path, card = import_published(cfg)
    known = card.provenance.converted_from if card.source else None
    return Report(
        title=f"Imported {cfg.file.name} as {card.name}",
        values={
            "name": card.name,
            "known_file": known is not None,
            "parameters": card.parameters,
            "bytes": card.bytes,
            "sha256": card.sha256,
            "licence": card.licence,
        },
        notes=(f"Use it with --weights {card.name}; saccade models show {card.name} says more.",),
        files=(path, path.with_suffix(".yaml")),
    )


def import_published(cfg: ImportConfig) -> tuple[Path, hub.WeightCard]:
    """Convert a weights file into our form and keep it with a card.

    Args:
        cfg: The file, its name, and what it does not say about itself.

    Returns:
        The ``.safetensors`` file in the folder of the user's models, and its card.

    Raises:
        MissingFileError: There is no such file.
        CheckpointError: The file does not fit or does not say what is needed, flags contradict what
            is known about it, or it bears the name of a published file without being it.
        ConfigError: The name is missing or taken.
    """
    from saccade.tasks.place.checkpoint import load_published, save_weights

    digest, known = hub.identify(cfg.file)
    if known is not None:
        _refuse_contradictions(cfg, known)
    elif cfg.name is None:
        raise ConfigError(
            f"{cfg.file.name} is not known by its SHA-256, so it needs a name.",
            fix="Add --as NAME.",
        )
    model = load_published(
        cfg.file, head_neuron=cfg.head_neuron, channel_order=cfg.channel_order, grid=cfg.grid
    )
    card = _card(cfg, digest, known, model)
    return hub.keep(card, lambda path: save_weights(model, path), overwrite=cfg.overwrite)


def _refuse_contradictions(cfg: ImportConfig, known: hub.WeightCard) -> None:
    if known.task != "place":
        raise CheckpointError(f"{cfg.file.name} is {known.name!r}, for task {known.task!r}.")
    for name in ("head_neuron", "channel_order"):
        given, said = getattr(cfg, name), known.settings.get(name)
        if given is not None and said is not None and given != said:
            flag = name.replace("_", "-")
            raise CheckpointError(
                f"--{flag} {given} for {cfg.file.name}.",
                f"By its SHA-256 it is {known.name!r}, which needs {said}.",
                f"Leave --{flag} out.",
            )


def _card(
    cfg: ImportConfig, digest: str, known: hub.WeightCard | None, model: PlaceNet
) -> hub.WeightCard:
    if known is not None:
        return replace(
            known,
            name=cfg.name or known.name,
            settings={},
            input=replace(known.input, channels=("off", "on")),
            provenance=replace(known.provenance, converted_from=digest),
        )
    assert model.config is not None
    config = model.config
    length = {
        "mixvpr": config.out_channels * config.out_rows,
        "gem": 512,
        "mlp": config.out_channels,
    }[config.aggregator]
    return hub.WeightCard(
        name=cfg.name or "",
        task="place",
        summary=f"{config.arch} with {config.aggregator}, imported from {cfg.file.name}",
        file=cfg.file.name,
        sha256=digest,
        bytes=None,
        licence=cfg.licence,
        parameters=sum(item.numel() for item in model.parameters()),
        input=hub.InputContract(
            channels=("off", "on"),
            units="raw event counts",
            sensor="any",
            window_us=None,
            max_events=None,
            events_per_px=None,
        ),
        output=hub.OutputContract(
            name="descriptor", shape=(length,), meaning="length 1, compared by cosine"
        ),
        provenance=hub.Provenance(
            data=cfg.trained_on,
            kind="unknown",
            recipe="",
            seed=None,
            commit="",
            command="",
            date="",
            converted_from=digest,
        ),
        results=(),
        source="",
    )

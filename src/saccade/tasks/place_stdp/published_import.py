"""A run of VPRSNN made into one member that `eval` and `predict` take.

    folders of modules --`published_modules`--> arrays --> member .safetensors and its card
    theta in volts --x 1000--> mV

What the files do not hold is drawn or asked for: delays from a seed (defect 6), the order of places
where it was shuffled, the decay of inhibition. The fast engine begins every image from rest;
``exact`` carries the state along as published (defect 7). Neurons are assigned by the last training
spikes and the labels that belong to them; ``published_labels`` pairs them as published (defect 8).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro
from numpy.typing import NDArray
from tyro.conf import Positional

from saccade import hub
from saccade.contracts import Report
from saccade.engine.config_io import to_yaml
from saccade.errors import ConfigError, MissingFileError, ShapeError, listing
from saccade.files import file_sha256
from saccade.tasks.place_stdp.config_model import InputArgs
from saccade.tasks.place_stdp.config_network import NetworkConfig
from saccade.tasks.place_stdp.published_modules import (
    ModuleFolder,
    ReadModule,
    find_modules,
    read_module,
    read_order,
)

__all__ = ["ImportConfig", "ImportedMember", "import_member", "import_weights"]

_GREY = "grey values of images"
_PUBLISHED_PATCH = 7


@dataclass(frozen=True, kw_only=True)
class ImportConfig:
    """Convert the networks of a VPRSNN run, and keep them under a name for --weights.

    The folder holds weights_ne400_L25_offset0, ... and outputs_ne400_L25_offset0, ..., beside each
    other or in folders weights and outputs; or it is one module with all its files.

    Example: saccade models import place_stdp vprsnn_run --as nordland-vprsnn
    """

    folder: Positional[Path]
    """Folder of the run, or of one module."""
    name: Annotated[str | None, tyro.conf.arg(name="as")] = None
    """Name to keep it under."""
    outputs: Path | None = None
    """Folder of the outputs where they lie elsewhere."""
    shown: int | None = None
    """Presentations k of the checkpoint (default: the last one)."""
    places: int | None = None
    """Places of the reference traverse (default: up to the last one that a module learned)."""
    calibration: int = 0
    """Places kept for calibration, the first positions."""
    order: Path | None = None
    """shuffled_indices_L*_S*.npy of the run (default: places in the order of the route)."""
    grid: str | None = None
    """Inputs across and down as WIDTHxHEIGHT (default: square)."""
    engine: Literal["fast", "exact"] = "fast"
    """fast: every image from rest; exact: state carried from image to image, as published."""
    tau_gi_ms: float = 0.5
    """Decay of inhibition in milliseconds; the 100-place network of the first paper had 2.0."""
    delay_seed: int = 0
    """Seed of the delays, which were never stored."""
    readout: Literal["standard", "weighted", "spikes"] = "standard"
    """How spikes of assigned neurons become scores of places."""
    share: float | None = None
    """Mute neurons that fired for this share of the recorded images or more."""
    published_labels: bool = False
    """Pair the last responses with the first labels, as published (defect 8)."""
    reference: str | None = None
    """Traverse that was learned, as --tests names it; eval then takes no other (default: any)."""
    licence: str = "unknown"
    """For the card: the licence."""
    overwrite: bool = False
    """Replace a model of this name."""

    def __post_init__(self) -> None:
        if self.share is not None and not 0 < self.share <= 1:
            raise ConfigError(f"--share {self.share:g}.", "Expected above 0, at most 1.")
        if self.calibration < 0 or self.delay_seed < 0:
            raise ConfigError("--calibration or --delay-seed below 0.", "Expected 0 or more.")


def import_weights(cfg: ImportConfig) -> Report:
    """Answer ``saccade models import place_stdp``: convert a folder and say what became of it.

    Raises:
        MissingFileError: A folder or file is not there.
        FormatError: A file is no array of numbers.
        ShapeError: Modules differ in size, or arrays do not belong together.
        DataError: Labels are of other places than the module's.
        ConfigError: The name is missing or taken, or a module learned no such places.
    """
    if cfg.name is None:
        raise ConfigError(f"{cfg.folder.name} needs a name.", fix="Add --as NAME.")
    member = import_member(cfg)
    path, card = hub.keep(
        _card(cfg, member), lambda target: member.write(target), overwrite=cfg.overwrite
    )
    about = member.about
    return Report(
        title=f"Imported {cfg.folder.name} as {card.name}",
        values={
            "name": card.name,
            "modules": len(about["lengths"]),
            "places": about["places"],
            "neurons": int(member.arrays["theta"].size),
            "engine": about["engine"],
            "bytes": card.bytes,
            "sha256": card.sha256,
        },
        notes=(*member.notes, f"Use it with --weights {card.name}."),
        files=(path, path.with_suffix(".yaml")),
    )


@dataclass(frozen=True, eq=False)
class ImportedMember:
    """Arrays and facts of a member, as `saccade.tasks.place_stdp.model.Member` reads them."""

    arrays: dict[str, NDArray[Any]]
    about: dict[str, Any]
    notes: tuple[str, ...]

    def write(self, path: Path) -> Path:
        """Write the member."""
        from saccade.tasks.place_stdp.store import write_stored

        return write_stored(path, self.arrays, self.about)


def import_member(cfg: ImportConfig) -> ImportedMember:
    """Read all modules of a run; raises as `import_weights`.

    Args:
        cfg: Where they are, and what files do not say.
    """
    modules = find_modules(cfg.folder, cfg.outputs)
    order = None if cfg.order is None else read_order(cfg.order)
    read = [
        read_module(
            module, cfg.shown, delay_seed=cfg.delay_seed, order=order,
            published_labels=cfg.published_labels,
        )
        for module in modules
    ]  # fmt: skip
    shapes = {item.network.weights.shape for item in read}
    if len(shapes) > 1:
        raise ShapeError(
            f"Modules have {listing(f'{i} x {n}' for i, n in sorted(shapes))} weights.",
            "Expected one size.",
        )
    last = max(int(item.places.max()) for item in read) + 1
    places = cfg.places or (len(order) if order is not None else last)
    if places < last:
        raise ConfigError(
            f"--places {places:,}.", f"Expected {last:,} or more: a module knows them."
        )
    recorded = [item.activity for item in read]
    known = [item for item in recorded if item is not None]
    if cfg.share is not None and len(known) < len(read):
        raise MissingFileError(
            "--share without recordings of all modules.",
            "Expected resultPopVecs*_record_E*.npy with the outputs of each.",
            "Leave it out; nobody is muted then.",
        )
    images = known[0].images if len(known) == len(read) else 1
    silent = np.zeros(read[0].network.theta_v.shape, np.int64)
    arrays = {
        "module_places": np.concatenate([item.places for item in read]),
        "weights": np.stack([item.network.weights for item in read]).astype(
            np.float32 if cfg.engine == "fast" else np.float64
        ),
        "theta": np.stack([1e3 * item.network.theta_v for item in read]),
        "delays": read[0].network.delay_steps.astype(np.int16),
        "active": np.stack([silent if a is None else a.active for a in recorded]),
        "own_places": np.concatenate([item.own_places for item in read]),
        "own_counts": np.concatenate([item.own_counts for item in read]).astype(np.uint16),
    }
    about = _about(cfg, modules, read, places=places, images=images)
    return ImportedMember(arrays, about, _notes(cfg, read, places))


def _about(
    cfg: ImportConfig,
    modules: Sequence[ModuleFolder],
    read: Sequence[ReadModule],
    *,
    places: int,
    images: int,
) -> dict[str, Any]:
    n_in, n_e = read[0].network.weights.shape
    sizes = {"n_in": n_in, "n_e": n_e, "tau_gi_ms": cfg.tau_gi_ms}
    native = cfg.engine == "fast"
    shown = read[0].network.presentations or 0
    images_an_epoch = max(len(read[0].places), 1)
    return {
        "kind": "member",
        "learner": "stdp",
        "member": 0,
        "seed": cfg.delay_seed,
        "epochs": shown // images_an_epoch,
        "places": places,
        "lengths": [len(item.places) for item in read],
        "calibration_modules": sum(module.offset < cfg.calibration for module in modules),
        "inputs": to_yaml(InputArgs(grid=_grid(cfg, n_in), kind="patch", patch=_PUBLISHED_PATCH)),
        "compat": "vprsnn",
        "identity": _digest(cfg, modules),
        "units": _GREY,
        "set": cfg.folder.resolve().name,
        "reference": cfg.reference,
        "own": [len(item.own_places) for item in read],
        "images": images,
        "network": to_yaml(NetworkConfig(**sizes) if native else NetworkConfig.published(**sizes)),
        "engine": cfg.engine,
        "readout": cfg.readout,
        "share": cfg.share,
    }


def _grid(cfg: ImportConfig, n_in: int) -> str:
    side = isqrt(n_in)
    grid = cfg.grid or (f"{side}x{side}" if side * side == n_in else "")
    if not grid:
        raise ConfigError(f"{n_in:,} inputs are no square.", fix="Say their grid: --grid 28x14")
    height, width = InputArgs(grid=grid).size()
    if height * width != n_in:
        raise ConfigError(f"--grid {grid}.", f"Expected {n_in:,} inputs.")
    return grid


def _digest(cfg: ImportConfig, modules: Sequence[ModuleFolder]) -> str:
    """Return a digest of all files of weights."""
    digest = hashlib.sha256(f"{cfg.engine} {cfg.delay_seed}".encode())
    for module in modules:
        for path in sorted((*module.weights.glob("XeAe*.npy"), *module.weights.glob("theta*.npy"))):
            digest.update(file_sha256(path).encode())
    return digest.hexdigest()


def _notes(cfg: ImportConfig, read: Sequence[ReadModule], places: int) -> tuple[str, ...]:
    notes = [*read[0].network.notes]
    learned = sum(len(item.places) for item in read)
    if learned < places:
        notes.append(f"{learned:,} of {places:,} places were learned; the others score 0.")
    if any(item.activity is None for item in read):
        notes.append("Without recordings of the references nobody can be muted.")
    if cfg.engine == "fast":
        notes.append("Every image begins from rest; the published network carries its state along.")
    return tuple(notes)


def _card(cfg: ImportConfig, member: ImportedMember) -> hub.WeightCard:
    about, arrays = member.about, member.arrays
    return hub.WeightCard(
        name=cfg.name or "",
        task="place_stdp",
        summary=f"{len(about['lengths'])} modules of VPRSNN, imported from {cfg.folder.name}",
        file=f"{cfg.name}.safetensors",
        sha256="0" * 64,
        bytes=None,
        licence=cfg.licence,
        parameters=int(arrays["weights"].size + arrays["theta"].size),
        input=hub.InputContract(
            channels=("grey",),
            units=_GREY,
            sensor="any",
            window_us=None,
            max_events=None,
            events_per_px=None,
        ),
        output=hub.OutputContract(
            name="scores", shape=(int(about["places"]),), meaning="larger = more alike, no unit"
        ),
        provenance=hub.Provenance(
            data=cfg.reference or "unknown",
            kind="unknown",
            recipe="",
            seed=None,
            commit="",
            command="",
            date="",
            converted_from=str(about["identity"]),
        ),
        results=(),
        source="",
    )

"""Models by name: where cards lie, which file belongs to one, whether it is the right file.

    name --> card NAME.yaml --> file beside it, if its size and SHA-256 are those of the card

Packaged cards stand in `CARDS`. Cards the user imports lie in ``$SACCADE_MODELS``, or in
``~/.local/share/saccade/models`` where that is not set; they come before packaged ones of the same
name. A card without a file describes weights that others publish: what their file must be like, and
what it does not say about itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from saccade.engine.config_io import save_config
from saccade.errors import CheckpointError, ConfigError, MissingFileError, did_you_mean, listing
from saccade.files import file_sha256, replacing
from saccade.hub.card import WeightCard, read_card

__all__ = [
    "CARDS",
    "card_path",
    "card_paths",
    "find",
    "identify",
    "keep",
    "load",
    "models_folder",
    "verify",
]

PACKAGED = Path(__file__).parents[1] / "weights"

CARDS: dict[str, str] = {
    "spikevpr-r18-brisbane": "published-spikevpr-r18-brisbane.yaml",
    "spikevpr-r18-nsavp": "published-spikevpr-r18-nsavp.yaml",
    "spikevpr-r34-brisbane": "published-spikevpr-r34-brisbane.yaml",
    "spikevpr-r34-nsavp": "published-spikevpr-r34-nsavp.yaml",
    "spikevpr-r34-nyc": "published-spikevpr-r34-nyc.yaml",
    "street-resnet8": "street-resnet8.yaml",
    "street-stdp": "street-stdp.yaml",
}
"""Name -> card in the folder ``weights`` of the package."""


def models_folder() -> Path:
    """Return the folder of imported models, which need not exist."""
    named = os.environ.get("SACCADE_MODELS")
    return Path(named).expanduser() if named else Path.home() / ".local/share/saccade/models"


def card_paths() -> dict[str, Path]:
    """Return name -> card of all models, packaged ones first.

    Examples:
        >>> "spikevpr-r34-nyc" in card_paths()
        True
    """
    return dict(_all_paths())


def card_path(name: str) -> Path:
    """Return the card of a model.

    Raises:
        ConfigError: No model has this name.
    """
    paths = card_paths()
    if name not in paths:
        raise ConfigError(
            f"No model is named {name!r}.",
            did_you_mean(name, paths) or f"Models: {listing(paths, most=8)}.",
            "See: saccade models",
        )
    return paths[name]


def find(sha256: str) -> WeightCard | None:
    """Return the card of a file with this content, None where there is none.

    Examples:
        >>> find("58c8e599fc24099779c34b2fb865b828177be99c50952826f1a54f9f096254d7").name
        'spikevpr-r34-nyc'
    """
    cards = (read_card(path) for _, path in _all_paths())
    return next((card for card in cards if card.sha256 == sha256), None)


def load(name: str) -> tuple[Path, WeightCard]:
    """Return weights by name: the file, whose content is checked every time, and its card.

    Raises:
        ConfigError: No model has this name, or its card is damaged.
        MissingFileError: The weights do not come with saccade; the message says how to get them.
        CheckpointError: The file is not the one the card describes.

    Examples:
        >>> load("spikevpr-r34-nycc")
        Traceback (most recent call last):
        saccade.errors.ConfigError: No model is named 'spikevpr-r34-nycc'. ...
    """
    found = card_path(name)
    card = read_card(found)
    path = found.with_name(card.file)
    verify(path, card)
    return path, card


def verify(path: Path, card: WeightCard) -> None:
    """Compare size and SHA-256 of a weights file with its card.

    Raises:
        MissingFileError: There is no such file.
        CheckpointError: It is another file.
    """
    if not path.is_file():
        if card.where:
            raise MissingFileError(
                f"The weights of {card.name!r} do not come with saccade.",
                f"{card.where.rstrip('.')}.",
                f"Then: saccade models import {card.file} --as {card.name}",
            )
        raise MissingFileError(f"The weights of {card.name!r} are gone: {path}.", fix=_repair(path))
    size = path.stat().st_size
    if card.bytes is not None and size != card.bytes:
        raise CheckpointError(
            f"{path} has {size:,} bytes.",
            f"Expected {card.bytes:,}, as the card of {card.name!r} says.",
            _repair(path),
        )
    found = file_sha256(path)
    if found != card.sha256:
        raise CheckpointError(
            f"{path} has SHA-256 {found}.",
            f"Expected {card.sha256}, as the card of {card.name!r} says.",
            _repair(path),
        )


def identify(path: Path) -> tuple[str, WeightCard | None]:
    """Return the SHA-256 of a foreign weights file, and its card where its content is known.

    Raises:
        MissingFileError: There is no such file.
        CheckpointError: The file bears the name of a published one, but not its content.
    """
    if not path.is_file():
        raise MissingFileError(f"No such file: {path} (looked in {Path.cwd()}).")
    found = file_sha256(path)
    card = find(found)
    for _, other_path in _all_paths() if card is None else ():
        other = read_card(other_path)
        if other.where and other.file == path.name:
            raise CheckpointError(
                f"{path} has SHA-256 {found}.",
                f"Expected {other.sha256} for the published file of this name ({other.name}).",
                "Download it again; if it is meant to be another file, rename it.",
            )
    return found, card


def keep(
    card: WeightCard, write: Callable[[Path], object], *, overwrite: bool = False
) -> tuple[Path, WeightCard]:
    """Put weights and their card into the folder of the user's models.

    Args:
        card: What is known; file, SHA-256 and size are filled in here.
        write: Writes the ``.safetensors`` file at the path it is given.
        overwrite: Replace a model of the same name that was kept before.

    Returns:
        The weights file and the finished card.

    Raises:
        ConfigError: The name is taken, or belongs to other published weights.
    """
    folder = models_folder()
    card_file, path = (folder / f"{card.name}{suffix}" for suffix in (".yaml", ".safetensors"))
    _refuse_packaged_name(card)
    if card_file.exists() and not overwrite:
        raise ConfigError(
            f"A model is named {card.name!r} already: {card_file}.",
            fix="Choose another name with --as, or replace it with --overwrite.",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"Cannot make the folder {folder}: {error.strerror}.",
            fix="Name another one in the environment variable SACCADE_MODELS.",
        ) from error
    with replacing(path) as part:
        write(part)
        card = replace(
            card, file=path.name, sha256=file_sha256(part), bytes=part.stat().st_size, where=""
        )
    save_config(card, card_file)
    return path, card


def _all_paths() -> Iterator[tuple[str, Path]]:
    """Packaged cards, then the user's, which may repeat a name."""
    yield from ((name, PACKAGED / file) for name, file in CARDS.items())
    yield from ((path.stem, path) for path in sorted(models_folder().glob("[!.]*.yaml")))


def _refuse_packaged_name(card: WeightCard) -> None:
    if card.name not in CARDS:
        return
    packaged = read_card(PACKAGED / CARDS[card.name])
    if not packaged.where or packaged.sha256 != card.provenance.converted_from:
        raise ConfigError(
            f"{card.name!r} is the name of weights "
            + ("others publish." if packaged.where else "that come with saccade."),
            f"Expected the file with SHA-256 {packaged.sha256} under it.",
            "Choose another name.",
        )


def _repair(path: Path) -> str:
    if path.is_relative_to(PACKAGED):
        return "Install saccade again."
    return f"Import it again with --overwrite, or delete {path.with_suffix('.yaml')}."

"""Weight cards: which weights there are, what they take and give, where they come from."""

from saccade.hub.card import (
    InputContract,
    OutputContract,
    Provenance,
    Result,
    WeightCard,
    is_name,
    read_card,
)
from saccade.hub.store import (
    CARDS,
    card_path,
    card_paths,
    find,
    identify,
    keep,
    load,
    models_folder,
    verify,
)

__all__ = [
    "CARDS",
    "InputContract",
    "OutputContract",
    "Provenance",
    "Result",
    "WeightCard",
    "card_path",
    "card_paths",
    "find",
    "identify",
    "is_name",
    "keep",
    "load",
    "models_folder",
    "read_card",
    "verify",
]

"""Where trained networks are found: a run folder, files of members, or the name of a card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from saccade import hub
from saccade.errors import CheckpointError, MissingFileError
from saccade.tasks.place_stdp.config_eval import EvalConfig, PredictConfig
from saccade.tasks.place_stdp.config_network import NetworkConfig
from saccade.tasks.place_stdp.model import Member
from saccade.tasks.place_stdp.queries import Coding

__all__ = ["coding_of", "open_members", "share_of"]


def open_members(words: Sequence[str]) -> list[Member]:
    """Open the members that some words name.

    Args:
        words: Run folders, ``.safetensors`` files or names of cards.

    Raises:
        MissingFileError: Nothing is there, or a run has no finished member.
        CheckpointError: A file is damaged, or members take different inputs.
    """
    members = [Member.open(path) for word in words for path in _files(word)]
    for member in members[1:]:
        for name in ("inputs", "units", "compat", "places", "reference"):
            if member.about[name] != members[0].about[name]:
                raise CheckpointError(
                    f"{member.path} and {members[0].path} differ in their {name}.",
                    "Expected members of one ensemble.",
                )
    return members


def share_of(member: Member, cfg: EvalConfig | PredictConfig) -> float | None:
    """Return from which share of references on neurons are muted; None mutes nobody.

    Args:
        member: A member; its file says what calibration chose.
        cfg: May say a share, or that nobody is to be muted.
    """
    if not cfg.mute or member.learner != "stdp":
        return None
    if cfg.share is not None:
        return cfg.share
    found = member.about.get("share")
    return None if found is None else float(found)


def coding_of(members: Sequence[Member]) -> Coding:
    """Return how windows become inputs, exactly as the members were trained.

    Args:
        members: Of one ensemble, at least one.
    """
    first = members[0]
    network = first.network if first.learner == "stdp" else NetworkConfig()
    units, compat = str(first.about["units"]), first.about["compat"]
    return Coding(first.inputs, units, compat, first.statistics(), network)


def _files(word: str) -> list[Path]:
    path = Path(word)
    if path.is_dir():
        found = sorted(path.glob("member-*.safetensors"))
        if not found:
            raise MissingFileError(
                f"{path} holds no finished member.",
                "Expected member-0.safetensors.",
                "Finish it: saccade train place_stdp --resume --name NAME",
            )
        return found
    if path.suffix == ".safetensors" or path.exists():
        return [path]
    if not hub.is_name(word):
        raise MissingFileError(
            f"No such file or folder: {word} (looked in {Path.cwd()}).",
            "Expected a run folder, a member-S.safetensors file or the name of a card.",
            "See: saccade models",
        )
    return [hub.load(word)[0]]

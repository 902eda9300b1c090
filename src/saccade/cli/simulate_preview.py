"""``saccade simulate preview``: intensity, events, depth and flow side by side: film or sheet."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from saccade.contracts import Progress, Report
from saccade.engine.progress import progress
from saccade.errors import MissingFileError, UsageError
from saccade.optional import require
from saccade.simulate.config import PreviewConfig
from saccade.simulate.job import Source, part_edges
from saccade.simulate.recording import Part, Recording
from saccade.view.simulation import Moment
from saccade.view.simulation_film import moments, save_film, save_sheet

__all__ = ["run_preview"]


@dataclass(frozen=True)
class _Take:
    recording: Recording
    make_stage: Callable[[], Source]


def run_preview(config: PreviewConfig) -> Report:
    """Render a little of the world and draw it.

    Raises:
        UsageError: The file exists already, and ``overwrite`` is not given.
        MissingFileError: Its folder does not exist.
    """
    if not config.out.parent.is_dir():
        raise MissingFileError(f"No such folder: {config.out.parent}.", fix="Create it first.")
    if config.out.exists() and not config.overwrite:
        raise UsageError(f"{config.out} exists.", fix="Name another file, or pass --overwrite.")
    if config.out.suffix.lower() == ".mp4":
        require("av", "Writing MP4")
    from saccade.simulate.shot import prepare
    from saccade.simulate.worlds import preview_shot

    shots = [_Take(*prepare(preview_shot(config, name))) for name in config.condition]
    draw = _sheet if config.sheet else _film
    with progress("Simulating", unit="parts") as tell:
        values = draw(config, shots, tell)
    return Report(
        title=f"simulate preview -> {config.out}",
        values={
            "scene": config.scene,
            "condition": ", ".join(shot.recording.condition for shot in shots),
            "seed": config.seed,
            **values,
            "bytes": config.out.stat().st_size,
        },
        files=(config.out,),
    )


def _film(config: PreviewConfig, shots: list[_Take], tell: Progress) -> dict[str, object]:
    shot = shots[0]
    seen = moments(_parts(shot, tell, 0, len(part_edges(shot.recording.duration_us)) - 1))
    frames = save_film(
        seen, config.out, fps=config.fps, title=_title(config, shot), max_width=config.max_width
    )
    return {"frames": frames}


def _sheet(config: PreviewConfig, shots: list[_Take], tell: Progress) -> dict[str, object]:
    total = sum(len(part_edges(shot.recording.duration_us)) - 1 for shot in shots)
    rows: list[tuple[str, Moment]] = []
    done = 0
    for shot in shots:
        last = deque(moments(_parts(shot, tell, done, total)), maxlen=1)
        rows.append((_title(config, shot), last[0]))
        done += len(part_edges(shot.recording.duration_us)) - 1
    save_sheet(rows, config.out, max_width=config.max_width)
    return {"rows": len(rows)}


def _parts(shot: _Take, tell: Progress, done: int, total: int) -> Iterator[Part]:
    stage = shot.make_stage()
    for start_us, end_us in pairwise(part_edges(shot.recording.duration_us)):
        yield stage.part(start_us, end_us)
        done += 1
        tell(done, total)


def _title(config: PreviewConfig, shot: _Take) -> str:
    names = dict.fromkeys((config.scene, shot.recording.condition))
    return f"{', '.join(names)}, seed {config.seed}"

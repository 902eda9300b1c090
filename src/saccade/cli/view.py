"""A picture or a film of a recording.

A name ending in .png gives a sheet of evenly spaced moments (or one picture with --whole), one
ending in .gif a film with the time under each frame. Blue is brighter (ON), orange is darker (OFF).

Example: saccade view drive.raw drive.gif --slow-motion 10 --start-s 2 --end-s 3
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from saccade.cli.arguments import Positional, ReadArgs
from saccade.contracts import Report
from saccade.errors import ConfigError, EventError, MissingFileError, UsageError, did_you_mean
from saccade.events import Events
from saccade.events.io import stream
from saccade.events.stream import EventStream
from saccade.view.gif import save_gif
from saccade.view.recording import save_contact_sheet, save_png

__all__ = ["Args", "run"]

ENDINGS = (".png", ".gif")


@dataclass(frozen=True, kw_only=True)
class Args(ReadArgs):
    """Look at a recording."""

    input: Positional[Path]
    """Event file of any readable format."""
    output: Positional[Path | None] = None
    """File to write, .png or .gif (default: the input's name with .png, in this folder)."""
    start_s: float = 0.0
    """First moment shown, in seconds after the first event."""
    end_s: float | None = None
    """End of what is shown, in seconds after the first event."""
    whole: bool = False
    """PNG: all events in one picture instead of a sheet of moments."""
    across: int = 4
    """PNG: moments side by side."""
    down: int = 3
    """PNG: rows of moments."""
    window_us: int | None = None
    """PNG: events of how many microseconds a moment shows (default: as many as read well)."""
    fps: float = 25.0
    """GIF: frames per second."""
    slow_motion: float = 1.0
    """GIF: how many times slower than it happened."""
    max_width: int | None = None
    """Widest picture in pixels (default: 1600 for PNG, 640 for GIF)."""

    def __post_init__(self) -> None:
        if self.end_s is not None and self.end_s <= self.start_s:
            raise ConfigError(
                f"--start-s {self.start_s} and --end-s {self.end_s}.", "Expected a later end."
            )


def run(args: Args) -> Report:
    """Draw and report what was drawn."""
    output = args.output or Path(f"{args.input.stem}.png")
    ending = output.suffix.lower()
    if ending not in ENDINGS:
        raise UsageError(
            f"{output}: pictures end in .png, films in .gif.", did_you_mean(ending, ENDINGS)
        )
    if not output.parent.is_dir():
        raise MissingFileError(f"No such folder: {output.parent}.", fix="Create it first.")
    source = stream(args.input, **args.options())
    draw = _film if ending == ".gif" else _picture
    return Report(
        title=f"{args.input} -> {output}",
        values=draw(args, source, output),
        files=(output,),
    )


def _picture(args: Args, source: EventStream, output: Path) -> dict[str, object]:
    events = _part(args, source)
    width = args.max_width or 1_600
    if args.whole:
        save_png(events, output, max_width=width)
    else:
        save_contact_sheet(
            events,
            output,
            columns=args.across,
            rows=args.down,
            window_us=args.window_us,
            max_width=width,
        )
    return {"events": len(events), "duration_s": events.duration_us / 1e6}


def _part(args: Args, source: EventStream) -> Events:
    kept: list[Events] = []
    first_us: int | None = None
    for packet in source:
        if first_us is None and len(packet):
            first_us = int(packet.t[0])
        start_us, end_us = _limits(args, first_us or 0)
        kept.append(packet.slice_time(start_us, end_us))
        if len(packet) and int(packet.t[-1]) >= end_us:
            break
    events = Events.concatenate(kept) if kept else Events.empty(source.size)
    if not len(events):
        until = "its end" if args.end_s is None else f"{args.end_s} s"
        raise EventError(f"{args.input.name} has no event from {args.start_s} s to {until}.")
    return events


def _limits(args: Args, first_us: int) -> tuple[int, int]:
    end_us = 2**62 if args.end_s is None else first_us + round(args.end_s * 1e6)
    return first_us + round(args.start_s * 1e6), end_us


def _film(args: Args, source: EventStream, output: Path) -> dict[str, object]:
    first_us = next((int(packet.t[0]) for packet in source if len(packet)), 0)
    start_us, end_us = _limits(args, first_us)
    film = save_gif(
        source,
        output,
        fps=args.fps,
        slow_motion=args.slow_motion,
        max_width=args.max_width or 640,
        start_us=start_us if args.start_s else None,
        end_us=None if args.end_s is None else end_us,
    )
    return {
        "frames": film.frames,
        "window_us": film.window_us,
        "bytes": output.stat().st_size,
        "complete": film.is_complete,
    }

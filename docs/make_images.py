"""Make the moving picture of the README: python docs/make_images.py"""

from pathlib import Path

import saccade
from saccade.view.gif import save_gif

DOCS = Path(__file__).parent
RECORDING = DOCS.parent / "tests" / "data" / "ros_640x480_repacked.raw"


def main() -> None:
    events = saccade.open(RECORDING)
    first_us = int(events.t[0])
    save_gif(
        events,
        DOCS / "images" / "person.gif",
        fps=12.5,
        slow_motion=2.4,
        max_width=400,
        start_us=first_us + 500_000,
        end_us=first_us + 1_800_000,
    )


if __name__ == "__main__":
    main()

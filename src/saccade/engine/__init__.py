"""What every run needs: a device, seeds, a run folder, configuration files, progress, a log."""

from saccade.engine.config_io import from_yaml, load_config, save_config, to_plain, to_yaml
from saccade.engine.device import pick_device
from saccade.engine.progress import progress
from saccade.engine.rundir import RunDir, versions
from saccade.engine.seed import numpy_rng, seed_all, torch_rng
from saccade.engine.track import Log, Trackers, open_trackers
from saccade.engine.track_writers import Tracker

__all__ = [
    "Log",
    "RunDir",
    "Tracker",
    "Trackers",
    "from_yaml",
    "load_config",
    "numpy_rng",
    "open_trackers",
    "pick_device",
    "progress",
    "save_config",
    "seed_all",
    "to_plain",
    "to_yaml",
    "torch_rng",
    "versions",
]

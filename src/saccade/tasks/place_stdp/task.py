"""Place recognition by modules, told once: traverse -> inputs -> modules -> scores of places.

    train     a reference traverse in, networks out that know its places, each module some of them
    eval      queries in, recall and precision out, beside plain methods on the same inputs
    predict   a recording or images in, the place of every window out
    energy    what a query costs, from the spikes and synaptic events that were counted

Two learners share all of it. ``stdp``: modules of spiking neurons that are shown images and no
labels (VPRSNN). ``delta``: a layer of features, a layer with one output a place (VPRTempo, LENS).
"""

from __future__ import annotations

from saccade.contracts import Report
from saccade.tasks.place_stdp.config import EnergyConfig, EvalConfig, PredictConfig, TrainConfig

__all__ = ["energy", "eval", "predict", "train"]


def train(cfg: TrainConfig) -> Report:
    """Train, record and calibrate, see `saccade.tasks.place_stdp.train`."""
    from saccade.tasks.place_stdp.train import train as run

    return run(cfg)


def eval(cfg: EvalConfig) -> Report:
    """Test networks and plain methods on a data set, see `saccade.tasks.place_stdp.evaluation`."""
    from saccade.tasks.place_stdp.evaluation import evaluate_set

    return evaluate_set(cfg)


def predict(cfg: PredictConfig) -> Report:
    """Name the place of every window, see `saccade.tasks.place_stdp.predict`."""
    from saccade.tasks.place_stdp.predict import predict as run

    return run(cfg)


def energy(cfg: EnergyConfig) -> Report:
    """Estimate what a query costs, see `saccade.tasks.place_stdp.energy_report`."""
    from saccade.tasks.place_stdp.energy_report import energy as run

    return run(cfg)

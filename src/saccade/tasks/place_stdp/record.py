"""What trained modules answer to the references: what their neurons stand for, which are too busy.

    own images      spikes of every image of the module's places     -> assignment
    all references  images with at least one spike, per neuron       -> hyperactive neurons

Native: all references are shown (the original recorded the first one only, defect 13) and neurons
are assigned by what the finished module answers. ``compat="vprsnn"``: the first reference, and the
spikes of the last 250 images of training.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from saccade.tasks.place_stdp.module import load_network
from saccade.tasks.place_stdp.plan import Plan
from saccade.tasks.place_stdp.respond import responses
from saccade.tasks.place_stdp.store import read_stored, write_stored

__all__ = ["record_modules"]


def record_modules(folder: Path, member: int, modules: tuple[int, ...], epoch: int) -> None:
    """Show every reference image to some modules and keep what their neurons did.

    Args:
        folder: The run folder.
        member: Member of the ensemble.
        modules: Their numbers.
        epoch: Epochs they were trained for.

    Raises:
        MissingFileError: A module has not been trained.
        CheckpointError: A file is damaged or of another run.
    """
    plan = Plan.open(folder)
    networks = [load_network(plan, member, k, epoch) for k in modules]
    published = plan.config.compat == "vprsnn"
    places = [plan.modules(member)[k] for k in modules]
    active = np.zeros((len(modules), networks[0].config.n_e), np.int64)
    images, own = 0, [list[tuple[int, np.ndarray]]() for _ in modules]
    for reference in range(1 if published else len(plan.names)):
        labels, inputs = plan.labels[reference], plan.inputs(reference)
        answers = responses(
            networks, inputs, engine=plan.config.stdp.engine, seed=plan.seed(member),
            device=plan.config.stdp.device,
        )  # fmt: skip
        for label, counts in zip(labels.tolist(), answers, strict=True):
            active += counts > 0
            images += 1
            for k, mine in enumerate(places):
                if label in mine:
                    own[k].append((label, counts[k]))
    for k, number in enumerate(modules):
        shown, counts = (np.array(side) for side in zip(*own[k], strict=True))
        if published:
            trained = read_stored(plan.part("module", member, number, epoch)).arrays
            shown, counts = trained["last_places"], trained["last_counts"]
        arrays = {
            "active": active[k],
            "own_places": shown.astype(np.int64),
            "own_counts": counts.astype(np.uint16),
        }
        about = {"identity": plan.identity, "images": images, "member": member, "module": number}
        write_stored(plan.part("record", member, number, epoch), arrays, about)

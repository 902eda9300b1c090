"""Training in stages, each of them many independent jobs, each job one file.

    inputs -> train (a job a module) -> record (a job for 8 modules) -> calibrate -> member files

A run that was stopped goes on with ``--resume``: what is done stays, what was interrupted goes on
from its last epoch. ``--member`` and ``--module`` do the jobs of one module, for job arrays; the
run that comes last, without them, puts the member files together.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saccade.contracts import Report, Table
from saccade.engine import RunDir, progress, to_yaml
from saccade.errors import ConfigError, MissingFileError
from saccade.tasks.place_stdp.calibration import calibrate, chosen
from saccade.tasks.place_stdp.config_train import TrainConfig
from saccade.tasks.place_stdp.data import Places, event_settings, open_places, preprocess_of
from saccade.tasks.place_stdp.fast_lanes import LANES
from saccade.tasks.place_stdp.jobs import Job, run_jobs
from saccade.tasks.place_stdp.model import merge_member
from saccade.tasks.place_stdp.module import train_module
from saccade.tasks.place_stdp.plan import Plan, write_plan
from saccade.tasks.place_stdp.preprocess import Preprocess, measure
from saccade.tasks.place_stdp.queries import Coding, file_name, prepare_queries, same_inputs
from saccade.tasks.place_stdp.record import record_modules
from saccade.traverses.frame_rows import TraverseFrames

__all__ = ["train", "train_job"]


def train(cfg: TrainConfig) -> Report:
    """Train, record and calibrate, or go on with a run that was stopped.

    Writes ``config.yaml``, ``inputs/``, ``parts/``, ``member-S.safetensors``,
    ``calibration-S.json`` and ``report.json`` into the run folder.

    Raises:
        ConfigError: Arguments do not fit each other, the data set or the run that is resumed.
        MissingFileError: The data set, a traverse of it or the run to resume is not there.
        CheckpointError: A file of the run is damaged.
    """
    places = open_places(cfg.data)
    if cfg.dry_run:
        return _rehearse(cfg, places)
    started = time.monotonic()
    with _run_folder(cfg) as run:
        plan = _prepare(run.folder, cfg, places)
        work = _Work(plan, cfg)
        done: dict[str, int] = {}
        for stage in cfg.stages:
            if stage == "train":
                done["modules trained now"] = work.train()
            elif stage == "record" and cfg.learner == "stdp":
                done["modules recorded now"] = work.record()
        report = work.finish(run, places, done, time.monotonic() - started)
        run.write_json("report.json", report)
        return report


def train_job(folder: Path, member: int, module: int) -> None:
    """Train one module of a run: the job that workers do."""
    train_module(Plan.open(folder), member, module)


@dataclass(frozen=True)
class _Work:
    """The jobs of a run."""

    plan: Plan
    cfg: TrainConfig

    def members(self) -> range:
        """Return the members whose jobs are to be done."""
        chosen = self.cfg.work.member
        if chosen is not None and chosen >= self.cfg.members:
            raise ConfigError(
                f"--member {chosen} of {self.cfg.members}.", "Expected a number below --members."
            )
        return range(self.cfg.members) if chosen is None else range(chosen, chosen + 1)

    def modules(self, member: int) -> range:
        """Return the modules whose jobs are to be done."""
        count, chosen = len(self.plan.modules(member)), self.cfg.work.module
        if chosen is not None and chosen >= count:
            raise ConfigError(
                f"--module {chosen} of {count}.", f"Expected 0 to {count - 1}, {count} modules."
            )
        return range(count) if chosen is None else range(chosen, chosen + 1)

    def train(self) -> int:
        """Train modules; returns how many."""
        folder = self.plan.folder.absolute()
        jobs = [
            Job(
                train_job,
                (folder, member, module),
                self.plan.part("module", member, module, self.cfg.epochs),
                f"module {module} of member {member}",
            )
            for member in self.members()
            for module in self.modules(member)
        ]
        with progress("Training", unit="modules") as tell:
            return run_jobs(jobs, self.cfg.work, tell)

    def record(self) -> int:
        """Show the references to trained modules; returns how many jobs that were."""
        step = LANES if self.cfg.stdp.engine == "fast" else 1
        jobs = [
            self._record_job(member, modules[k : k + step], epoch)
            for member in self.members()
            for modules in [tuple(self.modules(member))]
            for k in range(0, len(modules), step)
            for epoch in self.cfg.kept_epochs
        ]
        with progress("Recording", unit="jobs") as tell:
            return run_jobs(jobs, self.cfg.work, tell)

    def _record_job(self, member: int, modules: tuple[int, ...], epoch: int) -> Job:
        todo = tuple(k for k in modules if not self.plan.part("record", member, k, epoch).exists())
        result = self.plan.part("record", member, (todo or modules)[-1], epoch)
        arguments = (self.plan.folder.absolute(), member, todo, epoch)
        return Job(record_modules, arguments, result, f"recording of modules {modules}")

    def finish(self, run: RunDir, places: Places, done: dict[str, int], seconds: float) -> Report:
        """Put members together where all their modules are there, and say what there is."""
        notes, files = [*places.set.notes], list[Path]()
        kinds = ("module", "record") if self.cfg.learner == "stdp" else ("module",)
        for member in range(self.cfg.members):
            modules = range(len(self.plan.modules(member)))
            missing = [
                f"{kind} {k}"
                for kind in kinds
                for k in modules
                if not self.plan.part(kind, member, k, self.cfg.epochs).exists()
            ]
            if missing:
                notes.append(f"Member {member} lacks {len(missing)} files: {missing[0]}, ...")
                continue
            epochs, share = chosen(self.plan, member)
            files.append(merge_member(self.plan, member, epochs, share=share))
            for path in self.plan.part("module", member, 0, 0).parent.glob("*.partial"):
                path.unlink(missing_ok=True)  # of a job that was killed after its last file
        tables: tuple[Table, ...] = ()
        values: dict[str, Any] = {
            "run": str(run.folder),
            "learner": self.cfg.learner,
            "places": places.count,
            "modules": len(self.plan.modules(0)),
            "members": len(files),
            **done,
            "seconds": round(seconds, 1),
        }
        wants = "calibrate" in self.cfg.stages and self.cfg.calibration
        if wants and self.cfg.learner == "stdp" and len(files) == self.cfg.members:
            found = calibrate(self.plan, places, self.cfg, run)
            values |= found.values
            tables = found.tables
        title = f"Training of {self.cfg.learner} modules on {places.set.name}"
        return Report(title, values, tables, tuple(notes), tuple(files))


def _prepare(folder: Path, cfg: TrainConfig, places: Places) -> Plan:
    """Write inputs and plan where they are not there yet."""
    units, names = places.set.units, tuple(file_name(item) for item in places.references)
    if (folder / "plan.safetensors").exists():
        plan = Plan.open(folder)
        plan = write_plan(folder, cfg, names, places.labels, plan.n_in, plan.statistics, plan.about)
        for k, reference in enumerate(places.references):
            if not same_inputs(plan.inputs(k), reference, plan.coding(units)):
                raise ConfigError(
                    f"{folder} holds a run with other images of {reference.name}.",
                    "Expected the same data to go on with it.",
                    "Give this run another --name.",
                )
        return plan
    settings, statistics = preprocess_of(cfg.inputs, units, cfg.compat), None
    if cfg.inputs.encoding == "rates":
        statistics = measure(TraverseFrames(places.references[0]), settings)
    n_in = _inputs_of(cfg, settings, places)
    coding = Coding(cfg.inputs, units, cfg.compat, statistics, cfg.stdp.network(n_in, cfg.compat))
    for name, reference in zip(names, places.references, strict=True):
        prepare_queries(folder / "inputs" / name, reference, coding)
    about = {
        "units": units,
        "set": places.set.name,
        "reference": places.references[0].name,
        "window_us": cfg.data.window_us,
        "input_size": cfg.data.input_size,
    }
    return write_plan(folder, cfg, names, places.labels, n_in, statistics, about)


def _inputs_of(cfg: TrainConfig, settings: Preprocess, places: Places) -> int:
    if cfg.inputs.encoding == "events":
        return event_settings(cfg.inputs).n_in
    return settings.inputs(places.references[0].frame(0).shape[0])


def _run_folder(cfg: TrainConfig) -> RunDir:
    if cfg.name is None:
        return RunDir.create("train", "place_stdp", root=cfg.out, config=cfg)
    folder = cfg.out / cfg.name
    is_there = (folder / "status.json").exists()
    if cfg.resume and not is_there:
        raise MissingFileError(
            f"No run in {folder}.", "Expected one to go on with.", "Begin it without --resume."
        )
    in_array = cfg.work.module is not None or cfg.work.member is not None
    if not (is_there and (cfg.resume or in_array)):
        try:
            return RunDir.at(folder, config=cfg)
        except ConfigError:  # another job of the array was faster
            if not in_array:
                raise
    run = RunDir.again(folder)
    if not (folder / "config.yaml").exists():
        run.write_text("config.yaml", to_yaml(cfg))
    return run


def _rehearse(cfg: TrainConfig, places: Places) -> Report:
    """Say what training would take."""
    modules = -(-cfg.calibration // cfg.per_module)
    modules += -(-(places.count - cfg.calibration) // cfg.per_module)
    images = sum(int((labels >= 0).sum()) for labels in places.labels)
    epochs = {
        "stdp": cfg.epochs,
        "delta": 2 * cfg.delta.delta_epochs,
        "fields": cfg.fields.field_epochs,
    }
    shown = images * epochs[cfg.learner]
    values = {
        "places": places.count,
        "references": len(places.references),
        "modules": modules * cfg.members,
        "images shown in training": shown * cfg.members,
    }
    if cfg.learner == "stdp":
        values["images shown in recording"] = images * modules * cfg.members
    return Report(f"Training on {places.set.name}: nothing was done", values)

"""Putting a version away: refused as long as a run that has not ended keeps to it."""

from domain.dispatch.lookup import read_all
from domain.kernel.decider import Decision, View, refuse
from domain.kernel.message import Stamp
from domain.pipeline.commands import RetireDefinition
from domain.pipeline.decider import retire
from domain.pipeline.errors import VersionInUse
from domain.pipeline.pins import PINS, pins_of_pipeline

RUNS_TOLD_MAX = 20


def retire_unused(command: RetireDefinition, stamp: Stamp, view: View) -> Decision:
    """Put a version away. The append sees to it that no run begins by it meanwhile: that writes what is read here."""
    decision = retire(command, stamp, view)
    if decision.rejection is not None or not decision.writes:
        return decision
    shares = read_all(view, PINS, pins_of_pipeline(stamp.project, command.pipeline))
    runs = sorted(run for one in shares.values() for run, kept in one.runs.items() if command.version in kept)
    if not runs:
        return decision
    name, told = command.pipeline, tuple(runs[:RUNS_TOLD_MAX])
    return refuse(VersionInUse(name=name, version=command.version, total=len(runs), runs=told, first=told[0]))

"""What is shown of a thing that a person has to look at."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

Subject = Literal["task", "run", "lock", "pool", "session", "quota", "project"]
AttentionTopic = Literal[
    "parked",
    "blocked",
    "overdue",
    "budget",
    "stranded",
    "unclaimed",
    "quarantined_locks",
    "quarantined_units",
    "waiting_for_person",
    "silent",
    "quota_refused",
    "frozen",
    "soft_budget",
    "run_budget",
    "parked_phase",
    "open_gate",
    "failed_undo",
    "held_run",
    "revised_fact",
]

RESOLVED_BY: Final[Mapping[AttentionTopic, str]] = {
    "parked": "Retry the task, with a larger budget where that was spent, or cancel it.",
    "blocked": "Retry the need that failed, or cancel the task.",
    "overdue": "Look whether it is still wanted; dismiss this, or cancel the task.",
    "budget": "Retry the task with a larger budget, or cancel it.",
    "stranded": "Plan the work anew if it is still wanted, then dismiss this.",
    "unclaimed": "Start a worker that has what the task requires; `signalbox explain task` tells what is missing.",
    "quarantined_locks": "Look at what was left behind, then lift the quarantine of the token.",
    "quarantined_units": "Mend the units and return them, or set the pool without them.",
    "waiting_for_person": "Answer the session where it runs.",
    "silent": "It passes when the session is heard; else its lease runs out and its work is given to others.",
    "quota_refused": "It passes when the quota is there again; reset the pool where it is already.",
    "frozen": "Unfreeze the project.",
    "soft_budget": "Raise the soft budget, or freeze the project.",
    "run_budget": "Raise it (`signalbox run budget`), or cancel the run; `signalbox attention ack` says that you know.",
    "open_gate": "Vote, as far as you may; `signalbox gate show` tells who may.",
    "failed_undo": "Try the undo once more, or say that it is done or left (`signalbox run resolve-undo`).",
    "held_run": "Force the rollback with a reason, cancel the run to leave its effects, or rework what failed.",
    "revised_fact": "Do the phase anew (`run rework`) if it matters; `signalbox attention ack` says that you know.",
    "parked_phase": "Resolve the phase by hand, skip it, or cancel the run.",
}
"""What would end each."""


class AttentionRow(NamedTuple):
    """One thing and why a person has to look at it."""

    key: str
    """Its stream and what of it: ``task/topic``, ``lock space/token``, ``lock space/pool/name``, ``session/life``."""
    project: str
    """The fleet for sessions and quotas."""
    projects: str
    """JSON: ids of the projects whose people may see it."""
    stands: bool
    """False while there is nothing to look at; such a row is kept for what it knows."""
    topic: AttentionTopic
    subject: Subject
    about: str
    """Id of the task, session or project, the token, or the name of the pool or of the quota."""
    session: str | None
    """Whose locks it is about."""
    begun_at: int
    """Microseconds since 1970."""
    why: str
    units: str
    """JSON: names of the units that it is about."""
    beneath: str
    """JSON: [topic, since, why] of what stands again when this has passed, or null."""


def place_of(row: AttentionRow) -> str:
    """The phase of a run that a row is about; empty for none."""
    if row.subject != "run":
        return ""
    kind, _, place = row.key.removeprefix(f"{row.about}/").partition("/")
    return place.partition("@")[0] if kind in ("phase", "undo") else ""

"""Every text of every event of a subject is either under its key or known to stay readable."""

from typing import Any

import pytest

from domain.catalogue import EVENTS, SEALINGS

KINDS = ("task.", "run.", "fact.published", "subject.", "note.")
"""How the stored names of events begin that may hold words of a subject."""
NAMES = {
    "task.planned.v1": {"project", "key", "kind", "run", "parent", "parent_key", "concurrency_key", "idempotency_key"},
    "task.dependant_added.v1": {"dependant", "project"},
    "task.need_settled.v1": {"need"},
    "task.need_reopened.v1": {"need"},
    "task.part_added.v1": {"part", "key"},
    "task.part_settled.v1": {"part"},
    "task.held_back.v1": {"by"},
    "task.claimed.v1": {"session", "strategy", "host", "model"},
    "task.cancelled.v1": {"because"},
    "task.awaited.v1": {"run", "project"},
    "task.reassigned.v1": {"session", "by"},
    "task.bid.v1": {"session"},
    "task.attention_cleared.v1": {"by"},
    "task.late_report_discarded.v1": {"report"},
    "subject.erasure_asked.v1": {"subject", "reason", "by"},
    "subject.keys_lost.v1": {"lost", "new", "reason", "by"},
    "subject.erased.v1": {"subject", "reason", "asked_by", "by"},
    "note.posted.v1": {"task", "author", "session"},
    "run.queued.v1": {
        "run", "project", "pipeline", "digest", "idempotency_key", "correlation_key", "by", "forked_from", "rolls_back",
    },
    "run.paused.v1": {"by"},
    "run.resumed.v1": {"by"},
    "run.failing.v1": {"because"},
    "run.cancel_requested.v1": {"by"},
    "run.join_fired.v1": {"place"},
    "run.condition_evaluated.v1": {"place", "expression"},
    "run.phase_ready.v1": {"place"},
    "run.phase_offered.v1": {"place", "task"},
    "run.phase_parked.v1": {"place"},
    "run.phase_released.v1": {"place"},
    "run.phase_dropped.v1": {"place", "because"},
    "run.phase_skipped.v1": {"place", "arm"},
    "run.phase_blocked.v1": {"place"},
    "run.phase_settled.v1": {"place", "arm", "by"},
    "run.reworked.v1": {"by", "gate"},
    "run.phase_invalidated.v1": {"place", "because"},
    "run.phase_retried.v1": {"place"},
    "run.effect_registered.v1": {"place", "task"},
    "run.gate_opened.v1": {"place", "digest"},
    "run.gate_evidence_changed.v1": {"place", "digest", "by"},
    "run.vote_cast.v1": {"place", "voter", "session", "digest"},
    "run.late_vote.v1": {"place", "voter"},
    "run.gate_reminded.v1": {"place"},
    "run.gate_escalated.v1": {"place"},
    "run.gate_decided.v1": {"place", "by", "digest"},
    "run.timer_set.v1": {"place"},
    "run.signal_received.v1": {"name", "by"},
    "run.signal_taken.v1": {"place", "name"},
    "run.phase_waiting.v1": {"place", "what"},
    "run.map_expanded.v1": {"place"},
    "run.iteration_started.v1": {"place", "pipeline"},
    "run.iteration_settled.v1": {"place"},
    "run.child_started.v1": {"place", "child"},
    "run.rolled_back.v1": {"rollback", "by"},
    "run.ledger_adopted.v1": {"source"},
    "run.phase_adopted.v1": {"place", "run", "digest", "arm"},
    "run.migrated.v1": {"digest", "by"},
    "run.need_registered.v1": {"place", "project", "source", "pipeline", "correlation_key", "what"},
    "run.need_resolved.v1": {"place", "project", "source", "digest"},
    "run.upstream_revised.v1": {"place", "source"},
    "run.awaited.v1": {"by_run", "project"},
    "run.rollback_requested.v1": {"by"},
    "run.undo_started.v1": {"place", "task"},
    "run.undo_succeeded.v1": {"place"},
    "run.undo_failed.v1": {"place"},
    "run.undo_resolved.v1": {"place", "by"},
    "run.budget_reserved.v1": {"payee", "place", "loop"},
    "run.budget_settled.v1": {"payee", "place", "loop"},
    "run.annotated.v1": {"place", "by"},
    "run.attention_dismissed.v1": {"place", "by"},
    "run.budget_noticed.v1": {"reason"},
    "run.budget_adjusted.v1": {"loop", "by"},
    "fact.published.v1": {"pipeline", "correlation_key", "run"},
}  # fmt: skip
"""Fields that hold names of things, reasons that say beforehand that they stay, and figures in words."""
ABOUT = {"session.revoke_noticed.v1": {"project", "task"}}


@pytest.mark.parametrize(
    "name", [event.TYPE for event in EVENTS if event.TYPE.startswith(KINDS) or event.TYPE in SEALINGS]
)
def test_each_text_is_either_sealed_or_known_to_stay(name: str) -> None:
    """Whoever gives an event of a subject a further text says here, or in a ``sealed.py``, what it is."""
    kind: Any = next(event for event in EVENTS if name == event.TYPE)
    texts = {field for field, info in kind.model_fields.items() if info.annotation in (str, str | None)}
    sealing = SEALINGS.get(name)
    sealed = set() if sealing is None else {field for field, how in sealing.fields.items() if how in ("text", "json")}
    assert texts == sealed | NAMES.get(name, set()) | ABOUT.get(name, set())


def test_what_is_known_to_stay_is_there() -> None:
    assert NAMES.keys() | SEALINGS.keys() <= {event.TYPE for event in EVENTS}

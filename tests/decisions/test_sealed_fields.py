"""Every text of every event of a subject is either under its key or known to stay readable."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

import pytest

from domain.catalogue import EVENTS, SEALINGS
from domain.kernel.message import Message

KINDS = ("task.", "run.", "fact.published", "subject.", "note.", "message.", "proposal.", "session.")
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
    "message.sent.v1": {"to", "author", "session", "claim"},
    "message.acknowledged.v1": {"session"},
    "session.opened.v1": {"tool", "model", "host", "owner", "parent", "role", "credential_pool"},
    "session.status_changed.v1": {"tool"},
    "session.drain_begun.v1": {"by"},
    "session.drain_ended.v1": {"by"},
    "session.reparented.v1": {"parent"},
    "session.child_joined.v1": {"child"},
    "session.child_left.v1": {"child"},
    "session.attempt_started.v1": {"project", "task"},
    "session.attempt_ended.v1": {"project"},
    "session.revoke_noticed.v1": {"project", "task"},
    "session.grant_taken.v1": {"project"},
    "session.grant_gone.v1": {"project"},
    "proposal.opened.v1": {"project", "by", "session"},
    "proposal.vote_cast.v1": {"voter", "choice", "session"},
    "proposal.late_vote.v1": {"voter", "choice"},
    "proposal.decided.v1": {"choice", "by"},
}  # fmt: skip
"""Fields that hold names of things, reasons that say beforehand that they stay, and figures in words."""
INNER = {
    "task.planned.v1": {
        "escalate.requires.key", "escalate.requires.value", "labels", "needs.key", "needs.project", "needs.task",
        "origin.place", "origin.run", "outputs", "requires.key", "requires.value", "scope.claim",
    },
    "task.part_settled.v1": {"usage.model"},
    "task.claimed.v1": {"choice.losers.reason", "choice.losers.session"},
    "task.progressed.v1": {"usage.model"},
    "task.completed.v1": {"usage.model"},
    "task.attempt_ended.v1": {"usage.model"},
    "run.queued.v1": {"definition", "concurrency.key", "parent", "labels", "pins.pipeline"},
    "run.settled.v1": {"because"},
    "run.join_fired.v1": {"satisfied_by.place"},
    "run.condition_evaluated.v1": {"reads.place"},
    "run.phase_ready.v1": {"reads.place"},
    "run.phase_blocked.v1": {"causes"},
    "run.reworked.v1": {"phases"},
    "run.phase_invalidated.v1": {"gone"},
    "run.gate_opened.v1": {"evidence.digest", "evidence.name", "reads.place"},
    "run.gate_evidence_changed.v1": {"evidence.digest", "evidence.name", "voided"},
    "run.vote_cast.v1": {"roles"},
    "run.gate_escalated.v1": {"notify"},
    "run.gate_decided.v1": {"tally.roles", "tally.voter"},
    "run.phase_waiting.v1": {"reads.place"},
    "run.map_expanded.v1": {"items.key", "items.place", "reads.place"},
    "run.iteration_started.v1": {"phases"},
    "run.iteration_settled.v1": {"reads.place"},
    "run.compensation_started.v1": {"because", "entries.place", "redo"},
    "run.held.v1": {"because", "behind"},
    "run.ledger_adopted.v1": {"entries"},
    "run.phase_adopted.v1": {"consumed.place"},
    "run.migrated.v1": {
        "definition", "pins.pipeline", "dropped", "gone", "drifted.phase",
        "moved.before", "moved.place", "moved.arm", "moved.task", "moved.undo", "moved.consumed.place",
    },
    "session.opened.v1": {"projects", "capabilities"},
    "session.drain_begun.v1": {"below"},
    "session.lost.v1": {"held.project", "held.task"},
    "session.ended.v1": {"held.project", "held.task"},
    "proposal.opened.v1": {
        "options.name", "eligible.name", "family", "quorum.per_role.role",
    },
    "proposal.vote_cast.v1": {"roles"},
    "proposal.decided.v1": {"tally.voter", "tally.choice", "tally.roles"},
}  # fmt: skip
"""The same inside of objects and lists; of an object that is the definition's own, all of it."""
OF_A_SUBJECT = [event.TYPE for event in EVENTS if event.TYPE.startswith(KINDS) or event.TYPE in SEALINGS]


@pytest.mark.parametrize("name", OF_A_SUBJECT)
def test_each_text_is_either_sealed_or_known_to_stay(name: str) -> None:
    """Whoever gives an event of a subject a further text says here, or in a ``sealed.py``, what it is."""
    kind: Any = next(event for event in EVENTS if name == event.TYPE)
    texts = {field for field, info in kind.model_fields.items() if info.annotation in (str, str | None)}
    sealing = SEALINGS.get(name)
    sealed = set() if sealing is None else {field for field, how in sealing.fields.items() if how in ("text", "json")}
    assert texts == sealed | NAMES.get(name, set())


@pytest.mark.parametrize("name", OF_A_SUBJECT)
def test_each_text_inside_of_an_object_or_a_list_is_either_sealed_or_known_to_stay(name: str) -> None:
    kind: Any = next(event for event in EVENTS if name == event.TYPE)
    texts = set(inner_texts(kind, "", frozenset()))
    fields = SEALINGS[name].fields if name in SEALINGS else {}
    sealed = {field for field, how in fields.items() if how == "list"} | {
        f"{field}.{part}" for field, how in fields.items() if isinstance(how, Mapping) for part in how
    }
    known = INNER.get(name, set())
    assert {one for one in texts if not is_inside(one, sealed | known)} == set()
    assert {one for one in known if not any(is_inside(text, {one}) for text in texts)} == set()


def inner_texts(kind: type[Message], before: str, around: frozenset[Any]) -> Iterator[str]:
    """Paths of the texts below an event's own."""
    for field, info in kind.model_fields.items():
        path = f"{before}{field}"
        parts = list(parts_of(info.annotation))
        if str in parts and (before or info.annotation not in (str, str | None)):
            yield path
        for part in parts:
            if isinstance(part, type) and issubclass(part, Message) and part not in around:
                yield from inner_texts(part, f"{path}.", around | {part})


def parts_of(form: Any) -> Iterator[Any]:
    """The types of which a type is made."""
    yield form
    if get_origin(form) is not Literal:
        for part in get_args(form):
            yield from parts_of(part)


def is_inside(path: str, known: set[str]) -> bool:
    return any(path == one or path.startswith(f"{one}.") for one in known)


def test_what_is_known_to_stay_is_there() -> None:
    assert INNER.keys() <= set(OF_A_SUBJECT)
    assert NAMES.keys() | SEALINGS.keys() <= {event.TYPE for event in EVENTS}

"""Says an event in one line of words."""

from collections.abc import Callable
from typing import Any, Final, assert_never, cast, get_args

from domain.kernel.message import Event
from domain.principal.events import KeyIssued, KeyRevoked
from domain.project.events import (
    ProjectBookmarkRemoved,
    ProjectBookmarkSet,
    ProjectBudgetNoticed,
    ProjectCreated,
    ProjectFrozen,
    ProjectNeedsGranted,
    ProjectNeedsRevoked,
    ProjectSet,
    ProjectUnfrozen,
)
from domain.quota.events import QuotaClosed, QuotaHalfOpened, QuotaOpened, QuotaProbed, QuotaProbeEnded
from domain.refusal.events import CommandRefused
from domain.session.events import (
    SessionDrainBegun,
    SessionDrainEnded,
    SessionEnded,
    SessionLost,
    SessionOpened,
    SessionRecovered,
    SessionReparented,
    SessionRevokeNoticed,
    SessionStatusChanged,
    SessionSuspected,
)
from projections.timeline import lock_words, run_words, task_words
from projections.timeline.lock_words import LockEvent
from projections.timeline.node_words import NodeTurn, node_turn
from projections.timeline.note_words import NoteTurn, note_turn
from projections.timeline.pipeline_words import DefinitionTurn, definition_turn
from projections.timeline.proposal_words import ProposalTurn, proposal_turn
from projections.timeline.quota_words import QuotaTurn, quota_turn
from projections.timeline.run_words import RunEvent
from projections.timeline.session_words import SessionManner, manner_of
from projections.timeline.task_words import TaskEvent, with_detail

_Session = SessionOpened | SessionSuspected | SessionRecovered | SessionLost | SessionEnded | SessionManner
_Project = (
    ProjectCreated
    | ProjectFrozen
    | ProjectUnfrozen
    | ProjectSet
    | ProjectBudgetNoticed
    | ProjectNeedsGranted
    | ProjectNeedsRevoked
    | ProjectBookmarkSet
    | ProjectBookmarkRemoved
)
_Rest = KeyIssued | KeyRevoked | CommandRefused
_Work = TaskEvent | RunEvent | DefinitionTurn
_Others = QuotaTurn | _Session | _Project | _Rest
TimelineEvent = NodeTurn | NoteTurn | ProposalTurn | QuotaTurn | _Work | _Session | LockEvent | _Project | _Rest

LINE_LENGTH_MAX: Final = 300
"""Characters; what is longer is cut with an ellipsis, the whole is in the event."""


def in_words(event: TimelineEvent) -> str:
    """One line, at most 300 characters."""
    line = " ".join(_line(event).split())
    return line if len(line) <= LINE_LENGTH_MAX else line[: LINE_LENGTH_MAX - 1] + "…"


def _line(event: TimelineEvent) -> str:
    speaker = _SPEAKERS.get(type(event))
    return _other(cast(_Others, event)) if speaker is None else speaker(event)


_OTHERS: Final[tuple[tuple[Any, Callable[[Any], str]], ...]] = (
    (RunEvent, run_words.in_words),
    (DefinitionTurn, definition_turn),
    (NodeTurn, node_turn),
    (NoteTurn, note_turn),
    (ProposalTurn, proposal_turn),
)
_SPEAKERS: Final[dict[type[Event], Callable[[Any], str]]] = {
    kind: speaker
    for kinds, speaker in (*lock_words.SPEAKERS, *task_words.SPEAKERS, *_OTHERS)
    for kind in get_args(kinds)
}
"""One look where asking class by class would take a hundred."""


def _other(event: _Others) -> str:
    match event:
        case SessionOpened() | SessionSuspected() | SessionRecovered() | SessionLost() | SessionEnded():
            return _session(event)
        case QuotaOpened() | QuotaHalfOpened() | QuotaProbed() | QuotaProbeEnded() | QuotaClosed():
            return quota_turn(event)
        case (
            SessionStatusChanged()
            | SessionDrainBegun()
            | SessionDrainEnded()
            | SessionReparented()
            | SessionRevokeNoticed()
        ):
            return _session(event)
        case KeyIssued() | KeyRevoked() | CommandRefused():
            return _rest(event)
        case _:
            return _project(event)


def _session(event: _Session) -> str:
    match event:
        case SessionOpened():
            return with_detail(f"{event.tool} session opened on {event.host or 'an unnamed host'}", event.name)
        case SessionSuspected():
            return "a beat was missed"
        case SessionRecovered():
            return "heard again"
        case SessionLost():
            return "session lost"
        case SessionEnded():
            return "session ended"
        case (
            SessionStatusChanged()
            | SessionDrainBegun()
            | SessionDrainEnded()
            | SessionReparented()
            | SessionRevokeNoticed()
        ):
            return manner_of(event)
        case _:
            assert_never(event)


def _project(event: _Project) -> str:
    match event:
        case ProjectCreated():
            return f"project {event.name} created"
        case ProjectFrozen():
            return with_detail("project frozen", event.reason)
        case ProjectUnfrozen():
            return "project unfrozen"
        case ProjectBudgetNoticed():
            return f"needs a person: {event.spent} of {event.limit} {event.unit} are spent"
        case ProjectSet():
            return f"project set: {', '.join(event.changed)}"
        case ProjectNeedsGranted():
            return f"tasks of {event.to} may need tasks of this project"
        case ProjectNeedsRevoked():
            return f"no further tasks of {event.to} may need tasks of this project"
        case ProjectBookmarkSet():
            return f"bookmark {event.name} set at @{event.position}"
        case ProjectBookmarkRemoved():
            return f"bookmark {event.name} removed"
        case _:
            assert_never(event)


def _rest(event: _Rest) -> str:
    match event:
        case KeyIssued():
            return f"key {event.name} issued to a {event.role}"
        case KeyRevoked():
            return "key revoked"
        case CommandRefused():
            return with_detail(f"{event.command} refused: {event.code}", event.message)
        case _:
            assert_never(event)

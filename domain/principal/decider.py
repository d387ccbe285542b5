"""What an API key decides: that it was issued once, what it opens, and whether it was revoked."""

from typing import Final, assert_never

from domain.kernel.change import replace
from domain.kernel.decider import Aggregate, Decision, View, Write, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import SECOND, Instant, ProjectId, StreamId, is_type_id
from domain.kernel.message import Stamp
from domain.principal.commands import IssueKey, RevokeKey
from domain.principal.errors import KeyIdTaken, WorkerKeyWithoutProject
from domain.principal.events import KeyIssued, KeyRevoked
from domain.principal.state import Absent, Key, KeyState

KeyEvent = KeyIssued | KeyRevoked

WORKER_KEY_SECONDS: Final = 30 * 86_400
"""Life of a worker key that names none."""


def issued(
    state: KeyState, command: IssueKey, projects: tuple[ProjectId, ...], at: Instant
) -> tuple[KeyIssued, ...] | Rejection:
    """The key with its projects resolved to ids; the same key again changes nothing, another under its id is refused.

    Keys of workers belong to agents: they name their projects and they end.
    """
    if command.role == "worker" and not projects:
        return WorkerKeyWithoutProject(name=command.name)
    if isinstance(state, Key):
        return () if _says_the_same(state.issued, command, projects) else KeyIdTaken(key=command.key)
    seconds = _lifetime_seconds(command)
    expires_at = None if seconds is None else Instant(at + seconds * SECOND)
    return (
        KeyIssued(
            name=command.name,
            role=command.role,
            projects=projects,
            digest=command.digest,
            expires_at=expires_at,
            at=at,
        ),
    )


def revoke_key(command: RevokeKey, stamp: Stamp, view: View) -> Decision:
    """The key opens nothing from now on; revoking it again changes nothing."""
    stream = StreamId(command.key)
    state = view.read(KEY, stream) if is_type_id(command.key, "key") else Absent()
    if isinstance(state, Absent):
        return refuse(UnknownThing(kind="key", name=command.key))
    if state.revoked:
        return Decision()
    return Decision((Write(stream, (KeyRevoked(at=stamp.time),)),))


def _lifetime_seconds(command: IssueKey) -> int | None:
    default = WORKER_KEY_SECONDS if command.role == "worker" else None
    return command.lifetime_seconds or default


def _says_the_same(known: KeyIssued, command: IssueKey, projects: tuple[ProjectId, ...]) -> bool:
    seconds = _lifetime_seconds(command)
    expires_at = None if seconds is None else known.at + seconds * SECOND
    return (known.name, known.role, known.projects, known.digest, known.expires_at) == (
        command.name,
        command.role,
        projects,
        command.digest,
        expires_at,
    )


def evolve(state: KeyState, event: KeyEvent) -> KeyState:
    """The key after the event."""
    match event:
        case KeyIssued():
            return Key(event)
        case KeyRevoked():
            return state if isinstance(state, Absent) else replace(state, revoked=True)
        case _:
            assert_never(event)


KEY: Final[Aggregate[KeyState]] = Aggregate(
    prefix="key", initial=Absent(), evolve=evolve, state_type=KeyState, fleet=True, snapshot_every=1_000
)

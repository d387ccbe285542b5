"""Who may steer a session that is not its own: whoever opened one above it, and people who run the project."""

from typing import Final

from domain.kernel.decider import View
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import StreamId, is_type_id
from domain.kernel.message import Stamp
from domain.principal.decider import KEY
from domain.principal.state import Key
from domain.session.decider import SESSION, gone, is_live, not_own, speaks_for
from domain.session.hierarchy import ancestors
from domain.session.state import Session

_STEERING: Final = frozenset({"owner", "admin", "operator"})


def find_managed(view: View, name: str, stamp: Stamp) -> tuple[StreamId, Session] | Rejection:
    """The session that still lives, if the caller may steer it, or why not."""
    found = find_steered(view, name, stamp)
    if isinstance(found, Rejection) or is_live(found[1]):
        return found
    return gone(found[1], name)


def find_steered(view: View, name: str, stamp: Stamp) -> tuple[StreamId, Session] | Rejection:
    """The session, alive or not, if the caller may steer it, or why not."""
    state = view.read(SESSION, StreamId(name)) if is_type_id(name, "sess") else SESSION.initial
    if not isinstance(state, Session):
        return UnknownThing(kind="session", name=name)
    if _may_steer(view, StreamId(name), state, stamp):
        return StreamId(name), state
    return not_own(state, name, stamp)


def _may_steer(view: View, stream: StreamId, session: Session, stamp: Stamp) -> bool:
    if speaks_for(session, stamp) or _steers_projects(view, session, stamp):
        return True
    above = (view.read(SESSION, parent) for parent in ancestors(view, stream))
    return any(isinstance(one, Session) and speaks_for(one, stamp) for one in above)


def _steers_projects(view: View, session: Session, stamp: Stamp) -> bool:
    """Whether the caller's key is a person's, for every project that the session serves."""
    key = view.read(KEY, StreamId(stamp.principal)) if is_type_id(stamp.principal, "key") else KEY.initial
    if not isinstance(key, Key) or key.issued.role not in _STEERING:
        return False
    return not key.issued.projects or set(session.opened.projects) <= set(key.issued.projects)

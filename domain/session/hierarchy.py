"""Who stands above and below a session; every session on the way is read, so the append checks that it stays so."""

from typing import Final

from domain.kernel.decider import StreamsMissing, View
from domain.kernel.ids import StreamId
from domain.session.decider import SESSION
from domain.session.errors import FamilyCircular, FamilyTooDeep, FamilyTooLarge
from domain.session.state import Session

ANCESTORS_MAX: Final = 16
CHILDREN_MAX: Final = 256
"""Right below one session; adoption may lead beyond it."""


def ancestors(view: View, session: StreamId) -> tuple[StreamId, ...]:
    """The sessions above, the nearest first, at most 16."""
    found: list[StreamId] = []
    state = view.read(SESSION, session)
    while isinstance(state, Session) and state.parent is not None and len(found) < ANCESTORS_MAX:
        found.append(state.parent)
        state = view.read(SESSION, state.parent)
    return tuple(found)


def misplaced(
    view: View, session: StreamId, parent: StreamId
) -> FamilyCircular | FamilyTooDeep | FamilyTooLarge | None:
    """Why the session, new or known, cannot stand below that parent."""
    chain = (parent, *ancestors(view, parent))
    if session in chain:
        return FamilyCircular(session=session, parent=parent)
    above = view.read(SESSION, parent)
    if isinstance(above, Session) and len(above.children) >= CHILDREN_MAX and session not in above.children:
        return FamilyTooLarge(session=parent, most=CHILDREN_MAX)
    depth = len(chain) + _height(view, session)
    return FamilyTooDeep(session=session, depth=depth, most=ANCESTORS_MAX) if depth > ANCESTORS_MAX else None


def _height(view: View, session: StreamId) -> int:
    """Levels below a session, at most one more than may be."""
    level, height = children_of(view, (session,)), 0
    while level and height <= ANCESTORS_MAX:
        height += 1
        level = children_of(view, level)
    return height


def children_of(view: View, sessions: tuple[StreamId, ...]) -> tuple[StreamId, ...]:
    """Everybody right below them; states that are not in memory are asked for all at once."""
    found: list[StreamId] = []
    missing: list[StreamId] = []
    for session in sessions:
        try:
            state = view.read(SESSION, session)
        except StreamsMissing as needed:
            missing.extend(needed.streams)
            continue
        if isinstance(state, Session):
            found.extend(state.children)
    if missing:
        raise StreamsMissing(tuple(missing))
    return tuple(sorted(found))

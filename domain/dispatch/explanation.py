"""Why something does not move, in words and data."""

from typing import Final, Literal

from pydantic import Field

from domain.kernel.ids import Instant
from domain.kernel.message import Message
from domain.kernel.values import Scalar

REASONS_MAX: Final = 64
"""Reasons that one explanation holds; ``omitted`` counts further ones."""

Subject = Literal["task", "session", "lock", "run"]


class Reason(Message):
    """One thing that stands in the way, or that matters for what comes next."""

    code: str
    """Stable name, such as ``need_unmet``; of a refusal it is the code that a claim would get."""
    words: str
    unblock: str
    """What would change it."""
    about: str = ""
    """Id of the task, session or project, or the token, that it is about."""
    until: Instant | None = None
    """When it passes by itself, in microseconds since 1970."""
    data: dict[str, Scalar | tuple[Scalar, ...]] = Field(default_factory=dict)


class Explanation(Message):
    """Why a task, a session, a lock or a run is where it is."""

    kind: Subject
    id: str
    """Id of the task, session or run, or the token."""
    project: str
    """Id of its project; empty for a session."""
    name: str
    """Key of the task, name of the session, purpose of the lock, pipeline of the run."""
    status: str
    moving: bool
    """Whether nothing stands in its way: it is worked on, or will be as soon as somebody asks."""
    summary: str
    """One sentence."""
    reasons: tuple[Reason, ...]
    omitted: int = 0


def explained(
    kind: Subject,
    identifier: str,
    *,
    project: str,
    name: str,
    status: str,
    blocked: list[Reason],
    noted: list[Reason],
) -> Explanation:
    """An explanation whose reasons are what blocks, then what is worth knowing."""
    reasons = (*blocked, *noted)
    return Explanation(
        kind=kind,
        id=identifier,
        project=project,
        name=name,
        status=status,
        moving=not blocked,
        summary=reasons[0].words if reasons else f"it is {status}",
        reasons=reasons[:REASONS_MAX],
        omitted=max(0, len(reasons) - REASONS_MAX),
    )

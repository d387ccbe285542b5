"""How a project gives out work, as far as it matters for one ready task or one session."""

from typing import Final

from domain.dispatch.explanation import Reason
from domain.dispatch.strategies import bid_score
from domain.kernel.decider import View
from domain.kernel.ids import SECOND, Instant, ProjectId, StreamId
from domain.project.decider import PROJECT
from domain.project.state import Project
from domain.session.state import Session
from domain.task.state import Ready, Task

BIDS_TOLD_MAX: Final = 8
"""Bids that are listed, the best first."""


def given_out(task: Task, project: ProjectId, now: Instant, view: View) -> list[Reason]:
    """What a ready task waits for where its project gathers before it gives out; nothing where it does not."""
    state = view.read(PROJECT, StreamId(project))
    if not isinstance(state, Project) or state.settings.strategy == "priority" or not isinstance(task.phase, Ready):
        return []
    settings = state.settings
    closes = Instant(task.phase.since + settings.window_milliseconds * SECOND // 1_000)
    gathered = Reason(
        code="gathered",
        words=f"the project gathers sessions and tasks for {settings.window_milliseconds} ms"
        f" and gives out work by the strategy {settings.strategy}",
        unblock="A capable session has to wait for work when the window closes.",
        about=project,
        until=closes if closes > now else None,
        data={"strategy": settings.strategy, "window_milliseconds": settings.window_milliseconds},
    )
    return [gathered, *_bids(task)] if settings.strategy == "auction" else [gathered]


def offered(session: Session) -> list[Reason]:
    """That a session is given work without asking for it."""
    if not session.opened.takes_pushed:
        return []
    return [
        Reason(
            code="takes_pushed",
            words="work is given to it unasked, and it hears of it with its heartbeats",
            unblock="A ready task that it could do, and room.",
        )
    ]


def _bids(task: Task) -> list[Reason]:
    if not task.bids:
        return []
    ranked = sorted(task.bids.items(), key=lambda one: (-bid_score(one[1]), one[1].at, one[0]))
    best, bid = ranked[0]
    who = "1 session bids" if len(ranked) == 1 else f"{len(ranked)} sessions bid"
    return [
        Reason(
            code="bids",
            words=f"{who} for it, the best is {best} with {bid.cost_microdollars} micro-dollars"
            f" and {bid.confidence_percent} % confidence",
            unblock="The best bidder that waits for work when the window closes gets it.",
            about=best,
            data={
                "sessions": tuple(one for one, _ in ranked[:BIDS_TOLD_MAX]),
                "scores": tuple(bid_score(one) for _, one in ranked[:BIDS_TOLD_MAX]),
            },
        )
    ]

"""The parts of a worker: what its command may say, what it is told at the start, when a project is done."""

import asyncio
import io
import json
from typing import Any, cast

import pytest

from api.cli.task_reports import extension_words
from api.cli.words import printable
from api.cli.worker.directives import (
    Artifact,
    Checkpoint,
    Directive,
    Evidence,
    Progress,
    Spent,
    Summary,
    directive_of,
)
from api.cli.worker.group import environment_of
from api.cli.worker.idle import Idleness
from api.cli.worker.journal import Journal, Totals
from api.cli.worker.settings import BadCapabilityError, WorkerSettings, capabilities_of
from signalbox.client import AsyncClient
from signalbox.client.asks import Ask
from signalbox.client.errors import ServerUnavailable


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("::progress 40", Progress(40.0, "")),
        ("::progress 12.5% parsed it", Progress(12.5, "parsed it")),
        ("::progress 140", Progress(100.0, "")),
        ("::progress -3", Progress(0.0, "")),
        ("::progress nan", Progress(None, "nan")),
        ("::progress only words", Progress(None, "only words")),
        ("::checkpoint at 7", Checkpoint("at 7")),
        ("::checkpoint", Checkpoint("")),
        ("::summary All done", Summary("All done")),
        ("::progress", None),
        ("::unknown x", None),
        (" ::progress 40", None),
        ("progress 40", None),
        ("", None),
    ],
)
def test_a_line_is_a_directive_or_output(line: str, found: Directive | None) -> None:
    assert directive_of(line) == found


def test_what_is_said_is_cut_at_the_limits_of_a_report() -> None:
    assert directive_of("::progress 1 " + "x" * 5_000) == Progress(1.0, "x" * 4_096)
    assert directive_of("::checkpoint " + "x" * 70_000) == Checkpoint("x" * 65_536)


def test_capabilities_are_typed() -> None:
    pairs = ["gpu=true", "cpu=false", "cores=8", "load=0.5", "lang=python", 'version="3"', "empty=", "eq=a=b", "n=inf"]
    assert capabilities_of(pairs) == {
        "gpu": True, "cpu": False, "cores": 8, "load": 0.5, "lang": "python", "version": "3", "empty": "", "eq": "a=b",
        "n": "inf",
    }  # fmt: skip


@pytest.mark.parametrize("pair", ["gpu", "=true", " =x"])
def test_a_capability_without_key_or_value_is_refused(pair: str) -> None:
    with pytest.raises(BadCapabilityError):
        capabilities_of([pair])


@pytest.mark.parametrize("ttl_seconds", [10, 60, 600, 86_400])
def test_work_can_be_stopped_and_killed_before_the_lease_runs_out(ttl_seconds: int) -> None:
    settings = WorkerSettings(project="shop", command=None, ttl_seconds=ttl_seconds)
    assert settings.margin_seconds < ttl_seconds - min(ttl_seconds / 4, 15.0)
    assert settings.margin_seconds >= min(ttl_seconds / 4, settings.term_seconds)


def test_the_environment_keeps_what_is_not_ours_and_drops_what_the_system_would_refuse() -> None:
    made = environment_of(
        {"PATH": "/bin", "SIGNALBOX_BODY": "old"}, {"SIGNALBOX_BODY": "x\0", "N": None, "B": "é" * 60_000}
    )
    assert made == {"PATH": "/bin", "N": ""}


def test_a_journal_writes_words_or_json_and_outlives_its_reader() -> None:
    stream = io.StringIO()
    Journal(as_json=True, stream=stream).totals(Totals(claimed=2, completed=1))
    told = json.loads(stream.getvalue())
    assert (told["event"], told["claimed"], told["completed"]) == ("ended", 2, 1)
    words = io.StringIO()
    Journal(as_json=False, stream=words).output("task_1", "a", "stdout", "x\x1b[2Jy")
    assert words.getvalue() == "         a | x\ufffd[2Jy\n"
    words.close()
    Journal(as_json=False, stream=words).tell("x", "x")


def test_what_others_wrote_does_not_steer_the_terminal() -> None:
    assert printable("a\x1b]0;title\x07b\u202ec\n") == "a\ufffd]0;title\ufffdb\ufffdc\n"


class Board:
    """Answers like a server whose board holds these tasks."""

    def __init__(
        self, *, moving: int = 0, pending: int = 0, failed: int = 0, stale: bool = False, gone: bool = False
    ) -> None:
        self.unmet = 1
        self.failed = failed
        self.moving = moving
        self.pending = pending
        self.stale = stale
        self.gone = gone
        self.ready = 0
        self.why, self.lacks = "no_capable_session", 1

    async def ask(self, ask: Ask[Any]) -> Any:
        if self.gone:
            raise ServerUnavailable("unreachable", "", "")
        if ask.request.path == "/v1/status":
            return {"head": 7}
        asked = json.loads(ask.request.body or b"")["variables"]
        if "task" in asked:
            reason = {"code": self.why, "data": {"lacks": self.lacks}}
            return {"why": {"reasons": [{"code": "locked", "data": {}}, reason]}}
        assert (asked["project"], asked["after"]) == ("shop", 7)
        return {
            "moving": self._page(self.moving),
            "ready": self._page(self.ready),
            "pending": self._page(self.pending),
            "failed": self._page(self.failed),
            "helpless": self._page(0),
        }

    def _page(self, count: int) -> dict[str, object]:
        return {
            "stale": self.stale,
            "edges": [{"node": {"key": "x", "id": "task_x", "unmetTotal": self.unmet}}] * count,
        }


def idle(board: Board, looks: int) -> bool:
    async def look() -> bool:
        idleness = Idleness(cast("AsyncClient", board), "shop")
        answers = [await idleness() for _ in range(looks)]
        return answers[-1]

    return asyncio.run(look())


def test_a_project_is_done_when_nothing_of_it_can_move() -> None:
    assert idle(Board(), 1)
    assert not idle(Board(moving=1), 3)
    assert not idle(Board(moving=1, pending=1), 3)
    assert not idle(Board(stale=True), 3)
    assert not idle(Board(gone=True), 3)


def test_what_is_ready_keeps_a_project_moving_unless_nobody_present_could_do_it() -> None:
    board = Board()
    board.ready = 2
    idleness = Idleness(cast("AsyncClient", board), "shop")
    assert asyncio.run(idleness())
    assert idleness.in_vain
    for why, lacks in (("capable_sessions_busy", 0), ("no_capable_session", 0), ("claimable", 1)):
        board.why, board.lacks = why, lacks
        assert not idle(board, 3)
    board.why, board.lacks, board.ready = "no_capable_session", 1, 65
    assert not idle(board, 3), "so many are not looked at"


def test_what_waits_for_its_earliest_start_still_moves() -> None:
    board = Board(pending=1)
    board.unmet = 0
    assert not idle(board, 3)


@pytest.mark.parametrize("failed", [0, 1])
def test_idleness_knows_whether_everything_was_done(failed: int) -> None:
    idleness = Idleness(cast("AsyncClient", Board(failed=failed)), "shop")
    assert asyncio.run(idleness())
    assert idleness.in_vain is bool(failed)


def test_what_is_pending_alone_is_looked_at_twice() -> None:
    assert not idle(Board(pending=1), 1)
    assert idle(Board(pending=1), 2)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("::evidence commit abc", Evidence({"kind": "commit", "ref": "abc"})),
        ('::evidence {"kind": "test_report", "passed": 3}', Evidence({"kind": "test_report", "passed": 3})),
        ("::evidence commit", None),
        ("::evidence {broken", None),
        ("::artifact patch git:1", Artifact("patch", "git:1", "")),
        ("::artifact patch git:1 sha256:00", Artifact("patch", "git:1", "sha256:00")),
        ("::artifact patch", None),
        ('::usage {"input_tokens": 3}', Spent({"input_tokens": 3})),
        ("::usage [3]", None),
        ("::usage " + "[" * 5_000, None),
    ],
)
def test_what_work_left_and_spent_is_heard(line: str, said: object) -> None:
    assert directive_of(line) == said


def test_what_task_extend_says_is_what_the_attempt_has_whatever_was_asked() -> None:
    until = 1_000_000
    assert extension_words({"extended_seconds": 15.0, "until": until}) == "has 15 s on top of its timeout"
    assert extension_words({"extended_seconds": 0.0, "until": None}) == "has no timeout that could be prolonged"

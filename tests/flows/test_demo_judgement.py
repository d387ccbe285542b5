"""The demo's judgement: every kind of harm is found in a repository that has it, and figures follow from the log."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from api.cli.demo.figures import Chronicle, Quantiles, figures_of, quantiles
from api.cli.demo.findings import Findings, examine
from api.cli.demo.fleet import Crash
from api.cli.demo.repository import Commit, History
from api.cli.demo.verdict import Run, checks_of, holds, report_of, words_of
from api.cli.demo.work import Piece, files, pieces_of, planned
from domain.lock.overlap import covers
from domain.lock.resource import Resource, parse
from domain.task.commands import Need, PlannedTask

PIECES = (
    Piece("a", "file", ("f",), (), "", (), ()),
    Piece("b", "files", ("f", "g"), (), "", (), ("a",)),
    Piece("c", "survey", (), ("f",), "surveys/c.txt", (), ()),
)
SOUND = History(
    commits=(
        Commit("a", ((2, 1, "f"),)),
        Commit("b", ((2, 1, "f"), (2, 1, "g"))),
        Commit("c", ((1, 0, "surveys/c.txt"),)),
    ),
    files={"f": "count: 2\n1 a\n2 b\n", "g": "count: 1\n1 b\n", "surveys/c.txt": "2 c\n"},
    merges=0,
)
NONE = Findings((), (), (), (), (), lines=4, updates_lost=0)


def file(name: str, text: str) -> Callable[[History], History]:
    return lambda history: replace(history, files={**history.files, name: text})


def commits(*wanted: Commit) -> Callable[[History], History]:
    return lambda history: replace(history, commits=wanted)


def test_a_sound_repository_has_no_findings() -> None:
    assert examine(PIECES, SOUND) == NONE


@pytest.mark.parametrize(
    ("harm", "field", "said"),
    [
        (file("f", "count: 2\n2 b\n"), "lost_lines", "f lacks the line of a"),
        (file("surveys/c.txt", ""), "lost_lines", "surveys/c.txt lacks the line of c"),
        (file("f", "count: 2\n1 a\n2 b\n3 b\n"), "doubled_lines", "f has 2 lines of b, not 1"),
        (file("g", "count: 1\n1 b\n2 a\n"), "doubled_lines", "g has 1 lines of a, not 0"),
        (file("f", "count: 1\n1 a\n2 b\n"), "wrong_counters", "f counts 1 where 2 tasks each added one"),
        (file("f", "1 a\n2 b\n"), "wrong_counters", "f counts -1 where 2 tasks each added one"),
        (file("f", "count: 2\n2 a\n1 b\n"), "disordered", "the lines of f do not count 1, 2, 3 …: [2, 1]"),
        (lambda history: replace(history, merges=1), "disordered", "the history has 1 merges"),
        (commits(*SOUND.commits[:2]), "disordered", "c has 0 commits"),
        (commits(*SOUND.commits, SOUND.commits[2]), "disordered", "c has 2 commits"),
        (
            commits(SOUND.commits[1], SOUND.commits[0], SOUND.commits[2]),
            "disordered",
            "b was committed before a, which it needs",
        ),
        (
            commits(SOUND.commits[0], Commit("b", ((2, 2, "f"), (2, 1, "g"))), SOUND.commits[2]),
            "overwritten",
            "the commit of b removed 2 lines of f and added 2",
        ),
    ],
)
def test_every_harm_is_found(harm: Callable[[History], History], field: str, said: str) -> None:
    assert said in getattr(examine(PIECES, harm(SOUND)), field)


def events() -> list[dict[str, object]]:
    """Two workers, two tasks in a row; the first one's first attempt is lost with its session."""
    log: list[tuple[str, str, dict[str, object]]] = [
        ("task_1", "task.planned.v1", {"key": "a"}),
        ("task_1", "task.readied.v1", {"at": 0}),
        ("task_2", "task.planned.v1", {"key": "b"}),
        ("sess_1", "session.opened.v1", {"incarnation": 1, "at": 0, "name": "one"}),
        ("sess_2", "session.opened.v1", {"incarnation": 1, "at": 0, "name": "two"}),
        ("task_1", "task.claimed.v1", {"at": 1_000_000, "token": 1, "session": "sess_1"}),
        ("sess_1", "session.lost.v1", {"incarnation": 1, "at": 9_000_000, "renewed_at": 2_000_000}),
        ("task_1", "task.attempt_ended.v1", {"at": 9_000_000, "token": 1}),
        ("task_1", "task.readied.v1", {"at": 9_000_000}),
        ("task_1", "task.claimed.v1", {"at": 9_500_000, "token": 2, "session": "sess_2"}),
        ("task_1", "task.completed.v1", {"at": 10_500_000, "token": 2}),
        ("task_2", "task.readied.v1", {"at": 10_500_000}),
        ("task_2", "task.claimed.v1", {"at": 10_600_000, "token": 3, "session": "sess_2"}),
        ("task_2", "task.completed.v1", {"at": 13_000_000, "token": 3}),
        ("sess_2", "session.ended.v1", {"incarnation": 1, "at": 20_000_000}),
    ]
    return [{"stream": stream, "type": kind, "event": event} for stream, kind, event in log]


def test_figures_follow_from_the_log() -> None:
    chronicle = Chronicle()
    for one in events():
        chronicle.absorb(one)
    tasks = [PlannedTask(key="a", title="a"), PlannedTask(key="b", title="b", needs=(Need(task="a"),))]
    figures = figures_of(chronicle, tasks, workers=2)
    assert (figures.completed, figures.completed_twice, figures.attempts, figures.retries) == (2, 0, 3, 1)
    assert figures.sessions_lost == 1
    assert (chronicle.lost_with("one"), chronicle.lost_with("two")) == (("a",), ())
    assert figures.makespan_seconds == 12.0
    assert figures.critical_path_seconds == figures.bound_seconds == pytest.approx(3.4)
    # Within the makespan: session 1 was there and busy for 1 s, session 2 for 12 s of which it worked 3.4.
    assert figures.idle_percent == pytest.approx(100 * (1 - 4.4 / 13))
    assert figures.assignment == Quantiles(500, 1000, 1000)
    assert figures.handover == Quantiles(100, 100, 100)


def test_a_fleet_that_did_nothing_has_figures_too() -> None:
    figures = figures_of(Chronicle(), [PlannedTask(key="a", title="a")], workers=1)
    assert (figures.completed, figures.makespan_seconds, figures.idle_percent) == (0, 0.0, 0.0)
    assert quantiles(range(0, 100_000, 1_000)) == Quantiles(50, 95, 99)


def run(*, guarded: bool = True) -> Run:
    chronicle = Chronicle()
    for one in events():
        chronicle.absorb(one)
    tasks = [PlannedTask(key="a", title="a"), PlannedTask(key="b", title="b")]
    return Run(
        tasks=2,
        workers=2,
        seed=1,
        guarded=guarded,
        findings=NONE,
        figures=figures_of(chronicle, tasks, workers=2),
        crashes=[Crash("worker-1", "a committed", 0, replaced=False)],
        kills=1,
        conflicts=(),
        moved=(),
        found=0,
        pushes_repeated=0,
        failures=(),
    )


def test_a_run_in_which_everything_held_is_good() -> None:
    assert holds(run())
    assert report_of(run())["ok"] is True
    assert "Every promise held." in words_of(run())


@pytest.mark.parametrize(
    "harm",
    [
        lambda one: replace(one, findings=replace(NONE, lost_lines=("x",))),
        lambda one: replace(one, findings=replace(NONE, doubled_lines=("x",))),
        lambda one: replace(one, findings=replace(NONE, wrong_counters=("x",))),
        lambda one: replace(one, findings=replace(NONE, overwritten=("x",))),
        lambda one: replace(one, findings=replace(NONE, disordered=("x",))),
        lambda one: replace(one, conflicts=("x",)),
        lambda one: replace(one, moved=("x",)),
        lambda one: replace(one, failures=("x",)),
        lambda one: replace(one, crashes=[]),
        lambda one: replace(one, figures=replace(one.figures, completed=1)),
        lambda one: replace(one, figures=replace(one.figures, completed_twice=1)),
    ],
)
def test_any_broken_promise_spoils_a_guarded_run(harm: Callable[[Run], Run]) -> None:
    harmed = harm(run())
    assert not holds(harmed)
    assert sum(bool(check.broken) for check in checks_of(harmed)) == 1
    assert "A PROMISE WAS BROKEN." in words_of(harmed)


def test_without_locks_the_harm_has_to_be_seen() -> None:
    harmless = run(guarded=False)
    assert not holds(harmless)
    assert holds(replace(harmless, conflicts=("x",)))
    assert holds(replace(harmless, findings=replace(NONE, updates_lost=1)))
    assert not holds(replace(harmless, conflicts=("x",), failures=("a worker broke down",)))


def test_the_work_is_the_same_for_the_same_seed_and_covers_what_it_touches() -> None:
    pieces = pieces_of(300, seed=7)
    assert pieces == pieces_of(300, seed=7) != pieces_of(300, seed=8)
    assert {piece.kind for piece in pieces} == {"file", "files", "folder", "column", "survey"}
    assert {name for piece in pieces for name in piece.edits} == set(files())
    assert any(piece.needs for piece in pieces)
    for piece in pieces[:60]:
        exclusive = [claim.claim for claim in piece.scope if claim.mode == "exclusive"]
        shared = [claim.claim for claim in piece.scope if claim.mode == "shared"]
        assert all(_covered(name, exclusive) for name in (*piece.edits, *filter(None, [piece.report])))
        assert all(_covered(name, shared) for name in piece.reads)
        assert planned(piece, guarded=True).scope == piece.scope
        assert planned(piece, guarded=False).scope == ()
        assert planned(piece, guarded=False).needs == planned(piece, guarded=True).needs


def _covered(name: str, claims: list[str]) -> bool:
    resources = [parse(claim) for claim in claims]
    return any(covers(one, name.split("/")) for one in resources if isinstance(one, Resource))

"""The debugger on the screen: keys pressed, and what stands there then, beside what the log holds."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import TabbedContent

from api.cli.debug.kinds import COLOURS, FAILURES, colour_of
from api.cli.debug.looking import PANES, first_line, strip_positions
from api.cli.debug.state_tree import StateTree
from api.cli.replay.telling import change_line
from api.composition.debugging import Debugger, LogRow
from domain.catalogue import REGISTRY
from domain.kernel.ids import Instant, ProjectId, StreamId
from domain.kernel.past.trees import differences
from domain.project.events import ProjectBookmarkSet
from infrastructure.log.mapper import new_event
from infrastructure.log.port import Appended
from infrastructure.log.sqlite import SqliteLog
from signalbox.client.errors import Refused
from tests.contracts.groups import member
from tests.house.sources import ROOT
from tests.support.debugged import debugger_of, screen_of, write_history
from tests.support.teller import BEGIN
from tests.support.waiting import happens


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("debugged")
    write_history(place)
    return place


@pytest.fixture
def debugger(folder: Path) -> Iterator[Debugger]:
    with debugger_of(folder) as opened:
        yield opened


def quiet(_: int) -> None:
    """Nobody is told."""


def everything(debugger: Debugger) -> list[LogRow]:
    return debugger.rows(0, debugger.head())


def spoken_of(words: str) -> Callable[[LogRow], bool]:
    return lambda row: words.encode() in row.state or words in (row.stream, row.type, row.actor, row.correlation_id)


def test_the_nearest_event_that_is_meant_is_found_either_way(debugger: Debugger) -> None:
    rows = everything(debugger)
    some = next(row for row in rows if row.type == "task.claimed.v1")
    meant: dict[str, Callable[[LogRow], Any]] = {
        "task.claimed.v1": lambda row: row.type == "task.claimed.v1",
        "task.*": lambda row: row.type.startswith("task."),
        some.stream: lambda row: row.stream == some.stream,
        '"late"': spoken_of("late"),
        "version > 2 && type.startsWith('lock.')": lambda row: row.version > 2 and row.type.startswith("lock."),
    }
    for text, fits in meant.items():
        wanted = [debugger.wanted(text)]
        fitting = [row.position for row in rows if fits(row)]
        assert fitting or text == '"late"'
        for at in range(len(rows) + 1):
            after = debugger.found(wanted, at, forward=True, told=quiet)
            before = debugger.found(wanted, at, forward=False, told=quiet)
            assert after == next((one for one in fitting if one > at), None), text
            assert before == next((one for one in reversed(fitting) if one < at), None), text
    # Of several the nearest.
    both = [debugger.wanted("task.completed.v1"), debugger.wanted("task.claimed.v1")]
    named = [row.position for row in rows if row.type in ("task.completed.v1", "task.claimed.v1")]
    assert debugger.found(both, 0, forward=True, told=quiet) == named[0]
    assert debugger.found(both, len(rows) + 1, forward=False, told=quiet) == named[-1]


def test_the_strip_and_the_list_show_places_of_the_log_and_no_others() -> None:
    for head in range(1, 60):
        for size in (1, 7, 40):
            cells = strip_positions(head, size)
            assert cells[0] == 1
            assert len(cells) == min(head, size)
            assert list(cells) == sorted(set(cells))
            assert cells[-1] <= head
            for cursor in range(1, head + 1):
                first = first_line(cursor, head, size)
                assert 1 <= first <= cursor < first + size
    assert strip_positions(0, 40) == ()


def test_what_is_coloured_is_an_event_and_a_failure_stands_out() -> None:
    assert set(FAILURES) <= set(REGISTRY.names())
    assert set(COLOURS) <= {name.partition(".")[0] for name in REGISTRY.names()}
    assert colour_of("unheard.of.v1") == "white"
    assert colour_of("task.failed.v1") != colour_of("task.planned.v1")


async def test_each_pane_tells_what_the_log_holds_of_the_event_at_the_cursor(debugger: Debugger) -> None:
    claimed = next(row for row in everything(debugger) if row.type == "task.claimed.v1")
    event = debugger.event(claimed.position)
    assert event is not None
    step = debugger.step(event)
    async with screen_of(debugger, claimed.position) as screen:
        await screen.says(f"@{claimed.position} of {debugger.head()}")
        # Half of 90 columns is enough to see what happened.
        await screen.says(f"@{claimed.position:<8}task.claimed")
        told = {}
        for number, pane in enumerate(PANES, start=1):
            await screen.press(str(number))
            assert screen.app.query_one(TabbedContent).active == pane
            told[pane] = "" if pane == "state" else screen.pane(pane)
        assert "asked: claim_task" in told["event"]
        assert claimed.stream in told["event"]
        assert len(step.changes()) > 0
        assert all(change_line(change) in told["difference"] for change in step.changes())
        assert "asked cmd_script_" in told["why"]
        assert "lock.granted" in told["why"]
        assert "task.planned" in told["blame"]
        assert 'status: "ready" -> "assigned"' in told["rows"]
        assert "breakpoints" in told["marks"]


async def test_the_state_is_a_tree_that_opens_where_it_changed_and_stays_open(debugger: Debugger) -> None:
    claimed = next(row for row in everything(debugger) if row.type == "task.claimed.v1")
    async with screen_of(debugger, claimed.position) as screen:
        await screen.press("2")
        tree = screen.app.query_one(StateTree)
        labels = {str(node.label).partition(" ")[0]: node for node in tree.root.children}
        assert labels["phase"].is_expanded
        assert 'is: "Assigned"' in [str(node.label) for node in labels["phase"].children]
        assert not labels["plan"].is_expanded
        labels["plan"].expand()
        await screen.press("s", "S")
        again = {str(node.label).partition(" ")[0]: node for node in tree.root.children}
        assert again["plan"].is_expanded


async def test_keys_go_where_they_say(debugger: Debugger) -> None:
    rows = everything(debugger)
    failures = [row.position for row in rows if row.type in FAILURES]
    async with screen_of(debugger, 1) as screen:
        app = screen.app
        await screen.press("down", "down", "up")
        assert app.cursor == 2
        await screen.press("end", "down")
        assert app.cursor == len(rows)
        await screen.press("home", "f")
        assert app.cursor == failures[0]
        app.action_go(failures[1])
        await screen.press("F")
        assert app.cursor == failures[0]
        for key, back, same in (("s", "S", "stream"), ("c", "C", "correlation_id")):
            before = app.cursor
            alike = [row.position for row in rows if getattr(row, same) == getattr(rows[before - 1], same)]
            await screen.press(key)
            assert app.cursor == next((one for one in alike if one > before), before)
            app.action_go(before)
            await screen.press(back)
            assert app.cursor == next((one for one in reversed(alike) if one < before), before)
            app.action_go(before)
        await screen.press("home", "right_square_bracket", "left_square_bracket")
        assert app.cursor == 1
        await screen.click("#strip", 4)
        assert app.cursor == strip_positions(len(rows), app.size.width)[4]
        await screen.press("home")
        await screen.click("#events", 0, 6)
        assert app.cursor == 7


async def test_breakpoints_and_searches_stop_where_they_are_met(debugger: Debugger) -> None:
    rows = everything(debugger)
    claimed = [row.position for row in rows if row.type == "task.claimed.v1"]
    async with screen_of(debugger, 1) as screen:
        app = screen.app
        await screen.press("r")
        await screen.says("there is no breakpoint yet")
        await screen.type("b", "task.claimed.v1")
        await screen.press("r")
        assert app.cursor == claimed[0]
        await screen.type("b", "version == 1 && type == 'task.planned.v1'")
        await screen.press("home", "r")
        assert app.cursor == next(row.position for row in rows if row.type == "task.planned.v1")
        await screen.press("7")
        assert "version == 1" in screen.pane("marks")
        await screen.type("b", "version == 1 && type == 'task.planned.v1'")
        await screen.press("end", "R")
        assert app.cursor == claimed[-1]
        await screen.press("home")
        await screen.type("slash", "lock.*")
        locks = [row.position for row in rows if row.type.startswith("lock.")]
        assert app.cursor == locks[0]
        await screen.press("n", "n", "N")
        assert app.cursor == locks[1]
        await screen.type("slash", "no.such == ")
        await screen.says("cannot be used")
        await screen.type("slash", '"nobody ever wrote this"')
        await screen.says("there is none that way")
        assert app.cursor == locks[1]


async def test_points_marks_and_an_anchor(debugger: Debugger, tmp_path: Path) -> None:
    rows = everything(debugger)
    named: list[tuple[str, int]] = []

    def keep(name: str, position: int) -> None:
        if "/" not in name:
            raise Refused("no_bookmark", "that is no name", "Write PROJECT/NAME.")
        named.append((name, position))

    third = next(row for row in rows if row.version == 3)
    async with screen_of(debugger, 1, keep=keep) as screen:
        app = screen.app
        await screen.type("g", f"{third.stream}@3")
        assert app.cursor == third.position
        await screen.type("g", "@99999")
        await screen.says("The log ends at")
        await screen.type("m", "shop/here")
        assert named == [("shop/here", third.position)]
        await screen.type("m", "nonsense")
        await screen.says("that is no name")
        await screen.press("escape", "S", "S", "x", "s", "s", "3")
        first = next(row for row in rows if row.stream == third.stream)
        assert (app.anchor, app.cursor) == (first.position, third.position)
        expected = differences(debugger.tree(third.stream, first.position), debugger.tree(third.stream, third.position))
        assert f"from @{first.position} to @{third.position}" in screen.pane("difference")
        assert all(change_line(change) in screen.pane("difference") for change in expected)
        await screen.type("e", str(tmp_path / "view.svg"))
        assert (tmp_path / "view.svg").read_text(encoding="utf-8").startswith("<svg")
        await screen.type("e", str(tmp_path / "absent" / "view.svg"))
        await screen.says("cannot be written")


async def test_a_log_that_grows_is_followed(tmp_path: Path) -> None:
    await asyncio.to_thread(write_history, tmp_path, [])
    with debugger_of(tmp_path) as debugger:
        begun = debugger.head()
        async with screen_of(debugger, 1, live=True) as screen:
            await asyncio.to_thread(_bookmark, tmp_path)
            await happens(lambda: screen.app.cursor == debugger.head() > begun)
            await happens(lambda: screen.app.bookmarks == {"shop/here": 2})
            await screen.press("l", "home", "7")
            assert "shop/here" in screen.pane("marks")


def _bookmark(folder: Path) -> None:
    """What the server writes when somebody names a position."""
    log = SqliteLog(folder / "signalbox.db")
    project = log.page(after=0, limit=1)[0].stream
    event = ProjectBookmarkSet(name="here", position=2, by="key_script", at=Instant(BEGIN))
    written = new_event(StreamId(project), 2, event, ProjectId(project))
    [appended] = log.append([member("mark")._replace(reads=((project, 1),), events=(written,))], now=log.now())
    log.close()
    assert isinstance(appended, Appended)


def test_the_pages_have_a_picture_of_each_pane() -> None:
    """Made by `python -m tests.support.pictures docs/images`."""
    assert {path.stem for path in (ROOT / "docs" / "images").glob("debug-*.svg")} == {f"debug-{pane}" for pane in PANES}


def test_nothing_but_the_screen_itself_loads_its_library() -> None:
    probe = (
        "import sys; from api.cli.main import application; application(); import api.composition.debugging; "
        "sys.exit('textual' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", probe], cwd=ROOT).returncode == 0

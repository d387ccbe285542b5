"""The screen of the debugger: a strip of the log, the events around the cursor, and what is known of one of them."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, TypeVar, cast

from rich.style import Style
from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Footer, Input, Static, TabbedContent, TabPane

from api.cli.debug.event_list import EventList
from api.cli.debug.finding import Ended, Finding, Goal
from api.cli.debug.keys import KEYS, PROMPTS
from api.cli.debug.looking import PANES, Pane, Place, Seen, State, look
from api.cli.debug.state_tree import StateTree
from api.cli.debug.strip import Chosen, Strip
from api.cli.words import moment, printable
from signalbox.client.errors import SignalboxError

if TYPE_CHECKING:
    from api.composition.debugging import Debugger, Wanted

FOLLOW_SECONDS: Final = 0.5
T = TypeVar("T")
Keep = Callable[[str, int], None]
"""Gives a position a name, PROJECT/NAME; raises SignalboxError."""


class DebugApp(App[None]):
    """Steps through a log; asks it on one thread of its own, so that the screen never waits for it."""

    ENABLE_COMMAND_PALETTE = False
    CSS: ClassVar[str] = """
    #status { height: 1; background: $panel; padding: 0 1; }
    #events { width: 1fr; max-width: 64; border-right: solid $panel; }
    #panes { width: 1fr; }
    #prompt { dock: bottom; display: none; }
    TabPane { padding: 0 1; }
    StateTree { background: transparent; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*KEYS]

    def __init__(self, debugger: "Debugger", *, source: str, cursor: int, live: bool, keep: Keep) -> None:
        super().__init__()
        self._debugger = debugger
        self._source = source
        self._keep = keep
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="past")
        self._finding = Finding()
        self._asking = ""
        self._turn = 0
        self._breakpoints: tuple[Wanted, ...] = ()
        self._searched: Wanted | None = None
        self._live = live
        self.cursor = cursor
        self.head = cursor
        self.anchor: int | None = None
        self.bookmarks: dict[str, int] = {}
        self.seen: Seen | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="status")
        yield Strip()
        with Horizontal():
            yield EventList()
            with TabbedContent(id="panes"):
                for pane in PANES:
                    with TabPane(pane, id=pane):
                        if pane == "state":
                            yield StateTree()
                        else:
                            yield VerticalScroll(Static(id=f"{pane}-text"))
        yield Input(id="prompt")
        yield Footer()

    async def on_mount(self) -> None:
        self.title = "signalbox debug"
        self.query_one(EventList).focus()
        self.set_interval(FOLLOW_SECONDS, self._follow)
        self.call_after_refresh(self.look)
        self.call_after_refresh(self.read_bookmarks)

    def on_unmount(self) -> None:
        self._finding.end()
        self._thread.shutdown(wait=True, cancel_futures=True)

    def on_resize(self) -> None:
        self.call_after_refresh(self.look)

    def on_tabbed_content_tab_activated(self) -> None:
        self.look()

    def on_chosen(self, chosen: Chosen) -> None:
        self.action_go(chosen.position)

    @property
    def pane(self) -> Pane:
        """The pane in front."""
        active = self.query_one(TabbedContent).active
        return PANES[PANES.index(cast("Pane", active))] if active else PANES[0]

    @property
    def settled(self) -> bool:
        """Whether everything that was asked for is shown."""
        return self.seen is not None and not any(worker.is_running for worker in self.workers)

    def look(self) -> None:
        """Fetch and show what belongs to the cursor; what was asked for another place before counts no more."""
        self._turn += 1
        self._look(self._turn)

    def read_bookmarks(self) -> None:
        """Find the bookmarks again, a stretch of the log at a time, so that whoever moves does not wait for it."""
        self._read_bookmarks()

    def action_step(self, events: int) -> None:
        self.action_go(self.cursor + events)

    def action_page(self, pages: int) -> None:
        self.action_go(self.cursor + pages * max(1, self.query_one(EventList).size.height - 1))

    def action_stretch(self, cells: int) -> None:
        self.action_go(self.cursor + cells * max(1, self.head // max(1, self.query_one(Strip).size.width)))

    def action_last(self) -> None:
        self.action_go(self.head)

    def action_go(self, position: int) -> None:
        """Put the cursor on a position; one that is not there is the nearest one."""
        self._finding.end()
        self.cursor = max(min(1, self.head), min(position, self.head))
        self.look()

    def action_pane(self, pane: Pane) -> None:
        self.query_one(TabbedContent).active = pane

    def action_anchor(self) -> None:
        """Tell differences from here on from here; the anchor at the cursor is taken away."""
        self.anchor = None if self.anchor == self.cursor else self.cursor
        self.look()

    def action_live(self) -> None:
        """Follow the log as it grows, or stay."""
        self._live = not self._live
        self.action_go(self.head if self._live else self.cursor)

    def action_help(self) -> None:
        if self.screen.query("HelpPanel"):
            self.action_hide_help_panel()
        else:
            self.action_show_help_panel()

    def action_give_up(self) -> None:
        """End what is asked for or looked for."""
        self._finding.end()
        self._prompt("")

    def action_find(self, goal: Goal, forward: bool) -> None:
        """Look for the nearest event that is meant; any other move ends it."""
        self._find(goal, forward=forward)

    def action_ask(self, what: str) -> None:
        """Ask for a point, a search, a breakpoint, a bookmark or a file."""
        self._prompt(what)

    async def on_input_submitted(self, submitted: Input.Submitted) -> None:
        what, said = self._asking, submitted.value.strip()
        self._prompt("")
        if said:
            await self._told(self._answered(what, said))

    async def _answered(self, what: str, said: str) -> None:
        match what:
            case "point":
                self.action_go(await self._ask(lambda debugger: debugger.position(said)))
            case "search":
                self._searched = await self._ask(lambda debugger: debugger.wanted(said))
                self.action_find("search", True)
            case "breakpoint":
                kept = tuple(one for one in self._breakpoints if one.text != said)
                if len(kept) == len(self._breakpoints):
                    kept = (*kept, await self._ask(lambda debugger: debugger.wanted(said)))
                self._breakpoints = kept
                self.notify(f"{len(kept)} breakpoints; r runs to the next", markup=False)
                self.look()
            case "bookmark":
                await asyncio.to_thread(self._keep, said, self.cursor)
                self.notify(f"{said} is @{self.cursor}", markup=False)
                self.read_bookmarks()
            case _:
                self._picture(Path(said))

    def _picture(self, file: Path) -> None:
        try:
            file.write_text(self.export_screenshot(), encoding="utf-8")
        except OSError as problem:
            self.notify(f"{file} cannot be written: {problem.strerror}", severity="error", markup=False)
        else:
            self.notify(f"{file} is written", markup=False)

    def _prompt(self, what: str) -> None:
        self._asking = what
        prompt = self.query_one("#prompt", Input)
        prompt.display = bool(what)
        if what:
            prompt.value = f"signalbox-debug-{self.cursor}.svg" if what == "picture" else ""
            prompt.placeholder = PROMPTS[what]
            prompt.focus()
        else:
            self.query_one(EventList).focus()

    @work(exclusive=True, group="find")
    async def _find(self, goal: Goal, *, forward: bool) -> None:
        place = self._place()
        wanted = self._finding.begin(goal, self._searched, self._breakpoints)
        if isinstance(wanted, str):
            self.notify(wanted, severity="warning", markup=False)
            return
        self._status("looking; escape ends it")
        found = await self._told(self._ask(lambda debugger: wanted(debugger, place.cursor, forward)))
        if isinstance(found, Ended):
            return
        if found is None:
            self.notify("there is none that way", markup=False)
            self._status()
        else:
            self.action_go(found)

    @work(exclusive=True, group="look")
    async def _look(self, turn: int) -> None:
        place, events, strip = self._place(), self.query_one(EventList), self.query_one(Strip)
        lines, cells = events.size.height, strip.size.width

        def looked(debugger: "Debugger") -> Seen | None:
            # Where keys come faster than answers, only the last place is asked for.
            return look(debugger, place, lines, cells) if turn == self._turn else None

        seen = await self._told(self._ask(looked))
        if seen is None or isinstance(seen, Ended):
            return
        self.seen, self.head = seen, seen.head
        marked = frozenset(place.bookmarks.values())
        strip.tell(seen.head, place.cursor, place.anchor, seen.types, marked)
        events.tell(seen.rows, place.cursor, place.anchor, marked)
        if isinstance(seen.pane, State):
            self.query_one(StateTree).tell(seen.pane.title, seen.pane.tree, seen.pane.changed)
        elif place.pane != "state":
            self.query_one(f"#{place.pane}-text", Static).update(seen.pane or Text("nothing has happened yet"))
        self._status()

    @work(exclusive=True, group="bookmarks")
    async def _read_bookmarks(self) -> None:
        whole = False
        while not whole:
            found = await self._told(self._ask(lambda debugger: debugger.bookmarks()))
            if isinstance(found, Ended):
                return
            marks, whole = found
            if marks != self.bookmarks:
                self.bookmarks = marks
                self.look()

    async def _follow(self) -> None:
        if self._live:
            head = await self._told(self._ask(lambda debugger: debugger.head()))
            if isinstance(head, int) and head > self.head and self._live:
                self.cursor = self.head = head
                self.look()
                self.read_bookmarks()

    def _status(self, doing: str = "") -> None:
        rows = () if self.seen is None else self.seen.rows
        at = next((moment(row.recorded_at) for row in rows if row.position == self.cursor), "")
        words = f"{self._source}   @{self.cursor} of {self.head}   {at}{'   live' if self._live else ''}"
        told = Text(printable(words), no_wrap=True)
        told.append(f"   {doing}", Style(bold=True))
        self.query_one("#status", Static).update(told)

    def _place(self) -> Place:
        return Place(self.cursor, self.anchor, self.pane, self._breakpoints, self.bookmarks)

    async def _ask(self, question: "Callable[[Debugger], T]") -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._debugger.asked, question)

    async def _told(self, answer: "Awaitable[T]") -> "T | Ended":
        try:
            return await answer
        except Ended as ended:
            return ended
        except SignalboxError as error:
            self.notify(f"{error.message}\n{error.next}", severity="error", markup=False)
            self._status()
            return Ended()

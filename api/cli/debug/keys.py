"""The keys of the debugger, and what it asks for."""

from typing import Final

from textual.binding import Binding, BindingType

from api.cli.debug.looking import PANES

KEYS: Final[tuple[BindingType, ...]] = (
    Binding("left_square_bracket", "stretch(-1)", "a cell of the strip back", show=False),
    Binding("right_square_bracket", "stretch(1)", "a cell of the strip on", show=False),
    Binding("f", "find('failure', True)", "failure"),
    Binding("F", "find('failure', False)", "failure before", show=False),
    Binding("s", "find('stream', True)", "stream"),
    Binding("S", "find('stream', False)", "same stream before", show=False),
    Binding("c", "find('correlation', True)", "correlation"),
    Binding("C", "find('correlation', False)", "same correlation before", show=False),
    Binding("r", "find('breakpoint', True)", "run"),
    Binding("R", "find('breakpoint', False)", "run back", show=False),
    Binding("slash", "ask('search')", "search", key_display="/"),
    Binding("n", "find('search', True)", "next found", show=False),
    Binding("N", "find('search', False)", "found before", show=False),
    Binding("b", "ask('breakpoint')", "break"),
    Binding("g", "ask('point')", "go to"),
    Binding("m", "ask('bookmark')", "mark"),
    Binding("x", "anchor", "anchor"),
    Binding("l", "live", "live"),
    Binding("e", "ask('picture')", "picture"),
    *(Binding(str(number), f"pane('{pane}')", pane, show=False) for number, pane in enumerate(PANES, start=1)),
    Binding("question_mark", "help", "keys", key_display="?"),
    Binding("escape", "give_up", "give up", show=False),
    Binding("q", "quit", "quit"),
)
PROMPTS: Final = {
    "point": "go to: @1234, an instant, -15m, STREAM@VERSION, PROJECT/BOOKMARK",
    "search": 'find: task.*, a stream, "words", or CEL such as event.priority > 3',
    "breakpoint": 'stop at (again: no more): task.*, a stream, "words", or CEL',
    "bookmark": "name of this position: PROJECT/NAME",
    "picture": "file for a picture of this view",
}

"""What the panes of the debugger say of one event, as text; of everything at most so many lines."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from rich.style import Style
from rich.text import Text

from api.cli.debug.kinds import colour_of, legend
from api.cli.replay.telling import change_line, event_document, place, tree_lines, value
from api.cli.words import moment, printable
from domain.kernel.decider import Recorded
from domain.kernel.past.causes import Causes, walked
from domain.kernel.past.trees import Change, Path, Tree, differences, path_text

if TYPE_CHECKING:
    from api.composition.debugging import Wanted
    from api.composition.replay import RowChange

LINES_MAX: Final = 500
DEPTH_MAX: Final = 20
"""A cascade that is deeper is told without further indenting."""
_STYLES: Final = {"+": Style(color="green"), "-": Style(color="red"), "~": Style(color="yellow")}
Line = str | Text


def event_pane(event: Recorded, asked: Mapping[str, Any] | None) -> Text:
    """Everything that is stored of an event, and what is remembered of its command."""
    document = event_document(event)
    content = document.pop("event")
    facts = {"recorded": moment(event.recorded_at), **{name: told for name, told in document.items() if name != "at"}}
    lines: list[Line] = [_named(name, value(told)) for name, told in facts.items()]
    lines += ["", _heading("stored"), *tree_lines(content, "  ")]
    if asked is not None:
        lines += ["", _heading(f"asked: {asked['name']}"), *tree_lines(asked["command"], "  ")]
    return _text(lines)


def difference_pane(title: str, changes: Sequence[Change]) -> Text:
    """What differs, a field a line."""
    return _text([_heading(title), *(_marked(change_line(one)) for one in changes), *_nothing(changes)])


def why_pane(causes: Causes, asked: Mapping[str, Any] | None) -> Text:
    """Who asked, what led to the event, what came with it and of it."""
    root = causes.chain[-1] if causes.chain else causes.event
    words = f": {asked['name']}" if asked else ", whose receipt is not kept here"
    lines: list[Line] = [_heading(f"{root.actor} asked {root.command_id}{words}")]
    depth = 0
    for depth, one in enumerate(reversed(causes.chain), start=1):
        lines.append(_event("  " * depth, one))
    indent = "  " * (depth + 1)
    lines.append(_event(f"{indent}> ", causes.event))
    lines += [_event(f"{indent}= ", one) for one in causes.siblings]
    effects = islice(walked(causes.effects), LINES_MAX)
    return _text([*lines, *(_event(indent + "  " * min(depth, DEPTH_MAX), one.recorded) for depth, one in effects)])


def blame_pane(found: Mapping[Path, tuple[Tree, Recorded]], *, earlier: bool) -> Text:
    """Which event last set each field, and who asked for it; ``earlier`` ones were not looked through."""
    lines: list[Line] = []
    if earlier:
        lines += ["What is not here was set earlier: `signalbox replay blame` looks through all.", ""]
    for path, (tree, event) in islice(found.items(), LINES_MAX):
        lines.append(f"{path_text(path)} = {value(tree)}")
        lines.append(_event("    ", event).append(f"  {printable(event.actor)}", Style(dim=True)))
    return _text(lines)


def rows_pane(title: str, changes: "Sequence[RowChange]") -> Text:
    """Rows of read models that differ, field by field."""
    return _text([_heading(title), *_row_lines(changes), *_nothing(changes)])


def marks_pane(breakpoints: "Sequence[Wanted]", bookmarks: Mapping[str, int], anchor: int | None) -> Text:
    """Where the debugger stops, and which places have names."""
    lines: list[Line] = [_heading("breakpoints (b sets one, or takes it away)")]
    lines += [f"  {one.text}" for one in breakpoints] or ["  none"]
    lines += ["", _heading("bookmarks (m sets one, g goes to one)")]
    lines += [f"  @{position:<8} {name}" for name, position in bookmarks.items()] or ["  none"]
    lines += ["", _heading("anchor (x): differences are told from there")]
    lines += ["  none" if anchor is None else f"  @{anchor}", "", legend()]
    return _text(lines)


def _row_lines(changes: "Sequence[RowChange]") -> Iterator[Line]:
    for row in changes:
        mark = "+" if row.before is None else "-" if row.after is None else "~"
        yield _marked(f"{mark} {row.model} {row.key}")
        if mark == "~":
            yield from (change_line(one, "    ") for one in differences(row.before, row.after))
        else:
            whole: Tree = row.after if row.before is None else row.before
            yield from tree_lines(whole, "      ")


def _event(indent: str, one: Recorded) -> Text:
    """An event in few words; what it holds is told where the cursor is."""
    kind = type(one.event).TYPE
    words = Text(f"{indent}@{one.position} ")
    words.append(printable(f"{place(one.stream)}@{one.version} "), Style(dim=True))
    return words.append(kind.rpartition(".")[0], Style(color=colour_of(kind)))


def _marked(line: str) -> Text:
    return Text(printable(line), _STYLES.get(line[:1], Style()))


def _named(name: str, words: str) -> Text:
    return Text.assemble((f"{name:16}", Style(dim=True)), printable(words))


def _heading(words: str) -> Text:
    return Text(printable(words), Style(bold=True))


def _nothing(found: Sequence[object]) -> list[Line]:
    return [] if found else ["  nothing"]


def _text(lines: Iterable[Line]) -> Text:
    """The lines as one text, 500 of them at most."""
    shown = list(islice(lines, LINES_MAX + 1))
    told = [line if isinstance(line, Text) else Text(printable(line)) for line in shown[:LINES_MAX]]
    return Text("\n").join([*told, Text("…")] if len(shown) > LINES_MAX else told)

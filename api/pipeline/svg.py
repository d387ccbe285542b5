"""A definition as a drawing: SVG that needs nothing else, the same for the same definition."""

from collections.abc import Iterator
from html import escape
from typing import Final

from api.pipeline.graph_words import said_of
from api.pipeline.layout import HEADER, Box, Drawing, Line, drawing_of
from domain.kernel.pipeline.definition import Definition

COLOURS: Final = {
    "work": "#dbe9ff",
    "gate": "#ffe3c2",
    "wait": "#f0e6ff",
    "branch": "#fff6c2",
    "map": "#d4f2e4",
    "repeat": "#f6f6f6",
    "pipeline": "#cfe8ef",
    "external": "#ffd9e2",
    "join": "#ececec",
}
TITLE_CHARACTERS_MAX: Final = 26
TITLE_HEIGHT: Final = 30


def svg_of(definition: Definition) -> str:
    """The whole drawing."""
    drawing = drawing_of(definition.phases)
    width, height = drawing.width, drawing.height + TITLE_HEIGHT
    title = escape(definition.title or definition.name)
    size = f'width="{_n(width)}" height="{_n(height)}"'
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {_n(width)} {_n(height)}" {_FONT}>'
    head = (opening, f"<title>{title}</title>", _ARROW, f'<rect {size} fill="#ffffff"/>')
    said = f'<text x="16" y="20" font-size="15" font-weight="bold">{title}</text>'
    body = (f'<g transform="translate(0 {TITLE_HEIGHT})">', *_scope(drawing), "</g>", "</svg>", "")
    return "\n".join((*head, said, *body))


_FONT: Final = 'font-family="sans-serif" font-size="12" role="img"'
_ARROW: Final = (
    '<defs><marker id="to" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#667"/></marker></defs>'
)


def _scope(drawing: Drawing) -> Iterator[str]:
    for line in drawing.lines:
        yield from _line(line)
    for box in drawing.boxes.values():
        yield from _box(box)


def _box(box: Box) -> Iterator[str]:
    phase = box.phase
    dashed = ' stroke-dasharray="5 3"' if phase.when is not None or phase.optional else ""
    yield (
        f'<rect x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}" rx="7" '
        f'fill="{COLOURS[phase.kind]}" stroke="#667"{dashed}><title>{escape(phase.title or phase.key)}</title></rect>'
    )
    yield (
        f'<text x="{_n(box.middle)}" y="{_n(box.y + 18)}" text-anchor="middle" font-weight="bold">'
        f"{escape(_short(phase.key))}</text>"
    )
    if box.inside is None:
        yield (
            f'<text x="{_n(box.middle)}" y="{_n(box.y + 34)}" text-anchor="middle" fill="#445" font-size="10">'
            f"{escape(_short(said_of(phase)))}</text>"
        )
        return
    yield (
        f'<text x="{_n(box.x + box.width - 8)}" y="{_n(box.y + 18)}" text-anchor="end" fill="#445" font-size="10">'
        f"{escape(said_of(phase))}</text>"
    )
    left = box.x + (box.width - box.inside.width) / 2
    yield f'<g transform="translate({_n(left)} {_n(box.y + HEADER - 8)})">'
    yield from _scope(box.inside)
    yield "</g>"


def _line(line: Line) -> Iterator[str]:
    (x, y), *rest = line.points
    path = f"M{_n(x)} {_n(y)}"
    for place, (to_x, to_y) in enumerate(rest):
        straight = place % 2 == 1 and place < len(rest) - 1
        middle = (y + to_y) / 2
        curve = f"C{_n(x)} {_n(middle)} {_n(to_x)} {_n(middle)}"
        path += f" {'L' if straight else curve} {_n(to_x)} {_n(to_y)}"
        x, y = to_x, to_y
    dashed = ' stroke-dasharray="4 3"' if line.accepts else ""
    yield f'<path d="{path}" fill="none" stroke="#667"{dashed} marker-end="url(#to)"/>'
    told = line.arm or line.accepts
    if told:
        end_x, end_y = line.points[-1]
        start_x = line.points[-2][0]
        at_x = end_x + (start_x - end_x) * 0.12
        yield (
            f'<text x="{_n(at_x)}" y="{_n(end_y - 12)}" text-anchor="middle" font-size="10" fill="#334" '
            f'stroke="#ffffff" stroke-width="3" paint-order="stroke">{escape(_short(told))}</text>'
        )


def _short(text: str) -> str:
    return text if len(text) <= TITLE_CHARACTERS_MAX else f"{text[: TITLE_CHARACTERS_MAX - 1]}…"


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")

"""The user's pages name what the program has, and the first page names them all."""

import re
from collections.abc import Iterator
from typing import Any, Final

import typer.main
from typer.testing import CliRunner

from api.cli.main import application
from tests.house.sources import ROOT

DOCS: Final = ROOT / "docs"
COLUMNS: Final = 80


def test_the_first_page_names_every_page() -> None:
    first = (ROOT / "README.md").read_text(encoding="utf-8")
    pages = sorted(page.name for page in DOCS.glob("*.md"))

    assert "cli.md" in pages
    assert [page for page in pages if f"| [docs/{page}](docs/{page}) |" not in first] == []


def test_the_page_of_the_command_line_names_every_command() -> None:
    """Each in a row of its first word; the verbs of locks stand on a page of their own."""
    lines = [line for page in ("cli.md", "locks.md") for line in (DOCS / page).read_text(encoding="utf-8").splitlines()]
    named = list(_commands())

    assert ("lock", "pool", "set") in named
    assert [" ".join(path) for path in named if not _words_about(path[0], lines).issuperset(path)] == []


def test_the_help_tells_every_first_word_in_a_whole_sentence() -> None:
    told = CliRunner(env={"COLUMNS": str(COLUMNS)}).invoke(application(), ["--help"]).output

    assert "  worker " in told
    assert [line for line in told.splitlines() if line.endswith("...") and "Usage" not in line] == []


def _words_about(first: str, lines: list[str]) -> set[str]:
    starts = (f"| `{first} ", f"| `{first}`", f"`signalbox {first} ")
    told = " ".join(line for line in lines if line.startswith(starts))
    return set(re.findall(r"[a-z]+(?:-[a-z]+)*", told))


def _commands() -> Iterator[tuple[str, ...]]:
    return _below((), typer.main.get_command(application()))


def _below(path: tuple[str, ...], command: Any) -> Iterator[tuple[str, ...]]:
    inner: dict[str, Any] = getattr(command, "commands", {})
    if not inner:
        yield path
    for name, one in inner.items():
        yield from _below((*path, name), one)

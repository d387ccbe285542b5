"""The user's pages name what the program has, and the first page names them all."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import typer.main
from typer.testing import CliRunner

from api.cli.help import GROUPS
from api.cli.main import MODULES, application
from tests.house.sources import ROOT
from tests.support.board_picture import board_picture

DOCS: Final = ROOT / "docs"
COLUMNS: Final = 80


def test_the_first_page_names_every_page() -> None:
    first = (ROOT / "README.md").read_text(encoding="utf-8")
    pages = sorted(page.name for page in DOCS.glob("*.md"))

    assert "cli.md" in pages
    assert [page for page in pages if f"| [docs/{page}](docs/{page}) |" not in first] == []


def test_the_picture_of_the_first_page_is_what_the_program_draws() -> None:
    """Made by `python -m tests.support.pictures docs/images`."""
    assert "](docs/images/watch.svg)" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert board_picture() == (DOCS / "images" / "watch.svg").read_text(encoding="utf-8")


def test_the_page_of_the_command_line_names_every_command() -> None:
    """Each in a row of its first word; the verbs of locks stand on a page of their own."""
    lines = [line for page in ("cli.md", "locks.md") for line in (DOCS / page).read_text(encoding="utf-8").splitlines()]
    named = list(_commands())

    assert ("lock", "pool", "set") in named
    assert [" ".join(path) for path in named if not _words_about(path[0], lines).issuperset(path)] == []


def test_pages_say_only_commands_that_there_are() -> None:
    known = {path[:2] for path in _commands()} | {path[:1] for path in _commands()}
    groups = {path[0] for path in _commands() if len(path) > 1}
    said = {
        (page.name, tuple(match.split()))
        for page in _pages()
        for match in re.findall(
            r"(?:^|[`(;&|] ?)signalbox ([a-z][a-z-]*(?: [a-z][a-z-]*)?)", _text_of(page), re.MULTILINE
        )
    }

    assert ("agents.md", ("session", "open")) in said
    wrong = [(page, words) for page, words in said if words[: 1 + (words[0] in groups)] not in known]
    assert sorted(wrong) == []


def test_pages_name_only_files_that_there_are() -> None:
    named = re.compile(r"`([a-z]+/[a-z0-9_/.-]+)`")
    tops = {path.name for path in ROOT.iterdir() if path.is_dir()}
    said = {(page.name, path) for page in _pages() for path in named.findall(_text_of(page))}
    of_ours = {(page, path) for page, path in said if path.split("/")[0] in tops}

    assert ("AGENTS.md", "api/ports.py") in of_ours
    assert sorted((page, path) for page, path in of_ours if not (ROOT / path).exists()) == []


def test_the_help_has_every_first_word_once_below_what_it_is_for() -> None:
    grouped = [name for names in GROUPS.values() for name in names]

    assert sorted(grouped) == sorted(MODULES)


def test_the_help_names_values_in_words_and_no_types_of_the_language() -> None:
    whole: Any = typer.main.get_command(application())
    told = dict(_helps((), whole))

    assert "  --priority NUMBER " in told["task", "create"]
    assert [path for path, text in told.items() if re.search(r"<(str|int|list|float|path)\b", text)] == []


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


def _helps(path: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    yield path, command.get_help(typer.Context(command))
    for name, one in getattr(command, "commands", {}).items():
        yield from _helps((*path, name), one)


def _pages() -> list[Path]:
    return [*(ROOT / name for name in ("README.md", "AGENTS.md", "CONTRIBUTING.md")), *sorted(DOCS.glob("*.md"))]


def _text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")

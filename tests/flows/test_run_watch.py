"""`run watch` on a real terminal: the graph is drawn over itself, in any size, and ends with the run."""

from collections.abc import Iterator

import pytest

from tests.support.command_line import CommandLine, end
from tests.support.screen import COLOURS, Screen
from tests.support.waiting import until
from tests.support.warm_processes import Command

WAITS = """
pipeline: waits
phases:
  first: {wait: {signal: go}}
  second: {needs: [first], wait: {signal: go}}
  third: {needs: [second], wait: {signal: go}}
"""


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """A server with a pipeline that only waits, so that nobody has to work."""
    line = CommandLine(tmp_path_factory.mktemp("watched"), {"SIGNALBOX_PROJECT": "shop"})
    server = line.serve()
    try:
        line("project", "create", "shop")
        (line.folder / "waits.yaml").write_text(WAITS)
        line("pipeline", "publish", "waits.yaml")
        yield line
    finally:
        assert end(server) == 0


@pytest.fixture
def screen() -> Iterator[Screen]:
    shown = Screen(90, 24)
    yield shown
    shown.close()


def watched(cli: CommandLine, screen: Screen, **environment: str) -> tuple[str, Command]:
    """A run, and somebody who watches it on the screen."""
    run = str(cli("run", "start", "waits", "--json").json["run"])
    told = {"TERM": "xterm-256color", "COLUMNS": "", "LINES": "", **environment}
    return run, cli.on(screen.path, "run", "watch", run, **told)


def shows(screen: Screen, *wanted: str) -> None:
    """Wait until all of it stands on the screen."""
    until(lambda: all(one in screen.look() for one in wanted))


def ends(screen: Screen, process: Command) -> None:
    """Wait until it has ended well; what it still writes has to be read, or it waits for that."""
    until(lambda: screen.said and process.poll() is not None)
    assert process.returncode == 0


def test_the_graph_is_drawn_over_itself_follows_the_size_and_ends_with_the_run(
    cli: CommandLine, screen: Screen
) -> None:
    run, process = watched(cli, screen, NO_COLOR="")
    shows(screen, "… first  waiting: signal go", "  · second  pending", "    · third  pending", "q ends it")
    cli("run", "signal", run, "go")
    shows(screen, "✓ first  succeeded", "  … second  waiting")
    screen.resize(24, 6)
    until(lambda: len(screen.pictures()[-1]) == 6)
    shows(screen, "phases    1 of 3 settled", "… second  waiting: si…", "q ends it")
    screen.resize(24, 5)
    shows(screen, "… second  waiting: si…", "… 2 more")
    cli("run", "signal", run, "go")
    shows(screen, "… 2 have settled", "    … third  waiting: s…")
    cli("run", "signal", run, "go")
    ends(screen, process)
    assert not screen.is_drawn_on
    shows(screen, f"run       {run}", "status    succeeded", "✓ first  succeeded", "    ✓ third  succeeded")
    sizes = {(len(one), *{len(line) for line in one}) for one in screen.pictures()}
    assert sizes == {(24, 90), (6, 24), (5, 24)}, (
        "every picture fills the screen: nothing of another one is left, or cut off"
    )
    assert "\x1b[2J" not in screen.said, "nothing is wiped between two pictures"
    assert COLOURS.search(screen.said)


def test_without_colour_nothing_is_coloured_and_q_ends_it(cli: CommandLine, screen: Screen) -> None:
    _, process = watched(cli, screen, NO_COLOR="1")
    shows(screen, "… first  waiting", "q ends it")
    screen.press("q")
    ends(screen, process)
    shows(screen, "status    running", "… first  waiting: signal go")
    assert not COLOURS.search(screen.said)


def test_what_is_no_terminal_that_can_be_drawn_on_gets_lines(cli: CommandLine, screen: Screen) -> None:
    run, process = watched(cli, screen, TERM="dumb")
    shows(screen, "… first  waiting")
    for _ in range(3):
        cli("run", "signal", run, "go")
    ends(screen, process)
    shows(screen, "    ✓ third  succeeded")
    assert "\x1b" not in screen.said

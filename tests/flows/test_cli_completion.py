"""Shell completion: of commands without a server, of names with one, and silent where there is none."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine, end


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def completed(line: CommandLine, *words: str) -> list[str]:
    """What bash would offer for the last of the words."""
    said = " ".join(("signalbox", *words))
    return line(_SIGNALBOX_COMPLETE="complete_bash", COMP_WORDS=said, COMP_CWORD=str(len(words))).out.split()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_a_script_that_asks_us(line: CommandLine, shell: str) -> None:
    script = line("completion", shell).out
    assert "_SIGNALBOX_COMPLETE=complete_" + shell in script
    assert "signalbox" in script


def test_the_script_is_one_that_bash_takes(line: CommandLine) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    script = line("completion", "bash").out
    ran = subprocess.run([bash, "-n"], input=script, text=True, capture_output=True, timeout=20)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_commands_and_options_are_offered(line: CommandLine) -> None:
    assert completed(line, "ta") == ["task"]
    assert "--json" in completed(line, "task", "list", "--j")


def test_another_shell_is_refused_with_those_there_are(line: CommandLine) -> None:
    assert "bash" in line("completion", "tcsh", code=2).err


def test_names_of_projects_are_offered_and_none_without_a_server(line: CommandLine) -> None:
    assert completed(line, "task", "list", "--project", "s") == []
    server = line.serve()
    try:
        for name in ("shop", "site", "bakery"):
            line("project", "create", name)
        assert sorted(completed(line, "task", "list", "--project", "s")) == ["shop", "site"]
    finally:
        assert end(server) == 0

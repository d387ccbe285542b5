"""Every verb ends with the documented exit code, whatever goes wrong: said wrongly, refused, unanswered, broken."""

import json
import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import pytest
import typer
import typer.main
import typer.testing
from typer.testing import CliRunner, Result

from api.cli import files
from api.cli.exits import Exit
from api.cli.main import application
from api.cli.run.starting import inputs_of
from signalbox.client.errors import ServerUnavailable
from signalbox.client.retries import Pauses
from signalbox.client.transport import HttpAnswer, HttpRequest, Transport

EXPORTS: Final = Path(__file__).parents[1] / "golden" / "exports"
FILES: Final = {
    "plan.yaml": "project: shop\ntasks:\n  - {key: a, title: A}\n",
    "pipeline.yaml": "pipeline: p\nphases:\n  build: {work: {title: Build, effect: pure}}\n",
    **{f"{one.stem}{one.suffix}": one.read_text() for one in EXPORTS.iterdir()},
}
ARGUMENTS: Final[dict[str, tuple[str, ...]]] = {
    "plan diff": ("plan.yaml",),
    "plan apply": ("plan.yaml",),
    "pipeline publish": ("pipeline.yaml",),
    "pipeline deprecate": ("p", "1"),
    "pipeline retire": ("p", "1"),
    "proposal vote": ("prop", "--none"),
    "import beads": ("beads.jsonl", "--yes"),
    "import taskmaster": ("taskmaster.json", "--yes"),
    "import github": ("github.json", "--yes"),
    "import queue": ("queue.json", "--yes"),
    "task bid": ("a", "sess", "--cost", "1", "--confidence", "50"),
    "task dismiss": ("a", "parked"),
    "task progress": ("a", "--token", "1"),
    "task extend": ("a", "--token", "1", "--seconds", "60"),
    "run at": ("run_01k6c4tr9xe5g8w8sdvqnmpq8y", "1"),
    "run budget": ("run_01k6c4tr9xe5g8w8sdvqnmpq8y", "--tokens", "1"),
    "replay bisect": ("--stream", "x", "--until", "x"),
    "session signal": ("sess", "idle"),
    "inbox acknowledge": ("1", "--session", "sess"),
    "key issue": ("ci", "--role", "worker"),
    "audit verify": ("--live",),
    "audit consistency": ("1", "2"),
    "projections rebuild": ("--all",),
    "projections verify": ("--all",),
    "projections prune": ("--all",),
}
"""Of verbs for which any words do not do."""
IDENTIFIER: Final = "run_01k6c4tr9xe5g8w8sdvqnmpq8y"
OWN_WAYS: Final = frozenset(
    {
        *("up", "demo", "worker", "hook", "mcp", "debug", "doctor", "connect", "disconnect", "completion"),
        *("plan check", "plan schema", "pipeline lint", "pipeline schema", "run import", "replay export"),
        "audit keys lost",
        *("git-guard install", "git-guard uninstall", "git-guard check"),
    }
)
"""What asks no server, or goes on where there is none; each has tests of its own."""


@cache
def verbs() -> dict[str, Any]:
    """Every command that there is."""
    found: dict[str, Any] = {}

    def look(command: Any, path: tuple[str, ...]) -> None:
        below = getattr(command, "commands", None)
        if below is None:
            found[" ".join(path)] = command
            return
        for name, one in below.items():
            look(one, (*path, name))

    look(typer.main.get_command(application()), ())
    return found


ASKING: Final = sorted(verb for verb in verbs() if verb not in OWN_WAYS and not verb.startswith("replay "))
BESIDE: Final = sorted(verb for verb in verbs() if verb not in OWN_WAYS and verb.startswith("replay "))
"""What reads a log, beside a server or without one."""


def said(verb: str) -> list[str]:
    """The least that the verb has to be told."""
    if verb in ARGUMENTS:
        return list(ARGUMENTS[verb])
    words: list[str] = []
    for one in verbs()[verb].params:
        if one.required:
            words += [IDENTIFIER] if type(one).__name__ == "TyperArgument" else [one.opts[0], IDENTIFIER]
    return words


def offers(verb: str, option: str) -> bool:
    return any(option in getattr(one, "opts", ()) for one in verbs()[verb].params)


def run(verb: str, *more: str) -> Result:
    # To prepare the options of all verbs of a noun anew takes longer than most verbs.
    with patch.object(typer.testing, "_get_command", lambda _: verbs()[verb]):
        return CliRunner().invoke(typer.Typer(), [*more])


def asked(verb: str) -> Result:
    project = ("-p", "shop") if offers(verb, "--project") else ()
    return run(verb, *said(verb), *project, "--url", "http://127.0.0.1:1", "--json")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that verbs are told of, and nothing of the surroundings."""
    for name in [name for name in os.environ if name.startswith("SIGNALBOX_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SIGNALBOX_KEY", "k")  # the --key of a check of the ledger is another one
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answering(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], HttpAnswer]) -> None:
    """Every request is answered like this, and nobody asks again."""

    def send(_: Transport, __: HttpRequest) -> HttpAnswer:
        return answer()

    def never(_: Pauses) -> None:
        return None

    monkeypatch.setattr(Transport, "send", send)
    monkeypatch.setattr(Pauses, "following", never)


def told(status: int, code: str, kind: str) -> HttpAnswer:
    error = {"code": code, "kind": kind, "message": "No.", "next": "Ask somebody.", "data": {"a": 1}}
    return HttpAnswer(status, json.dumps({"ok": False, "error": error}).encode())


def unanswered() -> HttpAnswer:
    raise ServerUnavailable("unreachable", "No.", "Ask somebody.", {"a": 1}, "UNKNOWN_OUTCOME")


WAYS: Final[dict[str, tuple[Exit, Callable[[], HttpAnswer], str, str]]] = {
    "refused": (Exit.REFUSED, lambda: told(403, "not_allowed", "DENIED"), "not_allowed", "DENIED"),
    "unanswered": (Exit.UNAVAILABLE, unanswered, "unreachable", "UNKNOWN_OUTCOME"),
    "not now": (Exit.UNAVAILABLE, lambda: told(503, "stopping", "UNKNOWN_OUTCOME"), "stopping", "UNKNOWN_OUTCOME"),
    "broken": (Exit.FAULT, lambda: told(500, "internal", "UNKNOWN_OUTCOME"), "internal", "UNKNOWN_OUTCOME"),
}


@pytest.mark.parametrize("way", WAYS)
def test_whatever_asks_a_server_ends_as_its_answer_says(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    code, answer, name, kind = WAYS[way]
    answering(monkeypatch, answer)
    wrong: dict[str, str] = {}
    for verb in ASKING:
        ended = asked(verb)
        lines = [line for line in ended.stdout.splitlines() if line.startswith('{"error"')]
        error = {"code": name, "kind": kind, "message": "No.", "next": "Ask somebody.", "data": {"a": 1}}
        if ended.exit_code != code or [json.loads(line) for line in lines] != [{"error": error}]:
            wrong[verb] = f"{ended.exit_code}: {ended.output[-300:]}"
    assert not wrong


def test_for_people_the_error_and_what_to_do_stand_on_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, WAYS["refused"][1])
    for verb in ASKING:
        project = ("-p", "shop") if offers(verb, "--project") else ()
        ended = run(verb, *said(verb), *project, "--url", "http://127.0.0.1:1")
        assert ended.exit_code == Exit.REFUSED, verb
        assert ended.stderr.endswith("No.\nnext: Ask somebody.\n"), verb


def test_what_is_said_wrongly_is_code_2_and_help_is_none() -> None:
    for verb in sorted(verbs().keys() - {"worker"}):  # which reads its words itself, to start fast
        assert run(verb, "--no-such-option").exit_code == Exit.USAGE, verb
        assert run(verb, "--help").exit_code == Exit.OK, verb
        if said(verb):
            assert run(verb).exit_code == Exit.USAGE, f"{verb} without anything"


def test_an_interrupted_verb_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> HttpAnswer:
        raise KeyboardInterrupt

    answering(monkeypatch, interrupted)
    assert {asked(verb).exit_code for verb in ASKING} == {Exit.INTERRUPTED}


@pytest.mark.parametrize(
    ("verb", "more"), [("replay export", ()), ("run import", ("--into", "apart")), ("plan apply", ())]
)
def test_a_file_that_is_not_there_is_told_alike_by_all_who_read_one(verb: str, more: tuple[str, ...]) -> None:
    ended = run(verb, "nowhere.json", *more, "--json")
    assert ended.exit_code == Exit.REFUSED, ended.output
    error = json.loads(ended.stdout)["error"]
    assert (error["code"], error["message"]) == ("unreadable_file", "nowhere.json: No such file or directory")


@pytest.mark.parametrize(
    ("verb", "more"),
    [("plan check", ()), ("pipeline lint", ()), ("import github", ("-p", "shop"))],
)
def test_no_more_of_a_file_is_read_than_may_be(
    verb: str, more: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device or a pipe does not say how large it is."""
    monkeypatch.setattr(files, "FILE_BYTES_MAX", 1_000)
    endless = tmp_path / "endless"
    endless.write_bytes(bytes(1_001))
    error = json.loads(run(verb, str(endless), *more, "--json").stdout)["error"]
    assert (error["code"], error["next"]) == ("file_too_large", "Give less at a time.")


def test_inputs_that_are_nested_without_end_are_told_as_what_they_are(tmp_path: Path) -> None:
    deep = "[" * 100_000
    assert inputs_of(None, [f"a={deep}"]) == {"a": deep}
    file = tmp_path / "deep.json"
    file.write_text(deep)
    with pytest.raises(typer.BadParameter):
        inputs_of(file, [])


@pytest.mark.parametrize("verb", BESIDE)
def test_where_there_is_no_log_whoever_reads_it_says_so(verb: str, place: Path) -> None:
    ended = run(verb, *said(verb), "--data", str(place / "nowhere"), "--json")
    assert ended.exit_code == Exit.UNAVAILABLE, ended.output
    assert json.loads(ended.stdout)["error"]["code"]


def test_the_page_names_every_code() -> None:
    page = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    table = page.partition("## Exit codes")[2].partition("##")[0]
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)] == sorted(Exit)

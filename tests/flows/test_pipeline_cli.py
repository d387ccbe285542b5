"""Pipelines on the command line against a real server: published, listed, drawn, compared, put away."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.house.sources import ROOT
from tests.support.command_line import CommandLine, end
from tests.support.waiting import until

EXAMPLES = ROOT / "examples" / "pipelines"


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """A folder with a server and the project shop."""
    line = CommandLine(tmp_path_factory.mktemp("served"), {"SIGNALBOX_PROJECT": "shop"})
    server = line.serve()
    try:
        line("project", "create", "shop")
        yield line
    finally:
        assert end(server) == 0


def test_examples_are_published_and_again_are_the_same_version(cli: CommandLine) -> None:
    names = ("ship-and-watch", "review-and-fix", "each-module")
    for name in names:
        told = cli("pipeline", "publish", str(EXAMPLES / f"{name}.yaml"), "--json").json
        assert (told["name"], told["version"], told["state"], told["created"]) == (name, 1, "published", True)
    again = cli("pipeline", "publish", str(EXAMPLES / "each-module.yaml"))
    assert again.out == "shop/each-module version 1 is published, which was there already\n"
    listed = cli("pipeline", "versions", "--json").json["versions"]
    assert {one["name"]: one["state"] for one in listed if one["name"] in names} == dict.fromkeys(names, "published")


def test_a_version_is_compared_drawn_and_put_away(cli: CommandLine) -> None:
    text = "pipeline: small\nphases:\n  a: {work: {title: x, effect: pure}}\n"
    (cli.folder / "small.yaml").write_text(text)
    cli("pipeline", "publish", "small.yaml")
    (cli.folder / "small.yaml").write_text(f"{text}  b: {{needs: [a], wait: {{time: 1s}}}}\n")
    assert cli("pipeline", "diff", "small.yaml").out.splitlines()[0] == "+ b"
    draft = cli("pipeline", "publish", "small.yaml", "--draft", "--json").json
    assert (draft["version"], draft["state"]) == (2, "draft")
    assert cli("pipeline", "graph", "small").out.split() == ["a", "work,", "pure"]
    assert "b  wait 1 s" in cli("pipeline", "graph", "small@2").out
    cli("pipeline", "graph", "small@2", "--svg", "small.svg")
    assert (cli.folder / "small.svg").read_text().startswith("<svg ")
    assert cli("pipeline", "diff", "small@2", "small@1", "--json").json["removed"] == ["b"]
    cli("pipeline", "deprecate", "small", "1")
    cli("pipeline", "retire", "small", "2")
    listed = cli("pipeline", "versions", "small", "--json").json["versions"]
    assert [(one["version"], one["state"]) for one in listed] == [(2, "retired"), (1, "deprecated")]
    assert "no published version" in cli("pipeline", "graph", "small", code=1).err


def test_a_faulty_file_is_refused_with_its_line_before_anything_is_sent(cli: CommandLine) -> None:
    (cli.folder / "bad.yaml").write_text("pipeline: bad\nphases:\n  a: {needs: [b], work: {title: x}}\n")
    told = cli("pipeline", "publish", "bad.yaml", code=1)
    assert told.err.startswith("bad.yaml:3:15: phase a: needs.0: there is no phase b.")
    assert "nothing was published" in told.err
    linted = cli("pipeline", "lint", "bad.yaml", "--json", code=1).json
    assert [(one["code"], one["line"]) for one in linted["findings"]] == [("unknown_phase", 3)]
    assert cli("pipeline", "graph", "bad@x", code=1).err.startswith("x is no version")
    assert "$schema" in cli("pipeline", "schema", "--json").json


def test_examples_run_to_their_end_with_shell_workers(cli: CommandLine) -> None:
    """A map over what was found, a branch that repairs, a loop of review and repair, twenty phases side by side."""
    cli("project", "create", "yard")
    names = ("each-module", "merge-with-repair", "review-and-fix", "twenty-phases")
    for name in names:
        cli("pipeline", "publish", str(EXAMPLES / f"{name}.yaml"), "--project", "yard")
        cli("run", "start", name, "--project", "yard")
    worker = cli.start("worker", "--project", "yard", log=cli.folder / "worker.log")
    try:
        until(lambda: all(run["status"] in ("succeeded", "failed") for run in runs(cli)))
    finally:
        end(worker)
    assert {run["pipeline"]: run["status"] for run in runs(cli)} == dict.fromkeys(names, "succeeded")
    mapped = next(run["id"] for run in runs(cli) if run["pipeline"] == "each-module")
    phases = {phase["place"]: phase for phase in cli("run", "show", mapped, "--json", "-p", "yard").json["phases"]}
    assert {place for place in phases if place.startswith("tests/")} == {
        f"tests/{module}" for module in ("parser", "store", "server", "client")
    }
    assert {phase["status"] for phase in phases.values()} == {"succeeded"}
    looped = next(run["id"] for run in runs(cli) if run["pipeline"] == "review-and-fix")
    phases = {phase["place"]: phase for phase in cli("run", "show", looped, "--json", "-p", "yard").json["phases"]}
    found = [phases[f"polish/{iteration}/fix"]["status"] for iteration in (1, 2, 3)]
    assert found == ["succeeded", "succeeded", "skipped"]
    assert phases["polish"]["output"] == {"rounds": 3}


def runs(cli: CommandLine) -> list[dict[str, str]]:
    found: list[dict[str, str]] = cli("run", "list", "--project", "yard", "--json").json["runs"]
    return found


MENDED = """
pipeline: mended
phases:
  make: {work: {title: Make it, effect: pure, outputs: {page: text}, run: "echo '::output {\\"page\\": \\"x\\"}'"}}
  put:
    needs: [make]
    work:
      title: Put it there
      inputs: {page: phases.make.output.page}
      run: echo "$SIGNALBOX_RUN put" >> effects
      undo: {title: Take it away, run: echo "$SIGNALBOX_RUN away" >> effects}
  look: {needs: [put], work: {title: Look at it, effect: pure, retry: {max_attempts: 1}, run: test -e good}}
"""


def test_what_failed_is_done_anew_behind_its_undo_and_a_fork_takes_over_what_still_holds(cli: CommandLine) -> None:
    """With real workers: the first look is at a world that is bad, the second at one that somebody has mended."""

    def told(run: str, *verb: str) -> dict[str, Any]:
        found: dict[str, Any] = cli("run", verb[0], run, *verb[1:], "--json", "-p", "mend").json
        return found

    def ends(run: str, status: str) -> None:
        until(lambda: told(run, "show")["status"] == status)

    def effects() -> list[list[str]]:
        return [line.split() for line in (cli.folder / "effects").read_text().splitlines()]

    cli("project", "create", "mend")
    (cli.folder / "mended.yaml").write_text(MENDED)
    cli("pipeline", "publish", "mended.yaml", "-p", "mend")
    run = str(cli("run", "start", "mended", "-p", "mend", "--json").json["run"])
    worker = cli.start("worker", "--project", "mend", log=cli.folder / "mend.log")
    try:
        ends(run, "failed")
        (cli.folder / "good").touch()
        plan = told(run, "rework", "put", "--reason", "it was bad", "--undo", "--dry-run")
        assert (plan["redone"], plan["kept"], plan["undone"], plan["refused"]) == (
            ["put", "look"],
            ["make"],
            ["put"],
            [],
        )
        assert told(run, "show")["status"] == "failed"
        told(run, "rework", "put", "--reason", "it was bad", "--undo")
        ends(run, "succeeded")
        assert effects() == [[run, "put"], [run, "away"], [run, "put"]]
        phases = {one["place"]: one["generation"] for one in told(run, "show")["phases"]}
        assert phases == {"make": 1, "put": 2, "look": 2}

        fork = told(run, "fork", "--from", "look")
        assert (fork["adopted"], [one.partition(":")[0] for one in fork["anew"]]) == (["make", "put"], ["look"])
        assert fork["source"] == run
        ends(fork["run"], "succeeded")
        assert effects()[3:] == [], "what was taken over is not done once more"
        told(run, "rollback", "--reason", "nobody wants it")
        back = str(told(run, "show")["rolled_back_by_id"])
        ends(back, "succeeded")
        assert effects()[3:] == [[back, "away"]]
        reasons = [one["code"] for one in told(fork["run"], "explain")["reasons"]]
        assert "source_moved_on" in reasons
        assert told(fork["run"], "show")["status"] == "succeeded"
    finally:
        end(worker)


SEE_RUNS = "    next: Give an id or the last 4 characters of one; see `signalbox run list`."
BROKEN = """
pipeline: broken
phases:
  make: {work: {title: Make it, effect: pure, run: "true"}}
  try: {needs: [make], work: {title: Try it, effect: pure, retry: {max_attempts: 1}, on_exhausted: park, run: exit 3}}
"""


def test_a_run_is_moved_to_a_version_that_mends_it_looked_back_at_and_carried_away(cli: CommandLine) -> None:
    cli("project", "create", "moves")
    (cli.folder / "broken.yaml").write_text(BROKEN)
    cli("pipeline", "publish", "broken.yaml", SIGNALBOX_PROJECT="moves")
    run = str(cli("run", "start", "broken", "--json", SIGNALBOX_PROJECT="moves").json["run"])
    worker = cli.start("worker", "--project", "moves", log=cli.folder / "moves.log")
    try:
        until(lambda: cli("run", "show", run, "--json", SIGNALBOX_PROJECT="moves").json["parked"] == ["try"])
        assert f"such as {run}" in cli("pipeline", "retire", "broken", "1", code=1, SIGNALBOX_PROJECT="moves").err
        (cli.folder / "broken.yaml").write_text(BROKEN.replace("exit 3", "exit 0"))
        cli("pipeline", "publish", "broken.yaml", SIGNALBOX_PROJECT="moves")
        planned = cli(
            "run", "migrate", run, "--reason", "the try was wrong", "--dry-run", "--json", SIGNALBOX_PROJECT="moves"
        ).json
        assert (planned["anew"], planned["refused"]) == (["try"], ["the run is running: pause it first"])
        revision = str(cli("run", "show", run, "--json", SIGNALBOX_PROJECT="moves").json["revision"])
        rehearsed = cli("run", "pause", run, "--dry-run", "--json", SIGNALBOX_PROJECT="moves").json
        assert (rehearsed["done"], "run.paused.v1" in rehearsed["would"]) == (False, True)
        cli("run", "pause", run, SIGNALBOX_PROJECT="moves")
        moved = cli("run", "migrate", run, "--reason", "the try was wrong", SIGNALBOX_PROJECT="moves").out.splitlines()
        assert moved == ["version  2", "kept     make", "anew     try"]
        cli("run", "resume", run, SIGNALBOX_PROJECT="moves")
        until(lambda: cli("run", "show", run, "--json", SIGNALBOX_PROJECT="moves").json["status"] == "succeeded")
    finally:
        end(worker)
    assert "! try  parked: exit code 3" in cli("run", "at", run, revision, SIGNALBOX_PROJECT="moves").out
    spent = cli("run", "cost", run, "--json", SIGNALBOX_PROJECT="moves").json
    assert (spent["status"], spent["spent"], spent["phases"]) == ("succeeded", {}, [])
    assert cli("run", "cost", run, SIGNALBOX_PROJECT="moves").out == f"broken {run} succeeded: nothing\n"
    beyond = cli("run", "at", run, "999", code=1, SIGNALBOX_PROJECT="moves").err.splitlines()
    assert beyond == [f"Run {run} has no revision 999.", f"next: See its revisions with `signalbox run events {run}`."]
    changes = cli("run", "diff", run, "--from", revision, "--json", SIGNALBOX_PROJECT="moves").json["changes"]
    assert {"phase": "try", "field": "generation", "before": 1, "after": 2} in changes
    assert {"phase": "", "field": "version", "before": 1, "after": 2} in changes
    assert "run.migrated.v1" in cli("run", "events", run, "--after", revision, SIGNALBOX_PROJECT="moves").out
    start = ("run", "start", "broken", "--tokens", "1000001", "--concurrency-key", "one")
    begun = [cli(*start, "--json", SIGNALBOX_PROJECT="moves").json for _ in range(2)]
    assert [one["status"] for one in begun] == ["running", "queued"]
    waits = cli(*start, SIGNALBOX_PROJECT="moves").out
    last = waits.split()[0]
    assert waits == f"{last} is there, and waits; why: `signalbox run explain {last}`\n"
    others = [str(one["run"]) for one in begun]
    named = "\n".join([others[0], "nowhere", others[1]])
    raised = cli("run", "budget", others[0], "--tokens", "1234567", "--dry-run", SIGNALBOX_PROJECT="moves").out
    assert raised.startswith(f"{others[0]} would be allowed to spend 1234567 tokens")
    assert cli("run", "show", others[0], "--json", SIGNALBOX_PROJECT="moves").json["budget"]["tokens"] == 1000001
    raised = cli("run", "budget", "-", "--tokens", "1234567", stdin=named, code=1, SIGNALBOX_PROJECT="moves").out
    assert raised.splitlines()[0].startswith(f"{others[0]} may spend 1234567 tokens")
    asked = cli("run", "cancel", "-", "--grace", "0", stdin=named, code=1, SIGNALBOX_PROJECT="moves").out.splitlines()
    assert asked == [
        f"{others[0]} is cancelled",
        "nowhere: There is no run nowhere here.",
        SEE_RUNS,
        f"{others[1]} is cancelled",
    ]
    (session,) = cli("run", "timeline", run, "--json", SIGNALBOX_PROJECT="moves").json["sessions"]
    assert [(one["phase"], one["how"]) for one in session["attempts"]] == [
        ("make", "completed"),
        ("try", "agent"),
        ("try", "completed"),
    ]
    cli("run", "export", run, "-o", "moved.jsonl", SIGNALBOX_PROJECT="moves")
    assert "succeeded, as it was recorded" in cli("replay", "export", "moved.jsonl").out
    assert cli("replay", "export", "moved.jsonl", "--semantics", "7", code=1).err.startswith("this program walks runs")
    cli("run", "import", "moved.jsonl", "--into", "apart")
    assert cli("replay", "show", run, "--data", "apart", "--json").json["state"]["status"] == "succeeded"
    (cli.folder / "moved.jsonl").write_text((cli.folder / "moved.jsonl").read_text().replace("exit code 3", "exit 4"))
    assert "is not as it was written" in cli("replay", "export", "moved.jsonl", code=1).err


def test_a_remark_stays_with_a_run_and_what_a_person_has_seen_does_not_ask_again(cli: CommandLine) -> None:
    (cli.folder / "asks.yaml").write_text("pipeline: asks\nphases:\n  ask: {gate: {class: merge, question: Ready?}}\n")
    cli("pipeline", "publish", "asks.yaml")
    run = cli("run", "start", "asks", "--json").json["run"]
    before = cli("run", "annotate", run, "ask", "-m", "the tests were slow today", "--json").json["position"]
    shown = cli("run", "show", run, "--json").json
    assert [(one["place"], one["text"]) for one in shown["annotations"]] == [("ask", "the tests were slow today")]
    assert "ask: the tests were slow today" in cli("run", "show", run).out
    text = "{project: shop, tasks: [{key: late, title: Late, deadline: 2020-01-01T00:00:00Z, requires: {none: true}}]}"
    (cli.folder / "late.yaml").write_text(text)
    cli("plan", "apply", "late.yaml")

    def asks() -> set[tuple[str, str]]:
        rows = cli("attention", "list", "-p", "shop", "--json").json["attention"]
        return {(one["topic"], one["named"]) for one in rows if one["about"] == run or one["named"] == "late"}

    until(lambda: ("overdue", "late") in asks())
    assert "did not ask for overdue then" in cli("attention", "ack", "late", "--at", f"@{before}", code=1).out
    assert ("overdue", "late") in asks()
    assert cli("attention", "ack", "late", "--at", "now").out == "late: overdue is seen\n"
    stands = cli("attention", "ack", run, code=1).out
    assert "asks for open_gate as long as that stands" in stands
    assert "Vote" in stands
    assert "nothing asks for a person there" in cli("attention", "ack", "nobody-there", code=1).out
    assert {topic for topic, _ in asks()} == {"open_gate"}

"""Erasure on a whole server: afterwards the words are nowhere, and the rest of history is where it was."""

import json
from pathlib import Path

import psycopg
import pytest

from api.composition.opening import opened
from tests.support.command_line import CommandLine, end
from tests.support.waiting import SECONDS_MAX, happens, until
from tests.support.whole_server import WholeServer, whole_server

WORDS = ("Zibeline", "Quixotry", "Jabberwock", "Vellichor", "Susurrus", "Apricity", "Limerence", "Phosphene")
"""Each stands in one place where something may be said of a task, and nowhere else."""
RUN_WORDS = ("Defenestrate", "Petrichor", "Sonder", "Ailurophile", "Kalopsia", "Nunchi")
"""Each is said of a run, in one place; what is made of them is all over the run, its task and what it published."""
SESSION_WORDS = ("Hiraeth", "Psithurism", "Sesquipedal", "Ultracrepid", "Brouhaha", "Flibbertigib", "Gobbledygook")
"""Each is said of a session, to it, or by it on the project's board."""
PROPOSAL_WORDS = ("Taradiddle", "Widdershins", "Xertz", "Collywobbles")
"""Each is said of a proposal."""
ALL_WORDS = (*WORDS, *RUN_WORDS, *SESSION_WORDS, *PROPOSAL_WORDS)
KEPT = "Susquehanna"
"""Said of another task."""
READ_MODELS = ("task_board", "timeline", "run_phases", "session_roster", "inbox", "proposals")
"""In which words of them stand."""

RELEASE = """
pipeline: release
inputs: {who: {type: text}}
phases:
  build: {work: {title: Build, inputs: {who: inputs.who}}}
"""


async def told(server: WholeServer) -> str:
    """A task of which everything is said that can be, and another one; answers the id of the first."""
    owner = server.owner
    await owner.done("create_project", name="shop")
    task = {"key": "one", "title": WORDS[0], "body": f"it is about {WORDS[1]}", "scope": [{"claim": "path:r//a/**"}]}
    await owner.done("create_task", project="shop", task=task)
    # Once more changes nothing, and is remembered all the same.
    await owner.done("create_task", project="shop", task=task)
    await owner.done("create_task", project="shop", task={"key": "two", "title": KEPT, "body": KEPT})
    session = await owner.done("open_session", projects=["shop"])
    life = {"project": "shop", "session": session["session"], "incarnation": session["incarnation"]}
    claimed = await owner.done("claim_task", **life, task="one")
    report = {"project": "shop", "task": "one", "token": claimed["token"]}
    await owner.done("report_progress", **report, note=WORDS[2], checkpoint=WORDS[3])
    await owner.done("post_note", project="shop", task="one", text=WORDS[4])
    await owner.done("release_task", **report, note=WORDS[5])
    claimed = await owner.done("claim_task", **life, task="one")
    report["token"] = claimed["token"]
    artifacts = [{"name": "report", "uri": f"https://example.org/{WORDS[7]}"}]
    await owner.done("complete_task", **report, summary=WORDS[6], artifacts=artifacts)
    await owner.done("complete_task", **report, summary=WORDS[6], artifacts=artifacts)
    return str(claimed["task"])


async def told_of_run(server: WholeServer) -> tuple[str, set[str]]:
    """A run of which everything is said that can be; answers its id and those of its tasks."""
    owner = server.owner
    who, said = [{"name": "who"}], [{"name": "who", "value": "phases.build.output.who"}]
    task = {"title": "Build", "body": "for ${who}"}
    inputs = [{"name": "who", "value": "inputs.who"}]
    evidence = [{"name": "plan", "subject": "plan", "value": "phases.build.output.who"}]
    gate = {"gate_class": "production", "question": "Ship it?", "evidence": evidence, "rework": "build"}
    phases = [
        {"key": "build", "kind": "work", "work": {"task": task, "inputs": inputs, "outputs": who, "effect": "pure"}},
        {"key": "word", "kind": "wait", "wait": {"kind": "signal", "name": "go", "outputs": who}},
        {"key": "ask", "kind": "gate", "gate": gate, "needs": [{"phase": "build"}]},
    ]
    definition = {"name": "release", "phases": phases, "inputs": who, "outputs": said}
    await owner.done("publish_definition", project="shop", definition=definition)
    asked = {"pipeline": "release", "inputs": json.dumps({"who": RUN_WORDS[0]}), "idempotency_key": "n-1"}
    run = (await owner.done("start_run", project="shop", **asked))["run"]
    await owner.done("start_run", project="shop", **asked)  # once more changes nothing, and is remembered
    session = await owner.done("open_session", projects=["shop"])
    life = {"project": "shop", "session": session["session"], "incarnation": session["incarnation"]}
    made = set[str]()
    for name, vote in (
        ("build", {"verdict": "request_changes", "comment": RUN_WORDS[5]}),
        ("build@2", {"verdict": "approve", "comment": RUN_WORDS[4]}),
    ):
        claimed = await owner.done("claim_task", **life, task=f"{run}/{name}")
        made.add(claimed["task"])
        report = {"project": "shop", "task": claimed["task"], "token": claimed["token"]}
        output = json.dumps({"who": RUN_WORDS[2]})
        await owner.done("complete_task", **report, summary=RUN_WORDS[1], output=output)
        await owner.done("cast_vote", project="shop", run=run, phase="ask", **vote)
    await owner.done("send_signal", project="shop", run=run, name="go", content=json.dumps({"who": RUN_WORDS[3]}))
    return run, made


async def told_of_session(server: WholeServer) -> str:
    """A session of which everything is said that can be, and that has ended; answers its id."""
    owner, words = server.owner, SESSION_WORDS
    opened = await owner.done("open_session", projects=["shop"], name=words[0], worktree=f"/srv/{words[1]}")
    session, life = opened["session"], {"session": opened["session"], "incarnation": 1}
    await owner.done("send_message", project="shop", to=session, text=words[2], agent=words[3])
    await owner.done("acknowledge_messages", project="shop", **life, through=1)
    await owner.done("post_note", project="shop", **life, text=words[4])
    said = {**life, "signal": "waiting_for_person", "note": words[5]}
    await owner.done("signal_session", **said)
    await owner.done("signal_session", **said)  # once more changes nothing, and is remembered
    await owner.done("drain_session", session=session, reason=words[6])
    return str(session)


async def told_of_proposal(server: WholeServer) -> str:
    """A proposal of which everything is said that can be, and that is over; answers its id."""
    owner, words = server.owner, PROPOSAL_WORDS
    options = [{"name": "left", "text": words[1]}, {"name": "right"}]
    asked = {"question": words[0], "options": options, "quorum": {"approvals": 2}}
    made = await owner.done("open_proposal", project="shop", **asked)
    proposal = {"project": "shop", "proposal": made["proposal"]}
    await owner.done("vote_on_proposal", **proposal, choice="left", comment=words[2])
    await owner.done("withdraw_proposal", **proposal, reason=words[3])
    return str(made["proposal"])


def found_in(folder: Path, words: tuple[str, ...]) -> set[str]:
    """Which words stand in any file of a folder, as they are."""
    texts = [file.read_bytes() for file in folder.rglob("*") if file.is_file()]
    return {word for word in words if any(word.encode() in text for text in texts)}


def found_in_tables(url: str, words: tuple[str, ...]) -> set[str]:
    """Which words stand in any row of any table of a database."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname LIKE 'signalbox%'"
        ).fetchall()
        texts: list[str] = []
        for schema, table in tables:
            rows = connection.execute(f'SELECT t::text FROM "{schema}"."{table}" AS t'.encode()).fetchall()
            texts += [row[0] for row in rows]
    # What is kept as bytes is shown in hexadecimal digits.
    return {word for word in words if any(word in text or word.encode().hex() in text for text in texts)}


ASKED = """
query($session: String!, $asOf: Position, $after: Position) {
  tasks(first: 10, asOf: $asOf, after: $after) { edges { node { title note reason summary } } }
  timeline(first: 200, asOf: $asOf, after: $after) { edges { node { summary } } }
  notes(first: 10, asOf: $asOf, after: $after) { edges { node { text } } }
  runs(first: 10, asOf: $asOf, after: $after) {
    edges { node { reason inputs outputs phases { reason input output summary } } }
  }
  sessions(first: 10, asOf: $asOf, after: $after) { edges { node { name worktree } } }
  inbox(project: "shop", session: $session, first: 10, asOf: $asOf, after: $after) { edges { node { text agent } } }
  proposals(first: 10, asOf: $asOf, after: $after) {
    edges { node { question options reason votes { comment } } }
  }
  facts(first: 10, asOf: $asOf, after: $after) { edges { node { content } } }
  gates(first: 10, asOf: $asOf, after: $after) {
    edges { node { question comment evidence votes { comment } } }
  }
}
"""


async def read(server: WholeServer, session: str = "none", **point: int) -> str:
    """Everything that read models say of the project's work, and of a session."""
    content = await server.owner.ask(ASKED, session=session, **point)
    assert "errors" not in content, content
    return json.dumps(content)


async def carried_out(server: WholeServer) -> None:
    """Wait until nothing is left to be done of any erasure; the projector and whoever erases work beside each other."""
    await server.in_order()
    await happens(lambda: not server.services.health.health().warnings)


@pytest.mark.parametrize("store", ["sqlite", "postgres", "memory"])
async def test_after_an_erasure_the_words_are_nowhere(
    store: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if store == "postgres" else store
    async with whole_server(tmp_path, url) as server:
        task, (run, inside) = await told(server), await told_of_run(server)
        session, proposal = await told_of_session(server), await told_of_proposal(server)
        before = server.head
        said = await read(server, session, after=before)
        hidden = {WORDS[1], WORDS[3], WORDS[7]}
        assert {word for word in ALL_WORDS if word not in said} == hidden
        answer = await server.owner.done("erase_subject", project="shop", subject="one", reason="she asked for it")
        assert (answer["subject"], answer["erased"]) == (task, True)
        answer = await server.owner.done("erase_subject", project="shop", subject=run, reason="17")
        assert (answer["subject"], answer["erased"], set(answer["with_it"])) == (run, True, inside)
        for subject in (session, proposal):
            answer = await server.owner.done("erase_subject", project="shop", subject=subject, reason="18")
            assert (answer["subject"], answer["erased"], answer["stays_readable"]) == (subject, True, False)
        await carried_out(server)
        for point in ({}, {"asOf": before}):
            said = await read(server, session, **point)
            assert not [word for word in ALL_WORDS if word in said]
            assert KEPT in said
            assert "[erased]" in said
        if store == "postgres":
            assert found_in_tables(url, (*ALL_WORDS, KEPT)) == {KEPT}
        await refused_from_now_on(server)
    assert found_in(tmp_path, (*ALL_WORDS, KEPT)) == ({KEPT} if store == "sqlite" else set())


async def refused_from_now_on(server: WholeServer) -> None:
    owner = server.owner
    note = await owner.command("post_note", {"project": "shop", "task": "one", "text": "more"})
    retried = await owner.command("retry_task", {"project": "shop", "task": "one"})
    assert (note.code, retried.code) == ("task_erased", "task_erased")
    again = await owner.done("erase_subject", project="shop", subject="one", reason="once more")
    assert again["erased"]


def test_a_server_that_is_killed_behind_the_erasure_ends_it_when_it_is_back(tmp_path: Path) -> None:
    cli = CommandLine(tmp_path)
    server = cli.serve()
    try:
        tasks = (f"  - {{key: one, title: {WORDS[0]}, body: {WORDS[1]}}}", f"  - {{key: two, title: {KEPT}}}")
        plan = "\n".join(("project: shop", "tasks:", *tasks))
        (tmp_path / "plan.yaml").write_text(plan)
        cli("plan", "apply", "plan.yaml")
        (tmp_path / "plan.yaml").unlink()
        cli("task", "cancel", "one", "-p", "shop", "--reason", WORDS[6])
        (tmp_path / "release.yaml").write_text(RELEASE)
        cli("pipeline", "publish", "release.yaml", "-p", "shop")
        run = cli("run", "start", "release", "-p", "shop", "--input", f"who={RUN_WORDS[0]}", "--json").json["run"]
        cli("run", "cancel", run, "-p", "shop", "--reason", RUN_WORDS[1])
        session = cli("session", "open", "-p", "shop", "--name", SESSION_WORDS[0], "--json").json["session"]
        cli("inbox", "send", session, SESSION_WORDS[2], "-p", "shop")
        cli("session", "end", session)
        asked = cli(
            "proposal", "open", PROPOSAL_WORDS[0], "-o", f"a={PROPOSAL_WORDS[1]}", "-o", "b", "-p", "shop", "--json"
        )
        proposal = asked.json["proposal"]
        cli("proposal", "withdraw", proposal, "-p", "shop", "--reason", PROPOSAL_WORDS[3])
        cli("audit", "export", "bundle")
        would = cli("audit", "erase", run, "-p", "shop", "--reason", "17", "--dry-run")
        assert "1 subject that it has inside" in would.out
        assert not cli("audit", "erase", run, "-p", "shop", "--reason", "17", "--dry-run", "--json").json["erased"]
        for subject in (run, session, proposal):
            cli("audit", "erase", subject, "-p", "shop", "--reason", "17", "--yes")
        task = cli("audit", "erase", "one", "-p", "shop", "--reason", "17", "--yes", "--json").json["subject"]
    finally:
        server.kill()
        server.wait(SECONDS_MAX)
    server = cli.serve()
    try:
        until(lambda: not cli("status", "--json").json["warnings"])
        differing = cli("projections", "verify", *READ_MODELS, "--json")
        assert "differs" not in differing.out
    finally:
        assert end(server) == 0
    assert found_in(tmp_path, (*ALL_WORDS, KEPT)) == {KEPT}
    keys = str(tmp_path / ".signalbox" / "ledger-keys" / "public.txt")
    assert cli("audit", "verify", "bundle", "--key", keys, "--json").json["verdict"] == "intact"
    again = cli("replay", "redecide", "--json").json
    assert (again["different"], again["not_decidable"]) == (0, 0)
    assert again["erased"] > 2  # what was asked of the task, and what was decided over words of the run
    with opened(None, tmp_path / ".signalbox") as past:
        for subject in (task, run, session, proposal):
            assert "[erased]" in repr(past.state(subject, past.head()))
    with opened(None, tmp_path, tmp_path / "bundle") as past:
        for subject in (task, session, proposal):
            assert "[sealed]" in repr(past.state(subject, past.head()))

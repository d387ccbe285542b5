"""The agent hook against a real server, as the three clients fire it: who is refused, who is not, and what is told."""

import itertools
import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from signalbox.client import Client, Endpoint
from signalbox.hook.memory import memory_of
from tests.house.sources import ROOT
from tests.support.command_line import CommandLine, end
from tests.support.hooks import Agent, git, repository
from tests.support.waiting import SECONDS_MAX

CLIENTS = ("claude", "codex", "gemini")
OPTIONS = ("--project=shop", "--seconds=60")
"""A busy machine may take longer than a person would wait."""


@dataclass
class Place:
    """A repository below the folder of a running server, and its project."""

    folder: Path
    cache: Path
    client: Client
    names: Iterator[int]

    def agent(self, client: str = "claude", *options: str, **environment: str) -> Agent:
        """A fresh session of the client."""
        session = f"host-{next(self.names)}"
        return Agent(client, session, self.folder, self.cache, (*OPTIONS, *options), environment=environment)

    def locks(self) -> dict[str, str]:
        """Claim -> session, of all that is held in the project."""
        edges = self.rows('locks(project: "shop", first: 200', "sessionId claims { claim }")
        return {one["claim"]: node["sessionId"] for node in edges for one in node["claims"]}

    def rows(self, listed: str, selection: str) -> list[dict[str, Any]]:
        """The rows of a list as of now; its arguments end where the position follows."""
        query = f"query($a: Position) {{ found: {listed}, after: $a) {{ edges {{ node {{ {selection} }} }} }} }}"
        told: Any = self.client.graphql(query, {"a": self.head()})
        return [edge["node"] for edge in told["found"]["edges"]]

    def cached_verdicts(self) -> int:
        """As the figures of the server tell them; no other test of this module makes any while this one runs."""
        asked = urllib.request.Request(f"{self.client.endpoint.url}/metrics")
        asked.add_header("Authorization", f"Bearer {self.client.endpoint.key}")
        with urllib.request.urlopen(asked, timeout=SECONDS_MAX) as told:
            lines = told.read().decode().splitlines()
        (line,) = [one for one in lines if one.startswith("signalbox_cached_verdicts_total ")]
        return int(float(line.split()[1]))

    def head(self) -> int:
        told: Any = self.client.graphql("{ status { head } }")
        return int(told["status"]["head"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("hook")
    process = CommandLine(folder).serve()
    yield folder
    end(process)


@pytest.fixture(scope="module")
def client(server: Path) -> Iterator[Client]:
    told = json.loads((server / ".signalbox" / "server.json").read_text())
    with Client(Endpoint(told["url"], (server / ".signalbox" / "local.key").read_text().strip())) as made:
        made.command("create_project", name="shop")
        yield made


NUMBERS = itertools.count()


@pytest.fixture
def place(server: Path, client: Client, tmp_path: Path) -> Place:
    return Place(repository(server / f"app{next(NUMBERS)}"), tmp_path / "cache", client, NUMBERS)


@pytest.mark.parametrize(("holder", "other"), [("claude", "codex"), ("codex", "gemini"), ("gemini", "claude")])
def test_who_edits_first_holds_the_file_and_everybody_else_is_refused(place: Place, holder: str, other: str) -> None:
    first, second = place.agent(holder), place.agent(other)
    assert first.edit("src/a.py").code == 0
    refused = second.edit("src/a.py")
    assert (refused.code, refused.out) == (2, "")
    session = place.locks()[f"path:{place.folder.name}//src/a.py"]
    for told in (session, "src/a.py", "own words are", "at the latest", "You wait as request", "lock wait"):
        assert told in refused.err
    again = first.edit("src/a.py")
    assert (again.code, again.out, again.err) == (0, "", "")
    assert second.edit("src/b.py").code == 0


def test_the_start_of_a_session_tells_who_one_is_and_what_others_hold(place: Place) -> None:
    place.agent().edit("src/a.py")
    for client in CLIENTS:
        told = place.agent(client).fire("SessionStart", source="startup").output
        assert told["hookEventName"] == "SessionStart"
        assert "You are session sess_" in told["additionalContext"]
        assert f"path:{place.folder.name}//src/a.py" in told["additionalContext"]


def test_a_patch_is_locked_whole_or_not_at_all(place: Place) -> None:
    place.agent().edit("src/a.py")
    patch = (
        "*** Begin Patch\n*** Add File: new.py\n+x\n*** Update File: old.py\n*** Move to: moved.py\n@@\n-a\n+b\n"
        "*** Delete File: src/a.py\n*** End Patch"
    )
    codex = place.agent("codex")
    assert codex.fire("PreToolUse", tool_name="apply_patch", tool_input={"command": patch}).code == 2
    assert not [claim for claim in place.locks() if "new.py" in claim or "old.py" in claim]
    whole = patch.replace("src/a.py", "src/c.py")
    assert codex.fire("PreToolUse", tool_name="apply_patch", tool_input={"command": whole}).code == 0
    held = place.locks()
    assert {f"path:{place.folder.name}//{name}" for name in ("new.py", "old.py", "moved.py", "src/c.py")} <= set(held)
    assert place.agent().shell(f"apply_patch <<'END'\n{whole}\nEND").code == 2


@pytest.mark.parametrize(
    "line",
    ["echo x > src/a.py", "cd src && sed -i s/a/b/ a.py", "rm -rf src", "mv src/a.py b.py", "cp README src/a.py"],
)
def test_an_obvious_write_by_shell_is_an_edit(place: Place, line: str) -> None:
    place.agent().edit("src/a.py")
    other = place.agent()
    assert other.shell(line).code == 2
    assert other.shell("cat src/a.py 2>/dev/null | grep x").code == 0


def test_what_moves_the_whole_checkout_waits_for_whoever_edits_there(place: Place) -> None:
    editing, other = place.agent(), place.agent("codex")
    editing.edit("src/a.py")
    refused = other.shell("git stash")
    assert refused.code == 2
    assert "worktree:" in refused.err
    assert other.shell("git status && git stash list && git log -3").code == 0
    assert editing.shell("git stash").code == 0
    copy = place.folder.with_name(f"{place.folder.name}-copy")
    git(place.folder, "worktree", "add", "-q", str(copy))
    elsewhere = Agent("claude", "elsewhere", copy, place.cache, OPTIONS)
    assert elsewhere.shell("git reset --hard").code == 0
    refused = elsewhere.edit("src/a.py")
    assert refused.code == 2, "the other worktree would meet it at the merge"
    assert f"path:{place.folder.name}//src/a.py" in refused.err


def test_commits_go_one_after_the_other_and_the_next_may_once_the_tool_has_run(place: Place) -> None:
    first, second = place.agent(), place.agent()
    for agent, path in ((first, "src/a.py"), (second, "src/b.py")):
        assert agent.edit(path).code == 0
    assert first.shell("git add src/a.py && git commit -m x").code == 0
    assert second.shell("git commit -am y").code == 2
    first.fire("PostToolUse", tool_name="Bash", tool_input={"command": "git"}, tool_response={})
    assert second.shell("git commit -am y").code == 0


def test_the_late_end_of_one_tool_leaves_the_next_what_it_needs(place: Place) -> None:
    agent, other = place.agent(), place.agent()
    assert agent.shell("git add src/a.py", tool_use_id="one").code == 0
    assert agent.shell("git stash", tool_use_id="two").code == 0
    agent.fire("PostToolUse", tool_name="Bash", tool_use_id="one", tool_input={}, tool_response={})
    assert other.shell("git stash").code == 2
    agent.fire("PostToolUseFailure", tool_name="Bash", tool_use_id="two", tool_input={})
    assert other.shell("git stash").code == 0


def test_what_is_edited_from_elsewhere_is_asked_of_the_server_that_is_near_it(place: Place, tmp_path: Path) -> None:
    assert place.agent().edit("src/a.py").code == 0
    far = Agent("codex", "far", tmp_path, place.cache, ("--seconds=60",))
    assert far.edit(str(tmp_path / "own.py")).code == 0
    refused = far.edit(str(place.folder / "src" / "a.py"))
    assert refused.code == 2
    assert "src/a.py" in refused.err


def test_a_sub_agent_works_inside_what_the_main_agent_holds_and_hands_it_over_when_it_ends(place: Place) -> None:
    main = place.agent()
    main.fire("SessionStart", source="startup")
    main.edit("src/a.py")
    assert main.edit("src/a.py", agent_id="sub1", agent_type="coder").code == 0
    refused = main.edit("src/a.py")
    assert refused.code == 2, "its own memory of the lock is fresh, but somebody below it writes there"
    assert "sub-agent of yours" in refused.err
    assert main.edit("src/b.py", agent_id="sub1").code == 0
    assert main.edit("src/b.py", agent_id="sub2").code == 2
    (place.folder / "src" / "b.py").write_text("half done\n")
    assert main.fire("SubagentStop", agent_id="sub1", stop_hook_active=False).code == 0
    assert main.edit("src/b.py").code == 2, "it is the turn of the other one, who waited"
    assert main.fire("SubagentStop", agent_id="sub2", stop_hook_active=False).code == 0
    assert main.edit("src/b.py").code == 0
    assert main.edit("src/a.py").code == 0
    assert place.agent().edit("src/b.py").code == 2
    kept = main.fire("Stop", stop_hook_active=False)
    assert kept.code == 2
    assert "src/b.py" in kept.err


def test_a_turn_ends_once_its_files_are_committed_and_gives_the_locks_back(place: Place) -> None:
    agent, other = place.agent("codex"), place.agent("gemini")
    agent.edit("src/a.py")
    (place.folder / "src" / "a.py").write_text("changed\n")
    kept = agent.fire("Stop", stop_hook_active=False)
    assert (kept.code, kept.out) == (2, "")
    assert "src/a.py" in kept.err
    assert agent.fire("Stop", stop_hook_active=True).code == 0
    assert other.edit("src/a.py").code == 2, "what is not committed stays locked"
    git(place.folder, "commit", "-qam", "two")
    assert agent.fire("Stop", stop_hook_active=False).code == 0
    assert other.edit("src/a.py").code == 0
    assert other.fire("AfterAgent", stop_hook_active=False).code == 0


def test_locks_that_were_given_after_a_wait_and_never_used_are_given_back_too(place: Place) -> None:
    first, second, third = place.agent(), place.agent("codex"), place.agent("gemini")
    first.edit("src/a.py")
    assert second.edit("src/a.py").code == 2
    first.fire("Stop", stop_hook_active=False)
    assert third.edit("src/a.py").code == 2, "it was the other one's turn"
    assert second.fire("Stop", stop_hook_active=False).code == 0
    assert third.edit("src/a.py").code == 0


def test_what_is_finished_is_given_back_although_something_else_is_not(place: Place) -> None:
    agent, other = place.agent(), place.agent()
    agent.edit("src/a.py")
    agent.edit("src/b.py")
    (place.folder / "src" / "b.py").write_text("half done\n")
    assert agent.fire("Stop", stop_hook_active=True).code == 0
    assert other.edit("src/a.py").code == 0
    assert other.edit("src/b.py").code == 2


def test_the_end_of_a_session_ends_it_at_the_server(place: Place) -> None:
    agent = place.agent()
    agent.edit("src/a.py")
    assert agent.fire("SessionEnd", reason="other").code == 0
    assert f"path:{place.folder.name}//src/a.py" not in place.locks()
    back = agent.edit("src/a.py")
    assert back.code == 0
    assert "new life" in back.output["additionalContext"]


def test_a_resumed_session_has_a_new_life_and_the_process_before_may_write_nothing_more(place: Place) -> None:
    before = place.agent(CLAUDE_PID="1")
    after = Agent(
        "claude", before.session, before.folder, before.cache, before.options, environment={"CLAUDE_PID": "2"}
    )
    before.fire("SessionStart", source="startup")
    told = after.fire("SessionStart", source="resume").output["additionalContext"]
    assert "incarnation 2" in told
    refused = before.edit("src/a.py")
    assert refused.code == 2
    assert "resumed" in refused.err
    assert after.edit("src/a.py").code == 0


@pytest.mark.parametrize("name", ["claude", "codex"])
def test_a_call_of_our_own_tools_carries_who_makes_it(place: Place, name: str) -> None:
    agent = place.agent(name)
    asked = {"text": "x", "session": "sess_of_somebody_else"}
    said = agent.fire("PreToolUse", tool_name="mcp__signalbox__note", tool_input=asked, agent_id="sub")
    assert said.code == 0, said.err
    told = said.output
    assert told["permissionDecision"] == "allow"
    assert told["updatedInput"].pop("session").startswith("sess_")
    assert told["updatedInput"] == {"text": "x", "incarnation": 1, "agent": "sub"}
    assert asked["session"] not in str(told)


def test_a_main_agent_does_not_pass_for_a_sub_agent(place: Place) -> None:
    asked = {"text": "x", "agent": "somebody"}
    told = place.agent().fire("PreToolUse", tool_name="mcp__signalbox__note", tool_input=asked).output
    assert "agent" not in told["updatedInput"]


def test_gemini_is_given_arguments_in_its_own_form(place: Place) -> None:
    told = place.agent("gemini").fire("BeforeTool", tool_name="mcp_signalbox_note", tool_input={"text": "x"}).output
    assert told["tool_input"]["text"] == "x"
    assert told["tool_input"]["incarnation"] == 1


def test_an_idle_mate_is_given_the_next_task_and_kept_until_it_has_a_result(place: Place) -> None:
    key = f"task-{place.folder.name}"
    place.client.command("create_task", project="shop", task={"key": key, "title": "Paint it", "body": "Blue.\n"})
    mate = place.agent()
    given = mate.fire("TeammateIdle", teammate_name="m", team_name="t")
    assert given.code == 2
    assert key in given.err
    assert "Blue." in given.err
    assert mate.fire("TeammateIdle", teammate_name="m", team_name="t").code == 0
    kept = mate.fire("Stop", stop_hook_active=False)
    assert kept.code == 2
    assert "has no result" in kept.err
    told: Any = mate.fire("SessionStart", source="compact").output
    assert key in told["additionalContext"]


def test_a_refused_quota_stops_everybody_who_spends_from_the_same_credentials(place: Place) -> None:
    pool = f"pool-{place.folder.name}"
    first, second = place.agent("claude", "--pool", pool), place.agent("codex", "--pool", pool)
    second.fire("SessionStart", source="startup")
    assert first.fire("StopFailure", error="server_error").code == 0
    assert first.fire("StopFailure", error="rate_limit", error_details="429").code == 0
    assert {"name": pool, "state": "open"} in place.rows('quotas(project: "shop"', "name state")


def test_signs_of_life_show_in_the_roster(place: Place) -> None:
    agent = place.agent()
    agent.fire("SessionStart", source="startup")
    agent.fire("Notification", notification_type="permission_prompt", message="May I?")
    waiting = place.rows('sessions(project: "shop", status: [WAITING_FOR_PERSON]', "name")
    assert {"name": f"claude {agent.session}"} in waiting


def test_edits_that_no_server_was_asked_about_are_counted_there_with_the_next_beat(place: Place) -> None:
    agent = place.agent()
    assert [agent.edit("src/a.py").code for _ in range(3)] == [0, 0, 0]
    counted = Path(memory_of(str(place.cache), "claude", agent.session, "").path + ".verdicts")
    assert counted.read_text() == ".."
    before = place.cached_verdicts()
    agent.fire("UserPromptSubmit", prompt="x")
    assert not counted.exists()
    assert place.cached_verdicts() == before + 2


@pytest.mark.parametrize("name", CLIENTS)
def test_every_event_as_the_client_documents_it_gets_its_verdict(place: Place, name: str) -> None:
    assert place.agent().edit("src/a.py").code == 0
    agent = place.agent(name)
    for line in (ROOT / "tests" / "golden" / "hooks" / f"{name}.jsonl").read_text().splitlines():
        want = json.loads(line.replace("SESSION", agent.session).replace("FOLDER", str(place.folder)))
        event, said = want["event"]["hook_event_name"], agent.send(json.dumps(want["event"]))
        assert said.code == want["code"], (event, said)
        assert want.get("err", "") in said.err, (event, said)
        assert said.code == 0 or not said.out, "who refuses says nothing else"
        context = said.output["additionalContext"] if said.out else ""
        assert want.get("context", "") in context, (event, said)
        assert not said.out or said.output["hookEventName"] == event


def test_a_team_s_task_is_told_on_the_board_and_is_not_done_while_its_files_are_not(place: Place) -> None:
    mate, subject = place.agent(), f"Paint {place.folder.name}"
    task = {"task_id": "1", "task_subject": subject, "teammate_name": "m", "team_name": "t"}
    assert mate.fire("TaskCreated", **task).code == 0
    mate.edit("src/a.py")
    (place.folder / "src" / "a.py").write_text("half done\n")
    refused = mate.fire("TaskCompleted", **task)
    assert (refused.code, refused.out) == (2, "")
    assert "src/a.py" in refused.err
    git(place.folder, "commit", "-qam", "done")
    assert mate.fire("TaskCompleted", **task).code == 0
    told = " ".join(
        row["text"] for row in place.rows('notes(where: {project: "shop"}', "text") if subject in row["text"]
    )
    assert "team t, m, has a new task 1" in told
    assert "team t, m, has completed the task 1" in told


def test_what_an_attempt_has_not_committed_stands_with_its_task_before_the_model_forgets(place: Place) -> None:
    key = f"cut-{place.folder.name}"
    scope = [{"claim": f"path:{place.folder.name}//src/**", "mode": "exclusive"}]
    place.client.command("create_task", project="shop", task={"key": key, "title": "t", "scope": scope})
    agent = place.agent()
    assert key in agent.fire("TeammateIdle", teammate_name="m", team_name="t").err
    assert agent.edit("src/a.py").code == 0
    assert agent.fire("PreCompact", trigger="auto").code == 0
    (row,) = place.rows(f'tasks(where: {{project: "shop", keyPrefix: "{key}"}}, first: 2', "note")
    assert "memory of the model is cut" in row["note"]


def test_a_file_that_was_locked_is_watched_and_a_change_that_nobody_holds_is_told_on_the_board(place: Place) -> None:
    first, second = place.agent(), place.agent()
    first.edit("src/a.py")
    file = str(place.folder / "src" / "a.py")
    assert second.fire("SessionStart", source="startup").output["watchPaths"] == [file]
    second.fire("FileChanged", file_path=file)
    first.fire("FileChanged", file_path=file)
    claim = f"path:{place.folder.name}//src/a.py"
    notes = 'notes(where: {project: "shop"}'
    assert not [row for row in place.rows(notes, "text") if claim in row["text"]], "its holder may write it"
    first.fire("Stop", stop_hook_active=False)
    for _ in range(2):
        second.fire("FileChanged", file_path=file)
    assert [row["text"] for row in place.rows(notes, "text") if claim in row["text"]] == [
        f"{claim} was changed, and nobody holds it"
    ]


def test_a_worktree_that_the_client_asks_for_is_a_unit_that_nobody_else_gets(place: Place) -> None:
    pool = f"trees-{place.folder.name}"
    pools = [{"name": pool, "members": ["one", "two"]}]
    place.client.command("update_project", project="shop", environment_pools=pools)
    agent, other = (place.agent("claude", f"--worktrees={pool}") for _ in range(2))
    made = agent.fire("WorktreeCreate", name="feature")
    folder = place.folder.with_name(f"{place.folder.name}.worktrees") / "one"
    assert (made.code, made.out, made.err) == (0, f"{folder}\n", "")
    assert (folder / "src" / "a.py").read_text() == "a\n"
    second = agent.fire("WorktreeCreate", name="another", agent_id="sub")
    assert second.out == f"{folder.with_name('two')}\n", "two worktrees of one agent are two folders"
    refused = other.fire("WorktreeCreate", name="feature")
    assert (refused.code, refused.out) == (2, "")
    assert "all units" in refused.err
    observing = place.agent("claude", f"--worktrees={pool}", "--observe").fire("WorktreeCreate", name="feature")
    assert (observing.code, observing.out) == (0, f"{folder.with_name('feature')}\n")
    assert agent.fire("Stop", stop_hook_active=False).code == 0
    assert other.fire("WorktreeCreate", name="feature").code == 2, "the end of a turn is not the end of the worktree"
    # What a sub-agent had goes to the main agent, worktrees too.
    assert agent.fire("SubagentStop", agent_id="sub", stop_hook_active=False).code == 0
    assert agent.fire("WorktreeRemove", worktree_path=second.out.strip()).code == 0
    assert other.fire("WorktreeCreate", name="more").out == second.out
    (folder / "src" / "a.py").write_text("left\n")
    assert agent.fire("WorktreeRemove", worktree_path=str(folder)).code == 0
    assert other.fire("WorktreeCreate", name="feature").out == f"{folder}\n"
    assert (folder / "src" / "a.py").read_text() == "a\n"
    assert git(place.folder, "for-each-ref", "refs/signalbox/left"), "what was left in it is kept"


def test_who_only_observes_is_never_refused_but_told(place: Place) -> None:
    place.agent().edit("src/a.py")
    for client in CLIENTS:
        observing = place.agent(client, "--observe")
        said = observing.edit("src/a.py")
        assert said.code == 0
        assert "src/a.py" in said.err
        if client != "gemini":
            assert set(said.output) == {"hookEventName", "additionalContext"}
        assert observing.fire("AfterAgent" if client == "gemini" else "Stop", stop_hook_active=False).code == 0


def test_a_worker_s_agent_edits_inside_its_task_and_never_outside_that_of_another(place: Place) -> None:
    scope = [{"claim": f"path:{place.folder.name}//src/**", "mode": "exclusive"}]
    key = f"work-{place.folder.name}"
    place.client.command("create_task", project="shop", task={"key": key, "title": "t", "scope": scope})
    opened = place.client.command("open_session", projects=["shop"]).answer
    life = {"session": opened["session"], "incarnation": opened["incarnation"]}
    place.client.command("claim_task", project="shop", task=key, **life)
    given = {"SIGNALBOX_SESSION": str(life["session"]), "SIGNALBOX_INCARNATION": str(life["incarnation"])}
    agent = place.agent(**given)
    assert agent.edit("src/a.py").code == 0
    assert agent.edit("src/a.py", agent_id="sub").code == 0
    assert place.agent().edit("src/a.py").code == 2
    assert agent.fire("Stop", stop_hook_active=False).code == 0, "the worker reports by the exit code"
    assert agent.fire("SessionEnd", reason="other").code == 0
    assert place.locks()[scope[0]["claim"]] == life["session"]


def test_a_worker_with_two_attempts_is_not_refused_by_the_lease_of_the_one_that_it_works_in(place: Place) -> None:
    name = place.folder.name
    opened = place.client.command("open_session", projects=["shop"], capacity=2).answer
    life = {"session": opened["session"], "incarnation": opened["incarnation"]}
    tokens: list[str] = []
    for part in ("src", "docs"):
        scope = [{"claim": f"path:{name}//{part}/**", "mode": "exclusive"}]
        task = {"key": f"{part}-{name}", "title": "t", "scope": scope}
        place.client.command("create_task", project="shop", task=task)
        claimed = place.client.command("claim_task", project="shop", task=task["key"], **life).answer
        tokens.append(str(claimed["token"]))
    given = {"SIGNALBOX_SESSION": str(life["session"]), "SIGNALBOX_INCARNATION": str(life["incarnation"])}
    first, second = (place.agent(**given, SIGNALBOX_TOKEN=token) for token in tokens)
    assert [first.edit("src/a.py").code, second.edit("docs/a.md").code] == [0, 0]
    assert [first.edit("docs/b.md").code, second.edit("src/b.py").code] == [2, 2]


def test_without_any_memory_an_agent_finds_its_own_life_again(place: Place) -> None:
    blocked = place.folder.parent / f"file-{next(NUMBERS)}"
    blocked.write_text("no folder\n")
    agent = Agent("claude", f"host-{next(NUMBERS)}", place.folder, blocked / "below", OPTIONS)
    assert agent.edit("src/a.py").code == 0
    assert agent.edit("src/a.py").code == 0
    (place.folder / "src" / "a.py").write_text("half done\n")
    kept = agent.fire("Stop", stop_hook_active=False)
    assert kept.code == 2
    assert "src/a.py" in kept.err
    git(place.folder, "checkout", "-q", "src/a.py")
    agent.fire("SessionEnd", reason="other")
    assert agent.edit("src/a.py").code == 0
    assert agent.edit("src/a.py").code == 0, "the second life is found again, too"
    assert place.agent().edit("src/a.py").code == 2

"""The git guard with real repositories and a real server: what is taken, what is refused, and by which door."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from signalbox.client import Client
from signalbox.client.asks import command, events, new_key
from signalbox.client.fields import text
from signalbox.git_guard.pusher import Pusher
from tests.faults.server_process import ServerProcess
from tests.support.checkout import Checkout, a_clone, a_hub
from tests.support.command_line import CommandLine
from tests.support.hooks import Agent

NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a server for all of them: each has a project of its own."""
    folder = tmp_path_factory.mktemp("guard")
    process = ServerProcess(folder, "sqlite", graphql=True)
    process.start()
    yield folder
    process.close()


@pytest.fixture(scope="module")
def client(data: Path) -> Iterator[Client]:
    with Client.find(data=data) as client:
        yield client


@dataclass
class Scene:
    """One project with a guarded repository ``r``."""

    data: Path
    client: Client
    project: str
    hub: Checkout
    clone: Checkout

    def session(self) -> str:
        return text(self.client.command("open_session", projects=[self.project], ttl_seconds=3_600).answer, "session")

    def locked(self, session: str, *claims: str) -> Pusher:
        """The session with locks on these claims."""
        wanted = [{"claim": claim} for claim in claims]
        asked = {"project": self.project, "session": session, "incarnation": 1, "claims": wanted}
        return Pusher(session, 1, text(self.client.ask(command("acquire_locks", asked)).answer, "token"))

    def agent(self, *claims: str) -> Pusher:
        """Somebody who holds these paths."""
        return self.locked(self.session(), *(f"path:r//{one}" for one in claims))

    def install(self, where: Checkout, *more: str) -> None:
        at = CommandLine(where.folder)
        at("git-guard", "install", "--data", str(self.data), "--project", self.project, "--repository", "r", *more)

    def refusals(self) -> list[str]:
        page = self.client.ask(events(project=self.project, after=0, limit=1_000))
        found = [event["event"] for event in page.events if event["type"] == "command.refused.v1"]
        return [str(one["code"]) for one in found if isinstance(one, dict)]


@pytest.fixture
def scene(data: Path, client: Client, tmp_path: Path) -> Scene:
    project = f"guarded-{next(NUMBERS)}"
    client.command("create_project", name=project, lock_delay_seconds=0)
    hub, clone = a_hub(tmp_path, src__a="1\n", docs__b="1\n")
    return Scene(data, client, project, hub, clone)


def by(clone: Checkout, pusher: Pusher) -> Checkout:
    """The clone in the hands of a session, as a worker's command finds it in its environment."""
    names = {"SESSION": pusher.session, "INCARNATION": str(pusher.incarnation), "TOKEN": pusher.token}
    return Checkout(clone.folder, {f"SIGNALBOX_{name}": value for name, value in names.items()})


def test_a_clone_commits_and_pushes_only_what_its_session_holds(scene: Scene) -> None:
    scene.install(scene.clone)
    agent, other = scene.agent("src/**"), scene.agent("docs/**")
    clone = by(scene.clone, agent)
    clone.write(src__a="2\n")
    clone.git("commit", "--quiet", "--all", "-m", "mine")
    clone.git("push", "--quiet", "origin", "main")
    # Nothing of it is new, by address or where the remote was never asked for its default branch.
    clone.git("push", "--quiet", str(scene.hub.folder), "main:refs/heads/copy")
    clone.git("remote", "set-head", "origin", "--delete")
    clone.git("push", "--quiet", "origin", "main:refs/heads/another")
    clone.git("mv", "docs/b", "src/b")
    said = clone.refused("commit", "--quiet", "-m", "moved away")
    assert f"path:r@main//docs/b: held by {other.session}" in said
    assert f"next: Run `signalbox lock acquire 'path:r@main//docs/b' --session {agent.session}`" in said
    clone.git("commit", "--quiet", "--no-verify", "-m", "moved away")
    assert f"docs/b, which {other.session} holds" in clone.refused("push", "--quiet", "origin", "main")
    assert "nobody says for which session" in scene.clone.refused("push", "--quiet", "origin", "main:topic")


def test_the_bare_repository_refuses_what_slips_past_the_hooks_of_a_clone(scene: Scene) -> None:
    scene.install(scene.hub)
    one, two = scene.agent("src/**"), scene.agent("docs/**")
    clone = by(scene.clone, one)
    clone.commit(src__a="2\n")
    clone.git("push", "--quiet", "origin", "main", "main:refs/heads/topic")
    clone.commit(docs__b="2\n")
    assert f"docs/b, which {two.session} holds" in clone.refused("push", "--quiet", "origin", "main")
    # The option of the push says who it is, whatever the surroundings say.
    clone.git("push", "--quiet", "--push-option", two.option, "origin", "main")
    assert scene.hub.git("show", "main:docs/b") == "2"
    assert "push_uncovered" in scene.refusals()


def test_a_zombies_late_push_is_refused_and_on_record(scene: Scene) -> None:
    scene.install(scene.hub)
    tasks = [{"key": "work", "title": "Work", "scope": [{"claim": "path:r//src/**"}]}]
    scene.client.command("apply_plan", project=scene.project, tasks=tasks)
    slow, quick = scene.session(), scene.session()
    life = {"project": scene.project, "session": slow, "incarnation": 1}
    first = scene.client.command("claim_task", **life).answer
    zombie = by(scene.clone, Pusher(slow, 1, text(first, "token")))
    zombie.commit(src__a="late\n")
    scene.client.command("reassign_task", project=scene.project, task="work", to=quick)
    said = zombie.refused("push", "--quiet", "origin", "main")
    assert "is not one of a live grant" in said
    assert scene.hub.git("show", "main:src/a") == "1"
    assert "lock_token_fenced" in scene.refusals()


def test_a_guarded_repository_guards_its_worktrees(scene: Scene) -> None:
    scene.install(scene.clone)
    agent = scene.agent("src/**")
    by(scene.clone, agent).git("worktree", "add", "--quiet", "-b", "topic", "../tree")
    tree = by(Checkout(scene.clone.folder.parent / "tree"), agent)
    tree.write(src__a="2\n", docs__b="2\n")
    tree.git("add", "--all")
    assert "path:r@topic//docs/b: free" in tree.refused("commit", "--quiet", "-m", "too much")
    tree.git("restore", "--staged", "docs/b")
    tree.git("commit", "--quiet", "-m", "just mine")
    told = CommandLine(tree.folder, tree.environment)
    assert told("git-guard", "check", "--staged", "--json").json["files"] == []
    assert told("git-guard", "check", "--json", code=1).json["error"]["code"] == "push_uncovered"


def test_protected_branches_take_only_commits_of_who_holds_them(scene: Scene) -> None:
    scene.install(scene.hub)
    scene.client.command("update_project", project=scene.project, protected_branches=["main"])
    agent = scene.agent("src/**")
    clone = by(scene.clone, agent)
    first = clone.git("rev-parse", "main")
    clone.commit(src__a="2\n")
    assert "branch:r//main, which nobody holds" in clone.refused("push", "--quiet", "origin", "main")
    clone.git("push", "--quiet", "origin", "main:refs/heads/topic")
    scene.locked(agent.session, "branch:r//main")
    clone.git("push", "--quiet", "origin", "main")
    assert "main of r is protected" in clone.refused("push", "--quiet", "--force", "origin", f"{first}:main")
    clone.git("push", "--quiet", "origin", "--delete", "topic")
    clone.git("push", "--quiet", "--force", "origin", "main:refs/heads/topic")


def test_tags_bring_nothing_in_and_are_held_like_branches(scene: Scene) -> None:
    scene.install(scene.hub)
    scene.client.command("update_project", project=scene.project, protected_branches=["tags/v*"])
    agent, other = scene.agent("src/**"), scene.agent("docs/**")
    clone = by(scene.clone, agent)
    clone.git("tag", "known", "main")
    clone.git("push", "--quiet", "origin", "known")
    clone.git("checkout", "--quiet", "--detach")
    clone.commit(docs__b="2\n")
    clone.git("tag", "-a", "-m", "smuggled", "loot")
    assert f"docs/b, which {other.session} holds" in clone.refused("push", "--quiet", "origin", "loot")
    clone.git("checkout", "--quiet", "main")
    clone.commit(src__a="2\n")
    clone.git("tag", "licence", "main:src/a")
    clone.git("push", "--quiet", "origin", "licence")
    clone.git("tag", "new")
    clone.git("tag", "-a", "-m", "release", "v1")
    clone.git("push", "--quiet", "origin", "main", "new")
    assert "branch:r//tags/v1, which nobody holds" in clone.refused("push", "--quiet", "origin", "v1")
    scene.locked(agent.session, "branch:r//tags/v1")
    clone.git("push", "--quiet", "origin", "v1")
    assert "tags/v1 of r is protected" in clone.refused("push", "--quiet", "--delete", "origin", "v1")
    scene.locked(other.session, "branch:r//tags/new")
    assert f"tags/new, which {other.session} holds" in clone.refused("push", "--quiet", "--delete", "origin", "new")
    clone.git("push", "--quiet", "--delete", "origin", "known")


def test_the_git_host_may_say_whose_key_pushes(scene: Scene, tmp_path: Path) -> None:
    roles = ("worker", "worker", "operator")
    made = [scene.client.ask(new_key(role, role, [scene.project], None)).answer for role in roles]
    (tmp_path / "guard.key").write_text(text(made[2], "secret"))
    scene.install(scene.hub, "--key-file", str(tmp_path / "guard.key"), "--pusher-variable", "HOST_SAYS")
    with Client.find(url=scene.client.endpoint.url, key=text(made[0], "secret")) as worker:
        pusher = Scene(scene.data, worker, scene.project, scene.hub, scene.clone).agent("src/**")
    clone = by(scene.clone, pusher)
    clone.commit(src__a="2\n")
    assert "the git host does not tell who pushes" in clone.refused("push", "--quiet", "origin", "main")
    clone.environment["HOST_SAYS"] = text(made[1], "key")
    assert "session" in clone.refused("push", "--quiet", "origin", "main")
    clone.environment["HOST_SAYS"] = text(made[0], "key")
    # Where the pusher's surroundings name another server, the guard asks its own.
    clone.environment["SIGNALBOX_URL"] = "http://127.0.0.1:9"
    clone.git("push", "--quiet", "origin", "main")


def test_without_a_server_the_strict_guard_refuses_and_the_other_warns(scene: Scene) -> None:
    clone = by(a_clone(scene.hub, "lonely"), scene.agent("src/**"))
    scene.install(clone)
    clone.environment |= {"SIGNALBOX_URL": "http://127.0.0.1:9", "SIGNALBOX_KEY": "sbx_any"}
    clone.write(src__a="2\n")
    assert "cannot be reached" in clone.refused("commit", "--quiet", "--all", "-m", "x")
    scene.install(clone, "--mode", "observe")
    done = clone.tried("commit", "--quiet", "--all", "-m", "x")
    assert (done.returncode, "warning, would be refused" in done.stderr) == (0, True)


def test_hooks_that_were_there_go_on_working_and_come_back(scene: Scene) -> None:
    hook = scene.clone.folder / ".git" / "hooks" / "pre-push"
    before = '#!/bin/sh\necho "they see $(cat)" >&2\n'
    hook.write_text(before)
    hook.chmod(0o755)
    scene.install(scene.clone)
    scene.install(scene.clone)
    clone = by(scene.clone, scene.agent("src/**"))
    clone.commit(src__a="2\n")
    done = clone.tried("push", "origin", "main")
    assert (done.returncode, "they see refs/heads/main" in done.stderr) == (0, True)
    CommandLine(clone.folder)("git-guard", "uninstall")
    assert hook.read_text() == before
    assert "signalbox" not in clone.git("config", "--list", "--local")
    assert not (hook.parent / "pre-commit").exists()


def test_hooks_that_all_repositories_share_are_left_alone(scene: Scene, tmp_path: Path) -> None:
    shared, settings = tmp_path / "shared", tmp_path / "gitconfig"
    settings.write_text(f"[core]\n\thooksPath = {shared}\n")
    line = CommandLine(scene.clone.folder, {"GIT_CONFIG_GLOBAL": str(settings)})
    words = ("git-guard", "install", "--data", str(scene.data), "--project", scene.project)
    ran = line(*words, code=1)
    assert "every repository" in ran.err
    assert not shared.exists()
    scene.clone.git("config", "core.hooksPath", str(scene.clone.folder / ".git" / "hooks"))
    line(*words)
    assert (scene.clone.folder / ".git" / "hooks" / "pre-commit").exists()


def test_a_client_with_our_hook_commits_what_its_hook_has_locked(scene: Scene, tmp_path: Path) -> None:
    scene.install(scene.clone)
    data = str(scene.data)
    options = (f"--project={scene.project}", "--repository=r", f"--data={data}", "--seconds=60")
    agent = Agent("claude", "host-1", scene.clone.folder, tmp_path / "cache", options)
    known = {"CLAUDE_CODE_SESSION_ID": agent.session, "SIGNALBOX_HOOK_CACHE": str(agent.cache)}
    clone = Checkout(scene.clone.folder, known)
    clone.write(src__a="2\n")
    assert "nobody says for which session" in clone.refused("commit", "--quiet", "--all", "-m", "not yet")
    assert agent.edit("src/a").code == 0
    clone.git("commit", "--quiet", "--all", "-m", "mine")
    clone.write(docs__b="2\n")
    assert "docs/b" in clone.refused("commit", "--quiet", "--all", "-m", "not locked")


def test_of_agents_in_one_checkout_the_guard_knows_whose_hook_let_git_run(scene: Scene, tmp_path: Path) -> None:
    scene.install(scene.clone)
    options = (f"--project={scene.project}", "--repository=r", f"--data={scene.data}", "--seconds=60")
    agent = Agent("claude", "host-1", scene.clone.folder, tmp_path / "cache", options)
    codex = Agent("codex", "host-2", scene.clone.folder, tmp_path / "cache", options)
    known = {"CLAUDE_CODE_SESSION_ID": agent.session, "SIGNALBOX_HOOK_CACHE": str(agent.cache)}
    clone = Checkout(scene.clone.folder, known)
    assert agent.edit("src/a", agent_id="one").code == 0
    assert agent.edit("docs/b", agent_id="two").code == 0
    clone.write(src__a="2\n", docs__b="2\n")
    clone.git("add", "src/a")
    assert agent.shell("git commit -m x", agent_id="two", tool_use_id="t1").code == 0
    assert "src/a" in clone.refused("commit", "--quiet", "-m", "of the other"), "they share all that git is told"
    agent.fire("PostToolUse", tool_name="Bash", tool_input={}, tool_use_id="t1", agent_id="two")
    assert agent.shell("git commit -m x", agent_id="one", tool_use_id="t2").code == 0
    clone.git("commit", "--quiet", "-m", "mine")
    agent.fire("PostToolUse", tool_name="Bash", tool_input={}, tool_use_id="t2", agent_id="one")
    # Codex names no session to what it starts; its hook does.
    clone.environment.pop("CLAUDE_CODE_SESSION_ID")
    assert codex.edit("c").code == 0
    clone.write(c="1\n")
    clone.git("add", "c")
    assert "nobody says for which session" in clone.refused("commit", "--quiet", "-m", "no hook was asked")
    assert codex.shell("git commit -m x").code == 0
    clone.git("commit", "--quiet", "-m", "by codex")

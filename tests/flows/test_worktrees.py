"""A worker's worktrees: one for each attempt, kept while anybody works in it, given back when the work is settled."""

import itertools
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from signalbox.client import Client, Refused
from signalbox.worktrees import Worktree, Worktrees, checked, entered, keep_left, let_go, prepared
from tests.faults.server_process import ServerProcess
from tests.support.checkout import Checkout, a_hub
from tests.support.command_line import CommandLine
from tests.support.processes import alive, pid_in
from tests.support.waiting import until

NUMBERS = itertools.count(1)


@pytest.fixture
def clone(tmp_path: Path) -> Checkout:
    return a_hub(tmp_path, a="1\n", **{".gitignore": "cache\n"})[1]


@pytest.fixture
def trees(clone: Checkout, tmp_path: Path) -> Worktrees:
    return Worktrees(clone.folder, "trees", tmp_path / "trees", "main")


def taken(trees: Worktrees, member: str = "1", number: int = 1) -> tuple[Worktree, str | None]:
    tree = entered(trees, member)
    assert tree is not None
    return tree, prepared(trees, tree, "task_x", number)


def test_an_attempt_begins_at_the_base_and_finds_only_what_git_ignores(trees: Worktrees) -> None:
    tree, left = taken(trees)
    inside = Checkout(tree.place)
    assert (left, inside.git("status", "--porcelain"), (tree.place / "a").read_text()) == (None, "", "1\n")
    inside.commit(a="2\n")
    inside.write(b="new", cache="kept")
    inside.git("checkout", "--quiet", "-b", "mine")
    let_go(tree)
    tree, _ = taken(trees, number=2)
    assert ((tree.place / "a").read_text(), (tree.place / "cache").read_text()) == ("1\n", "kept")
    assert not (tree.place / "b").exists()
    let_go(tree)


def test_what_an_attempt_leaves_is_kept_under_its_name(trees: Worktrees, clone: Checkout) -> None:
    tree, _ = taken(trees)
    inside = Checkout(tree.place)
    inside.write(a="half\n", b="new\n")
    name = keep_left(trees, tree)
    assert name == "refs/signalbox/left/task_x-1"
    assert clone.git("show", f"{name}:a") == "half"
    assert clone.git("show", f"{name}:b") == "new"
    # Commits that are on no branch would be lost as well.
    inside.git("checkout", "--quiet", "--force", "--detach", "main")
    assert keep_left(trees, tree) is None
    commit = inside.commit(a="3\n")
    assert keep_left(trees, tree) == name
    assert clone.git("rev-parse", name) == commit
    inside.git("branch", "kept")
    assert keep_left(trees, tree) is None
    let_go(tree)


def test_what_a_killed_git_left_half_way_is_in_nobodys_way(trees: Worktrees, clone: Checkout) -> None:
    clone.commit(a="theirs\n")
    clone.git("branch", "theirs")
    tree, _ = taken(trees)
    inside = Checkout(tree.place)
    inside.git("checkout", "--quiet", "--detach", "main~1")
    inside.commit(a="mine\n")
    inside.refused("rebase", "theirs")
    folder = Path(inside.git("rev-parse", "--absolute-git-dir"))
    (folder / "index.lock").write_text("")
    let_go(tree)
    tree, left = taken(trees, number=2)
    assert left == "refs/signalbox/left/task_x-1"
    assert Checkout(tree.place).git("status", "--porcelain") == ""
    assert not (folder / "rebase-merge").exists()
    let_go(tree)


def test_a_broken_folder_is_made_anew(trees: Worktrees) -> None:
    tree, _ = taken(trees)
    (tree.place / ".git").unlink()
    let_go(tree)
    tree, _ = taken(trees, number=2)
    assert Checkout(tree.place).git("rev-parse", "--abbrev-ref", "HEAD") == "HEAD"
    let_go(tree)


def test_work_around_a_broken_folder_and_in_it_stays(clone: Checkout) -> None:
    trees = Worktrees(clone.folder, "trees", clone.folder / "trees", "main")
    tree, _ = taken(trees)
    Checkout(tree.place).write(b="half done")
    (tree.place / ".git").unlink()
    let_go(tree)
    clone.write(a="mine\n", new="mine\n")
    tree, left = taken(trees, number=2)
    assert left is None
    assert ((clone.folder / "a").read_text(), (clone.folder / "new").read_text()) == ("mine\n", "mine\n")
    assert (tree.place.with_name("1.aside-1") / "b").read_text() == "half done"
    assert not (tree.place / "b").exists()
    let_go(tree)


def test_a_worktree_that_nobody_noted_is_kept_before_it_is_used(trees: Worktrees, clone: Checkout) -> None:
    tree, _ = taken(trees)
    Checkout(tree.place).write(b="by hand")
    tree.place.with_name("1.json").unlink()
    let_go(tree)
    tree, left = taken(trees, number=2)
    assert left is not None
    assert clone.git("show", f"{left}:b") == "by hand"
    let_go(tree)


def test_a_folder_that_somebody_works_in_is_entered_by_nobody_else(trees: Worktrees) -> None:
    tree, _ = taken(trees)
    copy = os.dup(tree.lock)
    let_go(tree)
    assert entered(trees, "1") is None
    os.close(copy)
    again = entered(trees, "1")
    assert again is not None
    let_go(again)


def test_a_worker_says_at_its_start_what_it_lacks(trees: Worktrees, tmp_path: Path) -> None:
    checked(trees)
    for repository, base in ((tmp_path, "main"), (trees.repository, "nowhere")):
        with pytest.raises(Refused):
            checked(Worktrees(repository, "trees", trees.folder, base))


class Fleet:
    """A server, a project with a pool of worktrees, and workers of a repository."""

    def __init__(self, line: CommandLine, client: Client, clone: Checkout) -> None:
        self.line = line
        self.client = client
        self.clone = clone
        self.project = f"trees-{next(NUMBERS)}"
        client.command("create_project", name=self.project, lock_delay_seconds=0)

    def pool(self, count: int) -> None:
        self.client.command("set_pool", project=self.project, pool="worktrees", count=count)

    def plan(self, *tasks: dict[str, Any]) -> None:
        self.client.command("apply_plan", project=self.project, tasks=[{"title": "t", **task} for task in tasks])

    def worker(self, name: str, *more: str) -> Any:
        """Started; what it tells is in ``told``."""
        fixed = ("worker", "-p", self.project, "--worktree", "--repository", str(self.clone.folder), "--until-idle")
        return self.line.start(*fixed, "--name", name, "--json", *more, log=self.line.folder / name)

    def told(self, name: str) -> list[dict[str, Any]]:
        lines = (self.line.folder / name).read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def events(self, name: str) -> list[str]:
        return [one["event"] for one in self.told(name)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data folder of one for all."""
    folder = tmp_path_factory.mktemp("server")
    process = ServerProcess(folder, "sqlite", graphql=True)
    process.start()
    yield folder
    process.close()


@pytest.fixture
def fleet(server: Path, tmp_path: Path, clone: Checkout) -> Iterator[Fleet]:
    with Client.find(data=server) as client:
        yield Fleet(CommandLine(tmp_path, {"SIGNALBOX_DATA": str(server)}), client, clone)


def test_each_attempt_has_a_worktree_of_its_own_and_gives_it_back_in_the_end(fleet: Fleet, tmp_path: Path) -> None:
    code = fleet.worker("early").wait(90)
    assert code == 1
    assert "no pool worktrees" in (tmp_path / "early").read_text()
    fleet.pool(2)
    go = f"until [ -f {tmp_path}/go ]; do sleep 0.1; done"
    run = f'pwd > {tmp_path}/$SIGNALBOX_TASK_KEY; echo "$SIGNALBOX_TASK_KEY" > made; {go}'
    fleet.plan({"key": "one", "run": run}, {"key": "two", "run": run}, {"key": "three", "run": run})
    both = fleet.worker("both", "--capacity", "3")
    until(lambda: sum((tmp_path / key).exists() for key in ("one", "two", "three")) == 2)
    assert "completed" not in fleet.events("both")
    (tmp_path / "go").write_text("")
    assert both.wait(90) == 0
    places = [(tmp_path / key).read_text().strip() for key in ("one", "two", "three")]
    assert len(set(places)) == 2
    left = fleet.clone.git("for-each-ref", "--format=%(refname)", "refs/signalbox/left").splitlines()
    assert sorted(fleet.clone.git("show", f"{name}:made") for name in left) == ["one", "three", "two"]
    pool: Any = fleet.client.command("describe_pool", project=fleet.project, pool="worktrees").answer
    assert pool["free"] == 2


def test_a_worktree_is_not_recycled_while_the_command_of_a_lost_worker_runs(fleet: Fleet, tmp_path: Path) -> None:
    fleet.pool(1)
    begin = f"echo $$ > {tmp_path}/pid; echo half > made; sleep 600"
    run = f"if [ -f {tmp_path}/pid ]; then echo again > {tmp_path}/second; else {begin}; fi"
    fleet.plan({"key": "one", "run": run})
    first = fleet.worker("first", "--ttl", "10")
    until(lambda: pid_in(tmp_path / "pid"))
    pid = pid_in(tmp_path / "pid")
    assert pid is not None
    first.send_signal(signal.SIGSTOP)
    # The worker is silent and will be lost, and its unit with it; what it runs lives on.
    second = fleet.worker("second-worker")
    until(lambda: "worktree_busy" in fleet.events("second-worker"))
    assert alive(pid)
    assert not (tmp_path / "second").exists()
    first.send_signal(signal.SIGKILL)
    first.wait(90)
    assert second.wait(90) == 0
    assert (tmp_path / "second").read_text() == "again\n"
    assert "worktree_found" in fleet.events("second-worker")
    (left,) = fleet.clone.git("for-each-ref", "--format=%(refname)", "refs/signalbox/left").splitlines()
    assert fleet.clone.git("show", f"{left}:made") == "half"

"""What a push touches, found in real repositories: its own work, what it brings along, and what it undoes."""

from pathlib import Path

import pytest

from signalbox.client import Refused
from signalbox.git_guard.changes import Change, Known, created, deleted, moved
from signalbox.git_guard.git import Git
from signalbox.git_guard.hooks import received
from tests.support.checkout import Checkout, a_hub


@pytest.fixture
def clone(tmp_path: Path) -> Checkout:
    return a_hub(tmp_path, src__a="1\n", docs__b="1\n", c="1\n")[1]


def known(clone: Checkout, branch: str = "main") -> Known:
    """As if everything that the branches of the clone have were at the other side."""
    return Known(("--branches",), clone.git("rev-parse", branch), "main")


def touched(clone: Checkout, branch: str, old: str, new: str, other: Known | None = None) -> Change:
    return moved(Git(str(clone.folder)), branch, old, new, other or known(clone))


def detached(clone: Checkout, start: str, **files: str) -> str:
    """A commit that no branch has."""
    clone.git("checkout", "--quiet", "--detach", start)
    return clone.commit(**files)


def test_a_commit_is_what_it_is_although_something_else_is_shown_in_its_place(clone: Checkout) -> None:
    old = clone.git("rev-parse", "main")
    new = detached(clone, "main", src__a="2\n")
    # Anybody may push these names: they are no branches.
    clone.git("replace", new, clone.git("commit-tree", "-p", old, "-m", "nothing", f"{old}^{{tree}}"))
    assert clone.git("diff-tree", "-r", old, new) == ""
    assert touched(clone, "topic", old, new).paths == ("src/a",)


def test_a_commit_touches_its_files_and_both_names_of_a_renamed_one(clone: Checkout) -> None:
    old = clone.git("rev-parse", "main")
    clone.git("checkout", "--quiet", "--detach")
    clone.git("mv", "src/a", "src/renamed")
    new = clone.commit(docs__b="2\n")
    assert touched(clone, "topic", old, new) == Change("topic", "advance", ("docs/b", "src/a", "src/renamed"))


def test_a_changed_mode_and_a_deleted_file_are_changes(clone: Checkout) -> None:
    old = clone.git("rev-parse", "main")
    clone.git("checkout", "--quiet", "--detach")
    (clone.folder / "c").unlink()
    clone.git("update-index", "--chmod=+x", "src/a")
    clone.git("rm", "--quiet", "--cached", "c")
    clone.git("commit", "--quiet", "-m", "mode")
    assert touched(clone, "topic", old, clone.git("rev-parse", "HEAD")).paths == ("c", "src/a")


def test_merging_the_default_branch_is_not_writing_its_files(clone: Checkout) -> None:
    old = detached(clone, "main", src__a="mine\n")
    clone.git("branch", "topic")
    clone.git("checkout", "--quiet", "main")
    clone.commit(docs__b="theirs\n")
    clone.git("checkout", "--quiet", "--detach", "topic")
    clone.git("merge", "--quiet", "--no-edit", "main")
    new = clone.commit(c="more\n")
    assert touched(clone, "topic", old, new) == Change("topic", "advance", ("c",))


def test_a_conflict_that_was_resolved_is_own_work(clone: Checkout) -> None:
    old = detached(clone, "main", src__a="mine\n")
    clone.git("branch", "topic")
    clone.git("checkout", "--quiet", "main")
    clone.commit(src__a="theirs\n", docs__b="theirs\n")
    clone.git("checkout", "--quiet", "--detach", "topic")
    clone.refused("merge", "--quiet", "main")
    new = clone.commit(src__a="both\n")
    assert touched(clone, "topic", old, new).paths == ("src/a",)


def test_what_another_branch_had_before_is_merged_and_what_a_merge_undoes_is_not(clone: Checkout) -> None:
    clone.git("checkout", "--quiet", "-b", "topic")
    clone.commit(src__a="topic\n")
    clone.git("checkout", "--quiet", "main")
    old = clone.commit(docs__b="main\n")
    clone.git("checkout", "--quiet", "--detach")
    clone.git("merge", "--quiet", "--no-edit", "topic")
    assert touched(clone, "main", old, clone.git("rev-parse", "HEAD")) == Change("main", "advance", (), ("src/a",))
    # A merge that keeps only what topic has takes back what main had become.
    clone.git("checkout", "--quiet", "--detach", "topic")
    clone.git("merge", "--quiet", "--no-edit", "--strategy=ours", "main")
    undoing = touched(clone, "main", old, clone.git("rev-parse", "HEAD"))
    assert (undoing.paths, undoing.merged) == (("docs/b",), ("src/a",))


def test_a_branch_that_was_put_upon_a_newer_main_is_rewritten_and_touches_its_own_files(clone: Checkout) -> None:
    old = detached(clone, "main", src__a="mine\n")
    clone.git("branch", "topic")
    clone.git("checkout", "--quiet", "main")
    clone.commit(docs__b="main\n")
    new = detached(clone, "main", src__a="mine, better\n")
    assert touched(clone, "topic", old, new) == Change("topic", "rewrite", ("src/a",))


def test_dropping_commits_touches_what_they_had_made(clone: Checkout) -> None:
    first = clone.git("rev-parse", "main")
    clone.git("checkout", "--quiet", "-b", "topic")
    old = clone.commit(src__a="theirs\n")
    assert touched(clone, "topic", old, first) == Change("topic", "rewrite", ("src/a",))


def test_a_new_branch_touches_what_is_new_in_it(clone: Checkout) -> None:
    git = Git(str(clone.folder))
    clone.git("checkout", "--quiet", "-b", "other")
    clone.commit(src__a="other\n")
    new = detached(clone, "other", docs__b="mine\n")
    assert created(git, "topic", new, known(clone)) == Change("topic", "advance", ("docs/b",))
    assert created(git, "topic", clone.git("rev-parse", "other"), known(clone)).paths == ()


def test_the_first_branch_of_all_touches_everything(clone: Checkout) -> None:
    nothing = Known(("--glob=refs/nowhere/*",), None, None)
    assert created(Git(str(clone.folder)), "main", "main", nothing).paths == ("c", "docs/b", "src/a")


def test_a_deleted_branch_touches_what_is_nowhere_else(clone: Checkout) -> None:
    git = Git(str(clone.folder))
    clone.git("checkout", "--quiet", "-b", "topic")
    old = clone.commit(src__a="topic\n")
    others = Known(("--exclude=refs/heads/topic", "--glob=refs/heads/*"), clone.git("rev-parse", "main"), "main")
    assert deleted(git, "topic", old, others) == Change("topic", "delete", ("src/a",))
    clone.git("branch", "copy", "topic")
    assert deleted(git, "topic", old, others).paths == ()


def test_a_name_that_is_no_text_is_refused_because_no_lock_can_name_it(clone: Checkout) -> None:
    old = clone.git("rev-parse", "main")
    clone.git("checkout", "--quiet", "--detach")
    (Path(clone.folder) / b"caf\xe9".decode(errors="surrogateescape")).write_text("1")
    new = clone.commit()
    with pytest.raises(Refused) as refused:
        touched(clone, "topic", old, new)
    assert refused.value.code == "not_unicode"


def test_a_tag_of_a_file_or_a_tree_is_asked_about_and_touches_nothing(clone: Checkout) -> None:
    commit = detached(clone, "main", c="2\n")
    file, tree, none = clone.git("rev-parse", "main:c"), clone.git("rev-parse", "main^{tree}"), "0" * 40
    clone.git("tag", "-a", "-m", "of a file", "annotated", file)
    annotated = clone.git("rev-parse", "annotated")

    def change(old: str, new: str) -> Change:
        """What a hub that has the main branch is told of the tag."""
        lines = [f"{old} {new} refs/tags/t\n"]
        (found,) = received(Git(str(clone.folder)), lines)
        return found

    for one in (file, tree, annotated):
        assert change(none, one) == Change("tags/t", "advance")
        assert change(one, none) == Change("tags/t", "delete")
        assert change(commit, one) == Change("tags/t", "rewrite")
        assert change(one, commit) == Change("tags/t", "rewrite", ("c",))
    assert change(tree, file) == Change("tags/t", "rewrite")

"""What the hook reads out of events: files of patches, writes of shell lines, claims of paths."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.lock.resource import Resource, parse
from signalbox.client.endpoint import find_endpoint
from signalbox.client.errors import Refused, ServerUnavailable
from signalbox.hook.event import edited_paths, event_of
from signalbox.hook.guard import wanted_by
from signalbox.hook.installation import NoServerError, find_installation
from signalbox.hook.memory import Memory
from signalbox.hook.options import options_of
from signalbox.hook.patch import patched_paths
from signalbox.hook.places import (
    CLAIMS_MAX,
    Repository,
    joined,
    path_claim,
    real_places,
    repository_of,
    worktree_claim,
)
from signalbox.hook.powershell import powershell_writes
from signalbox.hook.reading import UnreadableError, json_of
from signalbox.hook.shell import shell_writes
from tests.support.hooks import git, repository


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        st.lists,
    )
)
def test_json_is_read_as_the_standard_library_reads_it(value: object) -> None:
    text = json.dumps(value)
    assert json_of(f" {text}\n") == json.loads(text)


@given(st.text(max_size=200))
def test_what_the_standard_library_refuses_is_refused(text: str) -> None:
    try:
        expected = json.loads(text, parse_constant=lambda _: 1 / 0)
    except (ValueError, ZeroDivisionError):
        with pytest.raises(UnreadableError):
            json_of(text)
    else:
        assert json_of(text) == expected


def test_a_patch_names_every_file_that_it_touches() -> None:
    patch = "*** Begin Patch\n*** Add File: a b.py\n+*** x\n*** Update File: c\n*** Move to: d\n*** Delete File: e\n"
    assert patched_paths(patch) == ["a b.py", "c", "d", "e"]
    with pytest.raises(UnreadableError):
        patched_paths("*** Begin Patch\n*** Add File: \n")


def test_an_edit_names_its_file_in_every_client() -> None:
    for client, tool, field in (
        ("claude", "Edit", "file_path"),
        ("claude", "NotebookEdit", "notebook_path"),
        ("gemini", "write_file", "file_path"),
    ):
        told = {"session_id": "s", "hook_event_name": "X", "tool_name": tool, "tool_input": {field: "/a"}}
        assert edited_paths(event_of(client, json.dumps(told), {})) == ["/a"]


@pytest.mark.parametrize(
    ("words", "written"),
    [
        (["bash", "-lc", "rm one"], "one"),
        (["rm", "a b"], "a b"),
        (["apply_patch", "*** Begin Patch\n*** Add File: it's\n"], "it's"),
    ],
)
def test_a_command_of_several_words_is_the_line_that_they_make(words: list[str], written: str) -> None:
    told = {"session_id": "s", "hook_event_name": "X", "tool_name": "Bash", "tool_input": {"command": words}}
    line = event_of("codex", json.dumps(told), {}).command
    assert list(shell_writes(line, "/w").paths) == [f"/w/{written}"]


def test_an_edit_that_names_several_files_is_asked_about_all() -> None:
    patch = "*** Begin Patch\n*** Add File: /c\n"
    named = {"file_path": "/a", "notebook_path": "/b", "command": patch}
    told = {"session_id": "s", "hook_event_name": "X", "tool_name": "NotebookEdit", "tool_input": named}
    assert edited_paths(event_of("claude", json.dumps(told), {})) == ["/a", "/b", "/c"]
    assert patched_paths("*** Add File: a\u2028b\n") == ["a\u2028b"], "a line ends where clients end it"


def test_a_way_up_through_a_link_leads_to_two_places(tmp_path: Path) -> None:
    (tmp_path / "other" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "other" / "deep")
    found = real_places("link/../a", str(tmp_path))
    assert found == [str(tmp_path.resolve() / "a"), str(tmp_path.resolve() / "other" / "a")]


def test_a_folder_that_is_only_named_like_a_repository_is_none(tmp_path: Path) -> None:
    main = repository(tmp_path / "app")
    (main / "src" / ".git").mkdir()
    found = repository_of(str(main / "src"))
    assert found is not None
    assert found.name == "app"


WRITES = {
    "echo x > a": ["a"],
    "echo x>>a 2>&1": ["a"],
    "cmd &> 'a b'": ["a b"],
    "cat <<'END' > a\nrm b\n> c\nEND\ntouch d": ["a", "d"],
    "wc < in > out": ["out"],
    "sed -i.bak 's/a/b/' one": ["one"],
    "sed 's/a/b/' one": [],
    "perl -pi -e 's/a/b/' one": ["one"],
    "A=1 sudo tee -a a b": ["a", "b"],
    "mv one two": ["one", "two"],
    "bash -lc 'rm one && touch two'": ["one", "two"],
    "cd sub && apply_patch <<'E'\n*** Begin Patch\n*** Delete File: a\n*** End Patch\nE": ["sub/a"],
    "grep '*** Begin Patch' one": [],
    "cp one folder": ["folder/one"],
    "ln -s one two": ["two"],
    "cd folder && rm x; touch y": ["folder/x", "folder/y"],
    "dd if=x of=y": ["y"],
    "rm -rf folder": ["folder"],
    "rm on*": ["one"],
    "if true; then rm a; fi": ["a"],
    "echo $(rm a)": ["a"],
    'echo "a > b"': [],
    "rm $X `y`": [],
    "echo 'unended > a": [],
    "git checkout HEAD -- one": ["one"],
    "git mv one two && git rm x": ["one", "two", "x"],
    "ls | grep x 2>/dev/null": ["/dev/null"],
    "# don't\nrm a # it's\nrm b": ["a", "b"],
    "echo 'a # b' \\# >c#d": ["c#d"],
    "cd folder && echo x > a": ["folder/a"],
    "(cd folder; rm x)>a && rm b": ["folder/x", "a", "b"],
    "pushd folder; cat > x": ["folder/x"],
    "echo '<b>' > a": ["a"],
    "cat <<< word > a\nrm b": ["a", "b"],
    "echo $((1<<n))\nrm a": ["a"],
    "diff <(rm a) b": ["a"],
    "rm \\\n a \\\n b && touch \\\n  c": ["a", "b", "c"],
    "echo x \\\n > a": ["a"],
    "cp -t folder one two": ["folder/one", "folder/two"],
    "mv -vt folder one": ["one", "folder/one"],
    "mv --target-directory=new one": ["one", "new/one"],
    "rsync -t one two": ["two"],
}


@pytest.mark.parametrize("line", WRITES)
def test_a_line_of_shell_writes_what_it_obviously_writes(line: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "one").touch()
    found = shell_writes(line, str(tmp_path)).paths
    assert [os.path.relpath(path, tmp_path) if path.startswith(str(tmp_path)) else path for path in found] == WRITES[
        line
    ]


POWERSHELL = {
    "'x' | Set-Content -Path one": ["one"],
    "Set-Content one 'x > y'": ["one"],
    "Add-Content -Value \"a `\"b\" -LiteralPath 'it''s'": ["it's"],
    "Get-Content one | Out-File -FilePath two -Append -Encoding utf8": ["two"],
    "Get-Content one | Out-File two": ["two"],
    "dir > 'a b'; dir >> c 2>$null": ["a b", "c"],
    "npm test 2>&1 | Tee-Object log": ["log"],
    "Copy-Item one -Destination folder": ["folder/one"],
    "Copy-Item -Path one folder\\two": ["folder/two"],
    "Move-Item one two": ["one", "two"],
    "Rename-Item folder/x -NewName y": ["folder/x", "folder/y"],
    "Remove-Item -Recurse -Force folder, one": ["folder", "one"],
    "del one": ["one"],
    "New-Item -ItemType File -Path folder\\new -Force": ["folder/new"],
    "cd folder; ni x": ["folder/x"],
    "[IO.File]::WriteAllText('one', $text)": ["one"],
    "if ($a) { rm one }": ["one"],
    "Set-Content $path x": [],
    "Get-Content one; Select-String -Path one -Pattern '>'": [],
    "# rm one\n<# rm two #>": [],
    "$t = @'\nrm one > two\n'@": [],
    "# first\nrm one # then\nrm two": ["one", "two"],
    "git commit -m 'mends # 1'; sc one x": ["one"],
    "sc one @'\n# a\n'@\nrm two": ["one", "two"],
    "$t = @'\n'@; rm one; $t = @'\n'@": ["one"],
    "cd folder; 'x' > y": ["folder/y"],
    "New-Item -Name x -ItemType File": ["x"],
    "ni folder -Name x": ["folder/x"],
    "sed -i s/a/b/ one": ["one"],
    "git checkout HEAD -- one": ["one"],
    "Write-Output 'unended > a": ["a"],
    "Copy-Item one `\n  two; rm `\r\n a": ["two", "a"],
    "Copy-Item one,two folder": ["folder/one", "folder/two"],
    "Move-Item one , two folder": ["one", "folder/one", "two", "folder/two"],
    "Set-Content a, b x": ["a", "b"],
    "rm a b": ["a", "b"],
}


@pytest.mark.parametrize("line", POWERSHELL)
def test_a_line_of_powershell_writes_what_it_obviously_writes(line: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "one").touch()
    found = powershell_writes(line, str(tmp_path)).paths
    assert [os.path.relpath(path, tmp_path) for path in found] == POWERSHELL[line]


@given(st.text(alphabet="abc '\"`$@#<>|;&(){}\\\n-,:*", max_size=60))
def test_any_line_of_powershell_is_read_to_its_end(line: str) -> None:
    powershell_writes(line, "/nowhere")


def test_powershell_that_a_shell_starts_is_read_too() -> None:
    assert list(shell_writes("pwsh -NoProfile -c 'Set-Content a x'", "/w").paths) == ["/w/a"]


MOVES = {
    "git stash": "exclusive",
    "git -c x=y reset --hard HEAD~1": "exclusive",
    "git pull && git add .": "exclusive",
    "git reset HEAD~1": "update",
    "git commit -m 'git stash'": "update",
    "git -C folder checkout main": None,
    "git stash list": None,
    "git diff --stat": None,
    "echo git stash": None,
}


@pytest.mark.parametrize("line", MOVES)
def test_verbs_of_git_that_move_a_checkout_are_seen(line: str, tmp_path: Path) -> None:
    assert shell_writes(line, str(tmp_path)).trees.get(str(tmp_path)) == MOVES[line]


def test_a_branch_that_is_moved_or_deleted_is_seen(tmp_path: Path) -> None:
    assert shell_writes("git branch -D a/b", str(tmp_path)).branches == [(str(tmp_path), "a/b")]
    assert shell_writes("git branch --list a", str(tmp_path)).branches == []


NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs", "Cc", "Cf", "Zl", "Zp")), min_size=1)


@given(st.lists(NAMES.filter(lambda name: name not in (".", "..")), min_size=1, max_size=5))
def test_the_claim_of_a_path_is_what_the_lock_service_writes_and_matches_just_that(names: list[str]) -> None:
    claim = path_claim(Repository("/top", "/top/.git", "app"), "/".join(["/top", *names]))
    parsed = parse(claim)
    if len(claim.encode()) > 512:
        return
    assert isinstance(parsed, Resource), parsed
    assert parsed.text == claim
    assert parsed.is_literal


def test_a_worktree_has_its_own_checkout_and_the_name_that_all_share(tmp_path: Path) -> None:
    main = repository(tmp_path / "app@1")
    git(main, "worktree", "add", "-q", str(tmp_path / "copy"))
    first, second = repository_of(str(main / "src")), repository_of(str(tmp_path / "copy" / "src"))
    assert first is not None
    assert second is not None
    assert first.name == second.name == "app-1"
    assert worktree_claim(first) != worktree_claim(second)
    assert all(isinstance(parse(worktree_claim(one)), Resource) for one in (first, second))
    assert repository_of(str(tmp_path)) is None


def test_more_files_than_one_request_takes_are_claimed_by_their_folders() -> None:
    claims = joined([f"path:r//a/b{number % 3}/{number}" for number in range(CLAIMS_MAX + 1)])
    assert claims == ["path:r//a/b0/", "path:r//a/b1/", "path:r//a/b2/"]
    with pytest.raises(UnreadableError):
        joined([f"path:r//{number}" for number in range(CLAIMS_MAX + 1)])


def test_a_grant_covers_the_same_and_what_lies_in_its_folder() -> None:
    memory = Memory("")
    memory.keep("1", ["exclusive path:r//src/", "shared path:r//docs/**", "exclusive path:r//a/**/b/**"])
    assert memory.holds("exclusive path:r//src/a")
    assert memory.holds("shared path:r//docs/a/b")
    assert not memory.holds("exclusive path:r//docs/a")
    assert not memory.holds("exclusive path:r//srca")
    assert not memory.holds("exclusive path:r//a/x/b/c"), "only the lock service can tell"


def test_a_repository_carries_the_name_that_was_given_for_it(tmp_path: Path) -> None:
    here, other = repository(tmp_path / "here"), repository(tmp_path / "other")
    options = options_of(["claude", "--repository", "main"], {})
    for file, name in ((here / "x", "main"), (other / "x", "other")):
        told = {
            "session_id": "s",
            "hook_event_name": "PreToolUse",
            "cwd": str(here),
            "tool_name": "Write",
            "tool_input": {"file_path": str(file)},
        }
        wanted = wanted_by(event_of("claude", json.dumps(told), {}), options, {})
        assert f"path:{name}//x" in wanted.claims


@pytest.mark.parametrize("content", ['{"url": "http://127.0.0.1:1"}', "{", "[]", '{"url": 3}', '{"url": "nonsense"}'])
@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"SIGNALBOX_URL": "http://x:2/"},
        {"SIGNALBOX_KEY": "k"},
        {"SIGNALBOX_URL": "http://x:2", "SIGNALBOX_KEY": "k"},
    ],
)
def test_the_hook_finds_the_server_that_the_client_finds(
    tmp_path: Path, content: str, environment: dict[str, str]
) -> None:
    data = tmp_path / ".signalbox"
    data.mkdir()
    (data / "server.json").write_text(content)
    (data / "local.key").write_text("local\n")
    below = tmp_path / "a"
    below.mkdir()
    try:
        expected = find_endpoint(environment=environment, folder=below)
    except (Refused, ServerUnavailable):
        with pytest.raises(NoServerError):
            find_installation(environment, "", [str(below)])
    else:
        found = find_installation(environment, "", [str(below)])
        assert (found.url, found.key) == (expected.url, expected.key)

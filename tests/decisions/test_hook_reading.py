"""What the hook reads out of events: files of patches, writes of shell lines, claims of paths."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.lock.resource import Resource, parse
from signalbox.client.endpoint import find_endpoint
from signalbox.client.errors import Refused, ServerUnavailable
from signalbox.hook import finding, shell, writes
from signalbox.hook.event import edited_paths, event_of
from signalbox.hook.guard import wanted_by
from signalbox.hook.installation import NoServerError, find_installation
from signalbox.hook.memory import Memory, memory_of
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
    "echo y | tee > >(cat > a)": ["a"],
    "rm \\\n a \\\n b && touch \\\n  c": ["a", "b", "c"],
    "echo x \\\n > a": ["a"],
    "cp -t folder one two": ["folder/one", "folder/two"],
    "mv -vt folder one": ["one", "folder/one"],
    "mv --target-directory=new one": ["one", "new/one"],
    "rsync -t one two": ["two"],
    "timeout 5 rm a": ["a"],
    "timeout -k 3 --signal=KILL 5s rm a": ["a"],
    "env X=1 rm a": ["a"],
    "env -i -u HOME X=1 Y=2 rm a": ["a"],
    "nice rm a": ["a"],
    "nice -n 5 ionice -c 2 rm a": ["a"],
    "sudo -u root -- rm a": ["a"],
    "time -p nohup stdbuf -oL touch a": ["a"],
    "/usr/bin/env rm a": ["a"],
    "flock .lock rm a": ["a"],
    "command -v rm a": [],
    "timeout 5": [],
    "echo a b | xargs rm -f": ["a", "b"],
    "xargs -0 -n 1 rm -f c": ["c"],
    "printf '%s\\n' a b | sort | xargs -I{} mv {} {}.old": ["a", "a.old", "b", "b.old"],
    "ls folder/* | xargs -I X sh -c 'rm X'": ["folder/deep", "folder/x.o"],
    "echo a; xargs rm": [],
    "cat list | xargs rm": [],
    "find . -name '*.o' | grep -v x | xargs -r rm": ["folder/deep/y.o"],
    "find . -name '*.o' | grep -P x | xargs -r rm": ["folder/deep/y.o", "folder/x.o"],
    "find folder -type f -print0 | xargs -0 sed -i s/a/b/": ["folder/deep/y.o", "folder/x.o"],
    "grep -rl on folder . | xargs sed -i s/a/b/": ["folder"],
    "grep -l -e on folder | xargs sed -i s/a/b/": ["folder"],
    "grep -rl one . | xargs touch": [],
    "git ls-files folder | xargs rm": ["folder"],
    "grep -r x folder | xargs rm": [],
    "find . -name '*.o' -delete": ["folder/deep/y.o", "folder/x.o"],
    "find folder -maxdepth 1 -name '*.o' -delete": ["folder/x.o"],
    "find folder -delete": ["folder"],
    "find . -iname 'ON*' -exec rm {} \\;": ["one"],
    "find . -path './folder/*' -type d -exec rm -rf {} +": ["folder/deep"],
    "find . ! -name one -type f -exec sed -i s/a/b/ {} ';'": ["folder/deep/y.o", "folder/x.o"],
    "find . -type f ! \\( -name one -o -name 'x*' \\) -delete": ["folder/deep/y.o"],
    "find . \\( -name one -o -name 'x*' \\) -a -type d -delete": [],
    "find . '(' '(' -type f ')' -a -not '(' -path './folder/*' ')' ')' -exec rm {} +": ["one"],
    "find . -name one -exec cat {} \\; -o -name 'x*' -exec rm {} \\;": ["folder/x.o"],
    "find . -name one -exec cat {} + -o -name '*' -type f -exec rm {} \\;": ["folder/deep/y.o", "folder/x.o"],
    "find . -newer one ! -size -3k -name 'x*' -delete": ["folder/x.o"],
    "find . -mindepth 2 -name '*o*' ! -type d -delete": ["folder/deep/y.o", "folder/x.o"],
    "find . -name deep -prune -o -type f -print | xargs rm": ["folder/x.o", "one"],
    "find . -name deep -prune -o -type f -exec rm {} +": ["folder/x.o", "one"],
    "find . -size +1 -prune -o -name 'y*' -exec rm {} +": ["folder/deep/y.o"],
    "find . -name one -exec echo + {} \\; -delete": ["one"],
    "find . -type d -name deep -exec find {} -name '*.o' -delete \\;": ["folder/deep/y.o"],
    'find . -name one -exec sh -c \'cd folder; rm "$1" "$2"\' _ x.o {} \\; && rm z': ["folder/x.o", "folder/one", "z"],
    "find . -name '*.o' | xargs sh -c 'touch \"$@\"' sh": ["folder/deep/y.o", "folder/x.o"],
    "find . -type f -name one -exec sh -c 'mv ${1} \"$1.old\" > $0' log {} +": ["log", "one", "one.old"],
    "find folder -exec xargs -I X find . -name one -exec xargs rm X {} \\; \\;": [],
    "echo one | xargs -I X find folder -maxdepth 0 -exec touch {}/X \\;": ["folder/one"],
    "echo one | xargs xargs rm z": ["z", "one"],
    "find . \\) -name one -delete": ["one"],
    "find folder -exec rm {} \\;": ["folder", "folder/deep", "folder/deep/y.o", "folder/x.o"],
    "find folder -mtime -1 -exec rm -rf {} +": ["folder"],
    "find folder | xargs sed -i s/a/b/": ["folder", "folder/deep", "folder/deep/y.o", "folder/x.o"],
    "find . -name -o -o -name one -delete": ["one"],
    "env -S 'rm a' b": ["a", "b"],
    "env -i -vS'X=1 rm -f \"a b\"'": ["a b"],
    "/usr/bin/env --split-string='nice rm a' && env --split-string 'rm b'": ["a", "b"],
    'env -S "rm \'a"; rm b': ["b"],
    "bash -c 'cd folder && rm x'; touch y": ["folder/x", "y"],
    "echo a | bash -c 'true; xargs rm' | cat": [],
    "echo a | bash -c 'xargs rm; true' | xargs cat": ["a"],
    "find . \\( -name 'x.*' -o -name one \\) -exec rm {} \\; && touch z": ["folder/x.o", "one", "z"],
    "find . -name deep -prune -o -name '*.o' -delete": ["folder/deep/y.o", "folder/x.o"],
    "find . -name '*.o' -exec grep x {} \\;": [],
    "find . -name '*.o' -print": [],
    "find . -name one -exec echo -delete {} \\; -exec rm {} \\;": ["one"],
    "find . -name '*.o' -exec echo -delete {} +": [],
    "find . -name one -exec sh -c 'echo {} | xargs rm' \\;": ["one"],
    "find . -name one -fprint found": ["found"],
    "bash -c 'find . -name one -exec rm {} \\; ; touch z'": ["one", "z"],
    "sudo find . -name one | sudo xargs rm": ["one"],
    "curl -fsSLo a https://x.org/b": ["a"],
    "curl --output a https://x.org/b": ["a"],
    "curl -sO --output-dir folder 'https://x.org/d/b.tgz?c=1'": ["folder/b.tgz"],
    "curl -H 'accept: foo' https://x.org/b": [],
    "curl https://x.org/b | sh": [],
    "wget -qO- https://x.org/b": [],
    "wget -q -O a https://x.org/b": ["a"],
    "wget -P folder https://x.org/b": ["folder/b"],
    "wget --output-document=a https://x.org/b": ["a"],
}


@pytest.mark.parametrize("line", WRITES)
def test_a_line_of_shell_writes_what_it_obviously_writes(line: str, tmp_path: Path) -> None:
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    for name in ("one", "folder/x.o", "folder/deep/y.o"):
        (tmp_path / name).touch()
    found = shell_writes(line, str(tmp_path)).paths
    assert [os.path.relpath(path, tmp_path) if path.startswith(str(tmp_path)) else path for path in found] == WRITES[
        line
    ]


def test_a_search_through_more_than_it_may_stands_for_the_places_where_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "src").mkdir()
    for number in range(6):
        (tmp_path / "src" / f"{number}.o").touch()
    assert len(shell_writes("find src -name '*.o' -delete", str(tmp_path)).paths) == 6
    monkeypatch.setattr(finding, "FOUND_MAX", 4)
    assert list(shell_writes("find src -name '*.o' -delete", str(tmp_path)).paths) == [str(tmp_path / "src")]
    assert not shell_writes("find src -name '*.o' -exec cat {} + | xargs cat", str(tmp_path)).paths
    for run in ("-exec sed -i s/a/b/ {} +", "| xargs touch"):
        assert shell_writes(f"find src -newer src {run}", str(tmp_path)).paths == {str(tmp_path / "src"): True}
    monkeypatch.setattr(writes, "STEPS_MAX", 3)
    assert list(shell_writes("find src -name 5.o -delete", str(tmp_path)).paths) == [str(tmp_path / "src")]
    monkeypatch.setattr(writes, "STEPS_MAX", 10)
    both = shell_writes("find src -name 5.o -delete; find src -name 4.o -delete", str(tmp_path)).paths
    assert [Path(path).name for path in both] == ["5.o", "src"], "all searches of a line share what they may"


@pytest.mark.parametrize("runs", ["find . -exec", "xargs", "env -S 'find .' -exec xargs"])
def test_a_row_of_commands_that_run_each_other_takes_a_few_readings_for_each_of_them(
    runs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    readings: list[list[str]] = []
    read = shell.read_command

    def counted(words: list[str], found: writes.Writes) -> None:
        readings.append(words)
        read(words, found)

    monkeypatch.setattr(shell, "read_command", counted)
    deep = shell.NESTED_MAX // (1 + runs.startswith("env"))
    assert shell_writes(" ".join([*[runs] * deep, "rm -r z"]), str(tmp_path)).paths
    assert len(readings) < 300
    assert not shell_writes(" ".join([*[runs] * 400, "rm -r z"]), str(tmp_path)).paths


def test_of_commands_that_run_powers_of_each_other_some_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "rm"
    for level in range(12):
        line = f"sh -c 'echo a{level} b{level} | xargs -I%{level}% \"$@\" %{level}%' _ {line}"
    monkeypatch.setattr(writes, "RUN_MAX", 60)
    readings: list[list[str]] = []
    read = shell.read_command

    def counted(words: list[str], found: writes.Writes) -> None:
        readings.append(words)
        read(words, found)

    monkeypatch.setattr(shell, "read_command", counted)
    assert shell_writes(line, "/nowhere").paths
    assert len(readings) < 60 * 12 * 4


_TESTS = ("-name one", "-name 'x*'", "-type d", "-type f", "-path './folder/*'", "-size -1k", "-newer one", "-true")
_EXPRESSIONS = st.recursive(
    st.sampled_from(_TESTS),
    lambda inner: st.one_of(
        inner.map(lambda one: f"! {one}"),
        st.tuples(inner, st.sampled_from(("", "-a", "-o")), inner).map(lambda all_: f"\\( {' '.join(all_)} \\)"),
        inner.map(lambda one: f"\\( {one} -prune -o {one} \\)"),
    ),
    max_leaves=6,
)


def test_nothing_that_find_finds_is_missed(tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("searched")
    (root / "folder" / "deep").mkdir(parents=True)
    for name in ("one", "folder/x.o", "folder/deep/y.o", "folder/one"):
        (root / name).touch()
    (root / "xlink").symlink_to("one")

    @settings(max_examples=40, deadline=None)
    @given(_EXPRESSIONS)
    def searched(expression: str) -> None:
        line = f"find . {expression} -print"
        said = subprocess.run(["/bin/sh", "-c", line], cwd=root, capture_output=True, text=True, check=True).stdout
        read = shell_writes(f"{line} | xargs rm -r", str(root)).paths
        for file in said.splitlines():
            path = os.path.normpath(root / file)
            assert any(f"{path}/".startswith(f"{one}/") for one in read), (line, file, read)

    searched()


def test_a_search_with_more_brackets_than_anybody_writes_is_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "one").touch()
    line = " ".join(["find .", *["\\("] * 3_000, "-name one", *["\\)"] * 3_000, *["!"] * 3_001, "-name two -delete"])
    assert list(shell_writes(line, str(tmp_path)).paths) == [str(tmp_path / "one")]


@given(st.text(alphabet="abc '\"`$#<>|;&(){}\\\n-=!*", max_size=60))
def test_any_line_of_shell_is_read_to_its_end(text: str) -> None:
    shell_writes(f"find {text} -exec {text} | xargs {text}; env -S {text}", "/nowhere")


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


def test_who_is_forgotten_leaves_nothing_behind_and_touches_nobody_else(tmp_path: Path) -> None:
    """Nor what a hook that was killed has left half done, with the number of its process."""
    folder = str(tmp_path / "hooks")
    main, other, below = (memory_of(folder, "claude", *who) for who in (("s1", ""), ("s1-2", ""), ("s1", "sub")))
    for memory in (main, other, below):
        memory.begin("sess", 1)
        assert memory.save()
        memory.count()
        for left in (f"{memory.path}.4711", f"{memory.path}.verdicts.4711"):
            Path(left).write_text("half")
    below.forget()
    assert not Path(below.path).parent.exists()
    main.forget()
    kept = {Path(f"{other.path}{more}") for more in ("", ".verdicts", ".4711", ".verdicts.4711")}
    assert set(Path(folder).iterdir()) == kept
    other.forget()
    assert not Path(folder).exists()


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


@pytest.mark.parametrize("line", ["rm -rf ../here", "find . -delete", "find . -newer x -exec sed -i s/a/b/ {} +"])
def test_a_checkout_that_is_written_as_a_whole_from_inside_is_wanted_as_a_whole(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = repository(tmp_path / "here")
    for name in ("x", "y"):
        (here / name).touch()
    monkeypatch.setattr(finding, "FOUND_MAX", 1)
    told = {
        "session_id": "s",
        "hook_event_name": "PreToolUse",
        "cwd": str(here),
        "tool_name": "Bash",
        "tool_input": {"command": line},
    }
    wanted = wanted_by(event_of("claude", json.dumps(told), {}), options_of(["claude"], {}), {})
    assert wanted.claims["path:here//**"] == "exclusive"


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

"""Lines of shell are run for real: whatever file they change was read out of them before."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.hook.reading import UnreadableError
from signalbox.hook.shell import shell_writes

FILES = ("a", "b", "src/one.py", "src/two.py", "src/deep/three.py", "docs/x y.md", "docs/ünï.md", "-dash")
STAND_INS = {
    "patch": "echo bar > a",
    "gzip": 'for f; do case $f in -*) ;; *) cp "$f" "$f.gz" ;; esac; done',
    "gunzip": 'cp "$1" "${1%.gz}"',
    "tar": 'echo > "$2"',
}
"""What a program that is missing here would change, given what is asked of it below."""
PATCH = "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-foo\n+bar\n"

CHANGES = [
    "for f in a b; do sed -i s/foo/bar/ $f; done",
    'for f in src/*.py; do cp "$f" "${f%.py}.txt"; done',
    'for d in src docs; do for f in $d/*; do [ -f "$f" ] && echo x > "$f"; done; done',
    'F=a; G="$F b"; rm $G',
    'OUT=${OUT_OF_NOBODY:-a}; echo hi > "$OUT"',
    'echo x > "$PWD/a"; echo x > `pwd`/b',
    "d=src; cd $d && echo x > one.py && cd - && echo y > a",
    "pushd src; echo x > one.py; popd; echo y > a",
    "touch {c,d}.txt src/{1..3}; mv src/{one,uno}.py; cp a{,.bak}",
    "cp src/*.py docs/; mv docs/*.md src",
    "echo x > $'a'; echo x > docs/$'\\u00fcn\\u00ef.md'",
    "rm -f -- -dash && rm ./a",
    "sed -i s/foo/bar/ $(find src -name '*.py')",
    "for f in $(find . -name '*.py'); do sed -i s/foo/bar/ \"$f\"; done",
    "find . -name '*.py' | while read -r f; do sed -i s/foo/bar/ \"$f\"; done",
    "find . -name one.py -exec sh -c 'for f; do sed -i s/foo/bar/ \"$f\"; done' _ {} +",
    'cd "$(dirname src/one.py)" && rm one.py',
    "find -L links -name one.py -delete",
    "find -L . -maxdepth 3 -name '*.py' -exec sed -i s/foo/bar/ {} +",
    "cat names | xargs rm",
    "xargs sed -i s/foo/bar/ < names",
    "xargs -a names sed -i s/foo/bar/",
    "printf 'a\\0b\\0' | xargs -0 rm",
    "ls src | grep -v two | sed s/x/x/; ls | grep '^[ab]$' | xargs rm",
    "eval 'echo x > a'; trap 'echo x > b' EXIT",
    "sh <<'END'\necho x > a\nEND",
    "bash -s <<< 'echo x > a'; echo 'echo x > b' | sh",
    "cat > s.sh <<'END'\necho x > a\nEND\nsh s.sh",
    'x="$(echo y > a)"; echo "`echo y > b`"',
    "if sed -i s/foo/bar/ a; then rm b; fi; while rm docs/ünï.md; do break; done",
    "patch -s -p1 < p.diff",
    "patch -s -p1 -i p.diff",
    "patch -s a p.diff",
    "patch -s -p1 <<'END'\n" + PATCH + "END",
    "ls | grep -vx oo | xargs rm; echo a foo | tr ' ' '\\n' | grep -vw fo | xargs rm -f",
    "ls | grep '\\(a\\|b\\)' | xargs rm -f --",
    "ls | grep -E '[[:lower:]]$' | xargs rm -f --",
    "sort -o a names; sort --output=b names",
    "gzip a; gzip -k b; gunzip a.gz",
    "tar cf all.tar src; tar -czf all.tgz a",
    "chmod +x a",
    "python3 -c \"open('a', 'w').write('x')\"",
]
SCRIPTS = [
    """
from pathlib import Path
p = Path("src") / "one.py"
p.write_text(p.read_text() + "x")
""",
    """
import re
name = "a"
s = open(name).read()
with open(name, mode="a") as f:
    f.write(s)
""",
    """
import glob, pathlib
for n in ("a", "b"):
    pathlib.Path(n).write_text("x")
for n in sorted(glob.glob("src/*.py")):
    open(f"{n}.bak", "w")
for f in pathlib.Path("docs").rglob("*.md"):
    f.unlink()
""",
    """
import os, shutil, subprocess
os.remove("a")
os.rename("b", "c")
shutil.copy("src/one.py", "src/uno.py")
shutil.rmtree("docs")
os.system("echo x > d")
subprocess.run(["rm", "src/two.py"])
""",
    """
import fileinput, os
os.chdir("src")
for line in fileinput.input(["one.py", "two.py"], inplace=True):
    print(line.upper())
""",
]
LEAVES_ALONE = [
    "for f in a b; do cat $f; done",
    "echo '$(rm a)' \"\\$(rm a)\" '`rm a`'",
    "python3 -c \"print(open('a').read())\"",
    "python3 - <<'END'\nfor line in open('a', 'r'):\n    print(line.replace('a', 'b'))\nEND",
    "patch --dry-run -s -p1 < p.diff",
    "gzip -dc a; gzip -c a",
    "tar tf all.tar",
    "node -e 'console.log(1)'",
    'x=$(cat a); echo "$x"',
    "cat <<END\n$(cat a) > b\nEND",
]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("foo\n")
    (tmp_path / "p.diff").write_text(PATCH)
    (tmp_path / "names").write_text("a\nb\n")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "away").symlink_to("../src")
    (tmp_path / "links" / "back").symlink_to("..")
    return tmp_path


def held(root: Path) -> dict[str, tuple[int, bytes]]:
    files = (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path): (path.stat().st_mode, path.read_bytes()) for path in files}


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The same on every machine: this Python, texts in UTF-8, and a stand-in for each program that may be missing."""
    stand_ins = tmp_path_factory.mktemp("stand-ins")
    for name, script in STAND_INS.items():
        (stand_ins / name).write_text(f"#!/bin/sh\n{script}\n")
        (stand_ins / name).chmod(0o700)
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"], str(stand_ins)))
    return {**os.environ, "PATH": path, "LC_ALL": "C.UTF-8"}


@pytest.mark.parametrize("line", [*CHANGES, *(f"python3 - <<'END'\n{one}END" for one in SCRIPTS)])
def test_no_file_changes_that_was_not_read_out_of_the_line(
    line: str, checkout: Path, surroundings: dict[str, str]
) -> None:
    before, read = held(checkout), shell_writes(line, str(checkout)).paths
    shell = ["bash", "-c", line]
    subprocess.run(shell, cwd=checkout, env=surroundings, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    after = held(checkout)
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert changed
    real = {os.path.realpath(one): folder for one, folder in read.items()}
    for path in changed:
        under = any(path.startswith(f"{one}/") for one, folder in real.items() if folder)
        assert path in read or os.path.realpath(path) in real or under, (path, read)


@pytest.mark.parametrize("line", LEAVES_ALONE)
def test_a_line_that_writes_nothing_wants_nothing(line: str, checkout: Path) -> None:
    assert shell_writes(line, str(checkout)).is_nothing


def test_what_a_program_in_another_language_names_is_read(checkout: Path) -> None:
    line = (
        'node -e \'fs.writeFileSync("a", x); fs.renameSync(`b`, "c")\'; ruby -e \'File.write("d", 1)\'; vim -es -c wq e'
    )
    assert [Path(path).name for path in shell_writes(line, str(checkout)).paths] == ["a", "b", "c", "d", "e"]


def test_where_only_the_shell_knows_the_folder_nothing_of_this_one_is_wanted(checkout: Path) -> None:
    read = shell_writes("cd $NOBODY_SET_THIS && echo x > a; cd $(mktemp -d); rm b", str(checkout)).paths
    assert not [path for path in read if path.startswith(str(checkout))]


def test_a_folder_that_is_called_like_a_pattern_is_none(tmp_path: Path) -> None:
    folder = tmp_path / "app" / "[slug]"
    folder.mkdir(parents=True)
    for name in ("page.tsx", "route.tsx", "data.json"):
        (folder / name).touch()
    read = shell_writes("rm *.tsx", str(folder)).paths
    assert [Path(path).name for path in read] == ["page.tsx", "route.tsx"]


def test_loops_within_each_other_are_read_up_to_a_bound(checkout: Path) -> None:
    line = "echo $a $b $c > x"
    for name in "abc":
        line = f"for {name} in {{1..300}}; do {line}; {line}; done"
    assert str(checkout / "x") in shell_writes(line, str(checkout)).paths


@pytest.mark.parametrize(
    "line",
    [
        "a=xxxxxxxx; " + "a=$a$a; " * 60 + "rm $a",
        "rm " + "{a,b}" * 60_000,
        'python3 -c \'\na="xxxxxxxx"\n' + "a=a+a\n" * 60 + 'open(a, "w")\'',
        "echo " + "xyz " * 300 + "| xargs -Ix rm " + "x" * 100_000,
    ],
    ids=["variables", "braces", "python", "xargs"],
)
def test_what_grows_without_end_is_not_read_to_its_end_nor_taken_for_nothing(line: str) -> None:
    with pytest.raises(UnreadableError, match="do it in parts"):
        shell_writes(line, "/nowhere")


def test_no_pattern_is_searched_for_without_end(checkout: Path) -> None:
    for pattern in ("(a+)+b", "a*a*a*a*a*a*a*a*b", "(a|a)*b", "a?" * 60 + "b"):
        line = f"echo {'a' * 60} | grep -E '{pattern}' | xargs rm"
        assert str(checkout / ("a" * 60)) in shell_writes(line, str(checkout)).paths


def test_a_script_that_runs_itself_is_read_up_to_a_bound(checkout: Path) -> None:
    line = "cat > x.py <<END\nimport subprocess\nsubprocess.run(['python3', 'x.py'])\nopen('a', 'w')\nEND\npython3 x.py"
    assert str(checkout / "a") in shell_writes(line, str(checkout)).paths


def test_nothing_waits_for_what_a_pipe_or_a_terminal_will_say(checkout: Path) -> None:
    os.mkfifo(checkout / "pipe")
    assert shell_writes("cat pipe | xargs rm; head < pipe; cat /dev/tty | xargs rm", str(checkout)).is_nothing


@given(st.text(alphabet="ab $(){}`'\"\\\n<>|;&=,.*-", max_size=80))
def test_any_line_is_read_to_its_end(line: str) -> None:
    for one in (line, f'for a in {line}; do echo "$a" > $a; done', f"cat <<a\n{line}\na\n{line}"):
        shell_writes(one, "/nowhere")

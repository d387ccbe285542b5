"""What a line of shell obviously writes: redirections, well-known commands, and what git moves.

Reading a shell line is never complete. What is not seen here is seen by the guard at commit and push.
"""

import glob
import os
import re

from signalbox.hook.binding import bind, text_printed
from signalbox.hook.event import PATCH_BEGINS
from signalbox.hook.expansion import UNKNOWN, expanded
from signalbox.hook.lexing import without_texts, words_of
from signalbox.hook.quoting import Quoted
from signalbox.hook.wrappers import unwrapped
from signalbox.hook.writes import NOWHERE, Writes, read_git, read_move

# Not imported from `typing`: loading that takes longer than the hook runs.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterator

_BEGINS, _ENDS = frozenset({"(", "<(", ">("}), frozenset({";", "&", "|", "\n", ")"})
_WRITTEN, _READ = frozenset({">", ">>", ">|", "&>", "&>>", "<>", ">&"}), frozenset({"<", "<<", "<<<", "<&"})
_ALL_ARGUMENTS = frozenset({"rm", "rmdir", "unlink", "touch", "truncate", "shred", "tee"})
_LAST_ARGUMENT = frozenset({"mv", "cp", "ln", "install", "rsync"})
_FOLDER_FOLLOWS = re.compile(r"-[a-zA-Z]*t|--target-directory")
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh"})
_POWERSHELLS = frozenset({"pwsh", "powershell", "pwsh.exe", "powershell.exe"})
_LINE_FOLLOWS = re.compile(r"-[a-zA-Z]*c|(?i:-command)")
NESTED_MAX = 16
"""`find` and `xargs` inside of each other; what stands deeper is not read."""
LINES_MAX = 32
"""Lines inside of each other, by `sh -c`, `$(…)` and the like; what stands deeper is not read."""
_PATCHING = ("apply_patch", "applypatch")


def shell_writes(line: str, cwd: str) -> Writes:
    """What the line writes when it is run in the folder; nothing where it cannot be read."""
    found = Writes(cwd)
    read_line(line, found)
    return found


def read_line(line: str, found: Writes, given: "list[str] | None" = None) -> None:
    """Add what a line writes; ``given`` are the words that it is run with, the first of them its own name."""
    if found.lines == LINES_MAX:
        return
    found.lines += 1
    outer = found.values
    if given is not None:
        found.values = outer.copied(given)
    patches = PATCH_BEGINS in line and any(name in line for name in _PATCHING)
    quoted = Quoted(without_texts(line, found.texts))
    printed = _Printed(quoted.runs, found)
    for words in _commands(words_of(quoted.text), found, printed):
        cwd = found.cwd
        for place, one in enumerate(expanded(words, found.values, found.cwd, printed.of)):
            if place and not found.ways.take():
                break
            found.cwd, found.piped = cwd, text_printed(one, found)
            if patches and os.path.basename("".join(one[:1])) in _PATCHING:
                _read_patch(line, found)
                patches = False
            if not bind(one, found, more=place > 0):
                read_command(one, found)
            found.before.append(unwrapped(one))
        found.write_down("".join(words[:1]))
    if patches:
        _read_patch(line, found)
    if given is not None:
        found.values = outer
    found.lines -= 1


class _Printed:
    """What the lines print that stand in a line as ``$(…)``; each is read once."""

    def __init__(self, lines: list[str], found: Writes) -> None:
        self._lines, self._found = lines, found
        self._known: dict[int, str] = {}

    def of(self, number: int) -> str:
        """File names, one in a line; empty where it is not known what it prints."""
        if number not in self._known:
            from signalbox.hook.indirect import listed_by_all

            found = self._found
            cwd, before, stdin = found.cwd, found.before, found.stdin
            found.before, found.stdin = [], ""
            self._known[number] = ""
            read_line(self._lines[number], found)
            self._known[number] = "" if found.is_trial else "\n".join(listed_by_all(found.before, found))
            found.cwd, found.before, found.stdin = cwd, before, stdin
        return self._known[number]


def _read_patch(line: str, found: Writes) -> None:
    from signalbox.hook.patch import patched_paths

    for path in patched_paths(line):
        found.add(path)


def _commands(line: "Iterator[str]", found: Writes, printed: _Printed) -> "Iterator[list[str]]":
    """The simple commands of a line without their redirections, whose targets are added where the ones before have led.

    A quote that does not end ends them: the shell will not read it either, or reads it in a way of its own.
    """
    words: list[str] = []
    around: list[str] = []
    redirection = ""
    for word in line:
        if redirection and word not in _BEGINS:
            _redirect(redirection, word, found, printed)
            redirection = ""
        elif word in _WRITTEN or word in _READ:
            redirection = word
            if words and words[-1] in ("1", "2"):
                words.pop()
        elif word in _BEGINS or word in _ENDS:
            if words:
                yield words
            words, redirection, found.stdin = [], "", found.piped if word == "|" else ""
            if word != "|":
                found.before = []
            # What is in parentheses leads nobody behind them anywhere.
            if word in _BEGINS:
                around.append(found.cwd)
            elif word == ")" and around:
                found.cwd = around.pop()
        else:
            words.append(word)
    if words:
        yield words
    found.stdin = ""


def _redirect(sign: str, word: str, found: Writes, printed: _Printed) -> None:
    ways = expanded([word], found.values, found.cwd, printed.of)
    for one in (one for words in ways for one in words):
        if sign in _WRITTEN and not one.isdigit() and one != "-":
            found.add(one)
            found.targets.append(found.place(one))
        elif sign == "<<":
            found.stdin = found.texts.get(one, "")
        elif sign == "<<<":
            found.stdin = one
        elif sign == "<":
            found.stdin = "" if found.is_trial else found.text_of(one)


def read_command(words: list[str], found: Writes) -> None:
    """Add what one command writes."""
    words = unwrapped(words)
    if not words:
        return
    name, arguments = os.path.basename(words[0]), words[1:]
    plain = plain_of(arguments)
    if name in ("cd", "pushd", "popd"):
        _go(name, plain, arguments, found)
    elif name == "git":
        read_git(arguments, found)
    elif name in _SHELLS or name in _POWERSHELLS:
        _read_inner(name, arguments, found)
    elif name == "eval" or (name == "trap" and len(plain) > 1):
        read_line(" ".join(arguments) if name == "eval" else plain[0], found)
    elif name in _ALL_ARGUMENTS:
        recursive = name == "rm" and any(re.match(r"-\w*[rR]|--recursive", word) for word in arguments)
        for word in plain:
            found.add(word, folder=recursive and os.path.isdir(os.path.join(found.cwd, word)))
    elif name in _LAST_ARGUMENT:
        if name != "rsync":
            plain = plain_of(_with_folder_last(arguments))
        read_move(plain, found, sources=name == "mv")
    elif name in ("sed", "gsed", "perl", "ruby") and any(_is_in_place(word) for word in arguments):
        scripted = any(word.startswith(("-e", "-f", "--expression", "--file")) for word in arguments)
        # Beside -e stands its script, which is no file.
        files = [word for word in plain if os.path.exists(os.path.join(found.cwd, word)) or glob.has_magic(word)]
        for word in files if scripted else [one for one in plain[1:] or plain if one in files]:
            found.add(word)
    elif name in ("xargs", "find", "curl", "wget"):
        _read_indirect(name, arguments, found)
    else:
        from signalbox.hook.tools import read_tool

        read_tool(name, arguments, found)


def plain_of(arguments: list[str]) -> list[str]:
    """What is no option; all of it behind two dashes."""
    if "--" not in arguments:
        return [word for word in arguments if not word.startswith("-")]
    end = arguments.index("--")
    return [*plain_of(arguments[:end]), *(os.path.join(".", word) for word in arguments[end + 1 :])]


def _go(name: str, plain: list[str], arguments: list[str], found: Writes) -> None:
    if name == "popd":
        found.cwd = found.left.pop() if found.left else NOWHERE
        return
    if name == "cd" and arguments[:1] == ["-"]:
        found.cwd, found.former = found.former, found.cwd
        return
    if name == "pushd":
        found.left.append(found.cwd)
    target = plain[0] if plain else "~" if name == "cd" else UNKNOWN
    found.former = found.cwd
    found.cwd = NOWHERE if UNKNOWN in target else os.path.normpath(os.path.join(found.cwd, os.path.expanduser(target)))


def _read_indirect(name: str, arguments: list[str], found: Writes) -> None:
    from signalbox.hook.indirect import fetched, run_by_find, run_by_xargs

    if name in ("curl", "wget"):
        for file in fetched(name, arguments):
            found.add(file)
        return

    def writes(words: list[str]) -> bool:
        if found.is_trial:
            return True  # the trial itself finds out, so that each of a row of them is read once in it
        trial = found.on_trial()
        read_command(words, trial)
        return not trial.is_nothing

    if found.nested == NESTED_MAX:
        return
    found.nested += 1
    cwd, before = found.cwd, found.before
    if name == "find":
        runs = run_by_find(arguments, found, writes)
    else:
        runs = run_by_xargs(arguments, before, found, writes)
        found.before = []  # what it runs reads nothing of the pipe
    for words in runs:
        if found.is_run_first(words):
            read_command(words, found)
            found.cwd = cwd
    found.nested -= 1
    found.before = before


def _with_folder_last(arguments: list[str]) -> list[str]:
    """The words of a copy or a move as they are where the folder that it goes to is not named first."""
    for place, word in enumerate(arguments):
        name, sign, folder = word.partition("=")
        if name == "--target-directory" and sign:
            return [*arguments[:place], *arguments[place + 1 :], os.path.join(folder, "")]
        if _FOLDER_FOLLOWS.fullmatch(word):
            folders = [os.path.join(one, "") for one in arguments[place + 1 : place + 2]]
            return [*arguments[:place], *arguments[place + 2 :], *folders]
    return arguments


def _read_inner(name: str, arguments: list[str], found: Writes) -> None:
    """A shell that is given a line to run."""
    said = next((place for place, word in enumerate(arguments) if _LINE_FOLLOWS.fullmatch(word)), None)
    if name in _SHELLS:
        cwd, before, plain = found.cwd, found.before, plain_of(arguments)
        if said is not None:
            for line in arguments[said + 1 : said + 2]:
                read_line(line, found, arguments[said + 2 :])
        elif found.stdin and (not plain or "-s" in arguments):
            read_line(found.taken(), found, [name, *plain])
        elif plain:
            read_line(found.files.get(found.place(plain[0]), ""), found, plain)
        found.cwd, found.before = cwd, before
        return
    if said is None:
        return
    from signalbox.hook.powershell import powershell_writes

    # It takes all that follows for the line.
    found.add_those_of(powershell_writes(" ".join(arguments[said + 1 :]), found.cwd))


def _is_in_place(word: str) -> bool:
    return word.startswith("--in-place") or re.match(r"-[a-zA-Z0-9]*i", word) is not None

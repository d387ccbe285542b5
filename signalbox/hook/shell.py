"""What a line of shell obviously writes: redirections, well-known commands, and what git moves.

Reading a shell line is never complete. What is not seen here is seen by the guard at commit and push.
"""

import glob
import os
import re
import shlex

from signalbox.hook.event import PATCH_BEGINS
from signalbox.hook.wrappers import unwrapped
from signalbox.hook.writes import Writes, read_git, read_move

# Not imported from `typing`: loading that takes longer than the hook runs.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEREDOC = re.compile(r"(?<!<)<<-?\s*(['\"]?)([A-Za-z_][A-Za-z0-9_]*)\1")
_COMMENT = re.compile(r"""(?P<kept>'[^']*'|"(?:[^"\\]|\\.)*"|\\.)|(?<![^\s;&|()])\#[^\n]*""", re.DOTALL)
_PUNCTUATION = "();<>|&\n"
_SIGN = re.compile(r"&>>|&>|>>|>\||>&|<>|[<>]\(|<<<|<<|<&|.", re.DOTALL)
_BEGINS, _ENDS = frozenset({"(", "<(", ">("}), frozenset({";", "&", "|", "\n", ")"})
_WRITTEN, _READ = frozenset({">", ">>", ">|", "&>", "&>>", "<>", ">&"}), frozenset({"<", "<<", "<<<", "<&"})
_STANDING = re.compile(r"""(?<=\s)(?:\\([();])|(['"])([();])\2)(?=\s|$)""")
STANDS = {"(": "\ue028", ")": "\ue029", ";": "\ue03b"}
"""Instead of a bracket or a semicolon that a command is given, as `find` wants them."""
_ALL_ARGUMENTS = frozenset({"rm", "rmdir", "unlink", "touch", "truncate", "shred", "tee"})
_LAST_ARGUMENT = frozenset({"mv", "cp", "ln", "install", "rsync"})
_FOLDER_FOLLOWS = re.compile(r"-[a-zA-Z]*t|--target-directory")
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh"})
_POWERSHELLS = frozenset({"pwsh", "powershell", "pwsh.exe", "powershell.exe"})
_LINE_FOLLOWS = re.compile(r"-[a-zA-Z]*c|(?i:-command)")
NESTED_MAX = 16
"""`find` and `xargs` inside of each other; what stands deeper is not read."""
_GIVEN = re.compile(r"\$(?:[0-9]|\{[0-9]\})")
_PATCHING = ("apply_patch", "applypatch")


def shell_writes(line: str, cwd: str) -> Writes:
    """What the line writes when it is run in the folder; nothing where it cannot be read."""
    found = Writes(cwd)
    _read_line(line, found)
    return found


def _read_line(line: str, found: Writes, given: "list[str] | None" = None) -> None:
    patches = PATCH_BEGINS in line and any(name in line for name in _PATCHING)
    for words in _commands(_with_given(_words(line), given or []), found):
        if patches and os.path.basename(words[0]) in _PATCHING:
            _read_patch(line, found)
            patches = False
        read_command(words, found)
        found.before.append(unwrapped(words))
    if patches:
        _read_patch(line, found)


def _read_patch(line: str, found: Writes) -> None:
    from signalbox.hook.patch import patched_paths

    for path in patched_paths(line):
        found.add(path)


def _with_given(words: "Iterator[str]", given: list[str]) -> "Iterator[str]":
    """The words with what a line was given to work on, where that stands alone; the first is its own name."""
    for word in words:
        if given and word in ("$@", "$*"):
            yield from given[1:]
        elif given and _GIVEN.fullmatch(word):
            place = int(word.strip("${}"))
            yield from given[place : place + 1]
        else:
            yield word


def _commands(line: "Iterator[str]", found: Writes) -> "Iterator[list[str]]":
    """The simple commands of a line without their redirections, whose targets are added where the ones before have led.

    A quote that does not end ends them: the shell will not read it either, or reads it in a way of its own.
    """
    words: list[str] = []
    around: list[str] = []
    redirection = ""
    for word in line:
        if redirection:
            if redirection in _WRITTEN and not word.isdigit() and word != "-":
                found.add(word)
            redirection = ""
        elif word in _WRITTEN or word in _READ:
            redirection = word
            if words and words[-1] in ("1", "2"):
                words.pop()
        elif word in _BEGINS or word in _ENDS:
            if words:
                yield words
            words = []
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


def _words(line: str) -> "Iterator[str]":
    # An apostrophe in a comment opens no quote, and a line that goes on in the next one does not end.
    text = _COMMENT.sub(lambda match: "" if match["kept"] == "\\\n" else match["kept"] or "", _without_heredocs(line))
    text = _STANDING.sub(lambda match: STANDS[match[1] or match[3]], text)
    lexer = shlex.shlex(text, posix=True, punctuation_chars=_PUNCTUATION)
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        for word in lexer:
            if not word or word.strip(_PUNCTUATION):
                yield word if len(word) == 1 else _restored(word)
            else:
                yield from _SIGN.findall(word)
    except ValueError:
        return


def _restored(word: str) -> str:
    """A quoted line is read once more, with all that it says."""
    for sign, standing in STANDS.items():
        word = word.replace(standing, f"\\{sign}")
    return word


def _without_heredocs(line: str) -> str:
    kept: list[str] = []
    ends: list[str] = []
    rows = line.split("\n")
    last = {row.strip(): place for place, row in enumerate(rows)}
    for place, row in enumerate(rows):
        if ends:
            if row.strip() == ends[0]:
                ends.pop(0)
            continue
        # What has no end is none: arithmetic shifts by `<<`, too.
        begun = [match.group(2) for match in _HEREDOC.finditer(row) if last.get(match.group(2), 0) > place]
        kept.append(_HEREDOC.sub(" ", row) if begun else row)
        ends += begun
    return "\n".join(kept)


def read_command(words: list[str], found: Writes) -> None:
    """Add what one command writes."""
    words = unwrapped(words)
    if not words:
        return
    name, arguments = os.path.basename(words[0]), words[1:]
    plain = [word for word in arguments if not word.startswith("-")]
    if name in ("cd", "pushd") and plain:
        found.cwd = os.path.normpath(os.path.join(found.cwd, os.path.expanduser(plain[0])))
    elif name == "git":
        read_git(arguments, found)
    elif name in _SHELLS or name in _POWERSHELLS:
        _read_inner(name, arguments, found)
    elif name in _ALL_ARGUMENTS:
        recursive = name == "rm" and any(re.match(r"-\w*[rR]|--recursive", word) for word in arguments)
        for word in plain:
            found.add(word, folder=recursive and os.path.isdir(os.path.join(found.cwd, word)))
    elif name in _LAST_ARGUMENT:
        if name != "rsync":
            plain = [word for word in _with_folder_last(arguments) if not word.startswith("-")]
        read_move(plain, found, sources=name == "mv")
    elif name in ("sed", "gsed", "perl", "ruby") and any(_is_in_place(word) for word in arguments):
        scripted = any(word.startswith(("-e", "-f", "--expression", "--file")) for word in arguments)
        # Beside -e stands its script, which is no file.
        files = [word for word in plain if os.path.exists(os.path.join(found.cwd, word)) or glob.has_magic(word)]
        for word in files if scripted else [one for one in plain[1:] or plain if one in files]:
            found.add(word)
    elif name == "dd":
        for word in plain:
            if word.startswith("of="):
                found.add(word.removeprefix("of="))
    elif name in ("xargs", "find", "curl", "wget"):
        _read_indirect(name, arguments, found)


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
    if said is None:
        return
    if name in _SHELLS:
        cwd, before = found.cwd, found.before
        for line in arguments[said + 1 : said + 2]:
            _read_line(line, found, arguments[said + 2 :])
        found.cwd, found.before = cwd, before
        return
    from signalbox.hook.powershell import powershell_writes

    # It takes all that follows for the line.
    found.add_those_of(powershell_writes(" ".join(arguments[said + 1 :]), found.cwd))


def _is_in_place(word: str) -> bool:
    return word.startswith("--in-place") or re.match(r"-[a-zA-Z0-9]*i", word) is not None

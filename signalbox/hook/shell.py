"""What a line of shell obviously writes: redirections, well-known commands, and what git moves.

Reading a shell line is never complete. What is not seen here is seen by the guard at commit and push.
"""

import glob
import os
import re
import shlex

from signalbox.hook.event import PATCH_BEGINS

_HEREDOC = re.compile(r"<<-?\s*(['\"]?)([A-Za-z_][A-Za-z0-9_]*)\1")
_SEPARATORS = frozenset({";", "&", "&&", "||", "|", "|&", "\n", "(", ")", ";;"})
_REDIRECTIONS = frozenset({">", ">>", ">|", "&>", "&>>", "<>", ">&"})
_WRAPPERS = frozenset({"sudo", "env", "time", "nohup", "command", "exec", "builtin", "then", "else", "do", "{", "!"})
_ALL_ARGUMENTS = frozenset({"rm", "rmdir", "unlink", "touch", "truncate", "shred", "tee"})
_LAST_ARGUMENT = frozenset({"mv", "cp", "ln", "install", "rsync"})
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh"})
_PATCHING = ("apply_patch", "applypatch")
_TREE = frozenset(
    {"checkout", "switch", "stash", "rebase", "merge", "pull", "cherry-pick", "revert", "am", "bisect", "clean"}
    | {"apply", "submodule"}
)
"""Verbs of git that rewrite files of the checkout beside what they are given."""
_INDEX = frozenset({"add", "stage", "commit", "mv", "rm", "reset", "restore", "update-index", "read-tree"})
_REWRITING = frozenset({"--hard", "--merge", "--keep", "-u"})
_LOOKS_ONLY = frozenset({"list", "show"})
_GIT_OPTIONS_WITH_VALUE = frozenset({"-C", "-c", "--git-dir", "--work-tree", "--namespace"})
EXPANDED_MAX = 1_000


class Writes:
    """What a line writes, as far as it can be seen."""

    def __init__(self, cwd: str) -> None:
        self.cwd = cwd
        self.paths: dict[str, bool] = {}
        """Path -> whether it stands for a folder with all below it."""
        self.trees: dict[str, str] = {}
        """Folder of a checkout -> the mode in which its HEAD and index are needed."""
        self.branches: list[tuple[str, str]] = []
        """Folder of a checkout and a branch of it that is moved or deleted."""

    def add(self, word: str, *, folder: bool = False) -> None:
        for path in self._expanded(word):
            self.paths[path] = self.paths.get(path, False) or folder

    def move(self, folder: str, mode: str) -> None:
        if self.trees.get(folder) != "exclusive":
            self.trees[folder] = mode

    def _expanded(self, word: str) -> list[str]:
        """The paths that a word stands for; none where only a shell could tell."""
        if not word or word in ("-", "--") or "$" in word or "`" in word:
            return []
        if word == "~" or word.startswith("~/"):
            word = os.path.expanduser(word)
        path = os.path.normpath(os.path.join(self.cwd, word))
        if glob.has_magic(word):
            return sorted(glob.glob(path))[:EXPANDED_MAX] or [path]
        return [path]


def shell_writes(line: str, cwd: str) -> Writes:
    """What the line writes when it is run in the folder; nothing where it cannot be read."""
    found = Writes(cwd)
    patches = PATCH_BEGINS in line and any(name in line for name in _PATCHING)
    for words in _commands(line, found):
        if patches and os.path.basename(words[0]) in _PATCHING:
            _read_patch(line, found)
            patches = False
        _read_command(words, found)
    if patches:
        _read_patch(line, found)
    return found


def _read_patch(line: str, found: Writes) -> None:
    from signalbox.hook.patch import patched_paths

    for path in patched_paths(line):
        found.add(path)


def _commands(line: str, found: Writes) -> "list[list[str]]":
    """The simple commands of a line without their redirections, whose targets are added."""
    lexer = shlex.shlex(_without_heredocs(line), posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    lexer.commenters = ""
    commands: list[list[str]] = [[]]
    target_follows = False
    try:
        for word in lexer:
            if target_follows:
                target_follows = False
                if not word.isdigit() and word != "-":
                    found.add(word)
            elif word.startswith("<") and word not in _REDIRECTIONS:
                next(lexer, None)
            elif word in _REDIRECTIONS:
                target_follows = True
                if commands[-1] and commands[-1][-1] in ("1", "2"):
                    commands[-1].pop()
            elif word in _SEPARATORS or not word.strip("\n;&|()"):
                commands.append([])
            else:
                commands[-1].append(word)
    except ValueError:
        # A quote that does not end: the shell will not read it either, or reads it in a way of its own.
        return [words for words in commands[:-1] if words]
    return [words for words in commands if words]


def _without_heredocs(line: str) -> str:
    kept: list[str] = []
    ends: list[str] = []
    for row in line.split("\n"):
        if ends:
            if row.strip() == ends[0]:
                ends.pop(0)
            continue
        kept.append(row)
        ends += [match.group(2) for match in _HEREDOC.finditer(row)]
    return "\n".join(_HEREDOC.sub(" ", row) for row in kept)


def _read_command(words: list[str], found: Writes) -> None:
    while words and (words[0] in _WRAPPERS or re.match(r"[A-Za-z_]\w*=", words[0])):
        words = words[1:]
    if not words:
        return
    name, arguments = os.path.basename(words[0]), words[1:]
    plain = [word for word in arguments if not word.startswith("-")]
    if name == "cd" and plain:
        found.cwd = os.path.normpath(os.path.join(found.cwd, os.path.expanduser(plain[0])))
    elif name == "git":
        _read_git(arguments, found)
    elif name in _SHELLS:
        said = next((place for place, word in enumerate(arguments) if re.fullmatch(r"-[a-z]*c", word)), None)
        for line in [] if said is None else arguments[said + 1 : said + 2]:
            for inner in _commands(line, found):
                _read_command(inner, found)
    elif name in _ALL_ARGUMENTS:
        recursive = name == "rm" and any(re.match(r"-\w*[rR]|--recursive", word) for word in arguments)
        for word in plain:
            found.add(word, folder=recursive and os.path.isdir(os.path.join(found.cwd, word)))
    elif name in _LAST_ARGUMENT:
        _read_move(plain, found, sources=name == "mv")
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


def _is_in_place(word: str) -> bool:
    return word.startswith("--in-place") or re.match(r"-[a-zA-Z0-9]*i", word) is not None


def _read_move(plain: list[str], found: Writes, *, sources: bool) -> None:
    if len(plain) < 2:
        return
    target = plain[-1]
    into = os.path.isdir(os.path.join(found.cwd, target)) or target.endswith("/")
    for word in plain[:-1]:
        is_folder = os.path.isdir(os.path.join(found.cwd, word))
        if sources:
            found.add(word, folder=is_folder)
        found.add(os.path.join(target, os.path.basename(word.rstrip("/"))) if into else target, folder=is_folder)


def _read_git(arguments: list[str], found: Writes) -> None:
    folder, place = found.cwd, 0
    while place < len(arguments) and arguments[place].startswith("-"):
        if arguments[place] == "-C" and place + 1 < len(arguments):
            folder = os.path.normpath(os.path.join(folder, arguments[place + 1]))
        place += 2 if arguments[place] in _GIT_OPTIONS_WITH_VALUE else 1
    verb, rest = (arguments[place], arguments[place + 1 :]) if place < len(arguments) else ("", [])
    plain = [word for word in rest if not word.startswith("-")]
    outer, found.cwd = found.cwd, folder
    if verb in ("checkout", "restore") and "--" in rest:
        _add_all(rest[rest.index("--") + 1 :], found)
        found.move(folder, "update")
    elif verb == "restore":
        _add_all([] if "--staged" in rest and "--worktree" not in rest else plain, found)
        found.move(folder, "update")
    elif verb in _TREE:
        if not (verb in ("stash", "bisect") and plain[:1] and plain[0] in _LOOKS_ONLY):
            found.move(folder, "exclusive")
    elif verb in _INDEX:
        if verb == "mv":
            _read_move(plain, found, sources=True)
        elif verb == "rm" and "--cached" not in rest:
            _add_all(plain, found)
        rewrites = verb in ("reset", "read-tree") and not _REWRITING.isdisjoint(rest)
        found.move(folder, "exclusive" if rewrites else "update")
    elif verb == "branch" and any(re.match(r"-\w*[dDmMfcC]|--(delete|move|force|copy)", word) for word in rest):
        found.branches += [(folder, word) for word in plain]
    found.cwd = outer


def _add_all(words: list[str], found: Writes) -> None:
    for word in words:
        found.add(word, folder=os.path.isdir(os.path.join(found.cwd, word)))

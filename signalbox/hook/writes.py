"""What a line writes, whatever shell it is for: files, checkouts that are moved, branches; and what git moves."""

import glob
import os
import re

from signalbox.hook.expansion import Values

_TREE = frozenset(
    {"checkout", "switch", "stash", "rebase", "merge", "pull", "cherry-pick", "revert", "am", "bisect", "clean"}
    | {"apply", "submodule"}
)
"""Verbs of git that rewrite files of the checkout beside what they are given."""
_INDEX = frozenset({"add", "stage", "commit", "mv", "rm", "reset", "restore", "update-index", "read-tree", "push"})
"""Verbs that go one after the other in a checkout: the guard knows by that whose commit or push it is."""
_REWRITING = frozenset({"--hard", "--merge", "--keep", "-u"})
_LOOKS_ONLY = frozenset({"list", "show"})
_GIT_OPTIONS_WITH_VALUE = frozenset({"-C", "-c", "--git-dir", "--work-tree", "--namespace"})
NOWHERE = "/dev/null"
"""A folder of which only a shell could tell which one it is: nothing in it is anybody's."""
EXPANDED_MAX = 1_000
TEXT_BYTES_MAX = 65_536
"""Of a file that names files, or is a script."""
STEPS_MAX = 20_000
RUN_MAX = 4_000


class Steps:
    """How much may still be done for one line."""

    def __init__(self, most: int) -> None:
        self.left = most

    def take(self) -> bool:
        """Whether there was one left."""
        self.left -= 1
        return self.left >= 0


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
        self.former = NOWHERE
        """Where one was before, for `cd -`."""
        self.left: list[str] = []
        """Folders that `popd` leads back to."""
        self.values = Values()
        """Of variables."""
        self.before: list[list[str]] = []
        """The commands before in the same pipe."""
        self.stdin = ""
        """What the command reads, where that is known."""
        self.piped = ""
        """What the command hands to the one behind the pipe, where that is known."""
        self.ways = Steps(RUN_MAX)
        """Readings of commands whose variables have several values: of loops within each other there are powers."""
        self.texts: dict[str, str] = {}
        """Texts that stand in the line, by the sign that stands for each."""
        self.targets: list[str] = []
        """Where the output of the command goes."""
        self.files: dict[str, str] = {}
        """What the line itself writes into files, for those that it runs afterwards."""
        self.lines = 0
        """Lines inside of each other."""
        self.nested = 0
        """How many commands that run others are around the one that is read."""
        self.is_trial = False
        """Only to see whether a command writes at all: nothing is searched for, and `*` is the name of some file."""
        self.steps = Steps(STEPS_MAX)
        """Files that may be looked at, whatever searches for them."""
        self._run: set[tuple[str, ...]] = set()
        self._left = Steps(RUN_MAX)
        """Commands that others may run: of those within each other there are powers."""
        self._for_all: set[str] = set()

    def on_trial(self) -> "Writes":
        """What a command writes that is run from here."""
        trial = Writes(self.cwd)
        trial.is_trial, trial.nested, trial.lines = True, self.nested, self.lines
        trial.values = self.values.copied()
        return trial

    def place(self, word: str) -> str:
        """Where a plain word leads."""
        if word == "~" or word.startswith("~/"):
            word = os.path.expanduser(word)
        return os.path.normpath(os.path.join(self.cwd, word))

    def is_folder(self, word: str) -> bool:
        """Whether a plain word leads to a folder."""
        return os.path.isdir(self.place(word))

    def taken(self) -> str:
        """What the command reads; whatever it runs reads nothing of it any more."""
        text, self.stdin = self.stdin, ""
        return text

    def text_of(self, word: str) -> str:
        """What a file holds, or will hold once the line so far has run; the beginning of a large one."""
        from signalbox.hook.reading import UnreadableError, file_text

        path = self.place(word)
        if path in self.files:
            return self.files[path]
        if not os.path.isfile(path):
            return ""  # a terminal or a pipe would be waited for
        try:
            return file_text(path, TEXT_BYTES_MAX) or ""
        except (OSError, UnreadableError):
            return ""

    def write_down(self, name: str) -> None:
        """A command ends: what it was given to write stands in its files."""
        if name == "cat" and self.stdin:
            self.files |= dict.fromkeys(self.targets, self.stdin)
        self.targets = []

    @property
    def is_nothing(self) -> bool:
        return not (self.paths or self.trees or self.branches)

    def is_run_first(self, words: list[str]) -> bool:
        """Whether no other command has run this one here, nor too many others."""
        before = len(self._run)
        self._run.add((self.cwd, *words))
        return len(self._run) > before and self._left.take()

    def take_for_all(self, places: list[str]) -> None:
        """From here on a folder that is written stands for all below it, where it is one of these."""
        self._for_all |= {path for place in places for path in self._expanded(place)}

    def named(self, word: str) -> list[str]:
        """The files that a pattern is the name of, as they would be written; any other word stands for itself."""
        if self.is_trial or not glob.has_magic(word):
            return [word]
        return sorted(glob.glob(word, root_dir=self.cwd))[:EXPANDED_MAX] or [word]

    def add(self, word: str, *, folder: bool = False) -> None:
        for path in self._expanded(word):
            self.paths[path] = self.paths.get(path, False) or folder or path in self._for_all

    def move(self, folder: str, mode: str) -> None:
        if self.trees.get(folder) != "exclusive":
            self.trees[folder] = mode

    def add_those_of(self, others: "Writes") -> None:
        """All that was found in a part of the line."""
        for path, folder in others.paths.items():
            self.paths[path] = self.paths.get(path, False) or folder
        for top, mode in others.trees.items():
            self.move(top, mode)
        self.branches += others.branches

    def _expanded(self, word: str) -> list[str]:
        """The paths that a word stands for; none where only a shell could tell."""
        if not word or word in ("-", "--") or "$" in word or "`" in word:
            return []
        # The folder that it is seen from is no part of the pattern: one may be called `[slug]`.
        pattern = os.path.expanduser(word) if word.startswith("~/") else word
        return [self.place(name) for name in self.named(pattern)]


def read_move(plain: list[str], found: Writes, *, sources: bool) -> None:
    """The last of the words is written; with ``sources`` the others go away."""
    if len(plain) < 2:
        return
    target = plain[-1]
    into = os.path.isdir(os.path.join(found.cwd, target)) or target.endswith("/")
    for word in (name for one in plain[:-1] for name in found.named(one)):
        is_folder = os.path.isdir(os.path.join(found.cwd, word))
        if sources:
            found.add(word, folder=is_folder)
        found.add(os.path.join(target, os.path.basename(word.rstrip("/"))) if into else target, folder=is_folder)


def read_git(arguments: list[str], found: Writes) -> None:
    """Add what a verb of git moves or writes."""
    folder, place = found.cwd, 0
    while place < len(arguments) and arguments[place].startswith("-"):
        if arguments[place] == "-C" and place + 1 < len(arguments):
            folder = os.path.normpath(os.path.join(folder, arguments[place + 1]))
        place += 2 if arguments[place] in _GIT_OPTIONS_WITH_VALUE else 1
    verb, rest = (arguments[place], arguments[place + 1 :]) if place < len(arguments) else ("", [])
    plain = [word for word in rest if not word.startswith("-")]
    outer, found.cwd = found.cwd, folder
    if verb in ("checkout", "restore") and "--" in rest:
        add_all(rest[rest.index("--") + 1 :], found)
        found.move(folder, "update")
    elif verb == "restore":
        add_all([] if "--staged" in rest and "--worktree" not in rest else plain, found)
        found.move(folder, "update")
    elif verb in _TREE:
        if not (verb in ("stash", "bisect") and plain[:1] and plain[0] in _LOOKS_ONLY):
            found.move(folder, "exclusive")
    elif verb in _INDEX:
        if verb == "mv":
            read_move(plain, found, sources=True)
        elif verb == "rm" and "--cached" not in rest:
            add_all(plain, found)
        rewrites = verb in ("reset", "read-tree") and not _REWRITING.isdisjoint(rest)
        found.move(folder, "exclusive" if rewrites else "update")
    elif verb == "branch" and any(re.match(r"-\w*[dDmMfcC]|--(delete|move|force|copy)", word) for word in rest):
        found.branches += [(folder, word) for word in plain]
    found.cwd = outer


def add_all(words: list[str], found: Writes) -> None:
    """Add files and folders."""
    for word in words:
        found.add(word, folder=os.path.isdir(os.path.join(found.cwd, word)))

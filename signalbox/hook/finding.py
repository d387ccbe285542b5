"""What `find` finds: which files each of its actions may reach, judged by names, paths and kinds alone."""

import os
import re

from signalbox.hook.judging import Look, all_of, always, any_of, each_of, kind, matching, not_, prune, unknown
from signalbox.hook.lexing import STANDS
from signalbox.hook.wrappers import unwrapped

# Not imported from `typing`: loading that takes longer than the hook runs.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from signalbox.hook.judging import Judge
    from signalbox.hook.writes import Writes

FOUND_MAX = 1_000
"""Of all actions of a search together; beyond it the places where the search begins stand for all that is in them."""
BRACKETS_MAX = 32
"""Within each other; further ones are passed over."""
NO_END = 1 << 30
_BEFORE_PLACES = frozenset(("-H", "-L", "-P"))
_RUNNING = frozenset(("-exec", "-execdir", "-ok", "-okdir"))
_PRINTING = frozenset(("-print", "-print0", "-printf", "-ls"))
_INTO_FILE = frozenset(("-fprint", "-fprint0", "-fls", "-fprintf"))
_NAMES = frozenset(("-name", "-iname"))
_PATHS = frozenset(("-path", "-wholename", "-ipath", "-iwholename"))
_ALONE = frozenset(
    ("-empty", "-readable", "-writable", "-executable", "-nouser", "-nogroup", "-quit", "-print", "-print0", "-ls")
)
"""Tests and actions without a word behind them, of which one cannot tell here whether they hold."""
_SETTING = frozenset(
    {"-true", "-depth", "-d", "-mount", "-xdev", "-x", "-follow", "-daystart", "-warn", "-nowarn", "-noleaf"}
    | {"-ignore_readdir_race", "-noignore_readdir_race"}
)
"""Those that hold always."""
_TAKING = frozenset(
    {"-atime", "-ctime", "-mtime", "-amin", "-cmin", "-mmin", "-size", "-perm", "-links", "-inum", "-used"}
    | {"-uid", "-gid", *_NAMES, *_PATHS, "-type", "-regex", "-iregex", "-lname", "-ilname"}
)
"""Tests whose word may begin with a dash."""


class Find:
    """The arguments of a `find`, read."""

    def __init__(self, arguments: list[str]) -> None:
        begin = 0
        while begin < len(arguments) and arguments[begin] in _BEFORE_PLACES:
            begin += 1
        end = begin
        while end < len(arguments) and not arguments[end].startswith(("-", "!", STANDS["("])):
            end += 1
        self.places = arguments[begin:end] or ["."]
        led = [word for word in arguments[:begin] if word in _BEFORE_PLACES]
        self.follows = led[-1:] == ["-L"] or "-follow" in arguments[end:]
        """Whether it goes where links lead."""
        self.actions: list[tuple[str, list[str]]] = []
        """Its actions with their words; what runs a command has the command."""
        self.shallowest, self.deepest = 0, NO_END
        self._words, self._next = arguments, end
        self._prunes = not any(word in ("-delete", "-depth", "-d") for word in arguments[end:])
        judges: list[Judge] = []
        while self._next < len(arguments):
            judges.append(self._group(0))  # a bracket that nobody opened ends none
        self._judge = all_of(judges)

    def searched(self, actions: "list[int]", writes: "Writes") -> list[list[str]]:
        """For each of the actions, by its number, the files that may reach it, and what is below them; what removes a
        folder with all in it is told of the folder alone."""
        found: dict[int, list[str]] = {action: [] for action in actions}
        removing = {action for action in actions if _takes_all(self.actions[action][1])}
        total = 0
        open_ = [(place, 0, frozenset(actions), frozenset[str]()) for place in reversed(self.places)]
        while open_:
            path, depth, left, above = open_.pop()
            full = os.path.join(writes.cwd, os.path.expanduser(path))
            # A link that leads to a folder around it is looked at, and not gone into again.
            real = os.path.realpath(full) if self.follows else full
            enters = depth == 0 or real not in above if self.follows else depth == 0 or not os.path.islink(full)
            look = Look(path, full, is_folder=os.path.isdir(full) and enters, follows=self.follows)
            if not writes.steps.take() or total > FOUND_MAX:
                writes.take_for_all(self.places)
                return [self.places] * len(actions)
            if depth >= self.shallowest:
                self._judge(look, self._prunes)
            for action in left & look.reached:
                found[action].append(path)
                total += 1
            left -= look.reached & removing
            if look.is_folder and not look.is_pruned and depth < self.deepest and left:
                within = above | {real} if self.follows else above
                open_ += [(os.path.join(path, name), depth + 1, left, within) for name in _names_in(full)]
        return list(found.values())

    def printed(self, writes: "Writes") -> list[str]:
        """The files whose names it prints, itself or by what it runs."""
        printing = [number for number, (name, _) in enumerate(self.actions) if name in _PRINTING]
        if not printing:
            printing = [number for number, (name, _) in enumerate(self.actions) if name in _RUNNING]
        if not self.actions:
            self._judge = all_of([self._judge, self._acting("-print", [], (True, False))])
            printing = [0]
        return list(dict.fromkeys(file for files in self.searched(printing, writes) for file in files))

    def _taken(self) -> str:
        self._next += 1
        return self._words[self._next - 1] if self._next <= len(self._words) else ""

    def _group(self, brackets: int) -> "Judge":
        """All up to the bracket that ends it: lists of alternatives of tests."""
        lists: list[list[list[Judge]]] = [[[]]]
        while self._next < len(self._words):
            word = self._taken()
            if word == STANDS[")"]:
                break
            if word == ",":
                lists.append([[]])
            elif word in ("-o", "-or"):
                lists[-1].append([])
            elif word not in ("-a", "-and"):
                lists[-1][-1].append(self._one(word, brackets))
        return each_of([any_of([all_of(tests) for tests in ways]) for ways in lists])

    def _one(self, word: str, brackets: int) -> "Judge":
        turned = False
        while word in ("!", "-not"):
            turned, word = not turned, self._taken()
        if word == STANDS["("]:
            one = self._group(brackets + 1) if brackets < BRACKETS_MAX else always
        else:
            one = self._test(word)
        return not_(one) if turned else one

    def _test(self, word: str) -> "Judge":
        if word in _RUNNING:
            return self._running(word)
        if word == "-delete":
            return self._acting(word, ["rm", "-r", "{}"], (True, False))
        if word in _INTO_FILE:
            return self._acting(word, [self._taken(), *([self._taken()] if word == "-fprintf" else [])], (True, False))
        if word in _PRINTING:
            return self._acting(word, [self._taken()] if word == "-printf" else [], (True, False))
        if word == "-prune":
            return prune
        if word == "-false":
            return not_(always)
        if word in _SETTING or not word:
            return always
        if word in _ALONE or not word.startswith("-"):
            return unknown
        behind = self._words[self._next : self._next + 1]
        if not behind or (word not in _TAKING and behind[0].startswith("-")):
            return unknown
        return self._with_value(word, self._taken())

    def _with_value(self, word: str, value: str) -> "Judge":
        if word in ("-maxdepth", "-mindepth"):
            if value.isdecimal() and word == "-maxdepth":
                self.deepest = int(value)
            elif value.isdecimal():
                self.shallowest = int(value)
            return always
        if "$" in value or "`" in value:
            return unknown
        if word in _NAMES or word in _PATHS:
            return matching(value, by_name=word in _NAMES, folds=word[1] == "i")
        return kind(value) if word == "-type" else unknown

    def _running(self, name: str) -> "Judge":
        run: list[str] = []
        while self._next < len(self._words):
            word = self._taken()
            if word == STANDS[";"]:
                break
            if word == "+" and run[-1:] == ["{}"]:
                return self._acting(name, run, (True, False))
            run.append(word)
        return self._acting(name, run, (True, True))

    def _acting(self, name: str, words: list[str], holds: tuple[bool, bool]) -> "Judge":
        number = len(self.actions)
        self.actions.append((name, words))

        def judge(look: Look, _: bool) -> tuple[bool, bool]:
            look.reached.add(number)
            return holds

        return judge


def _takes_all(words: list[str]) -> bool:
    run = unwrapped(words)
    return os.path.basename("".join(run[:1])) == "rm" and any(re.match(r"-\w*[rR]|--recursive", one) for one in run)


def _names_in(folder: str) -> list[str]:
    """The last first; what git keeps for itself is left out."""
    try:
        return sorted((name for name in os.listdir(folder) if name != ".git"), reverse=True)
    except OSError:
        return []

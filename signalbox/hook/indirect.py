"""Commands that run others: what stands before a command, `find` and `xargs` with their files; and what is fetched."""

import os
import re
from fnmatch import fnmatchcase

from signalbox.hook.shell import STANDS

# Not imported from `typing`: loading that takes longer than the hook runs.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Writing = Callable[[list[str]], bool]

ANY = "*"
"""Some file, to see whether a command would write it at all: to look for all of them takes a while."""
VISITED_MAX = 20_000
FOUND_MAX = 1_000
"""Beyond either the places where the search begins stand for all that is in them."""
_XARGS_VALUES = frozenset(
    {"-n", "-P", "-I", "-L", "-d", "-a", "-s", "-E", "-J", "-R", "--max-args", "--max-procs", "--max-lines"}
    | {"--delimiter", "--arg-file", "--max-chars"}
)
_PASSING = frozenset(("sort", "uniq", "head", "tail", "tac", "shuf", "tr", "cat"))
_SEARCHING = frozenset(("grep", "egrep", "fgrep", "rg", "ag"))
_NAMES_ONLY = re.compile(r"-[a-zA-Z0-9]*[lL][a-zA-Z0-9]*|--files-with(out)?-match(es)?|--files|--name-only")
_PATTERN_SAID = re.compile(r"-[ef].*|--files|--regexp.*|--file.*")
_RUNNING = frozenset(("-exec", "-execdir", "-ok", "-okdir"))
_BEFORE_PLACES = frozenset(("-H", "-L", "-P"))
_FETCHED = {
    "curl": (re.compile(r"-[sSfLkgvniIRJO#0-9]*o(.*)|--output(?:=(.*))?"), re.compile(r"--output-dir(?:=(.*))?")),
    "wget": (
        re.compile(r"-[qcNvdxSnrkpmEHKl]*O(.*)|--output-document(?:=(.*))?"),
        re.compile(r"-[qcNvdxSnrkpmEHKl]*P(.*)|--directory-prefix(?:=(.*))?"),
    ),
}
"""What says the file, and the folder."""
_BY_ADDRESS = re.compile(r"-[a-zA-Z#0-9]*O[a-zA-Z#0-9]*|--remote-name(-all)?")


def run_by_xargs(arguments: list[str], before: list[list[str]], cwd: str, writes: "Writing") -> "Iterator[list[str]]":
    """The commands that `xargs` runs, with what those before it in the pipe list; none that only read."""
    place, holder = 0, ""
    while place < len(arguments) and arguments[place].startswith("-"):
        word = arguments[place]
        if word.startswith("-I"):
            holder = word[2:] or "".join(arguments[place + 1 : place + 2])
        place += 2 if word in _XARGS_VALUES else 1
    words = arguments[place:]
    if not words or not writes([word.replace(holder, ANY) for word in words] if holder else [*words, ANY]):
        return
    listed: list[str] = []
    for command in before:
        listed = listed_by(command, listed, cwd)
    yield from _for_each(words, holder, listed) if holder else [[*words, *listed]]


def run_by_find(arguments: list[str], cwd: str, writes: "Writing") -> "Iterator[list[str]]":
    """The commands that `find` runs, with the files that it finds; `rm` for what it deletes; none that only read."""
    files: list[str] | None = None
    behind = 0
    for place, word in enumerate(arguments):
        if place < behind:
            continue  # what `find` runs says nothing to `find`
        if word in ("-fprint", "-fprint0", "-fls", "-fprintf"):
            yield ["touch", *arguments[place + 1 : place + 2]]
        elif word == "-delete" or word in _RUNNING:
            run = arguments[place + 1 :]
            end = next((number for number, one in enumerate(run) if one in (STANDS[";"], "+")), len(run))
            run, behind = (["rm", "-r", "{}"], 0) if word == "-delete" else (run[:end], place + 1 + end)
            if writes([one.replace("{}", ANY) for one in run]):
                files = listed_by_find(arguments, cwd) if files is None else files
                yield from _for_each(run, "{}", files)


def _for_each(words: list[str], holder: str, files: list[str]) -> "Iterator[list[str]]":
    for file in files:
        yield [word.replace(holder, file) for word in words]


def listed_by_find(arguments: list[str], cwd: str) -> list[str]:
    """What `find` finds, by names, paths and kinds alone; the places where it begins, where that is too much.

    A folder stands for all below it.
    """
    begin = 0
    while begin < len(arguments) and arguments[begin] in _BEFORE_PLACES:
        begin += 1
    end = begin
    while end < len(arguments) and not arguments[end].startswith(("-", "!", STANDS["("])):
        end += 1
    places, tests = arguments[begin:end] or ["."], arguments[end:]
    ways = [way for way in _ways(tests) if "-prune" not in way]
    said = [tests[place + 1 : place + 2] for place, word in enumerate(tests) if word == "-maxdepth"]
    deepest = int(said[0][0]) if said and said[0] and said[0][0].isdecimal() else VISITED_MAX
    found: list[str] = []
    visited = 0
    open_ = [(place, 0) for place in reversed(places)]
    while open_:
        path, depth = open_.pop()
        full = os.path.join(cwd, os.path.expanduser(path))
        is_folder = os.path.isdir(full) and (depth == 0 or not os.path.islink(full))
        visited += 1
        if visited > VISITED_MAX or len(found) > FOUND_MAX:
            return places
        if any(_fits(way, path, is_folder) for way in ways):
            found.append(path)
        elif is_folder and depth < deepest:
            open_ += [(os.path.join(path, name), depth + 1) for name in _names_in(full)]
    return found


def _names_in(folder: str) -> list[str]:
    """The last first; what git keeps for itself is left out."""
    try:
        return sorted((name for name in os.listdir(folder) if name != ".git"), reverse=True)
    except OSError:
        return []


def _ways(tests: list[str]) -> list[list[str]]:
    """The alternatives of an expression; brackets are not looked at."""
    ways: list[list[str]] = [[]]
    for word in tests:
        if word in ("-o", "-or"):
            ways.append([])
        elif word not in (STANDS["("], STANDS[")"]):
            ways[-1].append(word)
    return ways


def _fits(way: list[str], path: str, is_folder: bool) -> bool:
    """Whether nothing in it that can be judged here says no."""
    name = os.path.basename(path)
    for place, word in enumerate(way[:-1]):
        if place and way[place - 1] in ("!", "-not"):
            continue
        pattern = way[place + 1]
        if word == "-type":
            fits = pattern not in ("f", "d") or is_folder is (pattern == "d")
        elif word in ("-name", "-iname"):
            fits = fnmatchcase(name, pattern) or (word == "-iname" and fnmatchcase(name.lower(), pattern.lower()))
        else:
            fits = word not in ("-path", "-wholename") or fnmatchcase(path, pattern)
        if not fits:
            return False
    return True


def listed_by(words: list[str], before: list[str], cwd: str) -> list[str]:
    """The files that a command prints for the one behind the pipe, as far as that can be seen without running it."""
    name, arguments = os.path.basename("".join(words[:1])), words[1:]
    plain = [word for word in arguments if not word.startswith("-")]
    if name in _PASSING or (name in _SEARCHING and before):
        return before
    if name == "find":
        return listed_by_find(arguments, cwd)
    if name in ("echo", "ls"):
        return plain
    if name == "printf":
        return plain[1:]
    asked = [word for word in arguments if _NAMES_ONLY.fullmatch(word)]
    if name == "git" and (plain[:1] == ["ls-files"] or (plain[:1] == ["grep"] and asked)):
        return _places(plain[1:] if plain[0] == "ls-files" else _behind_pattern(plain[1:], arguments), cwd)
    return _places(_behind_pattern(plain, arguments), cwd) if name in _SEARCHING and asked else []


def _behind_pattern(plain: list[str], arguments: list[str]) -> list[str]:
    return plain if any(_PATTERN_SAID.fullmatch(word) for word in arguments) else plain[1:]


def _places(words: list[str], cwd: str) -> list[str]:
    """Those that are there, but for the whole folder in which the line is run: who searches that means a few files."""
    paths = {word: os.path.normpath(os.path.join(cwd, word)) for word in words}
    return [word for word, path in paths.items() if path != os.path.normpath(cwd) and os.path.exists(path)]


def fetched(name: str, arguments: list[str]) -> list[str]:
    """The files that `curl` or `wget` write, by what is said, or by the last part of the address."""
    into, below = (_said(pattern, arguments) for pattern in _FETCHED[name])
    if not into and (name == "wget" or any(_BY_ADDRESS.fullmatch(word) for word in arguments)):
        addresses = (word for word in arguments if re.match(r"[a-z]+://", word))
        into = [re.split(r"[?#]", one)[0].rpartition("/")[2] for one in addresses]
    return [os.path.join("".join(below[-1:]), file) for file in into if file not in ("", "-")]


def _said(pattern: "re.Pattern[str]", arguments: list[str]) -> list[str]:
    found: list[str] = []
    for place, word in enumerate(arguments):
        match = pattern.fullmatch(word)
        if match:
            value = next((one for one in match.groups() if one), "")
            found += [value] if value else arguments[place + 1 : place + 2]
    return found

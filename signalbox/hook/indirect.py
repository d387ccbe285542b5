"""Commands that run others: what stands before a command, `find` and `xargs` with their files; and what is fetched."""

import os
import re

# Not imported from `typing`: loading that takes longer than the hook runs.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from signalbox.hook.writes import Writes

    Writing = Callable[[list[str]], bool]

ANY = "*"
"""Some file, to see whether a command would write it at all: to look for all of them takes a while."""
_XARGS_VALUES = frozenset(
    {"-n", "-P", "-I", "-L", "-d", "-a", "-s", "-E", "-J", "-R", "--max-args", "--max-procs", "--max-lines"}
    | {"--delimiter", "--arg-file", "--max-chars"}
)
_PASSING = frozenset(("sort", "uniq", "head", "tail", "tac", "shuf", "tr", "cat"))
_SEARCHING = frozenset(("grep", "egrep", "fgrep", "rg", "ag"))
_NAMES_ONLY = re.compile(r"-[a-zA-Z0-9]*[lL][a-zA-Z0-9]*|--files-with(out)?-match(es)?|--files|--name-only")
_PATTERN_SAID = re.compile(r"-[ef].*|--files|--regexp.*|--file.*")
_OF_ITS_OWN = re.compile(r"\[[:.=]|\)[*+?{]|\\[0-9<>]")
"""What one search by a pattern means and another does not, and what may take for ever."""
_OF_ITS_OWN_OR_PLAIN = re.compile(rf"{_OF_ITS_OWN.pattern}|[+?(){{}}]|^\*")
"""The same for a pattern where some of the signs mean themselves, or something only behind a backslash."""
_REPEATED = re.compile(r"[*+?{]")
LOOKED_AT_MAX = 10_000_000
"""Steps that a search for a pattern in one name may take at worst; beyond it the name counts as met."""
_FETCHED = {
    "curl": (re.compile(r"-[sSfLkgvniIRJO#0-9]*o(.*)|--output(?:=(.*))?"), re.compile(r"--output-dir(?:=(.*))?")),
    "wget": (
        re.compile(r"-[qcNvdxSnrkpmEHKl]*O(.*)|--output-document(?:=(.*))?"),
        re.compile(r"-[qcNvdxSnrkpmEHKl]*P(.*)|--directory-prefix(?:=(.*))?"),
    ),
}
"""What says the file, and the folder."""
_BY_ADDRESS = re.compile(r"-[a-zA-Z#0-9]*O[a-zA-Z#0-9]*|--remote-name(-all)?")


def run_by_xargs(
    arguments: list[str], before: list[list[str]], found: "Writes", writes: "Writing"
) -> "Iterator[list[str]]":
    """The commands that `xargs` runs, with what those before it in the pipe list; none that only read."""
    place, holder, listed = 0, "", found.taken().split()
    while place < len(arguments) and arguments[place].startswith("-"):
        word = arguments[place]
        if word.startswith("-I"):
            holder = word[2:] or "".join(arguments[place + 1 : place + 2])
        if word in ("-a", "--arg-file"):
            listed = found.text_of("".join(arguments[place + 1 : place + 2])).split()
        place += 2 if word in _XARGS_VALUES else 1
    words = arguments[place:]
    if not words or not writes([word.replace(holder, ANY) for word in words] if holder else [*words, ANY]):
        return
    listed = [ANY] if found.is_trial else listed or listed_by_all(before, found)
    yield from _for_each(words, holder, listed, found) if holder else [[*words, *listed]]


def run_by_find(arguments: list[str], found: "Writes", writes: "Writing") -> "Iterator[list[str]]":
    """The commands that `find` runs, with the files that it finds; `rm` for what it deletes; none that only read."""
    from signalbox.hook.finding import Find

    find = Find(arguments)
    runs: list[int] = []
    for number, (name, words) in enumerate(find.actions):
        if name.startswith("-fp") or name == "-fls":
            yield ["touch", *words[:1]]
        elif name == "-delete" or (words and writes([word.replace("{}", ANY) for word in words])):
            runs.append(number)
    if runs and found.is_trial:
        yield from ([word.replace("{}", ANY) for word in find.actions[number][1]] for number in runs)
    elif runs:
        for number, files in zip(runs, find.searched(runs, found), strict=True):
            yield from _for_each(find.actions[number][1], "{}", files, found)


def _for_each(words: list[str], holder: str, files: list[str], found: "Writes") -> "Iterator[list[str]]":
    for file in files:
        found.values.room.take(sum(word.count(holder) for word in words) * len(file))
        yield [word.replace(holder, file) for word in words]


def listed_by_all(before: list[list[str]], found: "Writes") -> list[str]:
    """The files that the last command of a pipe prints."""
    listed: list[str] = []
    for command in before:
        listed = listed_by(command, listed, found)
    return listed


def listed_by(words: list[str], before: list[str], found: "Writes") -> list[str]:
    """The files that a command prints for the one behind the pipe, as far as that can be seen without running it."""
    name, arguments = os.path.basename("".join(words[:1])), words[1:]
    plain = [word for word in arguments if not word.startswith("-")]
    if name == "cat" and plain:
        return [line for word in plain for line in found.text_of(word).splitlines()]
    if name in _SEARCHING and before:
        return _filtered(plain[:1], arguments, before)
    if name in _PASSING:
        return before
    if name == "find":
        from signalbox.hook.finding import Find

        return Find(arguments).printed(found)
    if name == "ls":
        return [one for word in plain or ["."] for one in _shown_of(word, found)]
    if name == "echo":
        return [one for word in plain for one in word.split()]
    if name == "printf":
        return plain[1:] if len(plain) > 1 else [one for one in re.split(r"\\[n0]|\s", "".join(plain)) if one]
    if name in _PRINTING_PLACES:
        return _PRINTING_PLACES[name](found.cwd, plain)
    asked = [word for word in arguments if _NAMES_ONLY.fullmatch(word)]
    if name == "git":
        return _listed_by_git(plain, arguments, asked, found)
    return _places(_behind_pattern(plain, arguments), found.cwd) if name in _SEARCHING and asked else []


def _listed_by_git(plain: list[str], arguments: list[str], asked: list[str], found: "Writes") -> list[str]:
    from signalbox.hook.finding import Find

    if plain[:1] == ["rev-parse"] and "--show-toplevel" in arguments:
        folder = found.cwd
        while not os.path.exists(os.path.join(folder, ".git")) and folder != os.path.dirname(folder):
            folder = os.path.dirname(folder)
        return [folder]
    if plain[:1] == ["grep"] and asked:
        return _places(_behind_pattern(plain[1:], arguments), found.cwd)
    if plain[:1] != ["ls-files"]:
        return []
    # A pattern of git meets what lies in folders below, too.
    patterns = [word for word in plain[1:] if "*" in word]
    files = [file for one in patterns for file in Find([".", "-type", "f", "-path", f"./{one}"]).printed(found)]
    return [*_places([word for word in plain[1:] if word not in patterns], found.cwd), *files]


def _filtered(pattern: list[str], arguments: list[str], before: list[str]) -> list[str]:
    """Those of the names that a search lets through; all of them where it is one of a kind that is not known here."""
    options = "".join(word[1:] for word in arguments if word.startswith("-"))
    # What meets whole words or lines leaves out less than what meets a part of them.
    if not pattern or set(options) - set("Eiv" if "v" in options else "Eivwx"):
        return before
    if (_OF_ITS_OWN if "E" in options else _OF_ITS_OWN_OR_PLAIN).search(pattern[0]):
        return before
    text = pattern[0] if "E" in options else pattern[0].replace("\\|", "|")
    try:
        looked = re.compile(text, re.IGNORECASE if "i" in options else 0)
    except (re.error, OverflowError, RecursionError):
        return before
    power = 1 + len(_REPEATED.findall(text))
    return [
        name
        for name in before
        if len(name) ** power > LOOKED_AT_MAX or (looked.search(name) is None) == ("v" in options)
    ]


def _shown_of(word: str, found: "Writes") -> list[str]:
    """What `ls` shows of a word: the names in a folder, without it."""
    try:
        return sorted(name for name in os.listdir(found.place(word)) if not name.startswith("."))
    except OSError:
        return found.named(word)


def _base(_: str, plain: list[str]) -> list[str]:
    return [os.path.basename(word).removesuffix("".join(plain[1:2])) for word in plain[:1]]


_PRINTING_PLACES: "dict[str, Callable[[str, list[str]], list[str]]]" = {
    "pwd": lambda cwd, _: [cwd],
    "dirname": lambda _, plain: [os.path.dirname(word) or "." for word in plain],
    "basename": _base,
    "realpath": lambda cwd, plain: [os.path.realpath(os.path.join(cwd, word)) for word in plain],
}


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

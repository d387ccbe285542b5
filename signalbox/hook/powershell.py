"""What a line of PowerShell obviously writes: redirections, the cmdlets that write files with their aliases, and git.

Its quotes and escapes are not those of a Unix shell, and a backslash is a part of a path.
"""

import os
import re

from signalbox.hook.shell import read_command
from signalbox.hook.writes import Writes, read_git

# Not imported from `typing`: loading that takes longer than the hook runs.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = re.compile(
    r"""(?P<here>@(['"])[ \t]*\r?\n(?:.*?\n)??\2@)"""
    r"""|(?P<comment><#.*?#>|(?<!\S)\#[^\n]*|`\r?\n)"""
    r"""|(?P<quoted>'(?:[^']|'')*'|"(?:[^"`]|`.|"")*")"""
    r"""|(?P<redirection>[1-6*]?>>?(?:&\d)?)"""
    r"""|(?P<end>\|\||&&|[|;\n(){}&])"""
    r"""|(?P<word>(?:`(?!\r?\n).|[^\s'"|;(){}&>`])+)""",
    re.DOTALL,
)
_WRITTEN = frozenset(
    {
        "set-content",
        "sc",
        "add-content",
        "ac",
        "clear-content",
        "clc",
        "out-file",
        "tee-object",
        "tee",
        "new-item",
        "ni",
    }
    | {"mkdir", "md", "export-csv", "epcsv", "export-clixml", "set-item", "si"}
)
_REMOVED = frozenset({"remove-item", "ri", "rm", "rmdir", "rd", "del", "erase"})
_COPIED = frozenset({"copy-item", "copy", "cp", "cpi"})
_RENAMED = frozenset({"rename-item", "ren", "rni"})
_MOVED = frozenset({"move-item", "move", "mv", "mi"}) | _RENAMED
_ENTERED = frozenset({"set-location", "cd", "chdir", "sl", "push-location", "pushd"})
_PATHS = ("-path", "-literalpath", "-filepath", "-pspath", "-lp")
_TARGETS = ("-destination", "-newname")
_NAMES = ("-name",)
_SWITCHES = frozenset(
    {"-force", "-recurse", "-append", "-nonewline", "-noclobber", "-confirm", "-whatif", "-passthru", "-verbose"}
    | {"-asbytestream", "-notypeinformation", "-nti", "-container", "-r", "-fo"}
)
"""Parameters without a value behind them."""
_INVOKED = re.compile(r"\[(?:System\.)?IO\.File\]::(?:Write|Append|Create|Delete)\w*\(\s*(['\"])(.+?)\1", re.IGNORECASE)


def powershell_writes(line: str, cwd: str) -> Writes:
    """What the line writes when it is run in the folder, as far as it can be seen."""
    found = Writes(cwd)
    for match in _INVOKED.finditer(line):
        found.add(_native(match.group(2)))
    for words in _commands(line, found):
        _read_command(words, found)
    return found


def _commands(line: str, found: Writes) -> "Iterator[list[str]]":
    """The commands of the line without their redirections, whose targets are added where the ones before have led."""
    words: list[str] = []
    target_follows = False
    previous_end = -1
    for match in _TOKEN.finditer(line):
        text = match.group()
        if match.lastgroup == "end":
            if words:
                yield words
            words, target_follows = [], False
        elif match.lastgroup == "redirection":
            target_follows = "&" not in text
        elif match.lastgroup != "comment":
            word = _plain(text)
            if target_follows:
                target_follows = False
                if word.lower() != "$null":
                    found.add(_native(word))
            elif words and match.start() == previous_end:
                # `a'b'` is one word.
                words[-1] += word
            else:
                words.append(word)
        previous_end = match.end()
    if words:
        yield words


def _plain(text: str) -> str:
    """A word without its quotes and escapes; what a text of several lines says is no path."""
    if text[:2] in ("@'", '@"'):
        return ""
    if text[:1] == "'":
        return text[1:-1].replace("''", "'")
    if text[:1] == '"':
        text = text[1:-1].replace('""', '"')
    return re.sub(r"`(.)", r"\1", text, flags=re.DOTALL)


def _read_command(words: list[str], found: Writes) -> None:
    name = words[0].replace("\\", "/").rpartition("/")[2].lower()
    if name in ("git", "git.exe"):
        read_git(words[1:], found)
        return
    named, placed = _arguments(words[1:])
    plain, paths, targets = [one for many in placed for one in many], named.get("path", []), named.get("target", [])
    if name in _ENTERED and (paths or plain):
        found.cwd = os.path.normpath(os.path.join(found.cwd, os.path.expanduser(_native((paths or plain)[0]))))
    elif name in _REMOVED:
        for path in paths or plain:
            _add(path, found)
    elif name in _WRITTEN:
        places = paths or [one for many in placed[:1] for one in many]
        for path in [f"{place}/{one}" for place in places or ["."] for one in named.get("name", [])] or places:
            _add(path, found)
    elif name in _COPIED | _MOVED:
        sources, behind = (paths, placed) if paths else (placed[0] if placed else [], placed[1:])
        targets = targets or [one for many in behind[:1] for one in many]
        _read_transfer(sources, targets, found, moves=name in _MOVED, renames=name in _RENAMED)
    else:
        # Programs of other systems, as they come with git for Windows.
        read_command(words, found)


def _arguments(words: list[str]) -> "tuple[dict[str, list[str]], list[list[str]]]":
    """The paths that are named, the targets that are named, and what stands by its place: each may be a list."""
    named: dict[str, list[str]] = {}
    placed: list[list[str]] = []
    kind = ""
    goes_on = False
    for word in words:
        lowered, colon, value = word.partition(":")
        lowered = lowered.lower()
        if word.startswith("-") and len(word) > 1 and not word[1].isdigit():
            kind = _kind_of(lowered)
            if colon and value:
                named.setdefault(kind, []).extend(_listed(value))
                kind = ""
        elif kind:
            named.setdefault(kind, []).extend(_listed(word))
            # A list goes on behind its comma.
            kind = kind if word.endswith(",") else ""
        else:
            # A list goes on behind its comma, and before the next one.
            if placed and (goes_on or word.startswith(",")):
                placed[-1] += _listed(word)
            else:
                placed.append(_listed(word))
            goes_on = word.endswith(",")
    return named, placed


def _kind_of(parameter: str) -> str:
    """What follows a parameter; empty where nothing does. Names may be cut short where they stay clear."""
    if parameter in _SWITCHES:
        return ""
    if any(one.startswith(parameter) for one in _PATHS) and len(parameter) > 2:
        return "path"
    if any(one.startswith(parameter) for one in _TARGETS) and len(parameter) > 2:
        return "target"
    if any(one.startswith(parameter) for one in _NAMES) and len(parameter) > 2:
        return "name"
    return "other"


def _listed(word: str) -> list[str]:
    return [one for one in word.split(",") if one]


def _read_transfer(sources: list[str], targets: list[str], found: Writes, *, moves: bool, renames: bool) -> None:
    for source in sources:
        if moves:
            _add(source, found)
        for target in targets:
            place, name = _native(target), os.path.basename(_native(source).rstrip("/"))
            if renames:
                place = os.path.join(os.path.dirname(_native(source)), place)
            elif os.path.isdir(os.path.join(found.cwd, place)) or target.endswith(("/", "\\")):
                place = os.path.join(place, name)
            found.add(place, folder=os.path.isdir(os.path.join(found.cwd, _native(source))))


def _add(word: str, found: Writes) -> None:
    place = _native(word)
    found.add(place, folder=os.path.isdir(os.path.join(found.cwd, place)))


def _native(word: str) -> str:
    """A path as this system writes it: PowerShell takes both slashes everywhere."""
    return word.replace("\\", "/") if os.sep == "/" else word

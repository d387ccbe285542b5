"""Further programs that write what they are given, each in a way of its own: editors, packers, patches, scripts."""

import os
import re

# Not imported from `typing`: loading that takes longer than the hook runs.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from signalbox.hook.writes import Writes

_EDITORS = frozenset({"ed", "ex", "vi", "vim", "nvim", "nano", "emacs"})
_EDITOR_VALUES = frozenset({"-c", "-S", "-u", "-p", "--cmd", "-i", "-s"})
_PACKERS = {"gzip": ".gz", "bzip2": ".bz2", "xz": ".xz", "zstd": ".zst"}
_UNPACKERS = {"gunzip": ".gz", "bunzip2": ".bz2", "unxz": ".xz"}
_INTO = {"sort": ("-o", "--output"), "shuf": ("-o", "--output"), "pandoc": ("-o", "--output")}
_MODES = frozenset({"chmod", "chown", "chgrp"})
_PYTHON = re.compile(r"python[0-9.]*|pypy3?")
_SCRIPTED = {
    "node": ("-e", "--eval", "-p", "--print"),
    "nodejs": ("-e",),
    "bun": ("-e",),
    "deno": ("eval",),
    "ruby": ("-e",),
}
_PATCHED = re.compile(r"^(?:\+\+\+|---) ([^\t\n]+)", re.MULTILINE)
_INPLACE = re.compile(r"-i\s*inplace|--include=inplace|inplace")


def read_tool(name: str, arguments: list[str], found: "Writes") -> None:
    """Add what it writes; nothing for a program that is not known here."""
    plain = [word for word in arguments if not word.startswith("-")]
    if name == "dd":
        files = [word.removeprefix("of=") for word in plain if word.startswith("of=")]
    elif name in _EDITORS:
        files = _without_values(arguments, _EDITOR_VALUES)
    elif name in _PACKERS:
        decoded = any(re.fullmatch(r"-\w*d\w*|--decompress", word) for word in arguments)
        files = [] if _to_output(arguments) else _packed(plain, _PACKERS[name], packs=not decoded)
    elif name in _UNPACKERS:
        files = [] if _to_output(arguments) else _packed(plain, _UNPACKERS[name], packs=False)
    elif name in _INTO:
        files = _said(_INTO[name], arguments)
    elif name == "uniq":
        files = plain[1:2]
    elif name == "tar":
        files = _archive(arguments)
    elif name in ("zip", "sponge"):
        files = plain[:1]
    elif name in _MODES:
        files = plain[1:]
    elif name in ("awk", "gawk") and any(_INPLACE.fullmatch(word) for word in arguments):
        files = [word for word in plain if os.path.isfile(found.place(word))]
    elif name == "patch":
        files = _patched(arguments, plain, found)
    else:
        _read_script(name, arguments, plain, found)
        return
    for file in files:
        found.add(file)


def _read_script(name: str, arguments: list[str], plain: list[str], found: "Writes") -> None:
    """A script that stands in the line: behind an option, as what is read, or in a file that the line has written."""
    python = _PYTHON.fullmatch(name) is not None
    if not python and name not in _SCRIPTED:
        return
    from signalbox.hook.scripts import read_javascript, read_python

    texts = _said(("-c",) if python else _SCRIPTED[name], arguments)
    if not texts and (not plain or arguments[:1] == ["-"]):
        texts = [found.taken()]
    elif not texts:
        texts = [found.files.get(found.place(plain[0]), "")]
    for text in texts:
        if text and python:
            read_python(text, found)
        elif text:
            read_javascript(text, found)


def _without_values(arguments: list[str], valued: "frozenset[str]") -> list[str]:
    found: list[str] = []
    skip = False
    for word in arguments:
        if skip or word.startswith(("-", "+")):
            skip = not skip and word in valued and word != "-s"
            continue
        found.append(word)
    return found


def _said(names: "tuple[str, ...]", arguments: list[str]) -> list[str]:
    found: list[str] = []
    for place, word in enumerate(arguments):
        name, sign, value = word.partition("=")
        if word in names:
            found += arguments[place + 1 : place + 2]
        elif sign and name in names:
            found.append(value)
    return found


def _to_output(arguments: list[str]) -> bool:
    return any(re.fullmatch(r"-\w*[cl]\w*|--stdout|--to-stdout|--list|--test|-t", word) for word in arguments)


def _packed(plain: list[str], ending: str, *, packs: bool) -> list[str]:
    others = [word + ending if packs else word.removesuffix(ending) for word in plain]
    return [*plain, *others]


def _archive(arguments: list[str]) -> list[str]:
    """The archive that is made or added to; what is taken out of one is not known here."""
    first = "".join(arguments[:1])
    letters = first if first.startswith("-") else f"-{first}"
    makes = any(re.fullmatch(r"-\w*[cru]\w*|--create|--append|--update", word) for word in (letters, *arguments[1:]))
    if not makes:
        return []
    for place, word in enumerate([letters, *arguments[1:]]):
        if re.fullmatch(r"-\w*f|--file", word):
            return arguments[place + 1 : place + 2]
        if word.startswith("--file="):
            return [word.removeprefix("--file=")]
    return []


def _patched(arguments: list[str], plain: list[str], found: "Writes") -> list[str]:
    """The file that is named, else those that the patch names, less so many folders as it says."""
    if any(word in ("--dry-run", "-C", "--check") for word in arguments):
        return []
    into = _said(("-o", "--output"), arguments)
    source = _said(("-i", "--input"), arguments)
    folder = _said(("-d", "--directory"), arguments)
    named = [word for word in plain if word not in (*into, *source, *folder) and not word.isdecimal()]
    if into or named:
        return into or named[:1]
    text = found.text_of(source[0]) if source else found.taken()
    levels = next((int(word[2:]) for word in arguments if re.fullmatch(r"-p\d+", word)), None)
    if levels is None:
        levels = next((int(one) for one in _said(("-p", "--strip"), arguments) if one.isdecimal()), None)
    names = [one.strip() for one in _PATCHED.findall(text) if one.strip() != "/dev/null"]
    cut = [one.split("/", levels)[-1] if levels is not None else os.path.basename(one) for one in names]
    return [os.path.join("".join(folder[:1]), one) for one in dict.fromkeys(cut)]

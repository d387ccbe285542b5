"""What quotes keep from a shell, and what it runs for a part of a word: set aside before a line is cut into words."""

import re

LETTER_MAX = 0x7F
_SHUT = 0xE000
_WITHIN = 0xE100
"""A dollar between double quotes: what stands for it is one word."""
_RUN, _RUN_WITHIN = 0xF0000, 0x100000
RUNS_MAX = 1_000
_SPECIAL = "$`{},"
_STAND_FOR_THEMSELVES = "();"
"""Signs that a command is given, which whoever reads that command looks for."""
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{1,4})|x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))", re.DOTALL)
_NAMED = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "v": "\v"}
DOLLAR_WITHIN = chr(_WITHIN + ord("$"))
_SHUT_SINGLE = {ord(sign): chr(_SHUT + ord(sign)) for sign in _SPECIAL}
_SHUT_ALL = {**_SHUT_SINGLE, ord("'"): chr(_SHUT + ord("'"))}
_SHUT_WITHIN = {**_SHUT_SINGLE, ord("$"): DOLLAR_WITHIN, ord("{"): "{", ord("}"): "}"}
_ENDS, _ENDS_WITHIN = re.compile(r"[\\`$'\"]"), re.compile(r"[\\`$\"]")
_CLOSES = {sign: re.compile(rf"\\.|{sign}", re.DOTALL) for sign in "`'\""}
_IN_BRACKETS = re.compile(r"\\.|['\"()]", re.DOTALL)


class Quoted:
    """A line whose quoted signs mean nothing, and the lines that stand in it as ``$(…)``."""

    def __init__(self, line: str) -> None:
        self.runs: list[str] = []
        self._line, self._at = line, 0
        self._written: list[str] = []
        while self._at < len(line):
            self._one(line[self._at], within=False)
        self.text = "".join(self._written)

    def _one(self, sign: str, *, within: bool) -> None:
        line, at = self._line, self._at
        if sign == "\\":
            self._escaped(line[at + 1 : at + 2], within=within)
        elif sign == "`":
            end = _after(line, at + 1, "`")
            self._run(line[at + 1 : end - 1].replace("\\`", "`"), end, within=within)
        elif line.startswith("$((", at):
            self._written.append("$_")  # a number, which names no file
            self._at = _after_bracket(line, at + 2)
        elif line.startswith("$(", at):
            end = _after_bracket(line, at + 2)
            self._run(line[at + 2 : end - 1], end, within=within)
        elif within:
            end = _plain_to(_ENDS_WITHIN, line, at + 1)
            self._written.append(line[at:end].translate(_SHUT_WITHIN))
            self._at = end
        elif line.startswith("$'", at):
            end = _after(line, at + 2, "'")
            text = _ESCAPED.sub(_meant, line[at + 2 : end - 1])
            self._written.append("'" + text.translate(_SHUT_ALL) + "'")
            self._at = end
        elif sign == "'":
            end = _after(line, at + 1, "'", escapes=False)
            self._written.append(line[at:end].translate(_SHUT_SINGLE))
            self._at = end
        elif sign == '"':
            self._double()
        else:
            end = _plain_to(_ENDS, line, at + 1)
            self._written.append(line[at:end])
            self._at = end

    def _double(self) -> None:
        self._written.append('"')
        self._at += 1
        while self._at < len(self._line) and self._line[self._at] != '"':
            self._one(self._line[self._at], within=True)
        self._written.append(self._line[self._at : self._at + 1])
        self._at += 1

    def _escaped(self, sign: str, *, within: bool) -> None:
        stands = sign != "" and sign in ("$`" if within else _SPECIAL)
        self._written.append(sign.translate(_SHUT_SINGLE) if stands else "\\" + sign)
        self._at += 2

    def _run(self, line: str, end: int, *, within: bool) -> None:
        self._at = end
        if len(self.runs) == RUNS_MAX:
            self._written.append("$_")
            return
        self._written.append(chr((_RUN_WITHIN if within else _RUN) + len(self.runs)))
        self.runs.append(line)


def opened(word: str) -> str:
    """The word as it was written between its quotes."""
    if word.isascii():
        return word
    return "".join(_open(sign) for sign in word)


def run_of(sign: str) -> "tuple[int, bool] | None":
    """Which of the lines that are run stands there, and whether between double quotes."""
    place = ord(sign)
    if _RUN <= place < _RUN + RUNS_MAX:
        return place - _RUN, False
    return (place - _RUN_WITHIN, True) if _RUN_WITHIN <= place < _RUN_WITHIN + RUNS_MAX else None


def _open(sign: str) -> str:
    place = ord(sign)
    for base in (_SHUT, _WITHIN):
        if base < place <= base + LETTER_MAX and chr(place - base) not in _STAND_FOR_THEMSELVES:
            return chr(place - base)
    return sign


def _meant(match: "re.Match[str]") -> str:
    if match[4]:
        return _NAMED.get(match[4], match[4])
    return chr(int(match[1] or match[2], 16) if match[1] or match[2] else int(match[3], 8))


def _plain_to(ends: "re.Pattern[str]", line: str, at: int) -> int:
    found = ends.search(line, at)
    return len(line) if found is None else found.start()


def _after(line: str, at: int, sign: str, *, escapes: bool = True) -> int:
    """Behind the sign that ends what begins here."""
    ends = _CLOSES[sign] if escapes else re.compile(re.escape(sign))
    while (found := ends.search(line, at)) is not None:
        at = found.end()
        if found[0] == sign:
            return at
    return len(line) + 1


def _after_bracket(line: str, at: int) -> int:
    """Behind the bracket that ends what begins here, past quotes and other brackets."""
    depth = 1
    while (found := _IN_BRACKETS.search(line, at)) is not None:
        at = found.end()
        if found[0] in ("'", '"'):
            at = _after(line, at, found[0], escapes=found[0] == '"')
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth == 0:
            return at
    return len(line) + 1

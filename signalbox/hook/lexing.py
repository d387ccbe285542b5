"""A line of shell cut into words and signs, without its comments and the texts that stand in it."""

import re
import shlex

# Not imported from `typing`: loading that takes longer than the hook runs.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEREDOC = re.compile(r"(?<!<)<<-?\s*\\?(['\"]?)([A-Za-z_][A-Za-z0-9_]*)\1")
_COMMENT = re.compile(r"""(?P<kept>'[^']*'|"(?:[^"\\]|\\.)*"|\\.)|(?<![^\s;&|()])\#[^\n]*""", re.DOTALL)
_PUNCTUATION = "();<>|&\n"
_SIGN = re.compile(r"&>>|&>|>>|>\||>&|<>|[<>]\(|<<<|<<|<&|.", re.DOTALL)
_STANDING = re.compile(r"""(?<=\s)(?:\\([();])|(['"])([();])\2)(?=\s|$)""")
STANDS = {"(": "\ue028", ")": "\ue029", ";": "\ue03b"}
"""Instead of a bracket or a semicolon that a command is given, as `find` wants them."""
_TEXTS, TEXTS_MAX = 0xE800, 500


def words_of(line: str) -> "Iterator[str]":
    """Words and signs up to a quote that does not end."""
    text = _STANDING.sub(lambda match: STANDS[match[1] or match[3]], line)
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


def without_texts(line: str, texts: "dict[str, str]") -> str:
    """The line without comments and without the texts that stand in it, each of which is named by a sign."""
    kept: list[str] = []
    ends: list[str] = []
    signs: list[str] = []
    rows = line.split("\n")
    last = {row.strip(): place for place, row in enumerate(rows)}
    for place, row in enumerate(rows):
        if ends:
            if row.strip() == ends[0]:
                ends.pop(0)
                signs.pop(0)
            else:
                texts[signs[0]] += row + "\n"
            continue
        # What has no end is none: arithmetic shifts by `<<`, too.
        begun = [match.group(2) for match in _HEREDOC.finditer(row) if last.get(match.group(2), 0) > place]
        for _ in begun:
            signs.append(chr(_TEXTS + min(len(texts), TEXTS_MAX)))
            texts.setdefault(signs[-1], "")
        kept.append(_named(row, signs[len(ends) :]) if begun else row)
        ends += begun
    # An apostrophe in a comment opens no quote, and a line that goes on in the next one does not end.
    return _COMMENT.sub(lambda match: "" if match["kept"] == "\\\n" else match["kept"] or "", "\n".join(kept))


def _named(row: str, signs: list[str]) -> str:
    following = iter(signs)
    return _HEREDOC.sub(lambda _: f" << {next(following, '')} ", row)

"""What stands before a command and runs it: `sudo`, `env`, `timeout` and the like."""

import os
import re
import shlex

_WITH_VALUE = {
    **dict.fromkeys(("if", "elif", "while", "until", "then", "else", "do", "{", "!"), ()),
    **dict.fromkeys(("nohup", "command", "builtin", "setsid", "taskset"), ()),
    "sudo": ("-u", "-g", "-h", "-p", "-C", "-r", "-t", "-T", "-U", "-D", "-R", "--user", "--group", "--chdir"),
    "doas": ("-u", "-C"),
    "env": ("-u", "-C", "--unset", "--chdir"),
    "nice": ("-n", "--adjustment"),
    "ionice": ("-c", "-n", "--class", "--classdata"),
    "timeout": ("-s", "-k", "--signal", "--kill-after"),
    "stdbuf": ("-i", "-o", "-e", "--input", "--output", "--error"),
    "time": ("-o", "-f", "--output", "--format"),
    "exec": ("-a",),
    "flock": ("-w", "-E", "--timeout", "--wait", "--conflict-exit-code"),
}
"""What runs the command behind it, with those of its options that a word follows."""
_BETWEEN = frozenset({"timeout", "flock", "taskset"})
"""A word stands between their options and the command."""
_SPLIT = re.compile(r"(?:-[iv0]*S|--split-string(?:=|$))(.*)", re.DOTALL)
"""By it `env` takes one word for several."""


def unwrapped(words: list[str]) -> list[str]:
    """The command that is run in the end, without what stands before it."""
    while words:
        name = os.path.basename(words[0])
        if re.match(r"[A-Za-z_]\w*=", words[0]):
            words = words[1:]
            continue
        if name not in _WITH_VALUE:
            return words
        if name == "command" and words[1:2] in (["-v"], ["-V"]):
            return []
        words = words[1:]
        while words and words[0].startswith("-"):
            if name == "env" and (said := _SPLIT.fullmatch(words[0])):
                words = _split(said[1], words[1:])
                continue
            words = words[2 if words[0] in _WITH_VALUE[name] else 1 :]
        words = words[name in _BETWEEN :]
    return words


def _split(text: str, behind: list[str]) -> list[str]:
    """What `env -S` makes of it; nothing where a quote in it does not end."""
    if not text:
        text, behind = "".join(behind[:1]), behind[1:]
    try:
        return [*shlex.split(text), *behind]
    except ValueError:
        return []

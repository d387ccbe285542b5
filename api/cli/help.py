"""The help of the command line: first words by what one wants to do, and values as words."""

import re
from collections.abc import Mapping
from copy import copy
from inspect import Parameter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, get_args, get_origin

from typer.core import TyperCommand, TyperGroup
from typer.models import ArgumentInfo, OptionInfo

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter

GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "Begin": ("up", "status", "demo", "completion"),
    "Plan and do work": ("project", "plan", "import", "task", "worker"),
    "Look on": ("watch", "top", "attention", "explain", "events"),
    "Pipelines": ("pipeline", "run", "gate", "fact", "proposal"),
    "Sessions and locks": ("session", "lock", "quota", "note", "inbox"),
    "Coding agents": ("connect", "disconnect", "doctor", "git-guard", "mcp", "hook"),
    "The past": ("replay", "debug", "bookmark", "audit"),
    "Run a server": ("key", "node", "projections"),
}
"""Every first word once, in the order of the help."""
NAMES: Final = ("--help", "-h")
_TYPE: Final = re.compile(r" <[^|]*>$")
_VALUES: Final = {str: "TEXT", int: "NUMBER", float: "NUMBER", Path: "PATH"}


class Grouped(TyperGroup):
    """The first words below what they are for."""

    def format_commands(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        width = max(len(name) for names in GROUPS.values() for name in names)
        room = formatter.width - 6 - width
        for title, names in GROUPS.items():
            known = [(name, self.commands[name]) for name in names if name in self.commands]
            rows = [(name.ljust(width), one.get_short_help_str(room)) for name, one in known]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


class Worded(TyperCommand):
    """Arguments without a type of Python behind their name."""

    def format_options(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        for title, kind in (("Arguments", "argument"), ("Options", "option")):
            told = [one.get_help_record(ctx) for one in self.get_params(ctx) if one.param_type_name == kind]
            rows = [(_TYPE.sub("", name) if kind == "argument" else name, words) for name, words in filter(None, told)]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def worded(parameter: Parameter) -> Parameter:
    """The parameter with a name for its value that says no type of Python; choices stay as they are."""
    if get_origin(parameter.annotation) is not Annotated:
        return parameter
    kind, *told = get_args(parameter.annotation)
    words = [_named(parameter.name, kind, one) for one in told]
    return parameter.replace(annotation=Annotated[(kind, *words)])


def _named(name: str, kind: object, told: object) -> object:
    if not isinstance(told, OptionInfo | ArgumentInfo) or told.metavar is not None:
        return told
    value = next((one for one in (kind, *get_args(kind), *_inner(kind)) if one in _VALUES), None)
    if value is None:
        return told
    renamed = copy(told)
    renamed.metavar = name.upper() if isinstance(told, ArgumentInfo) else _VALUES[value]
    return renamed


def _inner(kind: object) -> tuple[object, ...]:
    """What stands inside of an optional list."""
    return tuple(inner for one in get_args(kind) for inner in get_args(one))

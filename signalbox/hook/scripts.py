"""What a script that stands in a line obviously writes: files that it names by words of its own."""

import ast
import os
import re
from itertools import islice, product

# Not imported from `typing`: loading that takes longer than the hook runs.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable

    from signalbox.hook.writes import Writes

SCRIPT_CHARACTERS_MAX = 200_000
STEPS_MAX = 20_000
"""Parts of a script that are looked at."""
VALUES_MAX = 200
"""Of one name, and that one part of a script may come to."""
_BY_ARGUMENT = {
    **dict.fromkeys(("remove", "unlink", "truncate", "rmdir", "removedirs", "chmod", "rmtree", "mkstemp"), (0,)),
    **dict.fromkeys(("rename", "renames", "replace", "move"), (0, 1)),
    **dict.fromkeys(("copy", "copy2", "copyfile", "copytree", "copymode", "symlink", "link"), (1,)),
}
"""Functions of `os` and `shutil`, with the places of the arguments that they write."""
_MODULES = frozenset({"os", "shutil"})
_OF_PATH = frozenset({"write_text", "write_bytes", "unlink", "touch", "rmdir", "chmod", "symlink_to", "hardlink_to"})
_MOVES_PATH = frozenset({"rename", "replace"})
_PATHS = frozenset({"Path", "PurePath", "PosixPath", "str", "fspath", "abspath", "realpath", "expanduser"})
_RUNS = frozenset({"system", "popen", "run", "call", "check_call", "check_output", "Popen", "getoutput"})
_SCRIPT_WRITES = re.compile(
    r"\b(?:writeFile|appendFile|createWriteStream|unlink|rm|rmdir|truncate|rename|copyFile|cp|write|binwrite|delete)(?:Sync)?"
    r"\(\s*(['\"`])([^'\"`\n$]+)\1(?:\s*,\s*(['\"`])([^'\"`\n$]+)\3)?"
)
_TWO_FILES = re.compile(r"\b(?:rename|copyFile|cp)")
_RUBY_OPENS = re.compile(r"\bopen\(\s*(['\"])([^'\"\n#]+)\1\s*,\s*['\"][wa]")


def read_javascript(text: str, found: "Writes") -> None:
    """Add the files that calls of `fs`, or of Ruby's `File`, name."""
    for match in _SCRIPT_WRITES.finditer(text[:SCRIPT_CHARACTERS_MAX]):
        found.add(match[2])
        if match[4] and _TWO_FILES.match(match[0]):
            found.add(match[4])
    for match in _RUBY_OPENS.finditer(text[:SCRIPT_CHARACTERS_MAX]):
        found.add(match[2])


def read_python(text: str, found: "Writes") -> None:
    """Add the files that a Python script opens for writing, moves and removes; nothing where it cannot be read."""
    from signalbox.hook.shell import LINES_MAX

    if len(text) > SCRIPT_CHARACTERS_MAX or found.lines == LINES_MAX:
        return
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    cwd = found.cwd
    found.lines += 1  # a script may run itself
    _Script(found).read(tree)
    found.lines -= 1
    found.cwd = cwd


class _Script:
    def __init__(self, found: "Writes") -> None:
        self._found = found
        self._names: dict[str, list[str]] = {}
        self._steps = 0

    def read(self, tree: ast.AST) -> None:
        """In the order in which it is written, so that names have the values that they have by then."""
        open_ = [tree]
        while open_ and self._steps < STEPS_MAX:
            self._steps += 1
            node = open_.pop()
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self._bind(target, node.value)
            elif isinstance(node, ast.For | ast.comprehension):
                self._each(node.target, node.iter)
            elif isinstance(node, ast.NamedExpr | ast.AnnAssign) and node.value is not None:
                self._bind(node.target, node.value)
            elif isinstance(node, ast.Call):
                self._call(node)
            open_ += reversed(list(ast.iter_child_nodes(node)))

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self._names[target.id] = self._members(value) or self._values(value)

    def _each(self, target: ast.expr, row: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self._names[target.id] = self._members(row) or self._values(row)

    def _members(self, row: ast.expr) -> list[str]:
        """The texts of a list that is written out, or that a search by a pattern finds."""
        if isinstance(row, ast.List | ast.Tuple | ast.Set):
            return [value for one in row.elts for value in self._values(one)][:VALUES_MAX]
        if not isinstance(row, ast.Call) or not row.args:
            return []
        name, on = _called(row)
        if name in ("sorted", "list", "set", "tuple"):
            return self._members(row.args[0]) or self._values(row.args[0])
        patterns = self._values(row.args[0])
        if name in ("glob", "iglob") and on is not None:
            places = [""] if _is_module(on, "glob") else self._values(on)
            return [value for one in patterns for place in places for value in self._found.named(_below(place, one))]
        if name == "rglob" and on is not None:
            from signalbox.hook.finding import Find

            return [
                file
                for one in patterns
                for place in self._values(on)
                for file in Find([place, "-name", one]).printed(self._found)
            ][:VALUES_MAX]
        return []

    def _values(self, node: "ast.expr | None") -> list[str]:
        """The texts that a part may be; none where only the script itself could tell."""
        self._steps += 1
        if node is None or self._steps > STEPS_MAX:
            return []
        if isinstance(node, ast.Constant):
            return [node.value] if isinstance(node.value, str) else []
        if isinstance(node, ast.Name):
            return self._names.get(node.id, [])
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.Add):
            put = _below if isinstance(node.op, ast.Div) else _behind
            return self._put(put, self._values(node.left), self._values(node.right))
        if isinstance(node, ast.JoinedStr):
            return self._joined(node)
        if isinstance(node, ast.IfExp):
            return [*self._values(node.body), *self._values(node.orelse)][:VALUES_MAX]
        if isinstance(node, ast.Call):
            return self._made(node)
        return []

    def _joined(self, node: ast.JoinedStr) -> list[str]:
        found = [""]
        for part in node.values:
            values = self._values(part.value if isinstance(part, ast.FormattedValue) else part)
            found = self._put(_behind, found, values)
        return found

    def _put(self, put: "Callable[[str, str], str]", left: list[str], right: list[str]) -> list[str]:
        found: list[str] = []
        for one, two in islice(product(left, right), VALUES_MAX):
            self._found.values.room.take(len(one) + len(two))
            found.append(put(one, two))
        return found

    def _made(self, node: ast.Call) -> list[str]:
        name, _ = _called(node)
        if name in ("join", "Path", "PurePath", "PosixPath", "joinpath") and len(node.args) > 1:
            found = self._values(node.args[0])
            for part in node.args[1:]:
                found = self._put(_below, found, self._values(part))
            return found
        if name in _PATHS and node.args:
            return self._values(node.args[0])
        return ["."] if name in ("Path", "cwd", "getcwd") else []

    def _call(self, node: ast.Call) -> None:
        name, on = _called(node)
        first = node.args[0] if node.args else None
        if name == "open":
            is_path = on is not None and not (isinstance(on, ast.Name) and on.id in ("io", "os", "codecs", "gzip"))
            if self._writes(node, 0 if is_path else 1):
                self._add(on if is_path else first)
        elif name in _OF_PATH and on is not None and not _is_module(on, *_MODULES):
            self._add(on)
        elif name in _MOVES_PATH and on is not None and len(node.args) == 1:
            places = self._values(on)
            if places and all("\n" not in one for one in places):
                self._add(on)
                self._add(first)
        elif name in _BY_ARGUMENT and (on is None or _is_module(on, *_MODULES)):
            for place in _BY_ARGUMENT[name]:
                if place < len(node.args):
                    self._add(node.args[place], folder=name in ("rmtree", "copytree", "move"))
        elif name == "chdir" and self._values(first):
            self._found.cwd = self._found.place(self._values(first)[-1])
        elif name == "input" and on is not None and _is_module(on, "fileinput"):
            if any(one.arg == "inplace" for one in node.keywords):
                self._add(first or next((one.value for one in node.keywords if one.arg == "files"), None))
        elif name in _RUNS and on is not None and first is not None:
            self._run(first)

    def _run(self, first: ast.expr) -> None:
        from signalbox.hook.shell import read_command, read_line

        if isinstance(first, ast.List | ast.Tuple):
            words = [self._values(one) for one in first.elts]
            if words and all(words):
                read_command([one[0] for one in words], self._found)
            return
        for line in self._values(first):
            read_line(line, self._found)

    def _writes(self, node: ast.Call, place: int) -> bool:
        said = node.args[place] if place < len(node.args) else None
        mode = next((one.value for one in node.keywords if one.arg == "mode"), said)
        return any(set(value) & set("wax+") for value in self._values(mode))

    def _add(self, node: "ast.expr | None", *, folder: bool = False) -> None:
        members = self._members(node) if isinstance(node, ast.List | ast.Tuple) else []
        for value in members or self._values(node):
            self._found.add(value, folder=folder and self._found.is_folder(value))


def _called(node: ast.Call) -> "tuple[str, ast.expr | None]":
    """The name of what is called, and what it is called on."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr, node.func.value
    return (node.func.id if isinstance(node.func, ast.Name) else ""), None


def _is_module(node: ast.expr, *names: str) -> bool:
    return isinstance(node, ast.Name) and node.id in names


def _behind(one: str, two: str) -> str:
    return one + two


def _below(folder: str, place: str) -> str:
    return place if place.startswith("/") or not folder else os.path.join(folder, place)

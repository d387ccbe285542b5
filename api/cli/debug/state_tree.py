"""A state as a tree that opens a level at a time, so that a large one costs what is looked at."""

from collections.abc import Collection
from typing import Final

from rich.style import Style
from rich.text import Text
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from api.cli.replay.telling import value
from api.cli.words import printable
from domain.kernel.past.trees import Path, parts_of
from domain.kernel.past.trees import Tree as Plain

CHILDREN_MAX: Final = 500
"""Parts of one part that are shown; how many more there are is said."""
OPENED_CHANGES_MAX: Final = 20
"""Changed fields whose parts are opened by themselves."""
Branch = tuple[Path, Plain]
"""Where a part is, and what it holds."""


class StateTree(Tree[Branch | None]):
    """The folded state of a stream; what the event changed stands out, and what was opened stays so."""

    def __init__(self) -> None:
        super().__init__("", id="state-tree")
        self._opened: set[Path] = set()
        self._changed: frozenset[Path] = frozenset()
        self._above: frozenset[Path] = frozenset()

    def tell(self, title: str, tree: Plain, changed: Collection[Path]) -> None:
        """What stands there from now on, with the paths that the event changed."""
        self._changed = frozenset(changed)
        shown = list(changed)[:OPENED_CHANGES_MAX]
        self._above = frozenset(path[:length] for path in shown for length in range(len(path)))
        self.clear()
        self.root.set_label(Text(printable(title), no_wrap=True))
        self.root.data = ((), tree)
        self._fill(self.root)
        self.root.expand()

    def on_tree_node_expanded(self, event: "Tree.NodeExpanded[Branch | None]") -> None:
        if event.node.data is not None:
            self._opened.add(event.node.data[0])
        self._fill(event.node)

    def on_tree_node_collapsed(self, event: "Tree.NodeCollapsed[Branch | None]") -> None:
        if event.node.data is not None:
            self._opened.discard(event.node.data[0])

    def _fill(self, node: TreeNode[Branch | None]) -> None:
        """Put the parts of a part below it, and of those that are open theirs."""
        ahead = [node]
        while ahead:
            now = ahead.pop()
            if now.children or now.data is None:
                continue
            path, tree = now.data
            parts = parts_of(tree)
            for name, part in parts[:CHILDREN_MAX]:
                below = (*path, name)
                inner = len(parts_of(part))
                if not inner:
                    now.add_leaf(self._label(below, f"{name}: {value(part)}"), None)
                    continue
                opened = below in self._opened or below in self._above
                child = now.add(self._label(below, f"{name} ({inner})"), (below, part), expand=opened)
                ahead += [child] if opened else []
            if len(parts) > CHILDREN_MAX:
                now.add_leaf(Text(f"… {len(parts) - CHILDREN_MAX:,} more"), None)

    def _label(self, path: Path, words: str) -> Text:
        changed = path in self._changed
        return Text(printable(words), Style(bold=True, color="yellow") if changed else Style(), no_wrap=True)

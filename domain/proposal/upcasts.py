"""Pure steps that lead stored proposal events of former versions to the current ones; none was superseded so far."""

from collections.abc import Mapping
from typing import Final

from domain.kernel.registry import Upcast

UPCASTS: Final[Mapping[str, tuple[str, Upcast]]] = {}
"""Former stored name -> (next stored name, step)."""

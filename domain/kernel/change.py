"""Another value like one, with some fields changed: how every state moves on."""

from collections.abc import Callable
from dataclasses import fields, make_dataclass
from functools import cache
from inspect import signature
from operator import attrgetter
from typing import TYPE_CHECKING, Any

__all__ = ["changer_of", "replace"]

if TYPE_CHECKING:
    from dataclasses import replace  # so that names and types of the fields are checked
else:

    def replace(value, /, **changes):
        """What ``dataclasses.replace`` gives for a frozen and slotted class, in a tenth of the time."""
        return changer_of(type(value))(value, changes)


@cache
def changer_of(kind: type[Any]) -> Callable[[Any, dict[str, Any]], Any]:
    """How values of the class are changed.

    To freeze a class makes each of its fields slow to set, and a command copies large states several times. So the
    copy is made as a twin of the class that is not frozen; it has the same slots and may become one of the class.
    """
    names = [field.name for field in fields(kind)]
    twin = make_dataclass(kind.__name__, names, slots=True)
    values_of, several = attrgetter(*names), len(names) > 1  # one name alone gives no tuple
    finish: Callable[..., None] | None = getattr(kind, "__post_init__", None)
    given = [] if finish is None else list(signature(finish).parameters)[1:]

    def copied(value: Any, changes: dict[str, Any]) -> Any:
        new = twin(*values_of(value)) if several else twin(values_of(value))
        for name, wanted in changes.items():
            setattr(new, name, wanted)
        new.__class__ = kind
        return new

    def finished(value: Any, changes: dict[str, Any]) -> Any:
        late = [changes.pop(name, None) for name in given]
        new = copied(value, changes)
        if finish is not None:
            finish(new, *late)
        return new

    return copied if finish is None else finished

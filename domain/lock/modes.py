"""The four modes of a claim and which of them tolerate each other."""

from typing import Final

from domain.kernel.values import LockMode

Mode = LockMode

_STRENGTH: Final[dict[Mode, int]] = {"intent": 0, "shared": 1, "update": 2, "exclusive": 3}

_CONFLICTING: Final = frozenset[tuple[Mode, Mode]](
    {
        ("shared", "exclusive"),
        ("exclusive", "shared"),
        ("update", "update"),
        ("update", "exclusive"),
        ("exclusive", "update"),
        ("exclusive", "exclusive"),
    }
)


def conflicts(held: Mode, requested: Mode) -> bool:
    """Whether two owners cannot hold these modes on overlapping resources at once."""
    return (held, requested) in _CONFLICTING


def warns(held: Mode, requested: Mode) -> bool:
    """Whether both owners get a soft-conflict notice: a plan meets a writer."""
    return {held, requested} == {"intent", "exclusive"}


def is_downgrade(held: Mode, wanted: Mode) -> bool:
    """Whether the change gives up rights, which is always allowed, at once, with the same token."""
    return _STRENGTH[wanted] < _STRENGTH[held]


def is_upgrade(held: Mode, wanted: Mode) -> bool:
    """Whether the change gains rights, which may have to wait and mints a new token."""
    return _STRENGTH[wanted] > _STRENGTH[held]


def suffices(held: Mode, wanted: Mode) -> bool:
    """Whether who holds the one may do all that the other allows."""
    return _STRENGTH[held] >= _STRENGTH[wanted]


def stronger(one: Mode, other: Mode) -> Mode:
    """The mode that allows more."""
    return one if _STRENGTH[one] >= _STRENGTH[other] else other

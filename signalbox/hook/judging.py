"""What a search asks of one file: tests by name, path and kind, and how they are put together."""

import os
from fnmatch import fnmatchcase

# Not imported from `typing`: loading that takes longer than the hook runs.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable

    Judge = Callable[["Look", bool], tuple[bool, bool]]
    """Whether it may be true and whether it may be false of a file; told whether it is asked for certain."""


class Look:
    """One file that is looked at."""

    def __init__(self, path: str, full: str, *, is_folder: bool, follows: bool) -> None:
        self.path, self.full, self.is_folder = path, full, is_folder
        self.follows = follows
        """Whether a link counts as what it leads to."""
        self.reached: set[int] = set()
        self.is_pruned = False


def all_of(judges: "list[Judge]") -> "Judge":
    def judge(look: Look, sure: bool) -> tuple[bool, bool]:
        may_fail = False
        for one in judges:
            yes, no = one(look, sure and not may_fail)
            if not yes:
                return False, True
            may_fail = may_fail or no
        return True, may_fail

    return judges[0] if len(judges) == 1 else judge


def any_of(judges: "list[Judge]") -> "Judge":
    def judge(look: Look, sure: bool) -> tuple[bool, bool]:
        may_hold = False
        for one in judges:
            yes, no = one(look, sure and not may_hold)
            if not no:
                return True, False
            may_hold = may_hold or yes
        return may_hold, True

    return judges[0] if len(judges) == 1 else judge


def each_of(judges: "list[Judge]") -> "Judge":
    """Lists with commas between them: each is looked at. By which one they are judged depends on the `find`."""

    def judge(look: Look, sure: bool) -> tuple[bool, bool]:
        for one in judges:
            one(look, sure)
        return True, True

    return judges[0] if len(judges) == 1 else judge


def not_(one: "Judge") -> "Judge":
    def judge(look: Look, sure: bool) -> tuple[bool, bool]:
        yes, no = one(look, sure)
        return no, yes

    return judge


def always(_: Look, __: bool) -> tuple[bool, bool]:
    return True, False


def unknown(_: Look, __: bool) -> tuple[bool, bool]:
    return True, True


def prune(look: Look, sure: bool) -> tuple[bool, bool]:
    look.is_pruned = look.is_pruned or sure
    return True, False


def matching(pattern: str, *, by_name: bool, folds: bool) -> "Judge":
    def judge(look: Look, _: bool) -> tuple[bool, bool]:
        text = os.path.basename(look.path.rstrip("/")) if by_name else look.path
        fits = fnmatchcase(text.lower(), pattern.lower()) if folds else fnmatchcase(text, pattern)
        return fits, not fits

    return judge


def kind(letters: str) -> "Judge":
    kinds = letters.split(",")

    def judge(look: Look, _: bool) -> tuple[bool, bool]:
        is_link = os.path.islink(look.full) and not (look.follows and os.path.exists(look.full))
        if look.is_folder and is_link:
            return True, True  # where a search begins, and by its options either
        if look.is_folder or is_link:
            fits = ("d" if look.is_folder else "l") in kinds
            return fits, not fits
        # What is neither a folder nor a link is a file, or something rare.
        return "f" in kinds or not {"d", "l"}.issuperset(kinds), "f" not in kinds

    return judge

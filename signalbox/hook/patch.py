"""The files of an `apply_patch` text: all that it adds, changes, deletes, and moves from and to."""

from signalbox.hook.reading import UnreadableError

_BEGINNINGS = ("*** Add File: ", "*** Update File: ", "*** Delete File: ", "*** Move to: ")
FILES_MAX = 2_000


def patched_paths(patch: str) -> list[str]:
    """The paths in the order of the patch, each once. Raises UnreadableError where there are none, or too many."""
    found: dict[str, None] = {}
    for line in patch.split("\n"):
        stripped = line.strip()
        for beginning in _BEGINNINGS:
            if stripped.startswith(beginning):
                path = stripped[len(beginning) :].strip()
                if not path:
                    raise UnreadableError("the patch has a line without a file")
                found[path] = None
    if not found:
        raise UnreadableError("the patch names no file")
    if len(found) > FILES_MAX:
        raise UnreadableError(f"the patch names more than {FILES_MAX} files")
    return list(found)

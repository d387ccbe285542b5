"""What git says of files: whether they differ from what is committed."""

import os
import subprocess

GIT_SECONDS_MAX = 1.5


def changed(places: list[str], seconds: float) -> list[str] | None:
    """What of the files and folders is changed, new or deleted in its checkout; None where git cannot tell in time."""
    by_folder: dict[str, list[str]] = {}
    for place in places:
        folder = os.path.dirname(place)
        while not os.path.isdir(folder) and os.path.dirname(folder) != folder:
            folder = os.path.dirname(folder)
        by_folder.setdefault(_top(folder), []).append(place)
    found: list[str] = []
    for top, files in by_folder.items():
        told = _status(top, files, min(GIT_SECONDS_MAX, seconds)) if os.path.exists(os.path.join(top, ".git")) else []
        if told is None:
            return None
        found += told
    return found


def _top(folder: str) -> str:
    from signalbox.hook.places import repository_of

    repository = repository_of(os.path.realpath(folder))
    return "" if repository is None else repository.top


def _status(top: str, files: list[str], seconds: float) -> list[str] | None:
    command = ["git", "--no-optional-locks", "-C", top, "status", "--porcelain", "-z", "--no-renames", "--", *files]
    # An agent's own settings of git must not lead the question to another repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment["GIT_LITERAL_PATHSPECS"] = "1"
    try:
        told = subprocess.run(command, capture_output=True, timeout=max(0.1, seconds), env=environment, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if told.returncode != 0:
        return None
    return [
        os.path.join(top, entry[3:].rstrip("/"))
        for entry in told.stdout.decode(errors="replace").split("\0")
        if len(entry) > 3
    ]

"""The `signalbox` command: puts our own layers first on this process's path, then hands over to the command line.

The working directory may be a repository that owns an `api/` and exports `PYTHONPATH=.`; nothing of it may reach us.
"""

import os
import site
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path


def main() -> None:
    sys.path[:] = layered_path(sys.path)
    if sys.argv[1:] == ["--version"]:
        from signalbox import __version__

        print(f"signalbox {__version__}")
        return
    # By name and this late: until the path is set, `api` may be somebody else's.
    import_module("api.cli.main").main()


def layers_folder() -> Path:
    """Where the four layers lie: inside an installed package, beside it in a source checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "_layers"
    return installed if installed.is_dir() else package.parent


def layered_path(path: Iterable[str]) -> list[str]:
    """`path` with our layers first, without the working directory and without what PYTHONPATH added.

    A dependency's name (`yaml`, `fastapi`) can be shadowed by the folder one works in just as well as a layer's.
    """
    ours = str(layers_folder())
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    foreign = {_real(entry) for entry in ["", *entries]} - {_real(entry) for entry in site.getsitepackages()}
    return [ours, *(entry for entry in path if entry != ours and _real(entry) not in foreign)]


def _real(entry: str) -> Path | None:
    """The place an entry means; None where there is none, as below a working directory that is gone."""
    try:
        return Path(entry).resolve()
    except (OSError, RuntimeError):
        return None

"""The `signalbox` command: puts our own layers first on this process's path, then hands over to the command line.

The working directory may be a repository that owns an `api/` and exports `PYTHONPATH=.`; nothing of it may reach us.
Only modules that every interpreter has loaded by itself are imported before the path is set.
"""

import os
import site
import sys

# Not imported from `typing`: loading that takes longer than the hook runs.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterable


def main() -> None:
    sys.path[:] = layered_path(sys.path)
    if sys.argv[1:2] == ["hook"]:
        from signalbox.hook.program import main as hook

        hook(sys.argv[2:])
        return
    if sys.argv[1:] == ["--version"]:
        from signalbox import __version__

        print(f"signalbox {__version__}")
        return
    from importlib import import_module

    # By name and this late: until the path is set, `api` may be somebody else's.
    try:
        import_module("api.cli.main").main()
    except KeyboardInterrupt:
        # While all is loaded, too; as `Exit.INTERRUPTED`, which may not be there yet.
        sys.exit(130)


def layers_folder() -> str:
    """Where the four layers lie: inside an installed package, beside it in a source checkout."""
    package = os.path.dirname(os.path.realpath(__file__))
    installed = os.path.join(package, "_layers")
    return installed if os.path.isdir(installed) else os.path.dirname(package)


def layered_path(path: "Iterable[str]") -> list[str]:
    """`path` with our layers first, without the working directory and without what PYTHONPATH added.

    A dependency's name (`yaml`, `fastapi`) can be shadowed by the folder one works in just as well as a layer's.
    """
    ours = layers_folder()
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    foreign = {_real(entry) for entry in ["", *entries]} - {_real(entry) for entry in site.getsitepackages()}
    return [ours, *(entry for entry in path if entry != ours and _real(entry) not in foreign)]


def _real(entry: str) -> str | None:
    """The place an entry means; None where there is none, as below a working directory that is gone."""
    try:
        return os.path.realpath(entry or os.getcwd())
    except OSError:
        return None

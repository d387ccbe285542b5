"""Exports of runs for the command line: folded again, or laid out as a log of their own."""

from pathlib import Path

from pydantic import ValidationError

from api.composition.opening import in_words_of_export
from domain.kernel.registry import UnknownEventType
from infrastructure.history.exported import Export, ExportUnreadable, read_export, unpack_export
from infrastructure.history.refolding import Refolded, refold
from infrastructure.settings import SQLITE_FILE
from signalbox.client.errors import Refused

__all__ = ["Export", "Refolded", "laid_out", "refolded"]


def refolded(file: Path, semantics: int | None) -> tuple[Refolded, ...]:
    """Every run of the export. Raises Refused."""
    try:
        return refold(read_export(file), semantics)
    except (OSError, ExportUnreadable, UnknownEventType, ValidationError) as problem:
        raise in_words_of_export(problem) from problem
    except ValueError as problem:
        raise Refused(
            "unknown_semantics", str(problem), "Ask without --semantics, or the program of then."
        ) from problem


def laid_out(file: Path, folder: Path) -> Export:
    """The export as a log in a new folder. Raises Refused."""
    if folder.exists() and any(folder.iterdir()):
        raise Refused("folder_in_use", f"{folder} is not empty", "Name a folder that is not there yet.")
    try:
        export = read_export(file)
    except (OSError, ExportUnreadable) as problem:
        raise in_words_of_export(problem) from problem
    unpack_export(export, folder / SQLITE_FILE)
    return export

"""Writes what a page of the log does to some generations; an event that cannot be stored is set aside by itself."""

from collections.abc import Callable, Sequence

from infrastructure.log.port import LogRow
from infrastructure.rows.port import Change, RowRefused, RowStore
from infrastructure.runtime.projector_decode import Decoded, Decoder, UnreadableRow
from infrastructure.runtime.projector_fold import Folder


class PageWriter:
    """Used by one thread. ``moved`` is called where somebody else wrote first; nothing was written then."""

    def __init__(self, store: RowStore, breathe: Callable[[], None], moved: Callable[[], None]) -> None:
        self._store = store
        self._breathe = breathe
        self._moved = moved

    def project(self, folders: Sequence[Folder], decoder: Decoder, rows: Sequence[LogRow]) -> None:
        """Fold and write the rows of the log, which follow the checkpoint that all the folders share."""
        try:
            self._project(folders, decoder.decoded(rows, self._breathe))
        except UnreadableRow as unreadable:
            self._park(folders, unreadable.row, unreadable.problem)

    def _project(self, folders: Sequence[Folder], page: Decoded) -> None:
        events, end, plain = page
        changes = [folder.fold(events, end, self._breathe, plain=plain) for folder in folders]
        try:
            self._write(folders, changes)
        except RowRefused as refused:
            if len(events) > 1:
                self._project(folders, page.half())  # close in on the event that does it
            else:
                guilty = [folder for folder in folders if folder.generation.projection.name == refused.projection]
                event = events[0]
                self._write(
                    guilty, [folder.park(event.stream, event.position, event.event.TYPE, refused) for folder in guilty]
                )

    def _park(self, folders: Sequence[Folder], row: LogRow, problem: Exception) -> None:
        """Set a row aside in the projections that its name concerns; the others pass it."""
        changes = [
            folder.park(row.stream, row.position, row.type, problem)
            if folder.handles(row.type)
            else folder.fold((), row.position, self._breathe)
            for folder in folders
        ]
        self._write(folders, changes)

    def _write(self, folders: Sequence[Folder], changes: list[Change]) -> None:
        if self._store.write(changes):
            for folder, change in zip(folders, changes, strict=True):
                folder.accept(change)
        else:
            self._moved()

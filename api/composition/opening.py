"""The past of a store for the command line: opened beside its server or without one, and never written."""

from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from api.composition.our_words import in_bundle
from api.composition.replay import ROWS_FILE, Replay
from domain.kernel.errors import Rejection
from infrastructure.archive.reading import archived_history
from infrastructure.archive.shelf import Shelf
from infrastructure.erasure.belonging import ForeignKeysError
from infrastructure.erasure.envelope import SealBrokenError
from infrastructure.erasure.keys import SeedMissingError
from infrastructure.erasure.port import SeedsRead
from infrastructure.history.port import History
from infrastructure.history.rows import PastRows
from infrastructure.log.archived import EventsArchived
from infrastructure.log.port import StoreUnavailable
from infrastructure.runtime.interpreter import collect_seldom
from infrastructure.settings import ARCHIVES_FOLDER, KEYS_FILE, SQLITE_FILE
from projections.kernel.errors import RequestRefused
from signalbox.client.errors import Refused, ServerUnavailable


@contextmanager
def opened(
    store: str | None, data: Path, bundle: Path | None = None, archives: Path | None = None
) -> Generator["Replay"]:
    """The past of a bundle or of an exported run, of a store (``postgresql://…``, ``sqlite:///PATH``), or of the one in
    a data folder.

    ``archives`` is where the bundles of its archived ranges lie; else the folder of the data folder's.
    What goes wrong while it is asked is told as the errors that the command line knows.
    """
    collect_seldom()  # a third of the time that it takes to look through many events went into looking for garbage
    replay: Replay | None = None
    with in_our_errors(), TemporaryDirectory(prefix="signalbox-replay-") as scratch:
        try:
            if bundle is not None:
                store, data = None, _unpacked(bundle, Path(scratch) / "bundle")
            replay = Replay(*_open(store, data, Shelf(archives or data / ARCHIVES_FOLDER)), Path(scratch))
            yield replay
        finally:
            if replay is not None:
                replay.close()


@contextmanager
def in_our_errors() -> Generator[None]:
    """Tell what goes wrong as the errors that the command line knows. Raises Refused, ServerUnavailable."""
    try:
        yield
    except RequestRefused as refused:
        raise in_words(refused.rejection) from refused
    except EventsArchived as error:
        raise in_words(in_bundle(error)) from error
    except (ForeignKeysError, SealBrokenError, SeedMissingError) as error:
        raise foreign_keys(error) from error
    except StoreUnavailable as error:
        raise ServerUnavailable(
            "store_unavailable", str(error), "Name a data folder with --data, or a store with --store."
        ) from error


def foreign_keys(problem: Exception) -> Refused:
    """What lies beside a log are not the keys under which it was written, as the command line tells it."""
    advice = f"Put the {KEYS_FILE} that belongs to the log beside it; without any, words read as [sealed]."
    said = str(problem) if isinstance(problem, ForeignKeysError) else f"they do not open what is sealed: {problem}"
    return Refused("keys_foreign", said, advice)


def in_words_of_export(problem: Exception) -> Refused:
    """An export of a run that cannot be read, as the command line tells it."""
    if isinstance(problem, OSError):
        words = f"{problem.filename or 'the export'}: {problem.strerror}"
        return Refused("unreadable_file", words, "Name a file that can be read.")
    return Refused("export_unreadable", str(problem), "Export it again with `signalbox run export`.")


def _unpacked(bundle: Path, folder: Path) -> Path:
    if bundle.is_file():
        return _unpacked_export(bundle, folder)
    from infrastructure.bundle.layout import BundleUnreadable
    from infrastructure.history.bundled import unpack

    try:
        unpack(bundle, folder / SQLITE_FILE)
    except BundleUnreadable as problem:
        advice = "Export it again, or name a whole bundle with --bundle."
        raise Refused("bundle_unreadable", str(problem), advice) from problem
    return folder


def _unpacked_export(file: Path, folder: Path) -> Path:
    from infrastructure.history.exported import ExportUnreadable, read_export, unpack_export

    try:
        export = read_export(file)
    except (ExportUnreadable, OSError) as problem:
        raise in_words_of_export(problem) from problem
    unpack_export(export, folder / SQLITE_FILE)
    return folder


def in_words(rejection: Rejection) -> Refused:
    """A refusal as the command line tells it."""
    return Refused(rejection.code(), rejection.message(), rejection.advice(), rejection.model_dump(mode="json"))


def _open(store: str | None, data: Path, shelf: Shelf) -> tuple[History, PastRows | None]:
    if store is not None and store.startswith(("postgresql:", "postgres:")):
        from infrastructure.erasure.postgres import PostgresSeedsRead
        from infrastructure.history.postgres import PostgresHistory
        from infrastructure.history.rows_postgres import PostgresPastRows

        return _with_words(
            archived_history(PostgresHistory(store), shelf), lambda: PostgresSeedsRead(store)
        ), PostgresPastRows(store)
    from infrastructure.erasure.sqlite import SqliteSeedsRead
    from infrastructure.history.rows import SqlitePastRows
    from infrastructure.history.sqlite import SqliteHistory

    file = Path(store.removeprefix("sqlite:///")) if store is not None else data / SQLITE_FILE
    history = _with_words(
        archived_history(SqliteHistory(file), shelf), lambda: SqliteSeedsRead(file.with_name(KEYS_FILE))
    )
    with suppress(StoreUnavailable):
        return history, SqlitePastRows(file.with_name(ROWS_FILE))
    return history, None


def _with_words(history: History, seeds: Callable[[], SeedsRead]) -> History:
    """Where the keys are at hand, the words of subjects are read, too; a copy without them tells the rest."""
    from domain.catalogue import SEALINGS
    from infrastructure.erasure.belonging import check_reading
    from infrastructure.erasure.envelope import Envelopes
    from infrastructure.erasure.keys import SubjectKeys
    from infrastructure.erasure.lost import lost_through
    from infrastructure.erasure.opened_history import opened_history

    try:
        read = seeds()
    except StoreUnavailable:
        return history
    try:
        keys = SubjectKeys(read)
        bound = history.keys_mark()
        check_reading(bound, keys)
        envelopes = Envelopes(SEALINGS, keys, lost_through=lost_through(history, bound))
    except BaseException:
        read.close()
        history.close()
        raise
    return opened_history(history, envelopes, read.close)

"""Starting a server from what was said on a command line, where each thing unsaid comes from the environment."""

import errno
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from api.composition.keys_lost import CannotDeclareError, KeysLost, declare
from api.composition.restored import LogCutOffError
from api.composition.server import UnsafeStoreError, run
from api.composition.stores import ROWS_FILE
from infrastructure.erasure.belonging import ForeignKeysError
from infrastructure.erasure.standing import KeysReplacedError
from infrastructure.local import UnsafeDataFolderError
from infrastructure.log.archived import EventsArchived
from infrastructure.log.file_lock import StoreInUse
from infrastructure.log.port import StoreUnavailable
from infrastructure.rows.port import RowsUnavailable
from infrastructure.settings import KEYS_FILE, Settings

_FOLDED_AGAIN: Final = f"Move {ROWS_FILE}, and what is called like it, away: all of it is folded from the log again."
_RUNS_AND_FREE: Final = "See that it runs and is free."


class CannotStartError(Exception):
    """Fault: the server does not start; the message says why, ``advice`` what to do."""

    def __init__(self, message: str, advice: str, code: str = "cannot_start") -> None:
        super().__init__(message)
        self.advice = advice
        self.code = code


def start(said: Mapping[str, object], started: Callable[[str, str, Path], None]) -> None:
    """Run a server until it is told to end; ``started`` gets its URL, the kind of its store and its data folder.

    ``said`` names settings; None leaves one to the environment. Raises CannotStartError.
    """
    settings = _settings(said)
    with _in_words(settings):
        run(settings, started=lambda url: started(url, settings.store_kind, settings.data))


def declare_keys_lost(said: Mapping[str, object], reason: str) -> KeysLost:
    """Give a log that no server has open other keys, because its own are gone for good. Raises CannotStartError."""
    settings = _settings(said)
    with _in_words(settings):
        return declare(settings, reason)


@contextmanager
def _in_words(settings: Settings) -> Generator[None]:
    try:
        yield
    except CannotDeclareError as error:
        raise CannotStartError(str(error), error.advice, error.code) from error
    except LogCutOffError as error:
        advice = "Put the newer file back, with its -wal; where it is gone for good, start once with --restored."
        raise CannotStartError(str(error), advice, "log_cut_off") from error
    except UnsafeStoreError as error:
        raise CannotStartError(str(error), "Mend the store, or say --allow-unsafe-durability.") from error
    except ForeignKeysError as error:
        advice = f"Put the {KEYS_FILE} that belongs to the log back; `audit keys lost` gives up what is under it."
        raise CannotStartError(str(error), advice) from error
    except KeysReplacedError as error:
        raise CannotStartError(str(error), "Start it again: it goes on with the new keys.") from error
    except EventsArchived as error:
        advice = "Put the bundle back: states of archived streams have to be folded anew for this version."
        raise CannotStartError(str(error), advice) from error
    except UnsafeDataFolderError as error:
        raise CannotStartError(str(error), "Use another folder with --data.") from error
    except StoreInUse as error:
        raise CannotStartError(
            f"the store is in use: {error}", "Stop the other server, or name another --data."
        ) from error
    except RowsUnavailable as error:
        words = f"the read models cannot be used: {error}"
        raise CannotStartError(words, _FOLDED_AGAIN if settings.store_kind == "sqlite" else _RUNS_AND_FREE) from error
    except StoreUnavailable as error:
        raise CannotStartError(f"the store cannot be used: {error}", _RUNS_AND_FREE) from error
    except OSError as error:
        if error.filename is not None:
            words = f"the data folder {settings.data} cannot be used: {error.strerror}"
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            advice = "Make room there" if full else "See that its user may write there"
            raise CannotStartError(words, f"{advice}, or use another folder with --data.") from error
        raise CannotStartError(f"cannot listen on {settings.bind}: {error}", "Use another --bind.") from error


def _settings(said: Mapping[str, object]) -> Settings:
    try:
        return Settings.model_validate({name: value for name, value in said.items() if value is not None})
    except ValidationError as error:
        wrong = "; ".join(
            ": ".join((*map(str, one["loc"]), one["msg"].removeprefix("Value error, ")))
            for one in error.errors(include_input=False)
        )
        raise CannotStartError(wrong, "Correct the option, or the variable SIGNALBOX_… that sets it.") from error

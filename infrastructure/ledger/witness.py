"""Has checkpoints cosigned by a witness, which keeps the last one it saw: C2SP tlog-witness, ``add-checkpoint``."""

import base64
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from infrastructure.ledger.cosigning import cosignatures
from infrastructure.ledger.outgoing import Answer, Outgoing
from infrastructure.ledger.outlet import OutletError
from infrastructure.ledger.port import SignedCheckpoint
from projections.audit_ledger.cosignature import WitnessKey
from projections.audit_ledger.note import Note, NoteUnreadable, Signature, read_note

BETWEEN_SECONDS: Final = 10.0
ANSWER_BYTES_MAX: Final = 8_192
PATH: Final = "/add-checkpoint"
Prove = Callable[[int, int], tuple[bytes, ...]]
"""The consistency proof between two sizes, the smaller first."""
_SIZE: Final = re.compile(rb"(0|[1-9][0-9]{0,18})\n?")


class CheckpointWitness:
    """Asks one witness, and hands on what it has cosigned. Used by one thread."""

    def __init__(
        self,
        outgoing: Outgoing,
        key: WitnessKey,
        prove: Prove,
        keep: Callable[[SignedCheckpoint], None],
        *,
        size: Callable[[], int],
    ) -> None:
        """``size`` is how many events are in the ledger now, whichever node took them in."""
        self._outgoing: Final = outgoing
        self._key: Final = key
        self._prove: Final = prove
        self._keep: Final = keep
        self._size: Final = size
        self._seen = 0
        """The size that the witness cosigned last, as far as we know: it tells where that is another."""

    def __call__(self, checkpoint: SignedCheckpoint) -> None:
        """Have it cosigned, and keep it so, unless a newer one is cosigned. Raises OutletError, OSError."""
        note = read_note(checkpoint.note)
        answer = self._asked(self._seen if self._seen <= checkpoint.size else 0, checkpoint)
        if answer.status == HTTPStatus.CONFLICT:
            self._seen = self._told(answer)
            if self._seen > checkpoint.size:
                return  # another node was on duty meanwhile; whether that one's log is this one the next proof shows
            answer = self._asked(self._seen, checkpoint)
        if answer.status != HTTPStatus.OK:
            raise OutletError(f"{self._outgoing.host} {_refusal(answer.status)}")
        signatures = self._cosignatures(note, answer)
        self._keep(checkpoint._replace(note=str(Note(note.text, note.signatures + signatures))))
        self._seen = checkpoint.size

    def _asked(self, old: int, checkpoint: SignedCheckpoint) -> Answer:
        proof = self._prove(old, checkpoint.size) if 0 < old < checkpoint.size else ()
        lines = "".join(f"{base64.b64encode(one).decode()}\n" for one in proof)
        body = f"old {old}\n{lines}\n{checkpoint.note}".encode()
        return self._outgoing.post(body, {"Content-Type": "text/plain"}, path=PATH, answer_bytes_max=ANSWER_BYTES_MAX)

    def _told(self, answer: Answer) -> int:
        said = _SIZE.fullmatch(answer.text)
        if said is None:
            raise OutletError(f"{self._outgoing.host} answered 409 without a size")
        seen, size = int(said[1]), self._size()
        if seen > size:
            raise OutletError(f"{self._outgoing.host} has cosigned {seen} events of this log, and here are {size}")
        return seen

    def _cosignatures(self, note: Note, answer: Answer) -> tuple[Signature, ...]:
        try:
            found = cosignatures(read_note(f"{note.text}\n{answer.text.decode()}"), self._key)
        except (NoteUnreadable, UnicodeDecodeError):
            found = ()
        if not found:
            raise OutletError(f"{self._outgoing.host} answered without a cosignature of {self._key.name} that holds")
        return found[:1]


def _refusal(status: int) -> str:
    match status:
        case HTTPStatus.FORBIDDEN:
            return "answered 403: it trusts none of the keys that sign here"
        case HTTPStatus.NOT_FOUND:
            return "answered 404: it does not know this log"
        case HTTPStatus.CONFLICT:
            return (
                "answered 409 twice: it has cosigned other events than there are, or is asked by somebody else as well"
            )
        case HTTPStatus.UNPROCESSABLE_ENTITY:
            return "answered 422: the log does not go on from what it has cosigned"
        case _:
            return f"answered {status}"

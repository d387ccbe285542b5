"""The audit commands of the command line: bundles and their verification, over a server's doors or offline."""

import base64
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from infrastructure.bundle.judging import processes_at_most
from infrastructure.bundle.layout import BundleUnreadable, Format, Manifest
from infrastructure.bundle.parquet import connect
from infrastructure.bundle.reader import Bundle
from infrastructure.bundle.redaction import Rules, read_rules
from infrastructure.bundle.report import Report
from infrastructure.bundle.verify_bundle import verify_bundle
from infrastructure.bundle.verify_live import verify_live
from infrastructure.bundle.writer import NothingToExport, Wish, export
from infrastructure.ledger.copies import read_copies
from infrastructure.ledger.cosigning import largest_cosigned
from infrastructure.ledger.key_ring import PUBLIC_FILE, SECOND
from infrastructure.ledger.port import KeyPeriod, SignedCheckpoint
from infrastructure.log.archived import BaseState, LostEvent
from projections.audit_ledger.cosignature import WitnessKey, read_witness_key
from projections.audit_ledger.note import NoteUnreadable, PublicKey, read_key
from signalbox.client import audit
from signalbox.client.fields import Fields, integer, objects, optional_object, text, texts

if TYPE_CHECKING:
    from signalbox.client.synchronous import Client

Progress = Callable[[int, int], None]
KEY_FILE_BYTES_MAX: Final = 65_536


class AuditError(Exception):
    """Something that was asked for cannot be done; the message says why, ``advice`` what to do."""

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(message)
        self.advice = advice


class ServerSource:
    """A server as a source. Raises the errors of its client."""

    def __init__(self, client: "Client") -> None:
        self._client = client

    def checkpoint(self) -> SignedCheckpoint | None:
        signed = optional_object(self._client.ask(audit.sign_checkpoint()), "checkpoint")
        return _checkpoint(signed) if signed else None

    def checkpoints(self, size: int, limit: int) -> list[SignedCheckpoint]:
        return [_checkpoint(one) for one in objects(self._client.ask(audit.checkpoints(size, limit)), "checkpoints")]

    def public_keys(self) -> list[KeyPeriod]:
        found = objects(self._client.ask(audit.public_keys()), "keys")
        return [
            KeyPeriod(text(one, "key"), integer(one, "since"), cast("int | None", one.get("until"))) for one in found
        ]

    def statement(self, first: int, last: int, project: str | None, rules: Rules | None) -> tuple[str, str | None]:
        answer = self._client.ask(audit.statement(first, last, project, rules))
        return text(answer, "note"), cast("str | None", answer.get("project"))

    def path(self, position: int, size: int) -> tuple[bytes, ...]:
        answer = self._client.ask(audit.prove(f"@{position}", size))
        return tuple(base64.b64decode(one) for one in texts(answer, "path"))

    def hashes(self, first_tile: int, count: int) -> bytes:
        return self._client.ask(audit.leaf_hashes(first_tile, count))

    def redacted(self, after: int, limit: int, project: str | None, rules: Rules) -> tuple[bytes, int, str]:
        return self._client.ask(audit.redacted_events(after, limit, project, rules))

    def lines(self, after: int, limit: int, project: str | None) -> tuple[bytes, int]:
        return self._client.ask(audit.stored_events(after, limit, project))

    def kept(self, after: int, limit: int) -> tuple[bytes, int]:
        return self._client.ask(audit.stored_events(after, limit, kept=True))

    def lost(self, limit: int) -> list[LostEvent]:
        found = objects(self._client.ask(audit.lost_events(limit)), "lost")
        return [LostEvent(text(one, "stream"), integer(one, "version"), integer(one, "position")) for one in found]

    def bases(self, after: str, limit: int) -> list[BaseState]:
        return [_base(one) for one in objects(self._client.ask(audit.base_states(after, limit)), "bases")]


def export_bundle(
    client: "Client",
    folder: Path,
    *,
    first: int,
    last: int | None,
    project: str | None,
    kind: str,
    policy: Path | None,
    progress: Progress,
) -> Fields:
    """Write a bundle and answer its manifest. Raises AuditError and the client's errors."""
    try:
        if kind == "parquet":
            connect().close()
        redaction = None if policy is None else dict(read_rules(policy.read_bytes()))
        wish = Wish(first=first, last=last, project=project, format=cast("Format", kind), redaction=redaction)
        manifest: Manifest = export(ServerSource(client), folder, wish, progress)
    except NothingToExport as error:
        raise AuditError(str(error), "Name positions that the log has; see `signalbox status`.") from error
    except BundleUnreadable as error:
        raise AuditError(str(error), "Mend what it names, or export into another folder.") from error
    except OSError as error:
        words = f"{error.filename or folder}: {error.strerror}"
        raise AuditError(words, "See that it can be read or written.") from error
    return manifest.model_dump(mode="json", exclude_none=True)


def verified_bundle(folder: Path, keys: Sequence[str], progress: Progress) -> Fields:
    """The report on a bundle. Raises AuditError."""
    try:
        report = verify_bundle(Bundle(folder), trusted_keys(keys), progress, processes=processes_at_most())
    except BundleUnreadable as error:
        raise AuditError(str(error), "Name the folder of a finished bundle.") from error
    return _told(report)


def verified_live(
    client: "Client", keys: Sequence[str], copies: Path | None, progress: Progress, witnesses: Sequence[str] = ()
) -> Fields:
    """The report on a server's log, and what witnesses have cosigned of the copies.

    Without keys those that the server names are believed. Raises AuditError.
    """
    known = witness_keys(witnesses)
    source = ServerSource(client)
    trusted = trusted_keys(keys) or [read_key(one.key) for one in source.public_keys()]
    try:
        kept = [] if copies is None else read_copies(copies)
    except OSError as error:
        raise AuditError(f"{copies}: {error.strerror}", "Name a folder of copies with --copies.") from error
    ranges = objects(client.ask(audit.archives()), "archives")
    # Of a range that is not pruned yet everything is still there, and may go meanwhile.
    boundary = max((integer(one, "last") for one in ranges if one["pruned"]), default=0)
    archived = max((integer(one, "last") for one in ranges if one["pruned"] and not one["here"]), default=0)
    report = verify_live(source, trusted, kept, progress, archived=archived, boundary=boundary)
    return {**_told(report), "copies": len(kept), "cosigned": [_cosigned(kept, one) for one in known]}


def _cosigned(copies: Sequence[SignedCheckpoint], key: WitnessKey) -> Fields:
    found = largest_cosigned(copies, key)
    at = None if found is None else found.at_seconds * SECOND
    return {"witness": str(key), "size": 0 if found is None else found.size, "at": at}


def witness_keys(keys: Sequence[str]) -> list[WitnessKey]:
    """Keys of witnesses, given as text. Raises AuditError."""
    try:
        return [read_witness_key(one) for one in keys]
    except NoteUnreadable as error:
        raise AuditError(f"{error}", "Give the key as its witness publishes it.") from error


def trusted_keys(keys: Sequence[str]) -> list[PublicKey]:
    """Keys given as text, or as files of one a line. Raises AuditError."""
    found: list[PublicKey] = []
    for one in keys:
        try:
            lines = Path(one).read_bytes()[:KEY_FILE_BYTES_MAX].decode().splitlines() if Path(one).is_file() else [one]
            found += [read_key(line) for line in lines if line.strip()]
        except (NoteUnreadable, OSError, ValueError) as error:
            advice = "Give a key as `audit keys list` prints it, or a file."
            raise AuditError(f"{one[:100]}: {error}", advice) from error
    return found


def own_keys(data: Path) -> list[str]:
    """The file of public keys in a data folder, where there is one."""
    file = data / "ledger-keys" / PUBLIC_FILE
    return [str(file)] if file.is_file() else []


def _told(report: Report) -> Fields:
    checkpoint = report.checkpoint
    return {
        "verdict": report.verdict.value,
        "first": report.first,
        "last": report.last,
        "events": report.events,
        "redacted": report.redacted,
        "attested": report.attested,
        "archived": report.archived,
        "kept": report.kept,
        "bases": report.bases,
        "checkpoints": report.checkpoints,
        "size": None if checkpoint is None else checkpoint.size,
        "at": None if checkpoint is None else checkpoint.at,
        "origin": None if checkpoint is None else checkpoint.origin,
        "root": None if checkpoint is None else base64.b64encode(checkpoint.root).decode(),
        "signed_by": [str(one) for one in report.signed_by],
        "cosigned": [],
        "findings": [
            {"verdict": one.verdict.value, "position": one.position, "events": one.events, "words": one.words}
            for one in report.findings
        ],
    }


def _checkpoint(fields: Fields) -> SignedCheckpoint:
    return SignedCheckpoint(integer(fields, "size"), integer(fields, "at"), text(fields, "note"))


def _base(fields: Fields) -> BaseState:
    state, words = (base64.b64decode(text(fields, name)) for name in ("state", "words"))
    place = integer(fields, "version"), integer(fields, "position")
    return BaseState(text(fields, "stream"), *place, text(fields, "kind"), state, words)

"""The audit ledger as it is shown: checkpoints, keys and proofs that anybody can check without this server."""

import base64

import strawberry

from api.graphql.scalars import Long
from api.ledger_port import Consistency, Inclusion, LedgerKey, SignedNote
from domain.kernel.ids import Instant, Position


@strawberry.type
class LedgerCheckpoint:
    """A signed statement of what the log is: which, how long, its root, and when."""

    size: Position = strawberry.field(description="Events in the tree; the last has this position.")
    at: Instant
    note: str = strawberry.field(description="C2SP signed note: a checkpoint and its signatures.")


@strawberry.type
class LedgerPublicKey:
    """A key that verifies checkpoints, and when it signs."""

    key: str = strawberry.field(description="`name+hash+base64`, an Ed25519 key.")
    since: Instant
    until: Instant | None


@strawberry.type
class LedgerInclusion:
    """That an event is in the log of a checkpoint: an audit path of RFC 6962, hashes in base64."""

    position: Position
    leaf_index: Long
    leaf: str
    path: list[str] = strawberry.field(description="From the leaf upwards.")
    checkpoint: LedgerCheckpoint


@strawberry.type
class LedgerConsistency:
    """That one log is the beginning of another: a consistency proof of RFC 6962, hashes in base64."""

    old: Position
    new: Position
    old_root: str
    new_root: str
    path: list[str]


def checkpoint_of(signed: SignedNote) -> LedgerCheckpoint:
    """A checkpoint as it is shown."""
    return LedgerCheckpoint(size=Position(signed.size), at=Instant(signed.at), note=signed.note)


def key_of(key: LedgerKey) -> LedgerPublicKey:
    """A key as it is shown."""
    until = None if key.until is None else Instant(key.until)
    return LedgerPublicKey(key=key.key, since=Instant(key.since), until=until)


def inclusion_of(found: Inclusion) -> LedgerInclusion:
    """A proof as it is shown."""
    position: int = found.row.position
    return LedgerInclusion(
        position=Position(position),
        leaf_index=Long(position - 1),
        leaf=_text(found.leaf),
        path=[_text(one) for one in found.path],
        checkpoint=checkpoint_of(found.checkpoint),
    )


def consistency_of(found: Consistency) -> LedgerConsistency:
    """A proof as it is shown."""
    return LedgerConsistency(
        old=Position(found.old),
        new=Position(found.new),
        old_root=_text(found.old_root),
        new_root=_text(found.new_root),
        path=[_text(one) for one in found.path],
    )


def _text(hashed: bytes) -> str:
    return base64.b64encode(hashed).decode()

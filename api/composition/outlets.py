"""Where the operator wants copied checkpoints to be handed on to."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from infrastructure.ledger import git_commits, webhook, witness
from infrastructure.ledger.copies import CheckpointCopies
from infrastructure.ledger.git_commits import CheckpointCommits
from infrastructure.ledger.outgoing import Outgoing
from infrastructure.ledger.outlet import Outlet
from infrastructure.ledger.port import SignedCheckpoint
from infrastructure.ledger.scribe import Scribe
from infrastructure.ledger.webhook import CheckpointWebhook
from infrastructure.ledger.webhook_request import read_secret, secret_text
from infrastructure.ledger.witness import CheckpointWitness
from infrastructure.local import UnsafeDataFolderError, kept_text
from infrastructure.settings import Settings
from projections.audit_ledger.proofs import consistency_proof
from projections.audit_ledger.tiles import node_reader

WEBHOOK_FILE: Final = "webhook.secret"


def outlets_of(settings: Settings, folder: Path, scribe: Scribe) -> tuple[Outlet, ...]:
    """Outlets for what is copied into a folder. Raises UnsafeDataFolderError, OSError."""
    chosen = settings.checkpoints
    commits: tuple[Outlet, ...] = ()
    found: tuple[Outlet, ...] = ()
    if chosen.commit:
        commits = (
            Outlet("git", CheckpointCommits(folder, chosen.push_to), between_seconds=git_commits.BETWEEN_SECONDS),
        )
    if chosen.webhook_target is not None:
        post = CheckpointWebhook(Outgoing(chosen.webhook_target), webhook_secret(settings.data))
        found += (Outlet("webhook", post, between_seconds=webhook.BETWEEN_SECONDS),)
    if chosen.cosigner is not None:
        target, key = chosen.cosigner
        keep = keeper(folder, commits)
        asks = CheckpointWitness(Outgoing(target), key, prover(scribe), keep, size=scribe.store.size)
        found += (Outlet("witness", asks, between_seconds=witness.BETWEEN_SECONDS),)
    return found + commits


def webhook_secret(data: Path) -> bytes:
    """What posts are signed with, made at the first start. Raises UnsafeDataFolderError."""
    file = data / WEBHOOK_FILE
    try:
        return read_secret(kept_text(file, lambda: secret_text(secrets.token_bytes(32))))
    except ValueError as error:
        raise UnsafeDataFolderError(f"{file}: {error}; remove it to get a new one") from error


def prover(scribe: Scribe) -> witness.Prove:
    """Proofs from the tiles of the ledger."""
    return lambda old, new: consistency_proof(old, new, node_reader(scribe.read_tile))


def keeper(folder: Path, commits: tuple[Outlet, ...]) -> Callable[[SignedCheckpoint], None]:
    """Keeps what was cosigned beside the copies, and has it committed where they are."""
    copies = CheckpointCopies(folder)

    def keep(checkpoint: SignedCheckpoint) -> None:
        if copies.keep(checkpoint, at_once=True):
            for outlet in commits:
                outlet.offer(checkpoint)

    return keep

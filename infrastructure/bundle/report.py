"""What a verification came to."""

from collections.abc import Callable
from dataclasses import dataclass

from projections.audit_ledger.note import Checkpoint, PublicKey
from projections.audit_ledger.verdicts import Finding, Verdict

Progress = Callable[[int, int], None]
"""Told how many positions are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a verification came to."""

    findings: tuple[Finding, ...]
    first: int
    last: int
    events: int
    """Events whose leaf was computed from what is there."""
    redacted: int
    """Events that are there by their hash only."""
    checkpoint: Checkpoint | None
    signed_by: tuple[PublicKey, ...]
    checkpoints: int
    """Signed checkpoints whose root was computed."""
    attested: int = 0
    """Redacted events of which everything that is left was signed by the ledger."""

    archived: int = 0
    """Events that lie in bundles; only their hashes were looked at."""
    bases: int = 0
    """States that archived streams had come to, and that are what a fold of their events says."""
    kept: int = 0
    """Events that lie in bundles and that the database keeps as well, as the last of their streams."""

    @property
    def verdict(self) -> Verdict:
        """The first thing that is wrong."""
        return self.findings[0].verdict if self.findings else Verdict.INTACT


def ended(verdict: Verdict, words: str, first: int = 1, last: int = 0) -> Report:
    """A report of one thing that ended the verification."""
    return Report((Finding(verdict, 0, 0, words),), first, last, 0, 0, None, (), 0)

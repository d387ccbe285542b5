"""What the doctor finds: one thing that was looked at, and what would mend it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Good, bad, or only worth knowing."""

    good: bool | None
    words: str
    mend: str = ""

"""What a look at a definition finds: faults that keep it from being published, and warnings for whoever writes it."""

from difflib import get_close_matches
from typing import Literal

from domain.kernel.message import Message

FindingCode = Literal[
    "duplicate_key",
    "duplicate_name",
    "duplicate_edge",
    "reserved_word",
    "needs_itself",
    "unknown_phase",
    "unknown_arm",
    "missing_arm",
    "unknown_input",
    "unknown_field",
    "unknown_name",
    "not_before",
    "cycle",
    "fallback_loop",
    "missing_default",
    "missing_fallback",
    "unreachable_phase",
    "join_never_fires",
    "bad_expression",
    "wrong_type",
    "bad_value",
    "bad_scope",
    "bad_requirement",
    "contradiction",
    "no_undo",
    "auto_approve",
    "overlapping_scopes",
    "arm_leads_nowhere",
    "may_be_absent",
    "unused_input",
]
Path = tuple[str | int, ...]
"""Names and places in lists from the definition down: ``("phases", 3, "needs", 0, "phase")``."""


class Finding(Message):
    """One mistake, where it is, and what mends it."""

    code: FindingCode
    severity: Literal["fault", "warning"]
    path: Path
    phase: str = ""
    """Key of the phase that it is in."""
    message: str
    advice: str

    @property
    def place(self) -> str:
        """The path as text: ``phases.3.needs.0.phase``."""
        return ".".join(map(str, self.path))


def fault(code: FindingCode, path: Path, phase: str, message: str, advice: str) -> Finding:
    """What keeps a definition from being published."""
    return Finding(code=code, severity="fault", path=path, phase=phase, message=message, advice=advice)


def warning(code: FindingCode, path: Path, phase: str, message: str, advice: str) -> Finding:
    """What may be meant so."""
    return Finding(code=code, severity="warning", path=path, phase=phase, message=message, advice=advice)


def nearest(name: str, known: list[str], otherwise: str) -> str:
    """``Did you mean …?`` where one is near."""
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]}?"
    return f"{otherwise}: {', '.join(known[:20])}." if known else f"{otherwise}: there is none."

"""What is wrong with a plan file: where, what, and what to do."""

from dataclasses import dataclass
from typing import Final, Literal

FaultCode = Literal[
    "too_large",
    "bad_encoding",
    "bad_character",
    "syntax",
    "empty",
    "several_documents",
    "too_deep",
    "too_many_values",
    "bad_number",
    "bad_alias",
    "tag",
    "merge_key",
    "bad_field_name",
    "duplicate_field",
    "unknown_field",
    "missing_field",
    "wrong_type",
    "out_of_bounds",
    "bad_value",
    "bad_scope",
    "duplicate_task",
    "duplicate_need",
    "unknown_need",
    "cycle",
    "more_faults",
]

FAULTS_MAX: Final = 100
"""Faults that one reading reports; the last of them says how many more there are."""


@dataclass(frozen=True, slots=True)
class PlanFault:
    """One mistake; nothing of the file was applied."""

    code: FaultCode
    message: str
    advice: str
    source: str
    line: int
    """From 1."""
    column: int | None = None
    """From 1; None where only the line is known."""
    task: str | None = None
    """Key of the task, where the mistake is inside one that names itself."""
    field: str | None = None
    """Path of the field inside its task or the file: ``requires.lang``, ``needs.0.accept``."""

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}" if self.column is None else f"{self.source}:{self.line}:{self.column}"
        about = [f"task {self.task}"] if self.task else []
        about += [self.field] if self.field else []
        return f"{place}: {''.join(f'{part}: ' for part in about)}{self.message}. {self.advice}"


def bounded(faults: tuple[PlanFault, ...]) -> tuple[PlanFault, ...]:
    """At most FAULTS_MAX faults, in the order of the file."""
    ordered = tuple(sorted(faults, key=lambda fault: (fault.line, fault.column or 0)))
    if len(ordered) <= FAULTS_MAX:
        return ordered
    first = ordered[FAULTS_MAX - 1]
    rest = PlanFault(
        code="more_faults",
        message=f"{len(ordered) - FAULTS_MAX + 1} more faults follow from here on",
        advice="Mend those above and check again.",
        source=first.source,
        line=first.line,
        column=first.column,
    )
    return (*ordered[: FAULTS_MAX - 1], rest)

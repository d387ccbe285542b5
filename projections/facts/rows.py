"""What is shown of a fact."""

from typing import Literal, NamedTuple

FactKind = Literal["outcome", "signal", "artefact"]


class FactRow(NamedTuple):
    """The latest that a project says under a topic, or a version of a result. Instants are microseconds since 1970."""

    key: str
    """Id of the topic; of a result with its version behind it."""
    project: str
    kind: FactKind
    name: str
    """Of the pipeline, of the signal or of the result."""
    correlation_key: str
    """Of an outcome: of the runs that it is the latest of; empty for all."""
    version: str
    """Of a result; empty otherwise."""
    run: str | None
    """Whose outcome it is."""
    outcome: str
    """succeeded, failed or cancelled; empty for what is no outcome."""
    number: int
    """How many signals of the name there were; 0 for what is none."""
    content: str
    """JSON: what the run or the signal says; empty where it says nothing."""
    uri: str
    digest: str
    by: str
    """Principal that published it; empty for an outcome."""
    holds: bool
    """Whether it may be taken: it was neither taken back nor withdrawn."""
    reason: str
    """Why it was withdrawn; empty where it holds."""
    published_at: int
    changed_at: int

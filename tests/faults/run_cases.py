"""The example pipelines as they are killed under: what each is started with, and what has to come of it every time."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from api.pipeline.read import PipelineFile, read_pipeline_bytes
from tests.house.sources import ROOT

EXAMPLES: Final = ROOT / "examples" / "pipelines"
MARK: Final = (
    'echo "$SIGNALBOX_RUN $SIGNALBOX_PHASE $SIGNALBOX_GENERATION $SIGNALBOX_PURPOSE $SIGNALBOX_TOKEN" >> "$EFFECTS"'
)
"""What every piece of work does to the world: one line, written at once."""


@dataclass(frozen=True)
class Case:
    """A run of an example, and how it ends whatever happens to the server."""

    pipeline: str
    inputs: dict[str, Any]
    outcome: str = "succeeded"
    otherwise: dict[str, str] = field(default_factory=dict[str, str])
    """Status of each place that does not succeed."""
    undone: tuple[str, ...] = ()
    """Places whose effect is taken back, in that order."""
    works: int = 0
    """Pieces of work that are done, undos included."""


CASES: Final = (
    Case("each-module", {}, works=10),
    Case("merge-with-repair", {"conflicts": True}, works=6),
    Case("merge-with-repair", {"conflicts": False}, otherwise={"rebase": "skipped", "repair": "skipped"}, works=4),
    Case("review-and-fix", {"rounds": 3}, otherwise={"polish/3/fix": "skipped"}, works=7),
    Case("ship-and-watch", {"change": "a"}, otherwise={"investigate": "skipped"}, works=7),
    Case(
        "ship-and-watch",
        {"change": "b", "ill": True},
        outcome="failed",
        otherwise={"monitor": "failed"},
        undone=("deploy", "stage"),
        works=10,
    ),
    Case("twenty-phases", {}, otherwise={"smoke": "skipped"}, works=14),
)


def definition_of(pipeline: str) -> dict[str, Any]:
    """The example as a command carries it; each piece of its work leaves its mark before it does anything else."""
    path: Path = EXAMPLES / f"{pipeline}.yaml"
    read = read_pipeline_bytes(path.read_bytes(), path.name)
    assert isinstance(read, PipelineFile), read
    content = read.definition.model_dump(mode="json", by_alias=True)
    assert mark(content) > 0
    return content


def mark(content: object) -> int:
    """How many commands were found and marked."""
    if isinstance(content, list):
        return sum(map(mark, cast("list[object]", content)))
    if not isinstance(content, dict):
        return 0
    found = cast("dict[str, object]", content)
    marked = sum(map(mark, found.values()))
    if isinstance(found.get("run"), str):
        found["run"] = f"{MARK}\n{found['run']}"
        marked += 1
    return marked

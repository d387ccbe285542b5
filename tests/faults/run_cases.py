"""The example pipelines as they are killed under: what each is started with, and what has to come of it every time."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
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
    """Name of its file."""
    inputs: dict[str, Any]
    outcome: str = "succeeded"
    otherwise: dict[str, str] = field(default_factory=dict[str, str])
    """Status of each place that does not succeed."""
    undone: tuple[str, ...] = ()
    """Places whose effect is taken back, in that order."""
    works: int = 0
    """Pieces of work that are done, undos included."""
    project: str = "shop"
    inside: "dict[str, Case]" = field(default_factory=dict[str, "Case"])
    """Runs that it begins, by place."""


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
    # The release waits for both builds, the second of them for the first: they are begun the other way round.
    Case(
        "three-projects/release",
        {"release": "v1"},
        works=1,
        project="product",
        inside={"notes": Case("three-projects/notes", {}, works=2, project="product")},
    ),
    Case("three-projects/web", {"release": "v1"}, works=1, project="web"),
    Case("three-projects/core", {"release": "v1"}, works=2, project="core"),
)
GRANTS: Final = (("core", "web"), ("core", "product"), ("web", "product"))
"""Projects whose facts others may wait for, and those others."""


def every_case(cases: Sequence[Case] = CASES) -> tuple[Case, ...]:
    """The cases, each behind those of the runs that it begins."""
    return tuple(one for case in cases for one in (*every_case(tuple(case.inside.values())), case))


def wave_of(number: int) -> tuple[Case, ...]:
    """The cases once more: releases of other waves are others."""
    return tuple(
        replace(case, inputs=case.inputs | {"release": f"v{number}"}) if "release" in case.inputs else case
        for case in CASES
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

"""Every version of a definition has a row of its own, with its content and where it stands."""

import json

from domain.kernel.decider import Recorded
from domain.kernel.ids import Instant, ProjectId, StreamId
from domain.kernel.pipeline.definition import Definition
from domain.pipeline.events import (
    DefinitionAdded,
    DefinitionDeprecated,
    DefinitionPublished,
    DefinitionRetired,
    PipelineEvent,
)
from projections.kernel.replay import replay
from projections.pipeline_definitions.projection import PIPELINE_DEFINITIONS
from projections.timeline.words import in_words
from tests.support.definitions import phases

DEFINITION = Definition.model_validate({"name": "release", "title": "Release", "phases": phases()}, strict=False)


def history() -> list[PipelineEvent]:
    at = Instant(7)
    added = [
        DefinitionAdded(
            name="release", version=number, digest=f"sha256:{number}", definition=DEFINITION, by="key_a", at=at
        )
        for number in (1, 2, 3)
    ]
    return [
        *added,
        DefinitionPublished(name="release", version=1, digest="sha256:1", by="key_a", at=Instant(8)),
        DefinitionPublished(name="release", version=2, digest="sha256:2", by="key_a", at=Instant(9)),
        DefinitionDeprecated(name="release", version=2, by="key_a", at=Instant(10)),
        DefinitionRetired(name="release", version=3, by="key_a", at=Instant(11)),
    ]


def recorded(events: list[PipelineEvent]) -> list[Recorded]:
    stream = StreamId("pipe_1")
    return [
        Recorded(place, stream, place, event, Instant(7), ProjectId("proj_1"), "key_a", f"cmd_{place}", f"cmd_{place}")
        for place, event in enumerate(events, start=1)
    ]


def test_a_version_stands_where_its_last_event_put_it() -> None:
    rows = replay(PIPELINE_DEFINITIONS, recorded(history()))
    assert {key: (row.state, row.changed_at) for key, row in rows.items()} == {
        "pipe_1/1": ("published", 8),
        "pipe_1/2": ("deprecated", 10),
        "pipe_1/3": ("retired", 11),
    }
    one = rows["pipe_1/1"]
    assert (one.name, one.version, one.title, one.phases, one.added_by) == ("release", 1, "Release", 2, "key_a")
    assert Definition.model_validate(json.loads(one.definition), strict=False) == DEFINITION


def test_the_timeline_says_it_in_words() -> None:
    said = [in_words(event) for event in history()[2:]]
    assert said == [
        "pipeline release version 3 added: sha256:3",
        "pipeline release version 1 published",
        "pipeline release version 2 published",
        "pipeline release version 2 deprecated: no further runs of it",
        "pipeline release version 3 retired",
    ]

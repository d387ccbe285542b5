"""What a project publishes has a row for each topic and for each version of a result, which says whether it holds."""

from domain.fact.events import ArtefactPublished, ArtefactWithdrawn, FactAwaited, FactPublished, SignalPublished
from domain.kernel.decider import Recorded
from domain.kernel.ids import Instant, ProjectId, StreamId
from domain.kernel.message import Event
from projections.facts.projection import FACTS
from projections.facts.rows import FactRow
from projections.kernel.replay import replay


def rows_of(*history: tuple[str, Event]) -> dict[str, FactRow]:
    versions: dict[str, int] = {}
    recorded: list[Recorded] = []
    for place, (stream, event) in enumerate(history, start=1):
        version = versions[stream] = versions.get(stream, 0) + 1
        command = f"cmd_{place}"
        recorded.append(
            Recorded(place, StreamId(stream), version, event, Instant(7), ProjectId("proj_1"), "key", command, command)
        )
    known: set[str] = set()
    for one in recorded:
        keys = set(FACTS.keys(one)) if type(one.event) in FACTS.handles else set[str]()
        assert type(one.event) not in FACTS.begins or not keys & known, "its row may be there, and has to be read"
        known |= keys
    return replay(FACTS, [one for one in recorded if type(one.event) in FACTS.handles])


def outcome(run: str, at: int, *, rolled_back: bool = False) -> FactPublished:
    return FactPublished(
        pipeline="ship",
        correlation_key="nightly",
        run=run,
        outcome="succeeded",
        output='{"passed":3}',
        settled_at=Instant(at),
        rolled_back=rolled_back,
        at=Instant(at + 1),
    )


def artefact(version: str) -> ArtefactPublished:
    return ArtefactPublished(
        name="lib", version=version, uri=f"https://h/{version}", digest="sha256:1", by="key", at=Instant(5)
    )


def test_an_outcome_is_that_of_the_latest_run_and_holds_until_it_is_taken_back() -> None:
    first, second = ("topic_a", outcome("run_1", 10)), ("topic_a", outcome("run_2", 20))
    row = rows_of(first, second)["topic_a"]
    assert (row.kind, row.name, row.correlation_key, row.run) == ("outcome", "ship", "nightly", "run_2")
    assert (row.outcome, row.content, row.holds, row.published_at, row.changed_at) == (
        "succeeded",
        '{"passed":3}',
        True,
        20,
        21,
    )
    assert not rows_of(first, second, ("topic_a", outcome("run_2", 20, rolled_back=True)))["topic_a"].holds


def test_of_a_signal_the_latest_is_shown_and_who_waits_is_no_fact() -> None:
    waits = FactAwaited(run="run_9", project="proj_2", at=Instant(1))
    said = [
        SignalPublished(name="go", number=number, content=f'{{"n":{number}}}', by="key", at=Instant(number))
        for number in (1, 2)
    ]
    rows = rows_of(("topic_b", waits), *(("topic_b", one) for one in said))
    assert [(row.kind, row.name, row.number, row.content, row.by) for row in rows.values()] == [
        ("signal", "go", 2, '{"n":2}', "key")
    ]


def test_each_version_of_a_result_has_a_row_and_a_withdrawn_one_says_why() -> None:
    gone = ArtefactWithdrawn(name="lib", version="1.0", reason="it was broken", by="key", at=Instant(8))
    history = (("topic_c", artefact("1.0")), ("topic_c", artefact("1.1")), ("topic_c", gone), ("topic_of_1.0", gone))
    assert {key: (row.version, row.holds, row.reason, row.changed_at) for key, row in rows_of(*history).items()} == {
        "topic_c/1.0": ("1.0", False, "it was broken", 8),
        "topic_c/1.1": ("1.1", True, "", 5),
    }

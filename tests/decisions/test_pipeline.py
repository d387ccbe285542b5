"""Definitions under a name: what is the same content is the same version, and until when runs of it may begin."""

from typing import Any

from domain import catalogue
from domain.dispatch.ready import ReadyIndex
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import Instant, ProjectId, StreamId
from domain.kernel.message import Stamp
from domain.kernel.pipeline.definition import Definition
from domain.pipeline.commands import VERSIONS_MAX, DeprecateDefinition, PublishDefinition, RetireDefinition
from domain.pipeline.decider import PIPELINE, DefinitionStored, read_version
from domain.pipeline.errors import (
    DefinitionFaulty,
    DefinitionTooLarge,
    VersionNotPublished,
    VersionsLimited,
    VersionUnknown,
)
from domain.pipeline.events import DefinitionAdded, DefinitionDeprecated, DefinitionPublished, DefinitionRetired
from domain.pipeline.state import Pipeline
from domain.project.commands import CreateProject
from infrastructure.expressions.conditions import CelExpressions
from tests.support.fleet import accepted, names_of, refused
from tests.support.world import World


class Shop(World):
    """A project in which definitions are published."""

    def __init__(self) -> None:
        super().__init__(catalogue.AGGREGATES, catalogue.rules(ReadyIndex(), expressions=CelExpressions()))
        self.when(CreateProject(name="shop"))
        self.project = ProjectId(self.names["fleet", "project", "shop"])

    def ask(self, command: Any, project: str | None = None) -> Any:
        return self.when(command, self.stamp(project or self.project))

    def publish(self, *phases: str, as_draft: bool = False, name: str = "release", **task: Any) -> Any:
        definition = a_definition(*phases, name=name, **task)
        return self.ask(PublishDefinition(project="shop", definition=definition, as_draft=as_draft))

    def stored(self, *phases: str, **further: Any) -> DefinitionStored:
        answer = accepted(self.publish(*phases, **further)).answer
        assert isinstance(answer, DefinitionStored)
        return answer

    def read_stamp(self) -> Stamp:
        return self.stamp(self.project)


def a_definition(*phases: str, name: str = "release", **task: Any) -> Definition:
    made = [{"kind": "work", "key": key, "work": {"task": {"title": key, **task}, "effect": "pure"}} for key in phases]
    return Definition.model_validate({"name": name, "phases": made}, strict=False)


def test_a_definition_gets_the_first_number_and_further_content_the_next() -> None:
    shop = Shop()
    first = accepted(shop.publish("plan"))
    assert names_of(first) == ["DefinitionAdded", "DefinitionPublished"]
    assert isinstance(first.answer, DefinitionStored)
    assert (first.answer.version, first.answer.state, first.answer.created) == (1, "published", True)
    second = shop.stored("plan", "test")
    assert (second.version, second.pipeline) == (2, first.answer.pipeline)
    assert second.digest != first.answer.digest


def test_the_same_content_again_is_the_same_version_and_changes_nothing() -> None:
    shop = Shop()
    first = shop.stored("plan")
    shop.stored("test")
    again = accepted(shop.publish("plan"))
    assert not again.writes
    assert again.answer == first.model_copy(update={"created": False})


def test_names_belong_to_their_project() -> None:
    shop = Shop()
    shop.when(CreateProject(name="yard"))
    yard = shop.names["fleet", "project", "yard"]
    here = shop.stored("plan")
    there = accepted(shop.ask(PublishDefinition(project="yard", definition=a_definition("test")), yard)).answer
    assert isinstance(there, DefinitionStored)
    assert (there.version, there.pipeline == here.pipeline) == (1, False)


def test_a_draft_is_started_by_its_number_only_until_its_content_is_published() -> None:
    shop = Shop()
    draft = shop.stored("plan", as_draft=True)
    assert (draft.version, draft.state) == (1, "draft")
    stamp = shop.read_stamp()
    assert read_version("release", None, stamp, shop) == VersionUnknown(name="release", version=0)
    found = read_version("release", 1, stamp, shop)
    assert isinstance(found, tuple)
    assert (found[0], found[1].digest) == (1, draft.digest)
    assert names_of(shop.publish("plan")) == ["DefinitionPublished"]
    assert not shop.publish("plan", as_draft=True).writes, "what is published does not become a draft again"
    assert isinstance(read_version("release", None, stamp, shop), tuple)


def test_no_run_begins_of_what_is_deprecated_and_the_latest_is_the_one_before() -> None:
    shop = Shop()
    shop.stored("plan")
    shop.stored("plan", "test")
    deprecate = DeprecateDefinition(project="shop", pipeline="release", version=2)
    assert names_of(shop.ask(deprecate)) == ["DefinitionDeprecated"]
    assert not shop.ask(deprecate).writes
    stamp = shop.read_stamp()
    latest = read_version("release", None, stamp, shop)
    assert isinstance(latest, tuple)
    assert latest[0] == 1
    named = VersionNotPublished(name="release", version=2, state="deprecated")
    assert read_version("release", 2, stamp, shop) == named
    assert names_of(shop.publish("plan", "test")) == ["DefinitionPublished"], (
        "publishing its content lets it begin again"
    )


def test_a_draft_is_not_deprecated_and_what_is_retired_stays_so() -> None:
    shop = Shop()
    shop.stored("plan", as_draft=True)
    refused(shop.ask(DeprecateDefinition(project="shop", pipeline="release", version=1)), VersionNotPublished)
    retire = RetireDefinition(project="shop", pipeline="release", version=1)
    assert names_of(shop.ask(retire)) == ["DefinitionRetired"]
    assert not shop.ask(retire).writes
    assert not shop.ask(DeprecateDefinition(project="shop", pipeline="release", version=1)).writes


def test_versions_and_names_that_are_not_there_are_told() -> None:
    shop = Shop()
    refused(shop.ask(RetireDefinition(project="shop", pipeline="release", version=1)), UnknownThing)
    shop.stored("plan")
    refused(shop.ask(RetireDefinition(project="shop", pipeline="release", version=2)), VersionUnknown)


def test_a_faulty_definition_is_refused_with_all_that_is_found() -> None:
    shop = Shop()
    definition = Definition.model_validate(
        {
            "name": "release",
            "phases": [
                {
                    "kind": "work",
                    "key": "plan",
                    "needs": [{"phase": "gone"}],
                    "work": {
                        "task": {
                            "title": "x",
                            "scope": [{"claim": "path:"}],
                            "requires": [{"key": "cores", "operator": ">", "value": "many"}],
                            "concurrency_key": "signalbox:running",
                        }
                    },
                }
            ],
        },
        strict=False,
    )
    rejection = refused(shop.ask(PublishDefinition(project="shop", definition=definition)), DefinitionFaulty)
    assert isinstance(rejection, DefinitionFaulty)
    assert rejection.first == "plan: there is no phase gone"
    assert [one.code for one in rejection.findings][:3] == ["unknown_phase", "bad_scope", "bad_requirement"]
    assert [one.place for one in rejection.findings][1] == "phases.0.work.task.scope.0"


def test_a_claim_with_a_hole_is_a_claim_and_warnings_refuse_nothing() -> None:
    shop = Shop()
    definition = Definition.model_validate(
        {
            "name": "release",
            "inputs": [{"name": "where"}],
            "phases": [
                {
                    "kind": "work",
                    "key": "deploy",
                    "work": {
                        "task": {"title": "x", "scope": [{"claim": "env:${where}"}]},
                        "inputs": [{"name": "where", "value": "inputs.where"}],
                    },
                }
            ],
        },
        strict=False,
    )
    accepted(shop.ask(PublishDefinition(project="shop", definition=definition)))


def test_what_reads_no_conditions_publishes_none() -> None:
    shop = Shop()
    shop.rules = catalogue.rules(ReadyIndex())
    phases = [{"kind": "work", "key": "a", "when": "true", "work": {"task": {"title": "x"}}}]
    definition = Definition.model_validate({"name": "r", "phases": phases}, strict=False)
    refused(shop.ask(PublishDefinition(project="shop", definition=definition)), DefinitionFaulty)


def test_a_definition_has_a_size_and_a_name_has_so_many_versions() -> None:
    shop = Shop()
    body = "x" * 65_536
    definition = a_definition(*(f"p{number}" for number in range(20)), body=body)
    refused(shop.ask(PublishDefinition(project="shop", definition=definition)), DefinitionTooLarge)
    stored = shop.stored("plan")
    for number in range(2, VERSIONS_MAX + 1):
        added = DefinitionAdded(
            name="release",
            version=number,
            digest=f"sha256:{number}",
            definition=a_definition("plan"),
            by="key_test",
            at=shop.now,
        )
        shop.given(stored.pipeline, added, project=shop.project)
    refused(shop.publish("test"), VersionsLimited)
    assert shop.stored("plan").version == 1


def test_events_of_what_was_never_added_change_nothing() -> None:
    at = Instant(1)
    events = (
        DefinitionPublished(name="r", version=1, digest="x", by="k", at=at),
        DefinitionDeprecated(name="r", version=1, by="k", at=at),
        DefinitionRetired(name="r", version=1, by="k", at=at),
    )
    for event in events:
        assert PIPELINE.evolve(PIPELINE.initial, event) == PIPELINE.initial
    shop = Shop()
    stored = shop.stored("plan")
    before = shop.states[StreamId(stored.pipeline)]
    assert isinstance(before, Pipeline)
    for event in events:
        assert PIPELINE.evolve(before, event.model_copy(update={"version": 7})) == before

"""What the definitions of one name decide: numbers for contents, and until when runs of them may be started."""

from collections.abc import Callable
from typing import Final, assert_never

from immutables import Map

from domain.kernel.change import replace
from domain.kernel.decider import Aggregate, Decision, View, Write, refuse
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import StreamId, derived_id
from domain.kernel.message import Answer, Event, KeyRow, Stamp
from domain.kernel.pipeline.definition import Definition
from domain.kernel.pipeline.digest import definition_digest
from domain.pipeline.commands import VERSIONS_MAX, DeprecateDefinition, PublishDefinition, RetireDefinition
from domain.pipeline.errors import DefinitionTooLarge, VersionNotPublished, VersionsLimited, VersionUnknown
from domain.pipeline.events import (
    DefinitionAdded,
    DefinitionDeprecated,
    DefinitionPublished,
    DefinitionRetired,
    PipelineEvent,
)
from domain.pipeline.state import Absent, Pipeline, PipelineState, Version, VersionState

NAME_KIND: Final = "pipeline"
"""Kind of the unique names of pipelines; each project has its own."""
BYTES_MAX: Final = 1024 * 1024
"""Size of one definition as JSON."""


class DefinitionStored(Answer):
    """The version that carries the content."""

    pipeline: str
    """Id of the name's stream."""
    version: int
    digest: str
    state: VersionState
    created: bool
    """Whether the content is new; false where it was there before."""


def evolve(state: PipelineState, event: PipelineEvent) -> PipelineState:
    """The definitions after the event."""
    if isinstance(event, DefinitionAdded):
        known = state if isinstance(state, Pipeline) else Pipeline(event.name, Map(), Map())
        return replace(
            known,
            versions=known.versions.set(event.version, Version(event.definition, event.digest)),
            by_digest=known.by_digest.set(event.digest, event.version),
        )
    if isinstance(state, Absent):
        return state
    match event:
        case DefinitionPublished():
            return _turned(state, event.version, "published")
        case DefinitionDeprecated():
            return _turned(state, event.version, "deprecated")
        case DefinitionRetired():
            return _turned(state, event.version, "retired")
        case _:
            assert_never(event)


def _turned(state: Pipeline, number: int, to: VersionState) -> Pipeline:
    version = state.versions.get(number)
    return state if version is None else replace(state, versions=state.versions.set(number, replace(version, state=to)))


PIPELINE: Final[Aggregate[PipelineState]] = Aggregate(
    prefix="pipe", initial=Absent(), evolve=evolve, state_type=PipelineState, snapshot_every=100
)


def stored(command: PublishDefinition, stamp: Stamp, view: View) -> Decision:
    """A sound definition under the next number of its name, or the number that its content has."""
    definition = command.definition
    digest = definition_digest(definition)
    stream = view.key(stamp.project, NAME_KIND, definition.name)
    if stream is None:
        stream = derived_id("pipe", stamp.time, stamp.key)
        keys = (KeyRow(scope=stamp.project, kind=NAME_KIND, name=definition.name, stream=stream),)
        return _added(command, digest, 1, stamp, stream)._replace(keys=keys)
    state = view.read(PIPELINE, stream)
    known = state if isinstance(state, Pipeline) else Pipeline(definition.name, Map(), Map())
    number = known.by_digest.get(digest)
    if number is not None:
        return _again(command, known, number, stamp, stream)
    if len(known.versions) >= VERSIONS_MAX:
        return refuse(VersionsLimited(name=definition.name))
    return _added(command, digest, len(known.versions) + 1, stamp, stream)


def _added(command: PublishDefinition, digest: str, number: int, stamp: Stamp, stream: StreamId) -> Decision:
    definition = command.definition
    added = DefinitionAdded(
        name=definition.name, version=number, digest=digest, definition=definition, by=stamp.principal, at=stamp.time
    )
    size = len(added.stored())
    if size > BYTES_MAX:
        return refuse(DefinitionTooLarge(name=definition.name, bytes=size, bytes_max=BYTES_MAX))
    events: tuple[Event, ...] = (added,)
    if not command.as_draft:
        events = (added, _published(definition, number, digest, stamp))
    answer = DefinitionStored(
        pipeline=stream,
        version=number,
        digest=digest,
        state="draft" if command.as_draft else "published",
        created=True,
    )
    return Decision(writes=(Write(stream, events, stamp.project),), answer=answer)


def _again(command: PublishDefinition, known: Pipeline, number: int, stamp: Stamp, stream: StreamId) -> Decision:
    """Content that is there: whatever became of it, publishing it lets runs be started; a draft changes nothing."""
    version = known.versions[number]
    publish = not command.as_draft and version.state != "published"
    answer = DefinitionStored(
        pipeline=stream,
        version=number,
        digest=version.digest,
        state="published" if publish else version.state,
        created=False,
    )
    if not publish:
        return Decision(answer=answer)
    event = _published(version.definition, number, version.digest, stamp)
    return Decision(writes=(Write(stream, (event,), stamp.project),), answer=answer)


def _published(definition: Definition, number: int, digest: str, stamp: Stamp) -> DefinitionPublished:
    return DefinitionPublished(name=definition.name, version=number, digest=digest, by=stamp.principal, at=stamp.time)


def deprecate(command: DeprecateDefinition, stamp: Stamp, view: View) -> Decision:
    """No further runs; a version that is deprecated or retired stays so."""
    return _on_version(command.pipeline, command.version, stamp, view, _deprecated)


def _deprecated(version: Version, name: str, number: int, stamp: Stamp) -> Event | VersionNotPublished | None:
    match version.state:
        case "published":
            return DefinitionDeprecated(name=name, version=number, by=stamp.principal, at=stamp.time)
        case "draft":
            return VersionNotPublished(name=name, version=number, state=version.state)
        case "deprecated" | "retired":
            return None
        case _:
            assert_never(version.state)


def retire(command: RetireDefinition, stamp: Stamp, view: View) -> Decision:
    """Put a version away, whatever state it is in; one that is retired stays so."""
    return _on_version(command.pipeline, command.version, stamp, view, _retired)


def _retired(version: Version, name: str, number: int, stamp: Stamp) -> Event | None:
    if version.state == "retired":
        return None
    return DefinitionRetired(name=name, version=number, by=stamp.principal, at=stamp.time)


_Turn = Callable[[Version, str, int, Stamp], Event | VersionNotPublished | None]


def _on_version(name: str, number: int, stamp: Stamp, view: View, turn: _Turn) -> Decision:
    found = read_pipeline(name, stamp, view)
    if isinstance(found, UnknownThing):
        return refuse(found)
    stream, pipeline = found
    version = pipeline.versions.get(number)
    if version is None:
        return refuse(VersionUnknown(name=pipeline.name, version=number))
    turned = turn(version, pipeline.name, number, stamp)
    if turned is None:
        return Decision()
    if isinstance(turned, VersionNotPublished):
        return refuse(turned)
    return Decision(writes=(Write(stream, (turned,), stamp.project),))


def read_pipeline(name: str, stamp: Stamp, view: View) -> tuple[StreamId, Pipeline] | UnknownThing:
    """The definitions of a name in the stamp's project, with their stream."""
    stream = view.key(stamp.project, NAME_KIND, name)
    state = Absent() if stream is None else view.read(PIPELINE, stream)
    if stream is None or isinstance(state, Absent):
        return UnknownThing(kind="pipeline", name=name)
    return stream, state


def read_version(
    name: str, number: int | None, stamp: Stamp, view: View
) -> tuple[int, Version] | UnknownThing | VersionUnknown | VersionNotPublished:
    """The version of which a run may be started: the latest that is published, or the one with the number.

    A number also starts a draft; nothing starts what is deprecated or retired.
    """
    found = read_pipeline(name, stamp, view)
    if isinstance(found, UnknownThing):
        return found
    pipeline = found[1]
    wanted = pipeline.latest if number is None else number
    version = None if wanted is None else pipeline.versions.get(wanted)
    if wanted is None or version is None:
        return VersionUnknown(name=pipeline.name, version=number or 0)
    if version.state in ("deprecated", "retired"):
        return VersionNotPublished(name=pipeline.name, version=wanted, state=version.state)
    return wanted, version

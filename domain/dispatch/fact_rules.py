"""What a project publishes for others: signals, and results in versions that stay what they are."""

from collections.abc import Mapping
from typing import Final

from domain.dispatch.facts import publish_fact
from domain.fact.commands import VERSIONS_MAX, PublishArtefact, PublishFact, PublishSignal, WithdrawArtefact
from domain.fact.decider import TOPIC, artefact_topic, signal_topic, version_topic
from domain.fact.errors import VersionAbsent, VersionsFull, VersionTaken
from domain.fact.events import ArtefactPublished, ArtefactWithdrawn, SignalPublished
from domain.fact.state import Topic
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.decisions import Decide
from domain.kernel.message import Command, Stamp
from domain.kernel.versions import numbers_of

VERSIONS_TOLD_MAX: Final = 8
"""Of a refusal that names the versions that there are."""


def publish_signal(command: PublishSignal, stamp: Stamp, view: View) -> Decision:
    """Whoever waits for it hears it; whoever asks later finds the latest."""
    stream = signal_topic(stamp.project, command.name)
    before = view.read(TOPIC, stream).signal
    sent = SignalPublished(
        name=command.name,
        number=1 if before is None else before.number + 1,
        content=command.content,
        by=stamp.principal,
        at=stamp.time,
    )
    return Decision((Write(stream, (sent,), stamp.project),))


def publish_artefact(command: PublishArtefact, stamp: Stamp, view: View) -> Decision:
    """A version is there once and for all; ``1.4`` and ``1.4.0`` are one."""
    stream, name = artefact_topic(stamp.project, command.name), command.name
    topic = view.read(TOPIC, stream)
    numbers = numbers_of(command.version)
    there = next((one for one in topic.artefacts.values() if numbers_of(one.version) == numbers), None)
    if there is not None:
        withdrawn, same = there.version in topic.withdrawn, (there.uri, there.digest) == (command.uri, command.digest)
        if same and not withdrawn:
            return Decision()
        how = ", and was withdrawn" if withdrawn else ", and it says something else"
        return refuse(VersionTaken(artefact=name, version=there.version, how=how))
    if len(topic.artefacts) >= VERSIONS_MAX:
        return refuse(VersionsFull(artefact=name, count=VERSIONS_MAX))
    said = {"name": name, "version": command.version, "uri": command.uri, "digest": command.digest}
    published = ArtefactPublished.model_validate({**said, "by": stamp.principal, "at": stamp.time})
    return Decision((Write(stream, (published,), stamp.project),))


def withdraw_artefact(command: WithdrawArtefact, stamp: Stamp, view: View) -> Decision:
    """Nobody takes the version any more, and whoever has is told."""
    stream = artefact_topic(stamp.project, command.name)
    topic = view.read(TOPIC, stream)
    if command.version not in topic.artefacts:
        return refuse(VersionAbsent(artefact=command.name, version=command.version, published=_published(topic)))
    if command.version in topic.withdrawn:
        return Decision()
    gone = ArtefactWithdrawn(
        name=command.name, version=command.version, reason=command.reason, by=stamp.principal, at=stamp.time
    )
    takers = version_topic(stamp.project, command.name, command.version)
    return Decision((Write(stream, (gone,), stamp.project), Write(takers, (gone,), stamp.project)))


def _published(topic: Topic) -> str:
    """The versions that there are, in words, the latest first."""
    versions = sorted(topic.artefacts, key=numbers_of, reverse=True)
    more = len(versions) - VERSIONS_TOLD_MAX
    return ", ".join(versions[:VERSIONS_TOLD_MAX]) + (f" and {more} more" if more > 0 else "") or "none"


FACT_DECISIONS: Final[Mapping[type[Command], Decide]] = {
    PublishFact: publish_fact,
    PublishSignal: publish_signal,
    PublishArtefact: publish_artefact,
    WithdrawArtefact: withdraw_artefact,
}

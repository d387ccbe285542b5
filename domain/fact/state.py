"""What is known under one topic, as decisions see it."""

from dataclasses import dataclass

from immutables import Map

from domain.fact.events import ArtefactPublished, FactPublished, SignalPublished
from domain.kernel.ids import Instant


@dataclass(frozen=True, slots=True)
class Topic:
    """What is said under a topic, if anything is yet, and runs that wait for the next, with their projects."""

    latest: FactPublished | None = None
    """Of the runs of a pipeline."""
    signal: SignalPublished | None = None
    """The latest of a name."""
    artefacts: Map[str, ArtefactPublished] = Map()
    """Of a name, by version."""
    withdrawn: Map[str, Instant] = Map()
    """Versions that do not hold any more, with since when."""
    awaited_by: Map[str, str] = Map()
    """In the topic of one version those that have taken it."""

    @property
    def withdrawn_alone(self) -> bool:
        """Whether it is that of one version, which does not hold any more: who waits there has taken it."""
        return bool(self.withdrawn) and not self.artefacts

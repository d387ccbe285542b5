"""What a node says of itself: how it is, and its figures."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final

from pydantic import ValidationError

from api.composition.archive import ArchiveDesk
from api.composition.erasure import Erasure
from api.composition.figures import RunStand
from api.composition.lag import LagStand
from api.composition.our_words import in_our_words
from api.ports import Health, ServiceFault
from domain.kernel.ids import Instant
from domain.node.health import NodeReport
from infrastructure.ledger.follower import LedgerFollower
from infrastructure.runtime.node import Node
from infrastructure.runtime.projector import ProjectionStatus
from infrastructure.settings import Settings
from infrastructure.telemetry import Metrics

NAMED_MAX: Final = 3
"""Read models with the same trouble that are called by name; `projections list` shows all."""


class Doctor:
    """What the node says of itself."""

    def __init__(
        self,
        node: Node,
        ledger: LedgerFollower,
        erasure: Erasure,
        archive: ArchiveDesk,
        settings: Settings,
        warnings: tuple[str, ...],
        metrics: Metrics,
        runs: RunStand,
    ) -> None:
        self._node = node
        self._ledger = ledger
        self._erasure = erasure
        self._archive = archive
        self._settings = settings
        self._warnings = warnings
        self._metrics = metrics
        self._runs = runs
        self._lag = LagStand(node.log, node.projector.status)

    async def metrics(self) -> bytes:
        """The Prometheus text. What cannot be counted while the store is away stays as it was."""
        with suppress(ServiceFault):
            await self._runs.look(Instant(self._node.log.now()))
        with suppress(ServiceFault):
            self._metrics.projections_waited(await in_our_words(self._lag.look()))
        return self._metrics.text()

    async def told(self) -> Mapping[str, NodeReport]:
        """What every node said of itself last; what another version says and this one cannot read is left out."""
        found: dict[str, NodeReport] = {}
        for one in await in_our_words(self._node.presence.reports()):
            with suppress(ValidationError):
                found[one.node] = NodeReport.model_validate_json(one.report, strict=False, extra="ignore")
        return found

    def announce(self, url: str) -> None:
        """The node joins the others."""
        self._node.presence.announce(url)

    def health(self) -> Health:
        """As of now. Whom the others may call lost is not ready either."""
        troubles = troubles_of(self._node.projector.status())
        troubles += tuple(f"ledger: {trouble}" for trouble in self._ledger.troubles())
        if self._erasure.eraser.pending:
            troubles += (f"erasure: {self._erasure.eraser.pending}",)
        if self._archive.trouble:
            troubles += (f"archive: {self._archive.trouble}",)
        return Health(
            ready=self._node.ready and not self._node.presence.is_cut_off(Instant(self._node.log.now())),
            node=self._node.name,
            store=self._settings.store_kind,
            head=max(self._node.head.position, self._node.hints.position),
            projected=self._node.projector.position(),
            warnings=self._warnings + troubles,
        )


def troubles_of(statuses: Iterable[ProjectionStatus]) -> tuple[str, ...]:
    """What is wrong with read models, in words; what is wrong with several alike is said once."""
    names: dict[str, list[str]] = {}
    for one in statuses:
        if trouble := _trouble_of(one):
            names.setdefault(trouble, []).append(one.name)
    return tuple(f"{_named(alike)}: {trouble}" for trouble, alike in names.items())


def _named(names: list[str]) -> str:
    if len(names) == 1:
        return f"projection {names[0]}"
    more = len(names) - NAMED_MAX
    return f"projections {', '.join(names[:NAMED_MAX])}" + (f" and {more} more" if more > 0 else "")


def _trouble_of(one: ProjectionStatus) -> str:
    parked = f"{one.parked_streams} parked; see `signalbox projections parked list`" if one.parked_streams else ""
    drifted = "its rows were begun by other code: rebuild it" if one.drifted and not one.error else ""
    reasons = [reason for reason in (one.error, parked, drifted) if reason]
    return f"{one.state}, {', '.join(reasons)}" if reasons else ""

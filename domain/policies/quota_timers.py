"""What happens in credential pools by itself once a time has come."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from domain.kernel.message import Event
from domain.kernel.policy import Cause
from domain.policies.waits import Subject, Wait
from domain.quota.commands import HalfOpenQuota, SettleQuotaProbe
from domain.quota.events import QuotaClosed, QuotaHalfOpened, QuotaOpened, QuotaProbed, QuotaProbeEnded

QUOTA_DUE: Final = "quota_due"
"""The quota may be there again: somebody may try."""
PROBE_DUE: Final = "quota_probe_due"
"""Who tries was not refused for long enough."""

STARTS: Final[tuple[type[Event], ...]] = (QuotaOpened, QuotaProbed)
STOPS: Final[Mapping[type[Event], tuple[str, ...]]] = {
    QuotaOpened: (PROBE_DUE,),
    QuotaHalfOpened: (QUOTA_DUE,),
    QuotaProbeEnded: (PROBE_DUE,),
    QuotaClosed: (QUOTA_DUE, PROBE_DUE),
}
"""Waits that an event makes moot."""


def waits_of(cause: Cause) -> tuple[Wait, ...]:
    """The waits that the event starts."""
    stream = cause.stream
    match cause.event:
        case QuotaOpened(until=until):
            opened = partial(HalfOpenQuota, pool=stream, until=until)
            return (Wait(Subject(QUOTA_DUE, stream), until, cause, opened),)
        case QuotaProbed(session=session, project=project, token=token, until=until):
            asked = partial(SettleQuotaProbe, pool=stream, session=session, project=project, token=token)
            return (Wait(Subject(PROBE_DUE, stream), until, cause, partial(asked, outcome="succeeded")),)
        case _:
            return ()

"""A group of members as the parameters of one append: pure, and optimistic that nothing has moved."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson

from domain.kernel.message import KeyRow
from infrastructure.log.port import Lease, Member, NewEvent
from infrastructure.log.postgres_arrays import blobs, integers, texts

Parameters = dict[str, object]
"""Named parameters of the query ``append``."""


@dataclass(slots=True)
class Expectation:
    """What a group relies on in the store when all its members are taken."""

    versions: dict[str, int] = field(default_factory=dict[str, int])
    """Streams with the version that the group begins at."""
    keys: dict[tuple[str, str, str], str | None] = field(default_factory=dict[tuple[str, str, str], "str | None"])
    """Unique names that must be absent, with the stream of those that the group inserts."""


def expectation(members: Sequence[Member]) -> Expectation | None:
    """What the group relies on, or None where only a walk can tell.

    That is so where members contradict each other, and for every change of a lease row, which depends on the row.
    """
    expected = Expectation()
    current: dict[str, int] = {}
    for member in members:
        for stream, version in member.reads:
            known = current.get(stream)
            if known is None:
                expected.versions[stream] = current[stream] = version
            elif known != version:
                return None
        for event in member.events:
            current[event.stream] = event.version
        if member.leases or ((member.keys or member.absent_keys) and not _expect_keys(expected, member)):
            return None
    return expected


def _expect_keys(expected: Expectation, member: Member) -> bool:
    for name in member.absent_keys:
        if expected.keys.setdefault(name, None) is not None:
            return False
    for row in member.keys:
        name = (row.scope, row.kind, row.name)
        if expected.keys.get(name) is not None:
            return False
        expected.keys[name] = row.stream
    return True


def parameters(
    members: Sequence[Member], expected: Expectation, leases: Sequence[Lease] = (), at: int | None = None
) -> Parameters:
    """Parameters that append all ``members``; ``leases`` are rows as they are afterwards, ``at`` None for the clock."""
    return {
        "read_streams": texts(list(expected.versions)),
        "read_versions": integers(list(expected.versions.values())),
        **_key_parameters(expected),
        **_lease_parameters(leases),
        **_member_parameters(members),
        **_event_parameters([(place, event) for place, member in enumerate(members, 1) for event in member.events]),
        "at": at,
    }


def inserted(rows: Sequence[KeyRow]) -> Expectation:
    """The expectation of a group that was walked under the lock: only the names to insert are left to be said."""
    return Expectation(keys={(row.scope, row.kind, row.name): row.stream for row in rows})


def plain_parameters(events: Sequence[NewEvent]) -> Parameters:
    """Parameters that append events of the plain library: no command stands behind them, no project owns them."""
    nobody = ("member_ids", "member_projects", "member_principals", "member_correlations", "member_causations")
    return {
        **parameters((), Expectation()),
        **{name: texts([None]) for name in (*nobody, "member_traceparents")},
        **{name: integers([None]) for name in ("member_times", "receipt_offsets")},
        **{name: blobs([b""]) for name in ("receipt_digests", "receipt_bodies", "receipt_outcomes", "receipt_reads")},
        **_event_parameters([(1, event) for event in events]),
        "event_projects": texts([None] * len(events)),
    }


def _key_parameters(expected: Expectation) -> Parameters:
    names = list(expected.keys)
    return {
        "key_scopes": texts([scope for scope, _, _ in names]),
        "key_kinds": texts([kind for _, kind, _ in names]),
        "key_names": texts([name for _, _, name in names]),
        "key_streams": texts(list(expected.keys.values())),
    }


def _lease_parameters(leases: Sequence[Lease]) -> Parameters:
    return {
        "lease_sessions": texts([lease.session for lease in leases]),
        "lease_incarnations": integers([lease.incarnation for lease in leases]),
        "lease_ttls": integers([lease.ttl_seconds for lease in leases]),
        "lease_renewals": integers([lease.renewed_at for lease in leases]),
        "lease_ends": integers([int(lease.ended) for lease in leases]),
    }


def _member_parameters(members: Sequence[Member]) -> Parameters:
    offsets: list[int | None] = []
    through = 0
    for member in members:
        through += len(member.events)
        offsets.append(through if member.receipt else None)
    return {
        "member_ids": texts([member.command_id for member in members]),
        "member_projects": texts([member.project for member in members]),
        "member_principals": texts([member.principal for member in members]),
        "member_times": integers([member.time for member in members]),
        "member_correlations": texts([member.correlation_id for member in members]),
        "member_causations": texts([member.causation_id for member in members]),
        "member_traceparents": texts([member.traceparent for member in members]),
        "receipt_offsets": integers(offsets),
        "receipt_digests": blobs([member.digest for member in members]),
        "receipt_bodies": blobs([member.body for member in members]),
        "receipt_outcomes": blobs([member.outcome for member in members]),
        "receipt_reads": blobs([orjson.dumps(member.reads) for member in members]),
    }


def _event_parameters(events: Sequence[tuple[int, NewEvent]]) -> Parameters:
    return {
        "event_members": integers([place for place, _ in events]),
        "event_streams": texts([event.stream for _, event in events]),
        "event_versions": integers([event.version for _, event in events]),
        "event_types": texts([event.type for _, event in events]),
        "event_schemas": integers([event.schema_version for _, event in events]),
        "event_states": blobs([event.state for _, event in events]),
        "event_projects": texts([event.project for _, event in events]),
    }

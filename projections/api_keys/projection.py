"""How the events of an API key become its row."""

from typing import Final, assert_never, cast, get_args

from domain.kernel.decider import Recorded
from domain.principal.events import KeyIssued, KeyRevoked
from projections.api_keys.rows import ApiKeyRow
from projections.kernel.projection import Projection
from projections.kernel.rows import json_text

ApiKeyEvent = KeyIssued | KeyRevoked


def keys(recorded: Recorded) -> tuple[str, ...]:
    """The key is its stream."""
    return (recorded.stream,)


def evolve(row: ApiKeyRow | None, recorded: Recorded, key: str) -> ApiKeyRow | None:
    """The row after the event."""
    event = cast(ApiKeyEvent, recorded.event)
    match event:
        case KeyIssued():
            return _issued(event, recorded, key)
        case KeyRevoked():
            return None if row is None else row._replace(revoked=True, revoked_at=event.at)
        case _:
            assert_never(event)


def _issued(event: KeyIssued, recorded: Recorded, key: str) -> ApiKeyRow:
    return ApiKeyRow(
        key=key,
        project=recorded.project,
        name=event.name,
        role=event.role,
        projects=json_text(event.projects),
        issued_at=event.at,
        expires_at=event.expires_at,
        revoked=False,
        revoked_at=None,
    )


API_KEYS: Final = Projection(
    name="api_keys",
    version=1,
    row=ApiKeyRow,
    handles=frozenset(get_args(ApiKeyEvent)),
    begins=frozenset({KeyIssued}),
    keys=keys,
    evolve=evolve,
)

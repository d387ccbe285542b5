"""What is left out of exported events: fields of their states, by type."""

import base64
from collections.abc import Mapping
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Any, Final, cast

import orjson

from domain.catalogue import SEALINGS
from infrastructure.bundle.layout import BundleUnreadable
from infrastructure.erasure.envelope import ENVELOPE
from infrastructure.log.port import LogRow

LEFT_OUT: Final = "[redacted]"
RULES_MAX: Final = 1_000
_COLUMNS: Final = frozenset({"actor", "command_id", "correlation_id", "causation_id", "traceparent"})

Rules = Mapping[str, tuple[str, ...]]
"""Pattern of stored names, such as ``task.*``, -> fields of the state, or ``actor`` and other ids as ``@actor``."""


def read_rules(text: bytes) -> Rules:
    """A policy: a JSON object of patterns and lists of fields. Raises BundleUnreadable."""
    try:
        found = orjson.loads(text)
        rules = {str(pattern): tuple(map(str, fields)) for pattern, fields in found.items()}
    except (orjson.JSONDecodeError, AttributeError, TypeError) as error:
        raise BundleUnreadable('a policy is a JSON object, such as {"task.*": ["title", "@actor"]}') from error
    unknown = {field for fields in rules.values() for field in fields if field[:1] == "@" and field[1:] not in _COLUMNS}
    if unknown or len(rules) > RULES_MAX:
        raise BundleUnreadable(f"a policy has {RULES_MAX} rules at most, and no such columns: {sorted(unknown)}")
    return rules


def digest(rules: Rules) -> str:
    """What a policy is known by: SHA-256 over it as JSON with names in order, in base64."""
    text = orjson.dumps({pattern: list(fields) for pattern, fields in rules.items()}, option=orjson.OPT_SORT_KEYS)
    return base64.b64encode(sha256(text).digest()).decode()


class Redaction:
    """Applies rules to events; an event that no rule concerns stays what it is."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._by_type: dict[str, frozenset[str]] = {}

    def applied(self, row: LogRow) -> tuple[LogRow, bool]:
        """The event without what is left out, and whether anything was."""
        fields = self._fields(row.type)
        if not fields:
            return row, False
        columns: dict[str, Any] = {
            field[1:]: LEFT_OUT for field in fields if field[:1] == "@" and getattr(row, field[1:]) is not None
        }
        state = _state(row, fields)
        if state is not None:
            columns["state"] = state
        return row._replace(**columns), bool(columns)

    def _fields(self, kind: str) -> frozenset[str]:
        fields = self._by_type.get(kind)
        if fields is None:
            matching = (names for pattern, names in self._rules.items() if fnmatchcase(kind, pattern))
            fields = self._by_type[kind] = frozenset(name for names in matching for name in names)
        return fields


def _state(row: LogRow, fields: frozenset[str]) -> bytes | None:
    """The state without these fields; wholly left out where it is no JSON object. None where nothing changes."""
    try:
        content = orjson.loads(row.state)
    except orjson.JSONDecodeError:
        content = None
    if not isinstance(content, dict):
        return orjson.dumps(LEFT_OUT)
    values = cast("dict[str, Any]", content)
    found = fields & values.keys()
    if not found:
        return None
    if row.type in SEALINGS:
        # Whoever has the keys would read there what is left out, and it fits into the bytes of before only.
        values.pop(ENVELOPE, None)
    return orjson.dumps(values | dict.fromkeys(found & values.keys(), LEFT_OUT))

"""Closed lists of words; each is the spelling of a Literal of the layers below."""

from enum import Enum

import strawberry


@strawberry.enum
class RefusalKind(Enum):
    """What a refusal asks of its caller; codes are finer and may become more."""

    CONFLICT = "CONFLICT"
    WAIT_TIMEOUT = "WAIT_TIMEOUT"
    DEADLOCK = "DEADLOCK"
    ALREADY_WAITING = "ALREADY_WAITING"
    FENCED = "FENCED"
    SESSION_LOST = "SESSION_LOST"
    NOT_OWNER = "NOT_OWNER"
    DENIED = "DENIED"
    BAD_PATTERN = "BAD_PATTERN"
    TOO_COMPLEX = "TOO_COMPLEX"
    LIMIT = "LIMIT"
    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH"
    STALE = "STALE"
    UNKNOWN_OUTCOME = "UNKNOWN_OUTCOME"


@strawberry.enum
class TaskStatus(Enum):
    """Where a task stands."""

    PENDING = "pending"
    READY = "ready"
    ASSIGNED = "assigned"
    RUNNING = "running"
    BACKOFF = "backoff"
    PARKED = "parked"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@strawberry.enum
class TaskOrder(Enum):
    """How tasks are sorted."""

    URGENT_FIRST = "urgent_first"
    NEWEST_FIRST = "newest_first"
    OLDEST_FIRST = "oldest_first"


@strawberry.enum
class TimeOrder(Enum):
    """How things are sorted by when they began."""

    NEWEST_FIRST = "newest_first"
    OLDEST_FIRST = "oldest_first"


@strawberry.enum
class SessionStatus(Enum):
    """What a session does, or whether it is silent or gone. LIVE only asks: for all that are heard."""

    WORKING = "working"
    BUSY_IN_TOOL = "busy_in_tool"
    WAITING_FOR_PERSON = "waiting_for_person"
    QUOTA_BLOCKED = "quota_blocked"
    IDLE = "idle"
    SUSPECT = "suspect"
    LOST = "lost"
    DRAINING = "draining"
    ENDED = "ended"
    LIVE = "live"


@strawberry.enum
class NodeStatus(Enum):
    """Whether a server is there, and well."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    LOST = "lost"
    LEFT = "left"


@strawberry.enum
class LockMode(Enum):
    """What the holder may do, and whether others may hold the same."""

    INTENT = "intent"
    SHARED = "shared"
    UPDATE = "update"
    EXCLUSIVE = "exclusive"


@strawberry.enum
class Outcome(Enum):
    """How a task settles."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@strawberry.enum
class Role(Enum):
    """What a key opens."""

    OWNER = "owner"
    ADMIN = "admin"
    OPERATOR = "operator"
    VIEWER = "viewer"
    WORKER = "worker"


@strawberry.enum
class ExplainedKind(Enum):
    """What an explanation is of."""

    TASK = "task"
    SESSION = "session"
    LOCK = "lock"
    RUN = "run"


@strawberry.enum
class MessageKind(Enum):
    """What a message wants."""

    MESSAGE = "message"
    PLEASE_RELEASE = "please_release"


SHARED_ENUMS: tuple[type[Enum], ...] = (
    TaskStatus,
    TaskOrder,
    TimeOrder,
    SessionStatus,
    LockMode,
    Outcome,
    Role,
    MessageKind,
)
"""An input that takes the same words takes the same enum."""

"""Plain values that several aggregates speak of."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from domain.kernel.message import Message

Scalar = bool | int | float | Annotated[str, StringConstraints(max_length=1_000)]
Value = Scalar | Annotated[tuple[Scalar, ...], Field(max_length=100)]
"""What a session is, or must be, under one label."""
Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in", "contains", "exists"]
LockMode = Literal["intent", "shared", "update", "exclusive"]
"""``intent`` declares a plan, ``shared`` reads, ``update`` reads and may upgrade, ``exclusive`` writes."""


class ScopeClaim(Message):
    """A lock that some work needs."""

    claim: str = Field(min_length=1, max_length=600)
    mode: LockMode = "exclusive"


class Requirement(Message):
    """A capability that a session must have, or should rather have."""

    key: str = Field(min_length=1, max_length=100)
    operator: Operator = "="
    value: Value = True
    weight: int | None = Field(default=None, ge=1, le=1_000)
    """None is required; a number is only wished for, and the sum of what holds ranks sessions."""


class ConcurrencyKey(Message):
    """A name that at most ``limit`` live grants of a project may carry."""

    key: str = Field(min_length=1, max_length=200)
    limit: int = Field(ge=1, le=10_000)


class Spend(Message):
    """What work costs: reserved when it is claimed, settled when it ends."""

    tokens: int = Field(default=0, ge=0, le=10**15)
    """Tokens of a model, in and out."""
    cost_microdollars: int = Field(default=0, ge=0, le=10**15)
    wall_seconds: int = Field(default=0, ge=0, le=10**12)

    def plus(self, other: "Spend") -> "Spend":
        """The sum; each field stops at its bound, so that a fold of what was stored never fails."""
        return Spend(
            tokens=min(10**15, self.tokens + other.tokens),
            cost_microdollars=min(10**15, self.cost_microdollars + other.cost_microdollars),
            wall_seconds=min(10**12, self.wall_seconds + other.wall_seconds),
        )

    def minus(self, other: "Spend") -> "Spend":
        """The difference, never below nothing."""
        return Spend(
            tokens=max(0, self.tokens - other.tokens),
            cost_microdollars=max(0, self.cost_microdollars - other.cost_microdollars),
            wall_seconds=max(0, self.wall_seconds - other.wall_seconds),
        )

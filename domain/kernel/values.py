"""Plain values that several aggregates speak of."""

from typing import Literal

from pydantic import Field

from domain.kernel.message import Message

Scalar = bool | int | float | str
Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in", "contains", "exists"]
LockMode = Literal["shared", "exclusive"]


class ScopeClaim(Message):
    """A lock that some work needs."""

    claim: str = Field(min_length=1, max_length=600)
    mode: LockMode = "exclusive"


class Requirement(Message):
    """A capability that a session must have."""

    key: str = Field(min_length=1, max_length=100)
    operator: Operator = "="
    value: Scalar | tuple[Scalar, ...] = True

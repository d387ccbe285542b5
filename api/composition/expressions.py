"""Conditions of pipelines for programs that look at a definition without a server."""

from domain.kernel.pipeline.expressions import Expressions
from infrastructure.expressions.conditions import CelExpressions


def expressions() -> Expressions:
    """What reads and tells conditions here, the same that a server has."""
    return CelExpressions()

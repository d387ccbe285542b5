"""What is decided of definitions of pipelines, by command."""

from functools import partial
from typing import Final

from domain.dispatch.publish_definition import publish
from domain.kernel.decisions import Decide
from domain.kernel.message import Command
from domain.kernel.pipeline.expressions import Expressions
from domain.pipeline.commands import DeprecateDefinition, RetireDefinition
from domain.pipeline.decider import deprecate, retire

PIPELINE_DECISIONS: Final[dict[type[Command], Decide]] = {
    DeprecateDefinition: deprecate,
    RetireDefinition: retire,
}


def publishing(expressions: Expressions) -> Decide:
    """The decision that looks at a definition before it is kept."""
    return partial(publish, expressions=expressions)

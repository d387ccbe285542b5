"""What is decided of definitions of pipelines, by command."""

from functools import partial
from typing import Final

from domain.dispatch.publish_definition import publish
from domain.dispatch.retire_definition import retire_unused
from domain.kernel.decisions import Decide
from domain.kernel.message import Command
from domain.kernel.pipeline.expressions import Expressions
from domain.pipeline.commands import DeprecateDefinition, RetireDefinition
from domain.pipeline.decider import deprecate

PIPELINE_DECISIONS: Final[dict[type[Command], Decide]] = {
    DeprecateDefinition: deprecate,
    RetireDefinition: retire_unused,
}


def publishing(expressions: Expressions) -> Decide:
    """The decision that looks at a definition before it is kept."""
    return partial(publish, expressions=expressions)

"""Names, expressions and typed fields: the smallest parts of a definition."""

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from domain.kernel.message import Message
from domain.kernel.values import Value

RESERVED: Final = frozenset({"true", "false", "null", "in"})
"""Words of the language of conditions: a name that is one would be read as the word, and is refused (``checks``)."""
EXPRESSION_CHARACTERS_MAX: Final = 1_000


Word = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$"),
    Field(description="1 to 63 of a-z, 0-9 and _, beginning with a letter"),
]
"""A name that conditions can speak of: of an input, an output, an arm, an axis."""
PhaseKey = Word
"""A phase's name, unique in its definition, those inside of loops included."""
PipelineName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$"),
    Field(description="1 to 63 of a-z, 0-9 and hyphen, beginning with a letter or digit"),
]
"""A definition's name, unique in its project."""
SignalName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"),
    Field(description="1 to 100 letters, digits and . _ -, beginning with a letter or digit"),
]
Expression = Annotated[str, StringConstraints(min_length=1, max_length=EXPRESSION_CHARACTERS_MAX)]
"""A text in CEL. What it may speak of is told by ``scopes``; what else bounds it, by the port ``Expressions``."""
Duration = Annotated[float, Field(gt=0, le=366 * 86_400)]
"""Seconds, more than nothing and at most a year."""

ValueType = Literal["text", "integer", "number", "boolean", "list", "mapping"]
"""What JSON can say; a mapping has text as keys."""


class ValueField(Message):
    """A named value with its type: an input of a pipeline, an output of work, the content of a signal."""

    name: Word
    type: ValueType = "text"
    required: bool = True
    """Whether it has to be given; one that need not be and has no default may be absent, see CEL's ``has``."""
    default: Value | None = None
    """Of an input: what holds where nothing is given. Mappings have none."""
    choices: Annotated[tuple[Value, ...], Field(max_length=100)] = ()
    """The only values that are taken; empty for any of the type."""
    description: str = Field(default="", max_length=1_000)


class Binding(Message):
    """A value that is computed when the phase begins, under a name."""

    name: Word
    value: Expression

"""Types of single fields of a pipeline file: how each is read, bounded and described."""

from typing import Annotated

from pydantic import BeforeValidator, Field, StringConstraints

from api.plan.notation import DURATION, refused, seconds_of
from domain.kernel.pipeline.words import EXPRESSION_CHARACTERS_MAX, Word

_DurationText = Annotated[str, StringConstraints(pattern=DURATION)]
_Seconds = Annotated[float, Field(gt=0, le=366 * 86_400)]
Span = Annotated[_Seconds, BeforeValidator(seconds_of, json_schema_input_type=_DurationText | _Seconds)]
"""``90s``, ``20m``, ``1h30m``, ``2d`` or seconds; more than nothing, at most 366 days."""


def _expression(value: object) -> object:
    """A number or a boolean says itself; text is CEL, so that a word stands in quotes inside of the text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else value


_Text = Annotated[str, StringConstraints(min_length=1, max_length=EXPRESSION_CHARACTERS_MAX)]
Cel = Annotated[_Text, BeforeValidator(_expression, json_schema_input_type=_Text | bool | int | float)]
"""An expression in CEL: ``phases.test.output.passed``, ``'a word'``, ``3``."""

Bindings = Annotated[dict[Word, Cel], Field(max_length=64)]
"""Values by name, each computed when the phase begins."""


def arm_named(value: object) -> object:
    """A need written as ``phase`` or as ``phase.arm``."""
    if not isinstance(value, str):
        return value
    phase, dot, arm = value.partition(".")
    return {"phase": phase, "arm": arm} if dot else {"phase": phase}


def only_one(form: object, names: tuple[str, ...], what: str) -> str:
    """Which one of several fields is given; raises what validation reports where it is none or several."""
    given = [name for name in names if getattr(form, name) is not None]
    if len(given) != 1:
        told = f"it says {' and '.join(given)}" if given else f"it does not say {what}"
        raise refused(told, f"Say just one of {', '.join(names)}.")
    return given[0]

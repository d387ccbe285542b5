"""Mistakes of form in words: what validation found, said for the person who wrote the file."""

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, cast

from pydantic import BaseModel, ValidationError

from api.plan.faults import FaultCode, PlanFault
from api.plan.lines import Path, key_of, node_of, place_of
from api.plan.model import FORMS, PlanForm
from api.plan.nodes import Node, Scalar, Sequence, shown

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_KINDS: Final = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "tuple": "a list",
    "list": "a list",
    "dict": "a mapping",
    "model": "a mapping",
}
_BOUNDS: Final = {
    "string_too_long": "it has more than {max_length:,} characters",
    "string_too_short": "it has fewer than {min_length} characters",
    "too_long": "it has more than {max_length:,} entries",
    "too_short": "it has fewer than {min_length} entries",
    "greater_than": "it must be greater than {gt:g}",
    "greater_than_equal": "it must be at least {ge:g}",
    "less_than": "it must be less than {lt:g}",
    "less_than_equal": "it must be at most {le:g}",
}


def form_faults(error: ValidationError, root: Node, source: str) -> tuple[PlanFault, ...]:
    """One fault for each mistake that validation found, with its place in the text."""
    details = error.errors(include_url=False)
    return tuple(_fault(detail, root, source) for detail in details if not is_echo(detail, root))


def is_echo(detail: "ErrorDetails", root: Node) -> bool:
    """A list whose entries are wrong is also called too short; only a list that really is counts."""
    node = node_of(root, path_of(detail))
    return (
        detail["type"] == "too_short"
        and isinstance(node, Sequence)
        and len(node.items) >= cast("int", detail.get("ctx", {})["min_length"])
    )


def _fault(detail: "ErrorDetails", root: Node, source: str) -> PlanFault:
    path = path_of(detail)
    code, message, advice = words_of(detail, path, root, _form_at(path), _no_match(path))
    place = place_of(root, path)
    inside = len(path) >= 2 and path[0] == "tasks"
    rest = path[2:] if inside else path
    return PlanFault(
        code=code,
        message=message,
        advice=advice,
        source=source,
        line=place.line,
        column=place.column,
        task=_shown_key(node_of(root, path[:2])) if inside else None,
        field=shown(".".join(str(step) for step in rest), 200) or None,
    )


def path_of(detail: "ErrorDetails") -> Path:
    """Where validation found a mistake."""
    return tuple(step for step in detail["loc"] if step != "[key]")


def _shown_key(task: Node | None) -> str | None:
    key = key_of(task)
    return None if key is None else shown(key)


def words_of(
    detail: "ErrorDetails", path: Path, root: Node, form: type[BaseModel], no_match: tuple[str, str]
) -> tuple[FaultCode, str, str]:
    """Code, message and advice. ``form`` holds the field; ``no_match`` is what to say of a text of another pattern."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "plan":
        return cast("FaultCode", context["code"]), cast("str", context["message"]), cast("str", context["advice"])
    if kind == "extra_forbidden":
        return _unknown(path, form)
    if kind == "missing":
        return "missing_field", f"the field {path[-1]} is missing", f"Add `{path[-1]}`."
    if kind in _BOUNDS:
        return "out_of_bounds", _BOUNDS[kind].format(**context), "Keep within the bound."
    if kind == "string_pattern_mismatch":
        return "bad_value", *no_match
    if kind == "literal_error":
        return "bad_value", f"it must be {context['expected']}", "Choose one of these."
    return _wrong_type(kind, node_of(root, path))


def _form_at(path: Path) -> type[BaseModel]:
    """The form that holds the field at the end of the path, if it is one of a form."""
    return FORMS.get(next((step for step in reversed(path[:-1]) if isinstance(step, str)), ""), PlanForm)


def _unknown(path: Path, form: type[BaseModel]) -> tuple[FaultCode, str, str]:
    name = str(path[-1])
    known = [field.alias or key for key, field in form.model_fields.items()]
    near = get_close_matches(name, known, n=1)
    advice = f"Did you mean `{near[0]}`?" if near else f"Known here: {', '.join(known)}."
    return "unknown_field", f"there is no field {shown(name)}", advice


def _no_match(path: Path) -> tuple[str, str]:
    if path == ("project",):
        return "this is no name of a project", "Use 1 to 63 of a-z, 0-9 and hyphen, or the project's id."
    advice = "Use 1 to 200 letters, digits and . _ / @ + -, beginning with a letter or digit."
    return "this is no key of a task", advice


def _wrong_type(kind: str, node: Node | None) -> tuple[FaultCode, str, str]:
    wanted = next((word for name, word in _KINDS.items() if kind.startswith(f"{name}_")), "another kind of value")
    value = node.value if isinstance(node, Scalar) else None
    if wanted == "text" and isinstance(value, bool | int | float):
        return "wrong_type", f"it must be text, and {shown(str(value))} is not", "Put the value in quotes."
    if isinstance(node, Scalar) and value is None:
        return "wrong_type", f"it must be {wanted}, and it is empty", "Give it a value or leave the field out."
    return "wrong_type", f"it must be {wanted}", f"Write {wanted} here."

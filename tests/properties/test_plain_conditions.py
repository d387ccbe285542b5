"""What is told without the interpreter is what the interpreter says, and what a search leaves to the database fits."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.past.trees import MISSING
from infrastructure.expressions.reading import FAULTS, ReadText
from infrastructure.expressions.tokens import split

ROOTS = ("row", "position")
PATHS = st.sampled_from(["row.a", "row.b", "position"])
LITERALS = st.sampled_from(["'x'", '"x"', "'é'", "''", "0", "7", "-7", "true", "false", "1.5", "2u", "null", "'\\n'"])
OPERANDS = PATHS | LITERALS
RELATIONS = st.builds("{} {} {}".format, OPERANDS, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), OPERANDS)
CONDITIONS = st.recursive(
    RELATIONS | PATHS | st.just("has(row.b)") | st.sampled_from(["true", "false"]),
    lambda inner: (
        st.builds("({}) {} {}".format, inner, st.sampled_from(["&&", "||"]), inner)
        | st.builds("{} {} {}".format, inner, st.sampled_from(["&&", "||"]), inner)
        | st.builds("!({})".format, inner)
    ),
    max_leaves=5,
)
VALUES = st.sampled_from([MISSING, None, "x", "y", "é", "\U0001f600", "", 0, 7, -7, 2**63, -(2**63), 1.5, True, False])


@given(CONDITIONS, VALUES, VALUES, VALUES)
def test_what_is_told_plainly_is_what_the_interpreter_says(text: str, first: Any, second: Any, third: Any) -> None:
    read = ReadText(text, ROOTS)
    if read.plain is None:
        return
    row = {name: value for name, value in (("a", first), ("b", second)) if value is not MISSING}
    values = read.values_in({"row": row, **({} if third is MISSING else {"position": third})})
    plain = read.plain(values)
    if plain is not None:
        assert read.told(values) is plain


@given(CONDITIONS, VALUES, VALUES, VALUES)
def test_a_text_that_a_root_has_to_be_is_no_other_where_the_condition_holds(
    text: str, first: Any, second: Any, third: Any
) -> None:
    read = ReadText(text, ROOTS)
    values = read.values_in({"row": {"a": first, "b": second}, "position": third})
    try:
        holds = read.told(values) is True
    except FAULTS:
        holds = False
    if holds and "position" in read.fixed:
        assert third == read.fixed["position"]


def test_what_is_simple_is_told_plainly() -> None:
    for text in ("row.a == 'x'", "position > 3 && !(row.a != row.b)", "has(row.a) || row.b", "(position < -3)"):
        assert ReadText(text, ROOTS).plain is not None, text
    for text in ("row.a == 1.5", "row.a.startsWith('x')", "position + 1 == 2", "row.a == 'it\\'s'", "row.a in ['x']"):
        assert ReadText(text, ROOTS).plain is None, text


def test_only_what_has_to_hold_by_itself_is_left_to_the_database() -> None:
    assert ReadText("row == 'x' && position == 'y'", ROOTS).fixed == {"row": "x", "position": "y"}
    assert ReadText("'x' == row && (position == 'y' || row.a)", ROOTS).fixed == {"row": "x"}
    for text in ("row == 'x' || position == 'y'", "!(row == 'x')", "row.a == 'x'", "row != 'x'",
                 "row == 'x' ? position == 'y' : false", "row == r'x'"):  # fmt: skip
        assert not ReadText(text, ROOTS).fixed, text
    assert [token.text for token in split("a && b")] == ["a", "&&", "b"]

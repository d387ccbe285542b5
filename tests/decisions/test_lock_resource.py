"""Given two claims or a text, what the lock service says about them: the examples of the contract and each refusal."""

import pytest

from domain.lock.characters import fold_character
from domain.lock.claim_index import ClaimIndex
from domain.lock.errors import BadPattern, TooComplex
from domain.lock.modes import Mode, conflicts, is_downgrade, is_upgrade, warns
from domain.lock.overlap import STEPS_PER_REQUEST_MAX, StepBudget, Witness, covers, overlap
from domain.lock.resource import Resource, parse
from domain.lock.segment import escaped


def resource(text: str, *, fold_case: bool = False) -> Resource:
    parsed = parse(text, fold_case=fold_case)
    assert isinstance(parsed, Resource), parsed
    return parsed


def witness(one: str, other: str, *, fold_case: bool = False) -> str | None:
    left, right = resource(one, fold_case=fold_case), resource(other, fold_case=fold_case)
    found = overlap(left, right, StepBudget())
    assert overlap(right, left, StepBudget()) == found
    assert not isinstance(found, TooComplex)
    return None if found is None else found.path


@pytest.mark.parametrize(
    ("one", "other", "path"),
    [
        ("src/**", "src/a.py", "src/a.py"),
        ("src/*", "src/core/x.py", "src/core/x.py"),
        ("src/*.py", "src/api/**", None),
        ("src/*.py", "src/x.py/y", "src/x.py/y"),
        ("docs/**", "src/**", None),
        ("**", "any/thing", "any/thing"),
        ("**", "**", "x"),
        ("src", "src/a.py", "src/a.py"),
        ("src", "source", None),
        ("src/**", "src", "src/x"),
        ("src/", "src", "src/x"),
        ("src/", "src/**", "src/x"),
        ("a/**/b", "a/b", "a/b"),
        ("a/**/b", "a/c/b", "a/c/b"),
        ("src/**/*.py", "src/core/x.py", "src/core/x.py"),
        ("**/*.py", "docs/guide", "docs/guide/x.py"),
        ("a/**/b", "a/**/c", "a/c/b"),
        ("src/[a-m]*", "src/[n-z]*", None),
        ("src/[a-m]*", "src/*z", "src/az"),
        ("src/?", "src/??", None),
        ("src/[!a]", "src/a", None),
        (r"src/\*", "src/x", None),
        (r"src/\*", "src/*", "src/*"),
        ("*.py", "*.pyi", None),
        ("*.py", "test_*", "test_.py"),
    ],
)
def test_paths_overlap_exactly_where_one_path_lies_under_both(one: str, other: str, path: str | None) -> None:
    assert witness(f"path:repo//{one}", f"path:repo//{other}") == path


@pytest.mark.parametrize(
    ("one", "other", "overlaps"),
    [
        ("path:repo//db", "path:other//db", False),
        ("path:repo//db", "path:repo@main//db", True),
        ("path:repo@next//db", "path:repo@main//db", False),
        ("path:repo@main//db", "path:repo@main//db/x", True),
        ("branch:repo//main", "path:repo//main", False),
        ("branch:repo//release/*", "branch:repo//release/1.2", True),
        ("env:staging", "env:staging", True),
        ("env:staging", "env:production", False),
        ("pool:gpu", "pool:gpu", True),
        ("worktree:host//checkouts/a", "worktree:host//checkouts/a/b", False),
        ("name:deploy", "name:deploy/prod", True),
        ("name:deploy/prod", "name:deploy/prodigy", False),
        ("name:db/migrations", "env:db", False),
    ],
)
def test_other_kinds_overlap_within_their_scope(one: str, other: str, overlaps: bool) -> None:
    assert (witness(one, other) is not None) is overlaps


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("src/a.py", "kinds"),
        ("file:repo//a", "kinds"),
        ("path:repo", "kind:scope//pattern".replace("kind", "path")),
        ("path://a", "the scope is empty"),
        ("path:repo@//a", "the scope is empty"),
        ("path:re*po//a", "a scope is exact"),
        ("branch:repo@main//a", "only paths"),
        ("path:repo//", "the pattern is empty"),
        ("path:repo///", "begins with a slash"),
        ("path:repo///src", "begins with a slash"),
        ("path:repo//a//b", "empty segment"),
        ("path:repo//a/./b", "`.` or `..`"),
        ("path:repo//../b", "`.` or `..`"),
        ("path:repo//a\\b", "a backslash only escapes"),
        ("path:repo//a\\", "a backslash only escapes"),
        ("path:repo//\\a*", "a backslash only escapes"),
        ("path:repo//a\x00b", "control"),
        ("path:repo//a\nb", "control"),
        ("path:repo//a\u202eb", "control or direction"),
        ("path:repo//a\ud800b", "control"),
        ("path:repo//e\u0301", "normal form"),
        ("path:repo//a**", "whole segment"),
        ("path:repo//***", "whole segment"),
        ("path:repo//**/**", "follows"),
        ("path:repo//**/", "trailing slash"),
        ("path:repo//[ab", "not closed"),
        ("path:repo//[a/b]", "not closed"),
        ("path:repo//[]", "empty"),
        ("path:repo//[!]", "empty"),
        ("path:repo//[z-a]", "backwards"),
        ("path:repo//[^a]", "negation is [!a]"),
        ("path:repo//[a-]", "backslash"),
        ("path:repo//[.]", "no name matches"),
        ("path:repo//[.][.]", "no name matches"),
        ("path:repo//*a*b*c*d*", "at most 4 `*`"),
        ("path:repo//**/a/**/a/**/a/**/a/**", "more than 4 `**`"),
        ("path:repo//" + "/".join(["a"] * 33), "more than 32 segments"),
        ("path:repo//" + "a" * 502, "longer than 512 bytes"),
        ("path:repo//" + "é" * 251, "longer than 512 bytes"),
        ("branch:repo//release/", "empty segment"),
        ("env:eu/prod", "has no slash"),
        ("env:stag*", "is exact"),
        ("pool:", "the pattern is empty"),
        ("name:deploy/*", "is exact"),
        ("worktree:host//a?", "is exact"),
    ],
)
def test_what_is_not_canonical_is_refused_with_its_reason(text: str, reason: str) -> None:
    refused = parse(text)
    assert isinstance(refused, BadPattern)
    assert reason in refused.reason
    assert refused.reason in refused.message()
    assert refused.resource.isprintable()
    assert (refused.code(), refused.HTTP_STATUS) == ("bad_pattern", 422)


@pytest.mark.parametrize(
    "text",
    [
        "path:repo//" + "a" * 501,
        "path:org/repo@feature/x//" + "/".join(["a"] * 32),
        "path:repo//**/a/**/a/**/a/**",
        "path:repo//*a*b*c*d",
        "path:repo//docs/",
        r"path:repo//[\[\]\!\^\-\\]x\[\?",
        "path:repo//]",
        "path:repo//Straße/日本/é",
        "path:repo//...",
        "name:deploy/prod",
        "env:staging",
    ],
)
def test_a_canonical_text_is_kept_as_it_is(text: str) -> None:
    assert resource(text).text == text


def test_a_repository_that_folds_case_gets_folded_text_and_meaning() -> None:
    folds = resource("path:Repo@Main//SRC/[A-C]*.PY", fold_case=True)
    assert folds.text == "path:Repo@main//src/[a-c]*.py"
    assert resource(folds.text, fold_case=True).text == folds.text
    assert witness("path:repo//README", "path:repo//readme", fold_case=True) == "readme"
    assert witness("path:repo//[!A]", "path:repo//a", fold_case=True) is None
    assert witness("path:repo//[!a]", "path:repo//[!b-z]", fold_case=True) is not None
    assert witness("path:repo//[!a]", "path:repo//[Aa]", fold_case=True) is None
    assert witness("path:repo//README", "path:repo//readme") is None
    assert resource("name:Deploy", fold_case=True).text == "name:Deploy"


def test_folding_twice_is_folding_once() -> None:
    assert all(fold_character(fold_character(chr(c))) == fold_character(chr(c)) for c in range(0x20000))


def test_claims_from_before_and_after_a_change_of_case_folding_still_meet() -> None:
    old, new = resource("path:repo//Src/[A]*"), resource("path:repo//src/ab", fold_case=True)
    index = ClaimIndex.of([("old", old), ("far", resource("path:repo//docs"))])
    assert overlap(old, new, StepBudget()) == Witness("src/ab")
    found = index.overlapping(new, StepBudget())
    assert not isinstance(found, TooComplex)
    assert [claim.claim_id for claim in found] == ["old"]
    assert "old" in index.candidates(new)


def test_the_index_is_a_value_and_forgets_what_is_removed() -> None:
    first = ClaimIndex().add("a", resource("path:repo//src/**"))
    second = first.add("b", resource("path:repo//src/*.py")).add("b", resource("path:repo//src/*.md"))
    asked = resource("path:repo//src/x.py")
    assert second.candidates(asked) == ("a", "b")
    assert first.candidates(asked) == ("a",)
    third = second.remove("b", resource("path:repo//src/*.py"))
    assert third.candidates(asked) == ("a",)
    emptied = third.remove("b", resource("path:repo//src/*.md")).remove("a", resource("path:repo//src/**"))
    assert emptied == ClaimIndex()
    assert emptied.remove("a", asked) == ClaimIndex()


def test_the_index_respects_ref_scopes() -> None:
    index = ClaimIndex.of((ref, resource(f"path:repo{ref}//db")) for ref in ("", "@main", "@next"))
    assert index.candidates(resource("path:repo@main//db/x")) == ("", "@main")
    assert index.candidates(resource("path:repo//db/x")) == ("", "@main", "@next")


HOSTILE = "*" + "?" * 60 + "*" + "a?" * 60 + "*" + "?a" * 60 + "*"


def test_too_many_steps_are_refused_and_never_guessed() -> None:
    one, other = resource(f"path:repo//{HOSTILE}"), resource(f"path:repo//{HOSTILE.replace('a', 'b')[:-1]}x*")
    refused = overlap(one, other, StepBudget())
    assert isinstance(refused, TooComplex)
    assert (refused.code(), refused.HTTP_STATUS) == ("too_complex", 422)
    assert one.text in refused.message()
    assert ClaimIndex.of([("held", other)]).overlapping(one, StepBudget()) == refused
    assert ClaimIndex.of([("held", other)]).candidates(one) == ("held",)


def test_a_request_has_a_budget_of_its_own() -> None:
    one, other = resource("path:repo//*a*b*c*"), resource("path:repo//*c*b*a*")
    whole = StepBudget()
    assert isinstance(overlap(one, other, whole), Witness)
    price = STEPS_PER_REQUEST_MAX - whole.left
    budget = StepBudget(steps=2 * price)
    answers = [type(overlap(one, other, budget)) for _ in range(3)]
    assert answers == [Witness, Witness, TooComplex]


@pytest.mark.parametrize(
    ("pattern", "other"),
    [
        ("*a*a*a*a/**/*a*a*a*a/**/*a*a*a*a", "*b*a*b*a/**/*a*b*a*b"),
        ("*a*a*a*a", "a" * 500),
        ("*a*a*a*ab", "a" * 500),
        ("/".join(["*a*a*a*a"] * 32), "/".join(["*b*a*b*a"] * 32)),
        ("[!a]*[!b]*[!c]*[!d]*", "[a-z]*[b-z]*[c-z]*[d-z]*"),
        (HOSTILE[:480], "a" * 300),
    ],
)
def test_hostile_patterns_are_answered_within_the_budget(pattern: str, other: str) -> None:
    budget = StepBudget()
    answer = overlap(resource(f"path:repo//{pattern}"), resource(f"path:repo//{other}"), budget)
    assert STEPS_PER_REQUEST_MAX - budget.left <= 20_000
    assert answer is None or isinstance(answer, Witness)


def test_a_trailing_any_depth_covers_what_is_inside_and_not_the_directory_itself() -> None:
    for text in ("path:repo//src/**", "path:repo//src/"):
        assert not covers(resource(text), ["src"])
        assert covers(resource(text), ["src", "a.py"])
    assert covers(resource("path:repo//src"), ["src"])
    assert covers(resource("path:repo//src/*"), ["src", "core", "x.py"])
    assert not covers(resource("path:repo//src/core"), ["src"])


def is_wide(pattern: str) -> bool:
    return resource(f"path:repo//{pattern}").is_wide


def test_a_wide_claim_is_one_that_meets_everything() -> None:
    wide = [text for text in ("**", "*", "*/**", "**/x", "src/**", "*.py", "*/x") if is_wide(text)]
    assert wide == ["**", "*", "*/**", "**/x"]


def test_any_file_name_can_be_claimed_exactly() -> None:
    name = r"we[i]rd*na\me?]"
    claimed = resource(f"path:repo//{escaped(name)}")
    assert claimed.is_literal
    assert claimed.segments == (name,)


MODES: tuple[Mode, ...] = ("intent", "shared", "update", "exclusive")


@pytest.mark.parametrize(
    ("held", "row"),
    [
        ("intent", "ok ok ok warn"),
        ("shared", "ok ok ok no"),
        ("update", "ok ok no no"),
        ("exclusive", "warn no no no"),
    ],
)
def test_modes_tolerate_each_other_as_the_matrix_says(held: Mode, row: str) -> None:
    said = ["no" if conflicts(held, asked) else "warn" if warns(held, asked) else "ok" for asked in MODES]
    assert " ".join(said) == row


def test_less_is_a_downgrade_and_more_an_upgrade() -> None:
    assert is_downgrade("exclusive", "shared")
    assert is_upgrade("update", "exclusive")
    assert not is_downgrade("shared", "shared")
    assert not is_upgrade("shared", "shared")

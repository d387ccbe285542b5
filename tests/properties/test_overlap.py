"""Overlap is exact: against all short paths read by another matcher, against git, and through the index."""

import shutil
import subprocess
from collections.abc import Callable
from functools import cache, lru_cache
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.lock.characters import fold_text
from domain.lock.claim_index import ClaimIndex
from domain.lock.errors import TooComplex
from domain.lock.meeting import meet
from domain.lock.overlap import StepBudget, Witness, covers, overlap
from domain.lock.resource import Resource, parse, parse_in
from domain.lock.segment import AnyDepth

NAMES = ["a", "b", "aa", "ab", "ba", "bb"]
DEPTH = 4
PATHS = [path for depth in range(1, DEPTH + 1) for path in product(NAMES, repeat=depth)]
LONG_NAMES = ["".join(letters) for length in range(1, 8) for letters in product("ab", repeat=length)]

atoms = st.sampled_from(["a", "b", "*", "?", "[ab]", "[!a]", "[a]"])


def glob_texts(longest: int) -> st.SearchStrategy[str]:
    joined = st.lists(atoms, min_size=1, max_size=longest).map("".join)
    return joined.filter(lambda text: "**" not in text and text.count("*") <= 4)


def patterns(longest: int) -> st.SearchStrategy[str]:
    segments = st.lists(st.one_of(glob_texts(2), st.just("**"), st.sampled_from(NAMES)), min_size=1, max_size=longest)
    tails = st.sampled_from(["", "", "/"])
    texts = st.tuples(segments.map("/".join), tails).map("".join)
    return texts.filter(lambda text: isinstance(parse(f"path:repo//{text}"), Resource))


def resource(text: str, ref: str = "") -> Resource:
    parsed = parse(f"path:repo{ref}//{text}")
    assert isinstance(parsed, Resource), parsed
    return parsed


# A second reading of the language, written from the specification: words by recursion, prefixes by trying all.


@cache
def fits(glob: str, name: str) -> bool:
    if not glob:
        return not name
    if glob[0] == "*":
        return fits(glob[1:], name) or (name != "" and fits(glob, name[1:]))
    if not name:
        return False
    if glob[0] == "[":
        body, rest = glob[1:].split("]", 1)
        inside = name[0] in body.lstrip("!")
        return (inside != body.startswith("!")) and fits(rest, name[1:])
    return glob[0] in ("?", name[0]) and fits(glob[1:], name[1:])


def matches(pattern: tuple[str, ...], path: tuple[str, ...]) -> bool:
    if not pattern:
        return not path
    if pattern == ("**",):
        return len(path) > 0
    if pattern[0] == "**":
        return any(matches(pattern[1:], path[skipped:]) for skipped in range(len(path) + 1))
    return bool(path) and fits(pattern[0], path[0]) and matches(pattern[1:], path[1:])


@lru_cache(maxsize=200_000)
def covered(text: str, path: tuple[str, ...]) -> bool:
    pattern = tuple((text.removesuffix("/")).split("/"))
    lengths = range(1, len(path)) if text.endswith("/") else range(1, len(path) + 1)
    return any(matches(pattern, path[:length]) for length in lengths)


def found(one: Resource, other: Resource) -> Witness | None:
    answer = overlap(one, other, StepBudget())
    assert not isinstance(answer, TooComplex)
    return answer


@settings(max_examples=400, deadline=None)
@given(one=patterns(2), other=patterns(2))
def test_two_claims_overlap_iff_some_short_path_is_covered_by_both(one: str, other: str) -> None:
    brute = any(covered(one, path) and covered(other, path) for path in PATHS)
    assert (found(resource(one), resource(other)) is not None) == brute


@settings(max_examples=200, deadline=None)
@given(one=patterns(6), other=patterns(6))
def test_a_witness_is_covered_by_both_claims_and_the_answer_is_symmetric(one: str, other: str) -> None:
    witness = found(resource(one), resource(other))
    assert found(resource(other), resource(one)) == witness
    if witness is not None:
        path = tuple(witness.path.split("/"))
        assert covered(one, path)
        assert covered(other, path)


@settings(max_examples=400, deadline=None)
@given(text=patterns(4), path=st.lists(st.sampled_from(NAMES), min_size=1, max_size=6))
def test_covering_a_path_agrees_with_the_second_reading(text: str, path: list[str]) -> None:
    assert covers(resource(text), path) == covered(text, tuple(path))


@settings(max_examples=400, deadline=None)
@given(one=glob_texts(5), other=glob_texts(5))
def test_two_segments_meet_iff_some_name_fits_both(one: str, other: str) -> None:
    left, right = resource(one).segments[0], resource(other).segments[0]
    assert not isinstance(left, AnyDepth)
    assert not isinstance(right, AnyDepth)
    meeting = meet(left, right)
    assert meet(right, left) == meeting
    brute = any(fits(one, name) and fits(other, name) for name in LONG_NAMES)
    if meeting.name is None:
        assert not brute
    else:
        assert fits(one, meeting.name)
        assert fits(other, meeting.name)


plain_runs = st.text(alphabet="ab?", min_size=1, max_size=2)
starred = st.lists(plain_runs, min_size=2, max_size=4).map(lambda runs: "*" + "*".join(runs))


@settings(max_examples=400, deadline=None)
@given(text=st.one_of(glob_texts(7), starred), name=st.text(alphabet="ab", min_size=4, max_size=10))
def test_a_plain_name_is_matched_as_the_second_reading_says(text: str, name: str) -> None:
    assert covers(resource(text), [name]) == fits(text, name)
    assert (found(resource(text), resource(name)) is not None) == fits(text, name)


dotted = st.lists(st.sampled_from([".", ".", "a", "*", "?", "[.]", "[.a]", "[!.]"]), min_size=1, max_size=4).map(
    "".join
)


@settings(max_examples=300, deadline=None)
@given(one=dotted, other=dotted)
def test_names_made_of_dots_alone_do_not_exist(one: str, other: str) -> None:
    left, right = parse(f"path:repo//{one}"), parse(f"path:repo//{other}")
    if isinstance(left, Resource) and isinstance(right, Resource):
        names = ["".join(word) for length in range(1, 6) for word in product(".a", repeat=length)]
        brute = any(fits(one, name) and fits(other, name) for name in names if name not in (".", ".."))
        witness = found(left, right)
        assert brute <= (witness is not None)
        assert witness is None or (witness.path not in (".", "..") and fits(one, witness.path))


claims = st.lists(st.tuples(patterns(3), st.sampled_from(["", "@main", "@next"])), max_size=12)


@settings(max_examples=250, deadline=None)
@given(held=claims, gone=st.sets(st.integers(0, 11)), asked=patterns(3), ref=st.sampled_from(["", "@main", "@next"]))
def test_the_index_finds_exactly_the_overlapping_live_claims(
    held: list[tuple[str, str]], gone: set[int], asked: str, ref: str
) -> None:
    numbered = [(f"claim{number}", resource(*claim)) for number, claim in enumerate(held)]
    index = ClaimIndex.of(numbered)
    for number in gone & set(range(len(numbered))):
        index = index.remove(*numbered[number])
    live = [claim for number, claim in enumerate(numbered) if number not in gone]
    assert index == ClaimIndex.of(live)
    request = resource(asked, ref)
    expected = {claim_id for claim_id, claim in live if found(request, claim) is not None}
    answer = index.overlapping(request, StepBudget())
    assert not isinstance(answer, TooComplex)
    assert {claim.claim_id for claim in answer} == expected
    one_by_one = index.oldest_overlapping(request, StepBudget())
    assert not isinstance(one_by_one, TooComplex)
    assert tuple(one_by_one) == answer
    assert set(index.candidates(request)) >= expected


@settings(max_examples=300, deadline=None)
@given(text=st.text(alphabet="ab/*?[]!^-\\.@: é\u0301\u202e\x00", max_size=24), fold=st.booleans())
def test_any_text_is_either_canonical_or_refused(text: str, fold: bool) -> None:
    for whole in (text, f"path:repo//{text}"):
        parsed = parse(whole, fold_case=fold)
        if isinstance(parsed, Resource):
            assert fold or parsed.text == whole
            assert parse(parsed.text, fold_case=fold) == parsed
            assert found(parsed, parsed) is not None
        else:
            assert parsed.message()


letters = ["a", "A", "b", "B", "k", "K", "_", "\u00e4", "\u00c4", "\u00df", "\u1e9e", "\u03c3", "\u03c2", "\u03a3"]
classes = ["[aB]", "[A-b]", "[!A]", "[!b-z]", "[Z-\\^]", "[\u00c0-\u00df]", "[!\u0391-\u03a9]", "[\u0130i]"]
cased = st.lists(st.sampled_from([*letters, *classes, "*", "?", "/"]), min_size=1, max_size=5).map("".join)


@settings(max_examples=200, deadline=None)
@given(one=cased, other=cased, path=st.lists(st.sampled_from(letters), min_size=1, max_size=3).map("".join))
def test_a_stored_claim_on_a_repository_that_ignores_case_means_what_was_asked(one: str, other: str, path: str) -> None:
    """Stored texts are read without a rule; among themselves they say just what the folded patterns say."""
    repository = frozenset({"repo"})
    texts = [f"path:repo//{text}" for text in (one, other, path)]
    folds = [parse(text, fold_case=True) for text in texts]
    stored = [parse_in(text, repository) for text in texts]
    assert [isinstance(left, Resource) for left in folds] == [isinstance(right, Resource) for right in stored]
    known = [
        (left, right)
        for left, right in zip(folds, stored, strict=True)
        if isinstance(left, Resource) and isinstance(right, Resource)
    ]
    for left, right in known:
        assert right == parse(left.text) == parse_in(right.text, repository), "the canonical text stands for itself"
        assert parse(left.text, fold_case=True) == left
        for second_left, second_right in known:
            assert (found(left, second_left) is None) == (found(right, second_right) is None)
    if len(known) == len(texts):
        names = fold_text(path).split("/")
        assert [covers(left, names) for left, _ in known] == [covers(right, names) for _, right in known]


GitCheck = Callable[[str, list[str]], set[str]]


@pytest.fixture(scope="module")
def ignored_by_git(tmp_path_factory: pytest.TempPathFactory) -> GitCheck:
    git = shutil.which("git")
    assert git is not None, "this test compares with git"
    repository: Path = tmp_path_factory.mktemp("repository")
    subprocess.run([git, "init", "--quiet", str(repository)], check=True)

    def check(pattern: str, paths: list[str]) -> set[str]:
        (repository / ".gitignore").write_text(f"/{pattern}\n")
        command = [git, "-c", "core.ignoreCase=false", "check-ignore", "--no-index", "--stdin"]
        done = subprocess.run(command, cwd=repository, input="\n".join(paths), capture_output=True, text=True)
        assert done.returncode in (0, 1), done.stderr
        return set(done.stdout.split())

    return check


@settings(max_examples=120, deadline=None)
@given(text=patterns(4), extra=st.lists(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6), max_size=20))
def test_a_claim_covers_what_git_ignores_for_the_anchored_pattern(
    ignored_by_git: GitCheck, text: str, extra: list[list[str]]
) -> None:
    paths = [*(list(path) for path in PATHS if len(path) <= 3), *extra]
    claim = resource(text)
    ours = {"/".join(path) for path in paths if covers(claim, path)}
    assert ours == ignored_by_git(text, ["/".join(path) for path in paths])


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        (r"a\*b", "a*b"),
        (r"a\*b", "axb"),
        (r"[\]a]", "]"),
        ("[!a-c]x", "dx"),
        ("*.py", ".py"),
        ("src/**", "src"),
        ("A", "a"),
    ],
)
def test_escapes_classes_and_ends_are_read_like_git_reads_them(
    ignored_by_git: GitCheck, pattern: str, path: str
) -> None:
    assert covers(resource(pattern), path.split("/")) == (path in ignored_by_git(pattern, [path]))

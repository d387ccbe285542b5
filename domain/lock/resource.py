"""Names of what a claim covers: ``kind:scope//pattern``, canonical by refusal and never repaired.

One name has one spelling: no needless escape, no empty segment, Unicode NFC. Only letter case is changed, and only
where the repository ignores it; then the canonical text is the folded one, so stored claims and registers agree, and
read without folding it means the same beside other folded ones.
``**`` stands for any number of segments, but for at least one at the end: like git, ``src/**`` matches what is
inside ``src`` and not ``src`` itself. ``src/`` ("directory") covers the same.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise, takewhile
from typing import Final, Literal, TypeGuard, get_args
from unicodedata import is_normalized

from domain.lock.characters import fold_text, is_hostile, shown
from domain.lock.errors import BadPattern
from domain.lock.pool_name import read_pool
from domain.lock.segment import ANY_DEPTH, AnyDepth, Glob, MalformedError, Name, Segment, read_segment

Kind = Literal["path", "branch", "worktree", "env", "pool", "name"]

RESOURCE_BYTES_MAX: Final = 512
SEGMENTS_MAX: Final = 32
ANY_DEPTH_MAX: Final = 4

_KINDS: Final[frozenset[str]] = frozenset(get_args(Kind))
_SCOPED: Final[frozenset[Kind]] = frozenset({"path", "branch", "worktree"})
_PATTERNED: Final[frozenset[Kind]] = frozenset({"path", "branch"})
_SINGLE: Final[frozenset[Kind]] = frozenset({"env", "pool"})


@dataclass(frozen=True, slots=True)
class Resource:
    """A parsed, canonical resource; equal by text and folding."""

    text: str
    fold_case: bool
    kind: Kind = field(compare=False)
    scope: str = field(compare=False, repr=False)
    """Repository or host; empty for kinds without a scope."""
    ref_scope: str | None = field(compare=False, repr=False)
    """The one branch or worktree that a path claim is about; None is all of them."""
    pattern: str = field(compare=False, repr=False)
    segments: tuple[Segment, ...] = field(compare=False, repr=False)
    stem: tuple[Name | Glob, ...] = field(compare=False, repr=False)
    """The segments before the first ``**``: all that overlap depends on."""

    @property
    def is_literal(self) -> bool:
        """Whether the pattern is one plain name, without wildcards."""
        return all(isinstance(segment, str) for segment in self.segments)

    @property
    def is_wide(self) -> bool:
        """Whether it overlaps every claim of its scope: ``**``, ``**/x`` and ``*``."""
        return all(isinstance(segment, Glob) and segment.text == "*" for segment in self.stem)


def parse(text: str, *, fold_case: bool = False) -> Resource | BadPattern:
    """The resource of a text, or why it is refused. ``fold_case`` concerns kinds that belong to a repository."""
    if len(text.encode(errors="surrogatepass")) > RESOURCE_BYTES_MAX:
        return BadPattern(resource=shown(text), reason=f"it is longer than {RESOURCE_BYTES_MAX} bytes")
    return _parse(text, fold_case)


def parse_in(text: str, ignoring_case: frozenset[str]) -> Resource | BadPattern:
    """The resource of a text where the repositories with these names ignore letter case.

    It is that of the folded text, equal to what is read from a stored claim.
    """
    plain = parse(text)
    if isinstance(plain, BadPattern) or plain.kind not in _PATTERNED or plain.scope not in ignoring_case:
        return plain
    again = parse(text, fold_case=True)
    return again if isinstance(again, BadPattern) else parse(again.text)


def repository_of(resource: Resource) -> str | None:
    """The repository whose letter case rule the resource follows; None for kinds that belong to none."""
    return resource.scope if resource.kind in _PATTERNED else None


def folded(resource: Resource) -> Resource:
    """The same claim read without regard to letter case; what folding cannot express stays as it is."""
    again = parse(resource.text, fold_case=True)
    return again if isinstance(again, Resource) else resource


@lru_cache(maxsize=16_384)
def _parse(text: str, fold_case: bool) -> Resource | BadPattern:
    try:
        return _read(text, fold_case)
    except MalformedError as refused:
        return BadPattern(resource=shown(text), reason=str(refused))


def _read(text: str, fold_case: bool) -> Resource:
    _refuse_characters(text)
    kind, colon, rest = text.partition(":")
    if not colon or not _is_kind(kind):
        raise MalformedError(f"it begins with none of the kinds {', '.join(get_args(Kind))}")
    scope, ref_scope, pattern = _split_scope(kind, rest)
    folds = fold_case and kind in _PATTERNED
    canonical, segments = _read_pattern(kind, pattern, folds)
    whole = text[: len(text) - len(pattern)] + canonical
    if folds and ref_scope is not None:
        ref_scope = fold_text(ref_scope)
        whole = f"{kind}:{scope}@{ref_scope}//{canonical}"
    if not is_normalized("NFC", whole):
        raise MalformedError("it is not in Unicode normal form C once letter case is folded")
    if len(whole.encode()) > RESOURCE_BYTES_MAX:
        raise MalformedError(f"it is longer than {RESOURCE_BYTES_MAX} bytes once letter case is folded")
    return Resource(
        text=whole,
        fold_case=folds,
        kind=kind,
        scope=scope,
        ref_scope=ref_scope,
        pattern=canonical,
        segments=segments,
        stem=tuple(_before_any_depth(segments)),
    )


def _is_kind(text: str) -> TypeGuard[Kind]:
    return text in _KINDS


def _refuse_characters(text: str) -> None:
    if is_hostile(text):
        raise MalformedError("it holds a control or direction character")
    if not is_normalized("NFC", text):
        raise MalformedError("it is not in Unicode normal form C")


def _split_scope(kind: Kind, rest: str) -> tuple[str, str | None, str]:
    if kind not in _SCOPED:
        return "", None, rest
    whole, slashes, pattern = rest.partition("//")
    if not slashes:
        raise MalformedError(f"a {kind} is written {kind}:scope//pattern")
    scope, at, ref_scope = whole.partition("@")
    if at and kind != "path":
        raise MalformedError("only paths take a @ref scope")
    for part in (scope, ref_scope) if at else (scope,):
        _refuse_structure(part, "the scope")
        _refuse_wildcards(part, "a scope")
    return scope, ref_scope if at else None, pattern


def _read_pattern(kind: Kind, pattern: str, fold_case: bool) -> tuple[str, tuple[Segment, ...]]:
    directory = kind == "path" and pattern.endswith("/") and pattern != "/"
    body = pattern[:-1] if directory else pattern
    _refuse_structure(body, "the pattern")
    if kind not in _PATTERNED:
        _refuse_wildcards(body, f"the name of a {kind}")
        return body, _read_name(kind, body)
    pairs = [read_segment(text, fold_case) for text in body.split("/")]
    canonical, segments = "/".join(text for text, _ in pairs), tuple(segment for _, segment in pairs)
    _refuse_any_depth(segments, directory)
    return (f"{canonical}/", (*segments, ANY_DEPTH)) if directory else (canonical, segments)


def _read_name(kind: Kind, body: str) -> tuple[Segment, ...]:
    """Names cover what is below them; the other kinds are exact, so their slashes part nothing."""
    if kind in _SINGLE and "/" in body:
        raise MalformedError(f"the name of a {kind} has no slash")
    if kind == "pool":
        return (read_pool(body).name,)
    return tuple(body.split("/")) if kind == "name" else (body,)


def _refuse_structure(body: str, what: str) -> None:
    if not body:
        raise MalformedError(f"{what} is empty")
    if body.startswith("/"):
        raise MalformedError(f"{what} begins with a slash")
    parts = body.split("/")
    if len(parts) > SEGMENTS_MAX:
        raise MalformedError(f"{what} has more than {SEGMENTS_MAX} segments")
    if "" in parts:
        raise MalformedError(f"{what} has an empty segment")
    if "." in parts or ".." in parts:
        raise MalformedError(f"{what} has a `.` or `..` segment")


def _refuse_wildcards(body: str, what: str) -> None:
    if any(letter in body for letter in "*?[\\"):
        raise MalformedError(f"{what} is exact and takes none of * ? [ \\")


def _refuse_any_depth(segments: tuple[Segment, ...], directory: bool) -> None:
    if segments.count(ANY_DEPTH) > ANY_DEPTH_MAX:
        raise MalformedError(f"it holds more than {ANY_DEPTH_MAX} `**`")
    if any(one == ANY_DEPTH == other for one, other in pairwise(segments)):
        raise MalformedError("`**` follows `**`, which says the same as one")
    if directory and segments[-1] == ANY_DEPTH:
        raise MalformedError("`**` covers files and directories alike; leave out the trailing slash")


def _before_any_depth(segments: tuple[Segment, ...]) -> list[Name | Glob]:
    plain = takewhile(lambda segment: segment != ANY_DEPTH, segments)
    return [segment for segment in plain if not isinstance(segment, AnyDepth)]

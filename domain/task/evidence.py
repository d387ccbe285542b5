"""Whether the evidence of a completion is what the plan demands, and its output what the phase wants to be told."""

import re
from collections.abc import Sequence
from typing import Final, assert_never, cast

from pydantic_core import from_json, to_json

from domain.kernel.pipeline.fitting import fitting
from domain.kernel.work import EvidenceKind
from domain.task.events import TaskPlanned
from domain.task.terms import Evidence

_COMMIT: Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_DIGEST: Final = re.compile(r"(sha256|sha512|blake2b):[0-9a-f]{32,128}")


def refused_evidence(demanded: Sequence[EvidenceKind], given: Sequence[Evidence]) -> tuple[str, ...]:
    """Every reason why the completion is not believed: a kind that is missing, a piece that says nothing or no."""
    there = {one.kind for one in given}
    missing = tuple(f"{kind} is missing" for kind in demanded if kind not in there)
    flaws = tuple(f"{one.kind}: {flaw}" for one in given if (flaw := flaw_of(one)) is not None)
    return (*missing, *flaws)


def fitted_output(plan: TaskPlanned, text: str) -> tuple[str, tuple[str, ...]]:
    """What a completion says, to its phase with defaults filled in, as JSON text; and why it does not fit, if so."""
    if plan.origin is None or not (text or plan.outputs):
        return text, ()
    given: object = from_json(text) if text else {}
    if not isinstance(given, dict):
        return "", ("output: it is no object",)
    said = fitting(plan.outputs, cast("dict[str, object]", given))
    return ("", (f"output: {said}",)) if isinstance(said, str) else (to_json(said).decode(), ())


def flaw_of(evidence: Evidence) -> str | None:
    """Why a piece of evidence proves nothing; None where it does."""
    match evidence.kind:
        case "commit":
            return None if _COMMIT.fullmatch(evidence.ref) else "ref has to be a full hash, 40 or 64 hexadecimal digits"
        case "test_report":
            return _flaw_of_report(evidence)
        case "review":
            if not evidence.ref:
                return "ref has to name the reviewer"
            return None if evidence.verdict == "approved" else "the verdict is not approved"
        case "artifact":
            if not evidence.ref:
                return "ref has to say where it is kept"
            return None if _DIGEST.fullmatch(evidence.digest) else "digest has to be algorithm:hexadecimal"
        case "note":
            return None if evidence.text.strip() else "text has to say something"
        case _:
            assert_never(evidence.kind)


def _flaw_of_report(evidence: Evidence) -> str | None:
    if evidence.failed or evidence.verdict == "failed":
        return f"{evidence.failed} tests failed" if evidence.failed else "the verdict is failed"
    return None if evidence.passed else "no test is said to have passed"

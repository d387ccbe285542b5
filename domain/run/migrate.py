"""What becomes of each phase of a run that goes over to another version: kept, begun anew, gone, or refused."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from domain.kernel.pipeline.definition import (
    AnyPhase,
    BranchPhase,
    Definition,
    ExternalPhase,
    GatePhase,
    JoinPhase,
    RepeatPhase,
    WaitPhase,
    WorkPhase,
)
from domain.kernel.pipeline.digest import spec_digest
from domain.kernel.pipeline.graph import graph_of
from domain.run.commands import MigrateRun
from domain.run.events import Consumed
from domain.run.migrate_events import AcceptedDrift, MovedPhase
from domain.run.rework import as_settled, redo_of
from domain.run.state import SETTLED, PhaseState, Run

_MOVABLE: Final = (WorkPhase, BranchPhase, WaitPhase, JoinPhase, ExternalPhase)
"""Phases that nothing outside of the run names by their key; questions, and what holds runs or phases, keep it."""


REPEATS: Final = "it is under way, another in the version, and has changed the world: rework it with undo first"


@dataclass(frozen=True, slots=True)
class Move:
    """What a migration would do; keys in the order of the version, those that it does not have in the one of before."""

    kept: tuple[str, ...] = ()
    moved: tuple[tuple[str, str], ...] = ()
    """Settled phases that get another key: before and from here on."""
    anew: tuple[str, ...] = ()
    """Under way, and another now: they begin once more, by the version."""
    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    """Settled, and not there any more."""
    dropped: tuple[str, ...] = ()
    """Not settled, and not there any more."""
    skipped: tuple[str, ...] = ()
    drifted: tuple[AcceptedDrift, ...] = ()
    questions: tuple[str, ...] = ()
    """Gates, and loops with one inside, that nobody has decided and that would not be asked any more as they are."""
    refused: tuple[str, ...] = ()


def move_of(run: Run, definition: Definition, asked: MigrateRun) -> Move:
    """What becomes of each phase, and everything that stands against it."""
    return _Moving(run, definition, asked).move()


def moved_phase(run: Run, before: str, place: str, names: Mapping[str, str]) -> MovedPhase:
    """A settled phase as it stands, under its key from here on."""
    state = run.phase(before)
    effects = [one for one in run.ledger.values() if (one.place, one.generation) == (before, state.generation)]
    return MovedPhase.model_validate(
        {
            "before": before,
            "place": place,
            "status": state.status,
            "effect": bool(effects),
            "undo": effects[0].undo if effects else "",
            "consumed": tuple(
                Consumed(place=_renamed(one.place, names), generation=one.generation) for one in state.consumed
            ),
            **{name: getattr(state, name) for name in _AS_IT_IS},
        }
    )


_AS_IT_IS: Final = ("generation", "task", "reason", "arm", "input", "output", "summary", "settled_at")


def _renamed(place: str, names: Mapping[str, str]) -> str:
    head, slash, rest = place.partition("/")
    return f"{names.get(head, head)}{slash}{rest}"


class _Moving:
    """Goes through the phases of both versions."""

    def __init__(self, run: Run, definition: Definition, asked: MigrateRun) -> None:
        self._run: Final = run
        self._asked: Final = asked
        self._whole: Final = definition
        self._before: Final = _known(run)
        """By key, those that earlier migrations left behind included."""
        self._own: Final = graph_of(run.queued.definition.phases)
        self._after: Final = graph_of(definition.phases)
        self._reasons: Final = {one.phase: one.reason for one in asked.accept_drift}
        self._flaws: list[str] = []
        self._names: Final = self._mapping()

    def move(self) -> Move:
        settled = [key for key in self._before if self._is_settled(key)]
        drifted = tuple(AcceptedDrift(phase=key, reason=self._reasons[key]) for key in settled if self._has_drift(key))
        open_ = [key for key in self._own.phases if not self._is_settled(key) and _has_begun(self._run, key)]
        anew = [key for key in open_ if key in self._after.phases and not self._is_same(key)]
        kept = [self._target(key) for key in settled if self._target(key)]
        kept += [key for key in open_ if key in self._after.phases and key not in anew]
        missing = [key for key in self._own.phases if not self._target(key)]
        skipped = self._skips()
        self._flaws += (*self._of_whole(), *self._of_anew(anew), *self._of_upstream(frozenset(skipped)))
        origins = frozenset(self._names.values())
        return Move(
            kept=self._ordered(kept),
            moved=tuple((before, after) for before, after in self._names.items()),
            anew=self._ordered(anew),
            new=tuple(key for key in self._after.phases if key not in self._before and key not in origins),
            gone=tuple(key for key in missing if self._is_settled(key)),
            dropped=tuple(key for key in missing if not self._is_settled(key)),
            skipped=skipped,
            drifted=drifted,
            questions=tuple(self._questions(skipped)),
            refused=tuple(dict.fromkeys(self._flaws)),
        )

    def _mapping(self) -> dict[str, str]:
        """Settled phases that get another key; what has not settled begins under it like any other."""
        names: dict[str, str] = {}
        for one in self._asked.mapping:
            flaw = self._unfit_mapping(one.before, one.after, names)
            if flaw:
                self._flaws.append(f"{one.before}: {flaw}")
            elif self._is_settled(one.before):
                names[one.before] = one.after
        reused = [key for key in self._after.phases if key in self._run.moved and key not in self._run.phases]
        for key in reused:
            now = self._run.now_at(key)
            if names.get(now) != key:
                self._flaws.append(f"{key}: this was the key of {now}: map {now} to it, or name it otherwise")
        return names

    def _unfit_mapping(self, before: str, after: str, names: Mapping[str, str]) -> str:
        if before not in self._before:
            return "there is no such phase to be mapped"
        if before in self._after.phases:
            return "the version has it as well, and what has the same key is the same phase"
        if after not in self._after.phases:
            return f"the version has no phase {after}"
        if after in self._before or after in names.values():
            return f"{after} is another phase already"
        if self._is_settled(before) and not isinstance(self._before[before], _MOVABLE):
            return f"a {self._before[before].kind} keeps its key"
        return ""

    def _target(self, key: str) -> str:
        """Its key in the version; empty where that does not have it."""
        return key if key in self._after.phases else self._names.get(key, "")

    def _state(self, key: str) -> PhaseState:
        return self._run.phase(key)

    def _is_settled(self, key: str) -> bool:
        return self._state(key).status in SETTLED

    def _has_drift(self, key: str) -> bool:
        """Whether a settled phase is another in the version, or not there; what is not accepted is refused."""
        target, known = self._target(key), self._before[key]
        if not target and key not in self._own.phases:
            return False  # it was left behind before
        if target and self._after.phases[target].kind != known.kind:
            self._flaws.append(f"{key}: it has settled, and is a {self._after.phases[target].kind} in the version")
            return False
        if target and spec_digest(self._after.phases[target]) == spec_digest(known):
            return False
        if key not in self._reasons:
            why = "its definition is another" if target else "the version does not have it"
            self._flaws.append(f"{key}: it has settled, and {why}: accept that with a reason")
            return False
        return True

    def _is_same(self, key: str) -> bool:
        """Whether what is under way would do the same behind the same."""
        known, now = self._own.phases[key], self._after.phases[key]
        needs = tuple(one.model_copy(update={"phase": self._target(one.phase)}) for one in known.needs)
        return spec_digest(known) == spec_digest(now) and (needs, known.join) == (now.needs, now.join)

    def _skips(self) -> tuple[str, ...]:
        for key in self._asked.skip:
            if key not in self._after.phases:
                self._flaws.append(f"{key}: there is no such phase to be skipped")
            elif self._is_taken(key):
                self._flaws.append(f"{key}: it has begun or settled, and only what has not is skipped")
        return tuple(key for key in self._after.phases if key in self._asked.skip and not self._is_taken(key))

    def _is_taken(self, key: str) -> bool:
        return key in self._names.values() or self._is_settled(key) or _has_begun(self._run, key)

    def _of_whole(self) -> Iterator[str]:
        """What a run cannot exchange under way: it was let in by it."""
        known = self._run.queued.definition
        if known.concurrency != self._whole.concurrency:
            yield "the version counts runs at a time otherwise"
        if known.budget != self._whole.budget:
            yield "the version has another budget"

    def _of_anew(self, keys: list[str]) -> Iterator[str]:
        """What would repeat what its items, its iterations or its run have done already."""
        repeated = redo_of(self._run, self._own, keys).repeated
        for key in keys:
            if key in repeated and not isinstance(self._own.phases[key], WorkPhase):
                yield f"{key}: {REPEATS}"

    def _of_upstream(self, skipped: frozenset[str]) -> Iterator[str]:
        """Phases that would come before what has settled already, and have not settled."""
        origins = {after: before for before, after in self._names.items()}
        for key in self._after.order:
            origin = origins.get(key, key)
            if origin not in self._before or not self._is_settled(origin):
                continue
            known = self._own.ancestors[origin] if origin in self._own.phases else frozenset[str]()
            for one in (one for one in self._after.order if one in self._after.ancestors[key]):
                source = origins.get(one, one)
                if source not in known and one not in skipped and not self._is_settled(source):
                    yield f"{one}: it would come before {key}, which has settled: have it skipped"

    def _questions(self, skipped: tuple[str, ...]) -> Iterator[str]:
        for key, phase in self._own.phases.items():
            if not self._is_settled(key) and _asks(phase) and not (key in self._after.phases and self._is_same(key)):
                yield key
        yield from (key for key in skipped if _asks(self._after.phases[key]))

    def _ordered(self, keys: list[str]) -> tuple[str, ...]:
        return tuple(key for key in self._after.phases if key in keys)


def _known(run: Run) -> dict[str, AnyPhase]:
    """Phases as they settled, those of now and those that were left behind."""
    own = {phase.key: as_settled(run, phase) for phase in run.queued.definition.phases}
    return {**own, **{key: one.phase for key, one in sorted(run.former.items()) if key not in own}}


def _has_begun(run: Run, key: str) -> bool:
    state = run.phase(key)
    return state.status not in SETTLED and (state.status != "pending" or bool(state.consumed))


def _asks(phase: AnyPhase) -> bool:
    inside = phase.phases if isinstance(phase, RepeatPhase) else (phase,)
    return any(isinstance(one, GatePhase) for one in inside)

"""A lock space grants all or nothing under ever larger tokens, and a lost owner's paths stay shut for a while."""

from random import Random

import pytest

from domain.kernel.decider import fold
from domain.kernel.errors import Rejection
from domain.kernel.ids import SECOND, Instant, Token
from domain.kernel.values import LockMode, ScopeClaim
from domain.lock.blocking import wishes_of
from domain.lock.coverage import coverage_of
from domain.lock.decider import (
    CLAIMS_PER_SPACE_MAX,
    ERA_TOKENS,
    GRANTS_PER_SESSION_MAX,
    LOCKS,
    could_grant,
    covering,
    grant,
    identical,
    linger,
    release,
)
from domain.lock.errors import BadPattern, LockConflict, LocksLimited
from domain.lock.events import (
    CaseRuleSet,
    LockRequestWithdrawn,
    LocksGranted,
    LocksLingered,
    LocksReleased,
    LocksRequested,
    PoolMember,
    PoolSet,
)
from domain.lock.evolve import LockEvent, evolve
from domain.lock.state import LockSpace
from infrastructure.runtime.state_codec import freeze, thaw
from tests.support.steps import calls_of

NOW = Instant(1_700_000_000_000_000)
EMPTY = LOCKS.initial


def claim(text: str, mode: LockMode = "exclusive") -> ScopeClaim:
    return ScopeClaim(claim=f"path:repo//{text}", mode=mode)


def ask(
    space: LockSpace,
    *claims: ScopeClaim,
    session: str = "sess_a",
    incarnation: int = 1,
    task: str | None = None,
    at: Instant = NOW,
) -> LocksGranted | Rejection:
    return grant(
        space,
        era=1,
        session=session,
        incarnation=incarnation,
        task=task,
        claims=claims,
        purpose="tests",
        at=at,
    )


def granted(
    space: LockSpace,
    *claims: ScopeClaim,
    session: str = "sess_a",
    incarnation: int = 1,
    task: str | None = None,
) -> tuple[LockSpace, int]:
    event = ask(space, *claims, session=session, incarnation=incarnation, task=task)
    assert isinstance(event, LocksGranted)
    return evolve(space, event), event.token


def after(space: LockSpace, *events: LockEvent) -> LockSpace:
    return fold(LOCKS, events, space)


def test_the_first_token_of_an_era_is_larger_than_every_token_of_the_era_before() -> None:
    first = ask(EMPTY, claim("src/**"))
    assert isinstance(first, LocksGranted)
    assert first.token == ERA_TOKENS + 1
    later = grant(
        LockSpace(last_token=Token(first.token)),
        era=3,
        session="s",
        incarnation=1,
        task=None,
        claims=(),
        purpose="",
        at=NOW,
    )
    assert isinstance(later, LocksGranted)
    assert later.token == 3 * ERA_TOKENS + 1


def test_tokens_rise_by_one_inside_an_era_and_never_fall_with_the_era() -> None:
    space, token = granted(EMPTY, claim("a"))
    _, second = granted(space, claim("b"))
    assert second == token + 1
    ahead = LockSpace(last_token=Token(second))
    event = grant(ahead, era=0, session="s", incarnation=1, task=None, claims=(), purpose="", at=NOW)
    assert isinstance(event, LocksGranted)
    assert event.token == second + 1


def test_no_claims_mint_a_token_that_holds_nothing() -> None:
    space, token = granted(EMPTY)
    assert space.last_token == token
    assert not space.grants
    assert release(space, token, "completed", NOW) == ()


def test_a_conflict_names_owner_purpose_age_and_a_path_that_both_cover() -> None:
    space, _ = granted(EMPTY, claim("src/**"), session="sess_b", task="task_1")
    refusal = ask(space, claim("docs/x"), claim("src/a.py"), at=Instant(NOW + 90 * SECOND))
    assert isinstance(refusal, LockConflict)
    (blocker,) = refusal.blockers
    assert (blocker.session, blocker.task, blocker.purpose, blocker.age_seconds) == ("sess_b", "task_1", "tests", 90)
    assert (blocker.held, blocker.wanted, blocker.witness) == (
        "path:repo//src/**",
        "path:repo//src/a.py",
        "src/a.py",
    )
    assert "src/a.py" in refusal.message()
    assert "src/a.py" in refusal.advice()
    assert "sess_b for task_1 (tests)" in refusal.message()


def test_a_refusal_lists_the_oldest_blockers_first_and_at_most_sixteen() -> None:
    space = EMPTY
    for number in range(20):
        space, _ = granted(space, claim(f"src/{number:02}"), session=f"sess_{number:02}")
    refusal = ask(space, claim("**"), session="sess_x")
    assert isinstance(refusal, LockConflict)
    assert refusal.total == 20
    assert [blocker.session for blocker in refusal.blockers] == [f"sess_{number:02}" for number in range(16)]


def test_all_or_nothing() -> None:
    space, _ = granted(EMPTY, claim("src/**"), session="sess_b")
    assert isinstance(ask(space, claim("free"), claim("src/a.py")), LockConflict)
    assert isinstance(ask(space, claim("free")), LocksGranted)


def test_readers_share_and_a_writer_among_them_does_not() -> None:
    space, _ = granted(EMPTY, claim("src/**", "shared"), session="sess_b")
    assert isinstance(ask(space, claim("src/a", "shared")), LocksGranted)
    assert isinstance(ask(space, claim("src/a")), LockConflict)


def test_a_repeated_claim_is_granted_once_in_the_strongest_mode_and_a_request_may_overlap_itself() -> None:
    event = ask(EMPTY, claim("src", "shared"), claim("src"), claim("src/a"), claim("src", "shared"))
    assert isinstance(event, LocksGranted)
    assert event.claims == (claim("src"), claim("src/a"))


def test_a_malformed_claim_refuses_the_request() -> None:
    assert isinstance(ask(EMPTY, claim("a"), ScopeClaim(claim="src")), BadPattern)
    assert not could_grant(EMPTY, (ScopeClaim(claim="src"),), "sess_a", 1)


@pytest.mark.parametrize(
    ("holder", "asker", "allowed"),
    [
        (None, None, True),  # the session again
        (None, "task_1", True),  # an ancestor does not block a descendant
        ("task_1", "task_1", True),  # the same attempt
        ("task_1", "task_2", False),  # siblings conflict
        ("task_1", None, False),  # an ancestor may not write where a descendant writes
    ],
)
def test_owners_nest_inside_one_life_of_a_session(holder: str | None, asker: str | None, allowed: bool) -> None:
    space, _ = granted(EMPTY, claim("src/**"), task=holder)
    answer = ask(space, claim("src/a"), task=asker)
    assert isinstance(answer, LocksGranted) is allowed


def test_the_session_may_read_where_its_attempt_writes_and_write_where_it_reads() -> None:
    writing, _ = granted(EMPTY, claim("src/**"), task="task_1")
    assert isinstance(ask(writing, claim("src/a", "shared")), LocksGranted)
    reading, _ = granted(EMPTY, claim("src/**", "shared"), task="task_1")
    assert isinstance(ask(reading, claim("src/a")), LocksGranted)


def test_another_life_of_the_session_is_another_owner() -> None:
    space, _ = granted(EMPTY, claim("src/**"), incarnation=1)
    assert isinstance(ask(space, claim("src/a"), incarnation=2), LockConflict)


def test_could_grant_asks_for_a_new_attempt_so_siblings_block_and_the_session_itself_does_not() -> None:
    own, _ = granted(EMPTY, claim("src/**"))
    assert could_grant(own, (claim("src/a"),), "sess_a", 1)
    assert not could_grant(own, (claim("src/a"),), "sess_b", 1)
    sibling, _ = granted(EMPTY, claim("src/**"), task="task_1")
    assert not could_grant(sibling, (claim("src/a"),), "sess_a", 1)


def test_a_release_frees_and_a_second_release_changes_nothing() -> None:
    space, token = granted(EMPTY, claim("src/**"))
    (event,) = release(space, token, "released", NOW)
    assert event == LocksReleased(token=token, reason="released", at=NOW)
    freed = evolve(space, event)
    assert (freed.grants, freed.last_token) == (LockSpace().grants, space.last_token)
    assert freed.coverage.claims == 0
    assert release(freed, token, "released", NOW) == ()
    assert isinstance(ask(freed, claim("src/a"), session="sess_b"), LocksGranted)


def test_lingering_paths_stay_shut_even_to_their_own_session_until_the_delay_is_over() -> None:
    space, token = granted(EMPTY, claim("src/**"))
    until = Instant(NOW + 30 * SECOND)
    (event,) = linger(space, token, "lost", until, NOW)
    assert event == LocksLingered(token=token, reason="lost", until=until, at=NOW)
    shut = evolve(space, event)
    refusal = ask(shut, claim("src/a"))
    assert isinstance(refusal, LockConflict)
    assert refusal.blockers[0].lingers_until == until
    assert linger(shut, token, "lost", Instant(until + 1), NOW) == ()
    assert release(shut, token, "completed", until) == ()
    assert release(shut, token, "lock_delay_over", Instant(until - 1)) == ()
    freed = after(shut, *release(shut, token, "lock_delay_over", until))
    assert isinstance(ask(freed, claim("src/a"), session="sess_b"), LocksGranted)


def test_a_live_grant_never_ends_as_the_end_of_a_lock_delay() -> None:
    space, token = granted(EMPTY, claim("src/**"))
    assert release(space, token, "lock_delay_over", NOW) == ()


@pytest.mark.parametrize(
    ("text", "lingers"),
    [("path:r//a", True), ("worktree:host//main", True), ("env:staging", False), ("branch:r//main", False)],
)
def test_only_paths_and_worktrees_linger(text: str, lingers: bool) -> None:
    space, token = granted(EMPTY, ScopeClaim(claim=text))
    (event,) = linger(space, token, "timeout", Instant(NOW + 1), NOW)
    assert isinstance(event, LocksLingered) is lingers


def test_one_path_among_the_claims_makes_the_whole_token_linger() -> None:
    space, token = granted(EMPTY, ScopeClaim(claim="env:staging"), claim("a"))
    (event,) = linger(space, token, "lost", Instant(NOW + 1), NOW)
    assert isinstance(event, LocksLingered)


def test_without_a_delay_the_locks_of_a_lost_owner_are_free_at_once() -> None:
    space, token = granted(EMPTY, claim("a"))
    assert linger(space, token, "lost", NOW, NOW) == (LocksReleased(token=token, reason="lost", at=NOW),)
    assert linger(space, token, "cancelled", NOW, NOW) == (LocksReleased(token=token, reason="ended", at=NOW),)
    assert linger(space, token + 1, "lost", NOW, NOW) == ()


def test_a_session_holds_a_limited_number_of_live_grants_and_lingering_ones_do_not_count() -> None:
    space = EMPTY
    token = 0
    for number in range(GRANTS_PER_SESSION_MAX):
        space, token = granted(space, claim(f"src/{number}"))
    refusal = ask(space, claim("one/more"))
    assert isinstance(refusal, LocksLimited)
    assert refusal.most == GRANTS_PER_SESSION_MAX
    assert not could_grant(space, (claim("one/more"),), "sess_a", 1)
    assert isinstance(ask(space), LocksGranted)
    assert isinstance(ask(space, claim("one/more"), session="sess_b"), LocksGranted)
    shut = after(space, *linger(space, token, "lost", Instant(NOW + 1), NOW))
    assert isinstance(ask(shut, claim("one/more")), LocksGranted)


def test_a_project_holds_a_limited_number_of_live_claims() -> None:
    full = LockSpace()
    packs = CLAIMS_PER_SPACE_MAX // 64
    for number in range(packs):
        full, _ = granted(full, *(claim(f"d{number}/f{place}") for place in range(64)), session=f"sess_{number}")
    room = CLAIMS_PER_SPACE_MAX - packs * 64
    assert isinstance(ask(full, *(claim(f"rest/{place}") for place in range(room))), LocksGranted)
    assert isinstance(ask(full, *(claim(f"rest/{place}") for place in range(room + 1))), LocksLimited)


def test_a_request_has_a_limited_number_of_claims() -> None:
    assert isinstance(ask(EMPTY, *(claim(f"f{place}") for place in range(65))), LocksLimited)


def test_identical_finds_the_live_grant_with_just_these_claims() -> None:
    space, token = granted(EMPTY, claim("a"), claim("b", "shared"))
    same = wishes_of((claim("b", "shared"), claim("a")), EMPTY)
    fewer = wishes_of((claim("a"),), EMPTY)
    assert not isinstance(same, BadPattern)
    assert not isinstance(fewer, BadPattern)
    found = identical(space, (token,), same)
    assert found is not None
    assert found.token == token
    assert identical(space, (token,), fewer) is None
    shut = after(space, *linger(space, token, "lost", Instant(NOW + 1), NOW))
    assert identical(shut, (token,), same) is None


@pytest.mark.parametrize(
    ("held", "wanted", "covered"),
    [
        (claim("src/**"), claim("src/a/b.py"), True),
        (claim("src"), claim("src/a"), True),
        (claim("src/*.py"), claim("src/x.py"), True),
        (claim("src/*.py"), claim("src/x.md"), False),
        (claim("src/**", "shared"), claim("src/a"), False),
        (claim("src/**"), claim("src/a", "shared"), True),
        (claim("src/**"), claim("src/**"), True),
        (claim("src/**"), claim("src/a/**"), False),  # not proven, so not said
        (claim("src/**"), ScopeClaim(claim="path:other//src/a"), False),
        (ScopeClaim(claim="path:repo@main//src/**"), claim("src/a"), False),
        (claim("src/**"), ScopeClaim(claim="path:repo@main//src/a"), True),
        (ScopeClaim(claim="name:deploy"), ScopeClaim(claim="name:deploy/prod"), True),
    ],
)
def test_covering_says_only_what_is_sure(held: ScopeClaim, wanted: ScopeClaim, covered: bool) -> None:
    space, token = granted(EMPTY, held)
    wishes = wishes_of((wanted,), EMPTY)
    assert not isinstance(wishes, BadPattern)
    assert [grant.token for grant in covering(space, (token,), wishes)] == ([token] if covered else [])


def test_a_snapshot_is_plain_json_and_the_overlap_index_is_rebuilt_from_it() -> None:
    space, token = granted(EMPTY, claim("src/**"), session="sess_b")
    space = after(space, *linger(space, token, "lost", Instant(NOW + 1), NOW))
    space, _ = granted(space, claim("docs/**", "shared"))
    space = after(space, CaseRuleSet(ignoring_case=("b", "a"), at=NOW))
    gpu = PoolSet(pool="gpu", members=(PoolMember(name="m1", labels=("a100", "big")),), quota=None, at=NOW)
    space = after(space, gpu)
    text = freeze(space)
    assert b"coverage" not in text
    thawed = thaw(LOCKS, text)
    assert thawed == space
    assert thawed.coverage == coverage_of(space.grants, space.waiters)
    assert thawed.coverage.by_session == space.coverage.by_session
    assert isinstance(ask(thawed, claim("src/a")), LockConflict)


def test_stored_events_fold_whatever_they_say() -> None:
    odd = LocksGranted(
        token=5,
        session="s",
        incarnation=1,
        task=None,
        claims=(ScopeClaim(claim="not a claim"),),
        purpose="",
        at=NOW,
    )
    space = after(
        EMPTY,
        LocksReleased(token=9, reason="lost", at=NOW),
        LocksLingered(token=9, reason="lost", until=NOW, at=NOW),
        odd,
        odd,
        LocksReleased(token=5, reason="lost", at=NOW),
    )
    assert not space.grants
    assert space.coverage.claims == 0
    assert not space.coverage.by_session


def test_a_decision_among_thousands_of_grants_takes_as_many_steps_as_among_a_hundred() -> None:
    space, steps = EMPTY, dict[int, int]()
    for number in range(3_000):
        if number in (100, 2_999):
            steps[number] = calls_of(ask, space, claim("other/one"))
        space, _ = granted(space, claim(f"src/d{number % 97}/m{number}/**"), session=f"sess_{number}")
    assert isinstance(ask(space, claim("other/one")), LocksGranted)
    assert steps[2_999] < 2 * steps[100]


def test_of_fates_the_smallest_number_is_forgotten_however_late_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domain.lock.state.FATES_MAX", 8)
    chance, space = Random(7), EMPTY
    kept: set[int] = set()
    for _ in range(400):
        if not space.waiters or chance.random() < 0.55:
            space = evolve(space, requested(space.last_request + 1))
            continue
        number = chance.choice([min(space.waiters), *sorted(space.waiters)])
        space = evolve(space, LockRequestWithdrawn(request=number, reason="withdrawn", at=NOW))
        kept = set(sorted({*kept, number})[-8:])
        assert set(space.fates) == kept


def requested(number: int) -> LocksRequested:
    return LocksRequested(
        request=number,
        session=f"sess_{number}",
        incarnation=1,
        task=None,
        ancestors=(),
        claims=(claim(f"src/{number}.py"),),
        purpose="",
        boost_seconds=0,
        expires_at=None,
        at=NOW,
    )

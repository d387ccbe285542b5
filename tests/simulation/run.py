"""One run by its seed: nodes, sessions, faults for a while, then quiet until all is done, then judgement."""

import asyncio
import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from domain.kernel.message import Command
from domain.kernel.values import ScopeClaim
from domain.kernel.work import RetryRule
from domain.project.commands import CreateProject, UpdateProject
from domain.session.commands import OpenSession
from domain.task.commands import ApplyPlan, CancelTask, Need, PlannedTask, RetryTask
from infrastructure.log.port import LogRow
from tests.faults.checker import SETTLING, Op, unsettled, violations
from tests.simulation.clients import TTL_SECONDS, Client, Habits
from tests.simulation.dispatch_laws import Manner, dispatch_violations, untold_graces
from tests.simulation.families import Family
from tests.simulation.loop import SimulatedLoop, StuckError
from tests.simulation.network import Network, Sent, Told
from tests.simulation.nodes import Nodes, without_threads
from tests.simulation.store import SharedLog, Weather

NODES: Final = 3
SESSIONS_MAX: Final = 20
TASKS_MAX: Final = 30
FAULTY_SECONDS_MAX: Final = 20.0
QUIET_SECONDS_MAX: Final = 240.0
GRACE_SECONDS: Final = 8
FAMILIES: Final = 0.3
"""In how many of the runs sessions stand above each other, lock by themselves and are moved."""
PATTERNS: Final = ("a", "b/*", "a*/b", "**/c", "c", "ab", "?/a", "a/**")


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to."""

    seed: int
    wrong: list[str]
    commands: int
    events: int
    virtual_seconds: float
    kills: int
    pauses: int
    store_faults: int
    lost_sessions: int
    digest: str
    """Of the whole log: the same seed gives the same."""


def simulate(seed: int, strategy: str | None = None) -> Result:
    """Run one seed to its end and judge it; with a strategy that is named, or the one of the seed."""
    chance = Random(seed)
    loop = SimulatedLoop(chance)
    shared, weather, told = SharedLog(loop), Weather(), Told()
    nodes_found: list[Nodes] = []
    drawn = chance.choice(("priority", "priority", "optimal", "auction"))
    manner = Manner(strategy or drawn, chance.choice((50, 200, 500)))
    quiet: list[int] = []

    async def main() -> None:
        nodes = Nodes(NODES, loop, shared, weather, chance)
        nodes_found.append(nodes)
        network = Network(loop, nodes, told, chance)
        await _play(network, nodes, shared, weather, manner, quiet, Random(f"family {seed}"))

    wrong: list[str] = []
    try:
        with without_threads(loop):
            loop.run(main())
    except StuckError as error:
        wrong.append(f"stuck: {error}")
    except Exception as error:  # whatever broke the run is what it has found
        wrong.append(f"broken off: {error!r}")
    rows = shared.page(after=0, limit=1_000_000)
    wrong += [*loop.errors, *told.faults, *judged(rows, told, manner, quiet)]
    (nodes,) = nodes_found
    lost = sum(row.type == "session.lost.v1" for row in rows)
    return Result(
        seed=seed,
        wrong=wrong,
        commands=len(told.sent),
        events=len(rows),
        virtual_seconds=loop.time(),
        kills=nodes.kills,
        pauses=nodes.pauses,
        store_faults=weather.faults,
        lost_sessions=lost,
        digest=hashlib.sha256(b"".join(f"{row}\n".encode() for row in rows)).hexdigest(),
    )


async def _play(
    network: Network,
    nodes: Nodes,
    shared: SharedLog,
    weather: Weather,
    manner: Manner,
    quiet: list[int],
    kin: Random,
) -> None:
    loop, chance = network.loop, network.chance
    created = await network.command(CreateProject(name="shop", lock_delay_seconds=1))
    network.project = json.loads(created.text)["answer"]["project"]
    if manner.strategy != "priority":
        settings = {"strategy": manner.strategy, "window_milliseconds": manner.window_milliseconds}
        await network.command(UpdateProject.model_validate({"project": "shop", **settings}))
    planned = await _plan(network, chance)
    habits = Habits(chance.choice((0.0, 0.0, 0.4, 1.0)), planned if manner.strategy == "auction" else 0)
    clients = [Client(network, chance, habits) for _ in range(_few(chance, 3, SESSIONS_MAX))]
    faulty_seconds = chance.uniform(6.0, FAULTY_SECONDS_MAX)
    living = [asyncio.ensure_future(client.live()) for client in clients]
    family = Family(network, kin, clients, kin.randint(3, 7) if kin.random() < FAMILIES else 0)
    living += [asyncio.ensure_future(one.live()) for one in family.relatives]
    living += [asyncio.ensure_future(family.move_about()) for _ in family.relatives[:2]]
    cancels: list[asyncio.Task[None]] = []
    while loop.time() < faulty_seconds:
        await asyncio.sleep(chance.uniform(0.5, 4.0))
        if chance.random() < 0.2:
            cancels.append(asyncio.ensure_future(_cancel(network, chance, planned)))
        (nodes.kill_one if chance.random() < 0.6 else nodes.pause_one)()
    weather.clear()
    network.faulty = False
    family.dismiss()
    quiet.append(shared.now())
    await asyncio.sleep(2.0)
    await _cancel_at_work(network, shared)
    while unsettled(shared.page(after=0, limit=1_000_000)):
        await asyncio.sleep(1.0)
        await _retry_parked(network, shared)
        if loop.time() > FAULTY_SECONDS_MAX + QUIET_SECONDS_MAX:
            raise StuckError("tasks were never settled")
    # Who was told to stop what is settled already may take all of its grace.
    await asyncio.sleep(GRACE_SECONDS)
    for client in clients:
        client.done = True
    await asyncio.wait([*living, *cancels])
    # What is under way, late or a sweep away, comes to its end.
    await asyncio.sleep(5.0)
    for one in [*living, *cancels]:
        one.result()


async def _retry_parked(network: Network, shared: SharedLog) -> None:
    """What was parked, because three sessions were lost over it, waits for a person."""
    last: dict[str, str] = {}
    for row in shared.page(after=0, limit=1_000_000):
        if row.type in ("task.parked.v1", "task.retried.v1"):
            last[row.stream] = row.type
    for task in [task for task, kind in last.items() if kind == "task.parked.v1"]:
        await network.command(RetryTask(project="shop", task=task))


async def _cancel(network: Network, chance: Random, planned: int) -> None:
    """Somebody no longer wants a task; whoever works on it has a few seconds, or none."""
    task, grace_seconds = f"t{chance.randrange(planned)}", chance.choice((0, 1, 5))
    await network.command(CancelTask(project="shop", task=task, grace_seconds=grace_seconds))


async def _cancel_at_work(network: Network, shared: SharedLog) -> None:
    """Somebody no longer wants what somebody else works on, and nothing goes wrong: the holder hears of it in time."""
    held: dict[str, int] = {}
    for row in shared.page(after=0, limit=1_000_000):
        if row.type == "task.started.v1":
            held[row.stream] = row.position
        elif row.type in {"task.attempt_ended.v1", *SETTLING}:
            held.pop(row.stream, None)
    for task in sorted(held, key=held.__getitem__)[-2:]:
        await network.command(CancelTask(project="shop", task=task, grace_seconds=GRACE_SECONDS))


async def _plan(network: Network, chance: Random) -> int:
    """Plan some tasks; how many."""
    starts = range(0, _few(chance, 5, TASKS_MAX), 10)
    for start in starts:
        tasks = tuple(_task(chance, number) for number in range(start, start + 10))
        outcome = await network.command(ApplyPlan(project="shop", tasks=tasks))
        assert outcome.ok, outcome.text
    return 10 * len(starts)


def _few(chance: Random, least: int, most: int) -> int:
    """Mostly few, so that there can be many runs; sometimes as many as there may be."""
    return least + int((most - least) * chance.random() ** 2)


def _task(chance: Random, number: int) -> PlannedTask:
    needs = {f"t{chance.randrange(number)}" for _ in range(2) if number and chance.random() < 0.3}
    scope = tuple(
        ScopeClaim(claim=f"path:r//{pattern}", mode=chance.choice(("shared", "exclusive")))
        for pattern in chance.sample(PATTERNS, chance.choice((0, 0, 1, 1, 2)))
    )
    return PlannedTask(
        key=f"t{number}",
        title="work",
        needs=tuple(Need(task=need) for need in sorted(needs)),
        scope=scope,
        retry=RetryRule(max_attempts=100, backoff_seconds_first=0.0),
        on_need_failed="cancel",
    )


def judged(rows: list[LogRow], told: Told, manner: Manner, quiet: list[int]) -> list[str]:
    """Everything that does not hold, by code that shares nothing with the nodes."""
    # A run that broke off before nothing went wrong any more is judged as one in which something always did.
    since = quiet[0] if quiet else rows[-1].recorded_at if rows else 0
    return [
        *violations(rows, [op for identifier, sent in told.sent.items() for op in _ops(identifier, sent)]),
        *_out_of_order(told),
        *_foreign_tokens(rows, told),
        *_expired_early(rows, told),
        *dispatch_violations(rows, manner),
        *untold_graces(rows, told.graces, told.confirmed, since),
    ]


def _ops(identifier: str, sent: Sent) -> list[Op]:
    kind = sent.command.NAME
    if sent.command.ASKS:
        return []  # asked once more, it may be answered in another way, and that refusal is on record
    if sent.answers:
        return [
            Op(identifier, kind, "ok", one.position, _answer(one.text), _writes(sent.command))
            for _, one in sent.answers
        ]
    # A report in the grace of a cancel is refused, and ends its attempt none the less.
    return [Op(identifier, kind, "fail" if sent.refused == sent.copies and not sent.ended else "info")]


def _answer(text: bytes) -> str:
    return json.dumps(json.loads(text)["answer"], sort_keys=True)


def _writes(command: Command) -> bool:
    """Whether each accepted one leaves an event: a claim may be told what it holds already, others do nothing twice."""
    return isinstance(command, OpenSession)


def _out_of_order(told: Told) -> list[str]:
    """I1: what was answered before another command was sent lies before it in the log."""
    done = [
        (one.answers[0][1].position, one.invoked_at, one.answers[0][0], identifier)
        for identifier, one in told.sent.items()
        if one.answers
    ]
    done.sort()
    wrong: list[str] = []
    invoked_last, by = 0.0, ""
    for position, invoked_at, completed_at, identifier in done:
        if completed_at < invoked_last:
            wrong.append(f"{identifier} at {position} was answered before {by} was sent, which lies before it")
        if invoked_at > invoked_last:
            invoked_last, by = invoked_at, identifier
    return wrong


def _foreign_tokens(rows: list[LogRow], told: Told) -> list[str]:
    """I6: whatever an accepted report wrote carries the token that the report carried."""
    wrong: list[str] = []
    for row in rows:
        sent = told.sent.get(str(row.command_id))
        if sent is not None and sent.token is not None and row.type.startswith("task."):
            token = json.loads(row.state).get("token")
            if token is not None and str(token) != sent.token:
                wrong.append(f"@{row.position} {row.type}: token {token} by a report that carried {sent.token}")
    return wrong


def _expired_early(rows: list[LogRow], told: Told) -> list[str]:
    """I11: a session is lost one TTL after the last renewal that was answered, at the earliest."""
    wrong: list[str] = []
    opened: dict[tuple[str, int], int] = defaultdict(int)
    for row in rows:
        event: dict[str, Any] = json.loads(row.state)
        if row.type == "session.opened.v1":
            opened[row.stream, event["incarnation"]] = row.recorded_at
        elif row.type == "session.lost.v1":
            life = (row.stream, event["incarnation"])
            heard = max(opened[life], told.renewed.get(life, 0))
            if row.recorded_at < heard + TTL_SECONDS * 1_000_000:
                wrong.append(
                    f"@{row.position} {life} is lost {(row.recorded_at - heard) / 1e6:.3f} s after it was heard"
                )
    return wrong

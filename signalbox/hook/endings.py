"""Turns, sub-agents and sessions that want to end: what is not finished keeps them, what is finished is given back."""

from signalbox.hook.asking import Answer, RefusedError, command, commands
from signalbox.hook.desk import Desk
from signalbox.hook.holdings import Holdings, holdings
from signalbox.hook.reading import objects_in, text_in
from signalbox.hook.verdict import SILENCE, Verdict, refused
from signalbox.hook.words import quoted

BODY_CHARACTERS_MAX = 6_000
NAMED_MAX = 8


def turn_ended(desk: Desk) -> Verdict:
    """Kept once while a task lacks its result or files that it holds are not committed; else locks are given back."""
    heard = desk.beat({"signal": "stop"})
    if desk.worker:
        # It judges by the exit code, and gives back itself.
        return SILENCE
    held = holdings(desk, heard)
    kept_before = desk.event.fields.get("stop_hook_active") is True
    reasons = [] if kept_before else unfinished(heard, held)
    if not reasons:
        _give_back(desk, held)
    desk.memory.save()
    return refused("\n".join(["signalbox: this is not the end yet.", *reasons])) if reasons else SILENCE


def unfinished(heard: "dict[str, object]", held: Holdings) -> list[str]:
    """What keeps work from being done: tasks without a result, and files that are held and not committed."""
    return [*_unreported(heard), *_uncommitted(held)]


def sub_agent_ended(desk: Desk) -> Verdict:
    """What a sub-agent holds goes to the one above it, so that nobody comes between with its work half done."""
    memory, above = desk.memory, desk.above
    if above is None or not memory.session:
        return SILENCE
    tokens = [text_in(one, "token") for one in objects_in(desk.beat(), "held") if one.get("task") is None]
    receiver: dict[str, object] = {"receiver": above.memory.session}
    given = commands(desk.wire, [("transfer_locks", {**desk.fields, "token": one, **receiver}) for one in tokens])
    accepted = commands(
        desk.wire,
        [
            ("accept_locks", {**above.fields, "token": text_in(one.fields, "token")})
            for one in given
            if isinstance(one, Answer)
        ],
    )
    if any(isinstance(one, RefusedError) for one in accepted):
        above.memory.trusted_seconds = 0.0
    # What the task of the one above covers is free for it; all else stays shut for a while once the session ends.
    covered = [
        token
        for token, one in zip(tokens, given, strict=False)
        if isinstance(one, RefusedError) and one.code == "lock_conflict"
    ]
    commands(desk.wire, [("release_locks", {**desk.fields, "token": token}) for token in covered])
    above.memory.remember(memory.places)
    for one in accepted:
        if isinstance(one, Answer):
            claims = [f"{text_in(each, 'mode')} {text_in(each, 'claim')}" for each in objects_in(one.fields, "claims")]
            above.memory.keep(text_in(one.fields, "token"), claims)
    above.memory.save()
    command(desk.wire, "end_session", _life(desk))
    memory.forget()
    return SILENCE


def mate_idle(desk: Desk) -> Verdict:
    """A mate without work gets the next task of the project, if there is one."""
    if desk.worker:
        return SILENCE
    desk.ready()
    try:
        task = command(desk.wire, "claim_task", desk.fields).fields
    except RefusedError:
        return SILENCE
    desk.memory.keep(text_in(task, "token"), [])
    desk.beat()
    desk.memory.save()
    body = text_in(task, "body")
    cut = body if len(body) <= BODY_CHARACTERS_MAX else body[:BODY_CHARACTERS_MAX] + " …"
    fence = f"token {text_in(task, 'token')}, attempt {task.get('attempt')}"
    lines = [
        f"signalbox: your next task is {text_in(task, 'key')} {quoted(text_in(task, 'title'))} ({fence}).",
        "It is yours with every lock of its scope. Report progress and result with the tool mcp__signalbox__report.",
    ]
    if cut.strip():
        lines.append(f"What its author wrote:\n---\n{cut}\n---")
    for name, what in (("checkpoint", "Checkpoint of the attempt before"), ("handover", "Note of who had it before")):
        if text_in(task, name):
            lines.append(f"{what}: {quoted(text_in(task, name))}")
    return refused("\n".join(lines))


def session_ended(desk: Desk) -> Verdict:
    """Give back what is finished and say goodbye; unfinished files stay shut for the lock-delay."""
    memory = desk.memory
    if desk.worker or not memory.session or not memory.is_of(desk.event.process):
        return SILENCE
    _give_back(desk, holdings(desk, desk.beat()))
    command(desk.wire, "end_session", {**_life(desk), "cascade": True})
    memory.begin(memory.session, memory.incarnation)
    memory.trusted_seconds = 0.0
    memory.save()
    return SILENCE


ENDINGS = {
    "Stop": turn_ended,
    "SubagentStop": sub_agent_ended,
    "TeammateIdle": mate_idle,
    "SessionEnd": session_ended,
}


def _life(desk: Desk) -> "dict[str, object]":
    return {"session": desk.memory.session, "incarnation": desk.memory.incarnation}


def _unreported(heard: "dict[str, object]") -> list[str]:
    """Tasks that the session has and said nothing final of."""
    tasks = [text_in(one, "task") for one in objects_in(heard, "held") if one.get("task") is not None]
    return [
        f"- task {task} has no result: finish it and report with the tool mcp__signalbox__report (complete, fail, or"
        " release with a note)."
        for task in tasks
    ]


def _uncommitted(held: Holdings) -> list[str]:
    files = held.unfinished
    if not files:
        return []
    more = f" and {len(files) - NAMED_MAX} more" if len(files) > NAMED_MAX else ""
    named = f"- you hold locks on files with changes that are not committed: {', '.join(files[:NAMED_MAX])}{more}."
    return [f"{named} Commit them, or undo what is not wanted; the locks are given back when you end then."]


def _give_back(desk: Desk, held: Holdings) -> None:
    """What is done with."""
    commands(desk.wire, [("release_locks", {**desk.fields, "token": token}) for token in held.done])
    for token in held.done:
        desk.memory.grants.pop(token, None)

"""Signs of life: a session begins, somebody asks, a tool has run, a person is waited for, a quota is refused."""

import os

from signalbox.hook.asking import commands
from signalbox.hook.clocks import seconds_since
from signalbox.hook.desk import Desk
from signalbox.hook.mail import mail
from signalbox.hook.places import repository_of
from signalbox.hook.reading import objects_in, text_in
from signalbox.hook.verdict import SILENCE, Verdict, begun_with, told

FILES_NAMED_MAX = 20
BEAT_SECONDS_MIN = 10.0
"""Between two beats: a tool a second needs no beat a second."""
QUOTA = frozenset({"rate_limit", "overloaded", "billing_error"})
"""Failures of a turn that stop everybody who spends from the same credentials."""
WAITING = frozenset({"permission_prompt", "idle_prompt", "agent_needs_input", "elicitation_dialog", "ToolPermission"})


def begun(desk: Desk) -> Verdict:
    """A session starts, resumes, or had its memory cut: it gets a life, and hears who it is and who else is there."""
    from signalbox.hook.context import context
    from signalbox.hook.folders import watched

    again = text_in(desk.event.fields, "source") in ("resume", "fork")
    if desk.worker or not again:
        desk.take_over()
        desk.ready()
    else:
        # Whoever had the session open elsewhere is fenced from here on.
        desk.open(beyond=desk.memory.incarnation, fresh=True)
    desk.beat()
    desk.memory.save()
    home = repository_of(os.path.realpath(desk.event.cwd)) if os.path.isabs(desk.event.cwd) else None
    words, claims = context(desk, desk.options.repository or ("" if home is None else home.name))
    page = "\n".join(part for part in (words, mail(desk, always=True)) if part)
    return begun_with(desk.event, page, watched(desk, home, claims))


def asked(desk: Desk) -> Verdict:
    """A person said something: the session works, and hears what others wrote."""
    _beat(desk, {"signal": "progress"}, always=True)
    return told(desk.event, mail(desk, always=True))


def sub_agent_begun(desk: Desk) -> Verdict:
    """A sub-agent gets a session of its own below the main one."""
    desk.ready()
    desk.memory.save()
    return SILENCE


def tool_ended(desk: Desk) -> Verdict:
    """A tool has run: what it needed only meanwhile is free again, the session lives and hears what others wrote."""
    memory, call = desk.memory, desk.event.call
    # Tools run beside each other, and the end of one may be told only after the next began.
    running = [one for one in memory.after_tool if call and one.partition(" ")[2] not in ("", call)]
    needed = {one.partition(" ")[0] for one in running}
    tokens = list(dict.fromkeys(t for one in memory.after_tool if (t := one.partition(" ")[0]) not in needed))
    if len(running) < len(memory.after_tool):
        memory.after_tool = running
        commands(desk.wire, [("release_locks", {**desk.fields, "token": token}) for token in tokens])
        for token in tokens:
            memory.grants.pop(token, None)
        memory.save()
    _beat(desk, {"signal": "tool_ended", "tool": desk.event.tool[:200]})
    return told(desk.event, mail(desk))


def person_waited_for(desk: Desk) -> Verdict:
    fields = desk.event.fields
    if (text_in(fields, "notification_type") or "permission_prompt") in WAITING:
        note = " ".join(text_in(fields, "message").split())[:500]
        _beat(desk, {"signal": "waiting_for_person", "note": note}, always=True)
    return SILENCE


def permission_asked(desk: Desk) -> Verdict:
    """The client asks its person; that one decides, and the roster shows who waits for whom."""
    note = f"may {desk.event.tool[:100] or 'it'} run?"
    _beat(desk, {"signal": "waiting_for_person", "note": note}, always=True)
    return SILENCE


def memory_cut(desk: Desk) -> Verdict:
    """The model is about to forget details: what an attempt has not committed yet stands with its task."""
    from signalbox.hook.holdings import holdings

    heard = desk.beat({"signal": "progress"})
    tasks = [one for one in objects_in(heard, "held") if one.get("task") is not None]
    files = holdings(desk, heard).unfinished if tasks else []
    more = f" and {len(files) - FILES_NAMED_MAX} more" if len(files) > FILES_NAMED_MAX else ""
    note = f"memory of the model is cut; not committed: {', '.join(files[:FILES_NAMED_MAX]) or 'nothing'}{more}"
    said = [
        ("report_progress", {**{name: one[name] for name in ("project", "task", "token")}, "note": note[:4_000]})
        for one in tasks
    ]
    commands(desk.wire, said)
    desk.memory.save()
    return SILENCE


def turn_failed(desk: Desk) -> Verdict:
    """A refused quota stops the others who share the credentials, too."""
    if text_in(desk.event.fields, "error") in QUOTA:
        _beat(desk, {"signal": "quota_refused", "note": text_in(desk.event.fields, "error")}, always=True)
    return SILENCE


SIGNS = {
    "SessionStart": begun,
    "UserPromptSubmit": asked,
    "SubagentStart": sub_agent_begun,
    "PostToolUse": tool_ended,
    "PostToolUseFailure": tool_ended,
    "Notification": person_waited_for,
    "PermissionRequest": permission_asked,
    "Elicitation": permission_asked,
    "PreCompact": memory_cut,
    "StopFailure": turn_failed,
}


def _beat(desk: Desk, said: "dict[str, object]", *, always: bool = False) -> None:
    """Tell the server, unless it heard a moment ago; the one above lives by what happens below."""
    if not always and seconds_since(desk.memory.heard) < BEAT_SECONDS_MIN:
        return
    desk.beat(said)
    desk.memory.save()
    if desk.above is not None:
        desk.above.beat()
        desk.above.memory.save()

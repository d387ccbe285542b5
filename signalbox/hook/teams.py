"""Tasks that a client's own team keeps: they are told on the board, and none is finished while its work is not."""

from signalbox.hook.asking import RefusedError, command
from signalbox.hook.desk import Desk
from signalbox.hook.endings import unfinished
from signalbox.hook.holdings import holdings
from signalbox.hook.reading import text_in
from signalbox.hook.verdict import SILENCE, Verdict, refused
from signalbox.hook.words import quoted

SUBJECT_CHARACTERS_MAX = 300


def team_task_created(desk: Desk) -> Verdict:
    """Others see on the board what the team is about to do."""
    _note(desk, "has a new task")
    return SILENCE


def team_task_completed(desk: Desk) -> Verdict:
    """Not while a task of ours lacks its result, or files that the mate holds are not committed."""
    heard = desk.beat()
    reasons = [] if desk.worker else unfinished(heard, holdings(desk, heard))
    desk.memory.save()
    if reasons:
        return refused("\n".join(["signalbox: the task is not done yet.", *reasons]))
    _note(desk, "has completed the task")
    return SILENCE


TEAMS = {"TaskCreated": team_task_created, "TaskCompleted": team_task_completed}


def _note(desk: Desk, what: str) -> None:
    fields = desk.event.fields
    team, mate = (" ".join(text_in(fields, name).split())[:100] for name in ("team_name", "teammate_name"))
    subject = quoted(text_in(fields, "task_subject")[:SUBJECT_CHARACTERS_MAX] or "without a subject")
    who = f"team {team}" if team else "the agent"
    desk.ready()
    desk.memory.save()
    try:
        text = f"{who}{f', {mate},' if mate else ''} {what} {text_in(fields, 'task_id')[:100]} {subject}"
        command(desk.wire, "post_note", {**desk.fields, "text": text})
    except RefusedError:
        # The board takes so many notes of one author; the task goes on without one.
        return

"""What is done at each moment of an agent's life, once a server has to be asked."""

from signalbox.hook.asking import RefusedError
from signalbox.hook.desk import Desk, TakenOverError
from signalbox.hook.event import Event
from signalbox.hook.guard import Wanted, home_of, refusal
from signalbox.hook.installation import NoServerError, find_installation, is_near
from signalbox.hook.memory import cache_folder, memory_of
from signalbox.hook.options import Options
from signalbox.hook.reading import UnreadableError
from signalbox.hook.verdict import SILENCE, Verdict, refused, told, warned, with_input
from signalbox.hook.wire import NoAnswerError, Wire
from signalbox.hook.words import refused_by_server, unchecked

ASKING_SHARE = 0.85
"""Of its time, for all questions to the server together; the rest is for saying what came of them."""
LEAVING_SHARE = 0.35
"""The same at the end of a session: clients grant all hooks together 1.5 s then."""
TAKEN_OVER = (
    "signalbox: another process has resumed this session, so this one may write nothing more.\n"
    "next: stop here; go on in the process that resumed it, or start a new session."
)
REGAINED = (
    "signalbox: the session had been silent for so long that it was lost; a new life of it has begun. What it held "
    "before was free for others in between: read files again before you rely on what you knew of them."
)


def checked(wanted: Wanted, event: Event, options: Options, environment: "dict[str, str]") -> Verdict:
    """Take what the tool needs, or say why it may not run."""
    places = tuple(wanted.places.values())
    if is_strange(event, options, environment, places):
        return SILENCE
    try:
        desk = desk_for(event, options, environment, places)
        reason = refusal(wanted, desk, queue=options.strict)
    except (NoServerError, NoAnswerError, RefusedError, TakenOverError) as error:
        reason = reason_of(wanted.what, error)
    else:
        desk.memory.save()
        if not reason and desk.regained:
            return told(event, REGAINED)
    if not reason:
        return SILENCE
    return refused(reason) if options.strict else warned(event, reason)


def introduced(event: Event, options: Options, environment: "dict[str, str]") -> Verdict:
    """Add to a call of our own tools who makes it: models neither know that nor may say it of themselves."""
    try:
        desk = desk_for(event, options, environment)
        desk.ready()
    except (NoServerError, NoAnswerError, RefusedError, TakenOverError) as error:
        reason = reason_of(event.tool, error)
        return refused(reason) if options.strict else warned(event, reason)
    desk.memory.save()
    who: dict[str, object] = {"session": desk.memory.session, "incarnation": desk.memory.incarnation}
    if event.agent:
        who["agent"] = event.agent
    # Who tells its sub-agents apart tells also that this is none of them, whatever the model says.
    said = {name: value for name, value in event.input.items() if name != "agent" or event.client == "gemini"}
    return with_input(event, {**said, **who})


def moment(event: Event, options: Options, environment: "dict[str, str]") -> Verdict:
    """Everything but the time before a tool runs. Nothing here keeps an agent from working where no server answers."""
    from signalbox.hook.endings import ENDINGS
    from signalbox.hook.folders import FOLDERS, plain_worktree
    from signalbox.hook.signs import SIGNS
    from signalbox.hook.teams import TEAMS

    act = {**SIGNS, **ENDINGS, **TEAMS, **FOLDERS}.get(event.kind)
    if act is None:
        return SILENCE
    if is_strange(event, options, environment):
        return plain_worktree(event, "") if event.kind == "WorktreeCreate" else SILENCE
    try:
        verdict = act(desk_for(event, options, environment))
    except (NoServerError, NoAnswerError, RefusedError, TakenOverError) as error:
        verdict = refused(reason_of(event.name, error))
        if event.kind != "WorktreeCreate":
            return warned(event, verdict.err.strip())
    if options.strict or verdict.code == 0:
        return verdict
    words = verdict.err.strip()
    return plain_worktree(event, words) if event.kind == "WorktreeCreate" else warned(event, words)


def desk_for(event: Event, options: Options, environment: "dict[str, str]", places: "tuple[str, ...]" = ()) -> Desk:
    """Whoever speaks in this event: the main agent, or the sub-agent below it. Raises NoServerError."""
    installation = find_installation(environment, options.data, _folders(event, environment, places))
    share = LEAVING_SHARE if event.kind == "SessionEnd" else ASKING_SHARE
    wire, cache = Wire(installation, share * options.seconds), cache_folder(environment)
    main = Desk(wire, event, options, memory_of(cache, event.client, event.session, ""), None)
    worker = environment.get("SIGNALBOX_SESSION", ""), environment.get("SIGNALBOX_INCARNATION", "")
    if worker[0] and worker[1].isdigit():
        main.adopt(worker[0], int(worker[1]), environment.get("SIGNALBOX_TOKEN", ""))
    if not event.agent:
        return main
    return Desk(wire, event, options, memory_of(cache, event.client, event.session, event.agent), main)


def is_strange(event: Event, options: Options, environment: "dict[str, str]", places: "tuple[str, ...]" = ()) -> bool:
    """Whether nobody ever connected this place to a server: no project was named, and none can be found."""
    named = options.project or options.data or environment.get("SIGNALBOX_URL") or environment.get("SIGNALBOX_DATA")
    return not named and not is_near(_folders(event, environment, places))


def reason_of(what: str, error: Exception) -> str:
    """Why something could not be had, in words for an agent."""
    if isinstance(error, TakenOverError):
        return TAKEN_OVER
    if isinstance(error, RefusedError):
        return refused_by_server(what, error)
    advice = error.advice if isinstance(error, NoServerError) else "see that the server runs, then repeat"
    return unchecked(what, str(error), advice)


def _folders(event: Event, environment: "dict[str, str]", places: "tuple[str, ...]") -> list[str]:
    """Where a data folder may lie: above the work, beside the repository that a worktree belongs to, or above what is
    written from elsewhere."""
    import os

    said = [event.cwd, environment.get("CLAUDE_PROJECT_DIR", ""), environment.get("GEMINI_PROJECT_DIR", "")]
    folders = [os.path.realpath(one) for one in said if os.path.isabs(one)]
    try:
        home = home_of(event, environment)
    except UnreadableError:
        home = None
    beside = [] if home is None else [os.path.dirname(home.common)]
    return [*folders, *beside, *(os.path.dirname(place) for place in places)]

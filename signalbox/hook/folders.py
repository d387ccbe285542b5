"""Worktrees that a client asks for, each a unit of a pool; and files that change although nobody holds them."""

import os

from signalbox.hook.asking import RefusedError, command, commands
from signalbox.hook.desk import Desk
from signalbox.hook.event import Event
from signalbox.hook.holdings import place_of
from signalbox.hook.places import Repository, fit, named, path_claim, repository_of
from signalbox.hook.reading import objects_in, text_in
from signalbox.hook.verdict import SILENCE, Verdict, refused

WATCHED_MAX = 200


def worktree_wanted(desk: Desk) -> Verdict:
    """A folder that nobody else works in; its path is the answer. It is the agent's until it is removed there."""
    pool, event = desk.options.worktrees, desk.event
    home = _home(event)
    if not pool or home is None:
        lacking = "no pool of worktrees was named" if not pool else "this is no git repository"
        mend = "connect again with --worktrees POOL" if not pool else "start the client in one"
        return refused(f"signalbox: there is no worktree: {lacking}.\nnext: {mend}")
    purpose = f"worktree {text_in(event.fields, 'name')[:100]} of {home.name}"
    unit, token = _unit(pool, purpose, desk)
    desk.memory.save()
    if not unit:
        return refused(f"signalbox: all units of the pool {pool} are held.\nnext: wait until a worktree is removed")
    try:
        place = _made(home, pool, unit, desk.memory.session, desk.memory.incarnation)
    except Exception as error:
        # Whatever it is, the unit must not stay with somebody who has no folder.
        desk.wire.go_on(desk.options.seconds)
        _give_back(desk, token)
        desk.memory.save()
        return refused(f"signalbox: the worktree cannot be made: {error}\nnext: look at it, then ask again")
    desk.memory.remember({_claim(pool, unit): place})
    desk.memory.save()
    return Verdict(0, place + "\n", "")


def plain_worktree(event: Event, why: str) -> Verdict:
    """A folder that nobody guards, where nothing is refused: the client has nobody else to make one.

    One that is there may be somebody's, with work in it: it is told as it is.
    """
    home = _home(event)
    if home is None:
        return refused(f"{why}\nsignalbox: {event.cwd} is in no git repository")
    try:
        place = _made(home, "", fit(text_in(event.fields, "name")[:100] or event.session), event.session, 1)
    except Exception as error:
        return refused(f"{why}\nsignalbox: the worktree cannot be made: {error}")
    return Verdict(0, place + "\n", f"{why}\n" if why else "")


def worktree_left(desk: Desk) -> Verdict:
    """What lies in it uncommitted is kept under a ref, then the unit is free for others."""
    from pathlib import Path

    from signalbox.worktrees import Worktree, Worktrees, keep_left

    place = os.path.realpath(text_in(desk.event.fields, "worktree_path"))
    found = [claim for claim, where in desk.memory.places.items() if where == place and claim.startswith("pool:")]
    for claim in found:
        pool = claim.removeprefix("pool:").partition(";")[0]
        trees = Worktrees(Path(place), pool, Path(place).parent, "HEAD")
        keep_left(trees, Worktree(Path(place), -1))
        # It may have come from a sub-agent since, under another token.
        _give_back(desk, desk.memory.token_of(f"exclusive {claim}"))
        del desk.memory.places[claim]
    desk.memory.save()
    return SILENCE


def file_changed(desk: Desk) -> Verdict:
    """A file that nobody holds was written all the same: whoever reads the board learns of it."""
    path = text_in(desk.event.fields, "file_path")
    place = os.path.realpath(path) if os.path.isabs(path) else ""
    found = repository_of(os.path.dirname(place)) if place else None
    if found is None:
        return SILENCE
    claim = path_claim(named(found, _home(desk.event), desk.options.repository), place)
    desk.ready()
    if desk.memory.holds(f"exclusive {claim}") or claim in desk.memory.noted:
        return SILENCE
    asked = {**desk.fields, "claims": [{"claim": claim, "mode": "exclusive"}], "wait": "preview"}
    try:
        if text_in(command(desk.wire, "acquire_locks", asked).fields, "outcome") == "possible":
            command(desk.wire, "post_note", {**desk.fields, "text": f"{claim} was changed, and nobody holds it"})
            # Once is enough: who writes there without a lock saves it again and again.
            desk.memory.noted = [*desk.memory.noted, claim][-WATCHED_MAX:]
    except RefusedError:
        # Somebody holds it, or the board is full: there is nothing to tell.
        return SILENCE
    desk.memory.save()
    return SILENCE


FOLDERS = {"WorktreeCreate": worktree_wanted, "WorktreeRemove": worktree_left, "FileChanged": file_changed}


def watched(desk: Desk, home: Repository | None, claims: "list[str]") -> "list[str]":
    """Files that are locked, where they lie in this checkout: the agent's own, and those that others claim."""
    if home is None:
        return []
    own = [place for claim, place in desk.memory.places.items() if claim.startswith("path:")]
    theirs = [place for claim in claims if (place := place_of(desk, claim))]
    return list(dict.fromkeys([*own, *theirs]))[:WATCHED_MAX]


def _home(event: Event) -> Repository | None:
    return repository_of(os.path.realpath(event.cwd)) if os.path.isabs(event.cwd) else None


def _unit(pool: str, purpose: str, desk: Desk) -> tuple[str, str]:
    """A unit that is the agent's from now on, and its token; empty where all are held.

    By name: asking for any unit again is answered with the one that the agent has already.
    """
    desk.ready()
    shown = command(desk.wire, "describe_pool", {"project": desk.memory.project, "pool": pool}).fields
    for member in objects_in(shown, "members"):
        if text_in(member, "state") != "free":
            continue
        name = text_in(member, "name")
        try:
            answer = desk.acquire({_claim(pool, name): "exclusive"}, purpose, queue=False).fields
        except RefusedError as refused:
            if refused.code != "lock_conflict":
                raise
            # Somebody was faster.
            continue
        if answer.get("outcome") == "granted":
            return name, text_in(answer, "token")
    return "", ""


def _claim(pool: str, unit: str) -> str:
    return f"pool:{pool};member={unit}"


def _give_back(desk: Desk, token: str) -> None:
    commands(desk.wire, [("release_locks", {**desk.fields, "token": token})])
    desk.memory.grants.pop(token, None)


def _made(home: Repository, pool: str, unit: str, session: str, incarnation: int) -> str:
    """The unit's folder, as a former holder's work has been kept and the repository stands now.

    Without a pool nobody knows whether the holder is a former one.
    """
    from pathlib import Path

    from signalbox.git_guard.git import Git
    from signalbox.worktrees import Worktrees, beside, entered, let_go, prepared

    main = Path(home.common).parent if os.path.basename(home.common) == ".git" else Path(home.common)
    base = Git(home.top).text("rev-parse", "HEAD")
    trees = Worktrees(main, pool, beside(main), base)
    tree = entered(trees, unit)
    if tree is None:
        raise ValueError(f"processes of a former attempt still run in {trees.folder / unit}")
    try:
        if pool or not (tree.place / ".git").is_file():
            prepared(trees, tree, session, incarnation)
    finally:
        let_go(tree)
    return str(tree.place)

"""Speaking to the server as one agent: the life of its session, its locks, signs that it lives.

Ids of commands come from the client's own session, so that a hook without any memory finds the same life again.
"""

from signalbox.hook.asking import NOT_THERE, SESSION_OVER, Answer, RefusedError, command, heartbeat
from signalbox.hook.clocks import FRESH_SECONDS_MAX
from signalbox.hook.event import TOOLS, Event
from signalbox.hook.memory import Memory
from signalbox.hook.options import Options
from signalbox.hook.places import host_name
from signalbox.hook.reading import is_object, number_in, objects_in, text_in
from signalbox.hook.wire import NoAnswerError, Wire

LIVES_MAX = 32
"""Lives of one session that are followed to find the current one."""
TTL_MARGIN_SECONDS = 10.0
VERDICTS_MAX = 1_000_000
"""As many as one heartbeat tells."""


class TakenOverError(Exception):
    """Another process has resumed the session: this one no longer speaks for it."""


class Desk:
    """One agent at the server."""

    def __init__(self, wire: Wire, event: Event, options: Options, memory: Memory, above: "Desk | None") -> None:
        self.wire = wire
        self.event = event
        self.options = options
        self.memory = memory
        self.above = above
        """The main agent, where this one is a sub-agent."""
        self.regained = False
        """Whether a new life had to begin because the one before was lost."""
        self.found = False
        """Whether the life was asked for in this run, and not remembered."""
        self.unread: int | None = None
        """Messages that waited at the latest heartbeat of this run; None where nobody told."""
        self.worker = False
        """Whether the life is that of a worker who started the client: it keeps and ends it."""
        self.attempt = ""
        """Token of the worker's attempt that the client works in: the worker may have others beside it."""

    @property
    def fields(self) -> "dict[str, object]":
        """What every command of the session names."""
        memory = self.memory
        return {"project": memory.project, "session": memory.session, "incarnation": memory.incarnation}

    def adopt(self, session: str, incarnation: int, attempt: str = "") -> None:
        """Speak for the session of the worker that started the client, and for the attempt with this token."""
        memory = self.memory
        if (memory.session, memory.incarnation) != (session, incarnation):
            memory.begin(session, incarnation)
        memory.url, memory.process = self.wire.url, self.event.process
        memory.project = self.options.project or memory.project or self._only_project()
        self.worker, self.attempt = True, attempt

    def take_over(self) -> None:
        """From now on this process speaks for the session, whoever did before."""
        self.memory.process = self.event.process

    def ready(self) -> None:
        """See that there is a life to speak for. Raises RefusedError, NoAnswerError, TakenOverError."""
        memory = self.memory
        if memory.session and memory.url == self.wire.url and self.options.project in ("", memory.project):
            if not memory.is_of(self.event.process):
                raise TakenOverError
            return
        self.open()

    def open(self, *, beyond: int = 0, fresh: bool = False) -> None:
        """Begin a life later than ``beyond``, or find the one that began; ``fresh`` insists on a new one."""
        memory, event = self.memory, self.event
        memory.project = self.options.project or memory.project or self._only_project()
        memory.url, memory.process = self.wire.url, event.process
        if self.above is not None:
            self.above.ready()
            self.above.memory.save()
        session, after = "", 0
        for _ in range(LIVES_MAX):
            answer = self._opened(session, after)
            session, after = text_in(answer.fields, "session"), int(number_in(answer.fields, "incarnation"))
            if after > beyond and not (fresh and answer.repeated):
                memory.begin(session, after)
                self.found = True
                memory.hear(_trusted(number_in(answer.fields, "ttl_seconds")))
                if self.above is not None:
                    # Before it takes anything: from here on the one above asks before it writes.
                    memory.save()
                return
        message = f"the session {session} began more than {LIVES_MAX} times"
        raise RefusedError({"code": "too_many_lives", "message": message})

    def acquire(self, claims: "dict[str, str]", purpose: str, *, queue: bool) -> Answer:
        """Take all claims (claim -> mode), or a place in the queue for them.

        A life that was lost meanwhile is followed by the next one. Raises RefusedError, NoAnswerError, TakenOverError.
        """
        self.ready()
        try:
            return self._taken(claims, purpose, queue=queue)
        except RefusedError as refused:
            if not self._begins_anew(refused):
                raise
        return self._taken(claims, purpose, queue=queue)

    def _taken(self, claims: "dict[str, str]", purpose: str, *, queue: bool) -> Answer:
        try:
            return self._acquired(claims, purpose, queue=False)
        except RefusedError as refused:
            if not queue or refused.code != "lock_conflict":
                raise
        # Only now: a request that may wait gives up the place that the agent has in the line for something else.
        return self._acquired(claims, purpose, queue=True)

    def beat(self, said: "dict[str, object] | None" = None) -> "dict[str, object]":
        """A sign of life; what is no longer held is forgotten. Raises as ``acquire`` does."""
        self.ready()
        memory = self.memory
        tokens = [{"project": memory.project, "token": token} for token in memory.grants]
        beat: dict[str, object] = {"session": memory.session, "incarnation": memory.incarnation, "tokens": tokens}
        beat["counts_mail"] = True
        if said:
            beat["said"] = said
        verdicts = min(memory.take_counted(), VERDICTS_MAX)
        if verdicts:
            beat["cached_verdicts"] = verdicts
        try:
            heard = heartbeat(self.wire, beat)
        except NoAnswerError:
            memory.put_back(verdicts)
            raise
        unread = heard.get("unread")
        self.unread = unread if isinstance(unread, int) else None
        if text_in(heard, "status") not in ("live", "suspect"):
            memory.grants, memory.trusted_seconds = {}, 0.0
            return heard
        for one in objects_in(heard, "revoked"):
            memory.grants.pop(text_in(one, "token"), None)
        memory.hear(_trusted(number_in(heard, "lease_seconds")))
        return heard

    def kept_from(self, claims: list[str]) -> "list[dict[str, object]]":
        """Who keeps the agent from what it holds: a session below it writes there. What it no longer holds is
        forgotten. Raises RefusedError, NoAnswerError."""
        by_token: dict[str, list[str]] = {}
        for claim in claims:
            token = self.memory.token_of(f"exclusive {claim}")
            if token:
                by_token.setdefault(token, []).append(claim)
        found: list[dict[str, object]] = []
        for token, resources in by_token.items():
            try:
                answer = command(self.wire, "check_locks", {**self.fields, "token": token, "resources": resources})
            except RefusedError as refused:
                if refused.code != "lock_token_fenced":
                    raise
                self.memory.grants.pop(token, None)
                continue
            told = objects_in(answer.fields, "resources")
            found += [blocker for one in told if is_object(blocker := one.get("blocker"))]
            if any(text_in(one, "state") == "free" for one in told):
                self.memory.grants.pop(token, None)
        return found

    def _acquired(self, claims: "dict[str, str]", purpose: str, *, queue: bool) -> Answer:
        asked: dict[str, object] = {
            **self.fields,
            "claims": [{"claim": claim, "mode": mode} for claim, mode in claims.items()],
            "purpose": purpose[:500],
        }
        if self.attempt:
            asked["attempt"] = self.attempt
        if queue:
            # One place in the line for each agent: what it wants now takes the place of what it wanted before.
            key = f"hook:{self.memory.session}"
            asked |= {"wait": "queue", "wait_timeout_seconds": QUEUE_SECONDS, "supersede_key": key}
        answer = command(self.wire, "acquire_locks", asked)
        token = text_in(answer.fields, "token")
        if token:
            told = [f"{text_in(one, 'mode')} {text_in(one, 'claim')}" for one in objects_in(answer.fields, "claims")]
            self.memory.keep(token, [*told, *(f"{mode} {claim}" for claim, mode in claims.items())])
        return answer

    def _begins_anew(self, refused: RefusedError) -> bool:
        """Whether the next life of the session has begun, so that asking again makes sense."""
        if self.worker:
            return False
        about = str(refused.data.get("kind", "session")) == "session"
        if refused.code in SESSION_OVER:
            self.open(beyond=self.memory.incarnation)
        elif refused.code in NOT_THERE and about:
            self.memory.session = ""
            self.open()
        elif refused.code == "session_fenced" and self.found:
            # Without a memory the first life is found, and the way from there leads to the current one.
            self.open(beyond=int(number_in(refused.data, "current")) - 1)
            return True
        else:
            return False
        self.regained = True
        return True

    def _opened(self, session: str, after: int) -> Answer:
        event, options = self.event, self.options
        what = f"sub-agent {event.agent}" if self.above is not None else event.session[:36]
        fields: dict[str, object] = {
            "projects": [self.memory.project],
            "name": f"{event.client} {what}"[:200],
            "tool": TOOLS[event.client],
            "host": host_name(),
            "renewed_by": "calls",
            "capacity": 1,
        }
        if options.pool:
            fields["credential_pool"] = options.pool
        if self.above is not None:
            fields["parent"] = self.above.memory.session
        if session:
            fields |= {"resume": session, "began": "resume"}
        return command(self.wire, "open_session", fields, _command_id(self.memory.project, event, fields, after))

    def _only_project(self) -> str:
        from signalbox.hook.asking import graphql, head

        page = graphql(self.wire, PROJECTS, {"after": head(self.wire)}).get("projects")
        names = [one.get("node") for one in objects_in(page, "edges")] if is_object(page) else []
        found = [text_in(one, "name") for one in names if is_object(one)]
        if len(found) == 1:
            return found[0]
        what = "there is no project yet" if not found else f"there are several projects, such as {' and '.join(found)}"
        raise RefusedError({"code": "which_project", "message": what, "next": "connect again with --project NAME"})


PROJECTS = "query($after: Position) { projects(first: 2, after: $after) { edges { node { name } } } }"
QUEUE_SECONDS = 120
"""How long a refused edit keeps its place in the line."""


def _trusted(lease_seconds: float) -> float:
    return max(0.0, min(FRESH_SECONDS_MAX, lease_seconds - TTL_MARGIN_SECONDS))


def _command_id(project: str, event: Event, fields: "dict[str, object]", after: int) -> str:
    """The same for the same life of the same agent, whoever asks and however often."""
    from hashlib import blake2b

    parts = [event.client, event.session, event.agent, project, str(after), *(f"{k}={v}" for k, v in fields.items())]
    return "hook_" + blake2b("\0".join(parts).encode(errors="surrogatepass"), digest_size=20).hexdigest()

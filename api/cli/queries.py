"""Every GraphQL query of the command line: lists under ``list``, single things under ``found``."""

from typing import Final

_TASK: Final = """id projectId key title kind priority status attempt percent note reason sessionId token waitsFor
waitsUntil unmetTotal summary changedAt attention labels deadline notBefore parentId partsTotal partsSettled usage
usageParts reassignedTotal reservedFor"""
_SESSION: Final = """id name role tool model host worktree parentId credentialPool runningTool toolUntil began owner
status activity draining incarnation capacity ttlSeconds capabilities attemptsLive
completedTotal failedTotal lostTotal openedAt changedAt takesPushed attempts { token projectId taskId }"""
_LOCK: Final = """token sessionId incarnation taskId claims { claim mode } purpose grantedAt lingersUntil
lingersBecause acceptUntil leavesAt"""
_REQUEST: Final = "request sessionId incarnation taskId claims { claim mode } purpose requestedAt expiresAt"

_POOL: Final = """name quota quantity free taken quarantined draining waiting waitingUnits changedAt
members { name labels state token sessionId taskId }"""

_ATTENTION: Final = (
    "topic subject about place projectIds since why resolve units task { key title } session { name host }"
)

_RUN: Final = """id projectId pipeline version status rollback reason because inputs outputs untold
parentId parentPlace forkedFromId rollsBackId rolledBackById labels priority correlationKey
concurrencyKey concurrencyLimit budget spent reserved annotations { place text by at } annotationsTotal
startedBy phasesTotal phasesSettled parked queuedAt startedAt
settledAt changedAt revision"""
_GATE: Final = """id runId place pipeline status gateClass generation question evidence digest eligible approvalsNeeded
peopleNeeded veto rung reminders votes { voter verdict human comment session } voidedTotal lateTotal decision how
decidedBy comment deadlineSeconds openedAt decidedAt changedAt"""
_PROPOSAL: Final = """id status question options eligible votesNeeded peopleNeeded veto exclude
votes { voter choice human comment session } lateTotal choice how decidedBy reason openedBy session closesAt openedAt
decidedAt changedAt"""
_FACT: Final = """id projectId kind name correlationKey version runId outcome number content uri digest by holds reason
publishedAt changedAt"""
_PHASE: Final = """place kind title number needs status generation taskId childId reason arm input output
summary effect undo undoTaskId consumed { place generation } readyAt settledAt changedAt
task { status attempt percent note sessionId waitsFor waitsUntil reason usage usageLive }"""

_PROJECT: Final = "id name frozen frozenReason lockDelaySeconds settings needsGranted createdAt changedAt"


def _list(field: str, selection: str, fixed: str = "", **variables: str) -> str:
    """A page of a list; ``variables`` are its own arguments with their types, ``fixed`` is one that never changes."""
    paged = {**variables, "cursor": "String", "first": "Int!", "at": "Point", "after": "Position"}
    page = f"position stale pageInfo {{ hasNextPage endCursor }} edges {{ node {{ {selection} }} }}"
    return f"query({_declared(paged)}) {{ list: {field}({_passed(paged)}{fixed}) {{ {page} }} }}"


def _single(field: str, selection: str, **variables: str) -> str:
    """One thing, which is null where there is none."""
    asked = {**variables, "at": "Point", "after": "Position"}
    return f"query({_declared(asked)}) {{ found: {field}({_passed(asked)}) {{ {field} {{ {selection} }} }} }}"


def _declared(variables: dict[str, str]) -> str:
    return ", ".join(f"${name}: {kind}" for name, kind in variables.items())


def _passed(variables: dict[str, str]) -> str:
    return ", ".join(f"{name}: ${name}" for name in variables)


_NEEDS: Final = "requires scope { claim mode } needs { taskId key satisfied outcome }"
TASKS: Final = _list("tasks", _TASK, where="TaskFilter")
COUNTS: Final = """query($project: String!, $after: Position) {
  found: taskCounts(project: $project, after: $after) { position counts { status total } }
}"""
TASK_ENDINGS: Final = _list("tasks", "id", where="TaskFilter")
PROPOSALS: Final = _list("proposals", _PROPOSAL, where="ProposalFilter")
PROPOSAL_ENDINGS: Final = _list("proposals", "id", where="ProposalFilter")
FACTS: Final = _list("facts", _FACT, where="FactFilter")
GATES: Final = _list("gates", _GATE, where="GateFilter")
RUN_ENDINGS: Final = _list("runs", "id", where="RunFilter")
RUNS: Final = _list("runs", _RUN, where="RunFilter")
RUN: Final = _single("run", f"{_RUN} phases {{ {_PHASE} }}", id="ID!")
RUN_COSTS: Final = _list(
    "runCosts", "runId depth place taskId generation purpose pipeline status spent budget reserved", id="ID!"
)
RUN_ATTEMPTS: Final = _list(
    "runAttempts",
    "runId place generation purpose taskId sessionId attempt beganAt endedAt how",
    id="ID!",
    session="String",
)
RUN_DIFFERENCES: Final = _list("runDifferences", "place name before after", id="ID!", other="ID", since="Point")
RUN_REVISION: Final = _single("run", "id revision", id="ID!")
RUN_STATUS: Final = _single("run", "status", id="ID!")
SESSION_ENDINGS: Final = _list("sessions", "id", where="SessionFilter")
TASK: Final = _single("task", f"{_TASK} {_NEEDS}", id="ID", project="String", key="String")
SESSIONS: Final = _list("sessions", _SESSION, project="String", status="[SessionStatus!]", where="SessionFilter")
SESSION: Final = _single("session", _SESSION, id="ID!")
LOCKS: Final = _list("locks", _LOCK, project="String")
LOCK_REQUESTS: Final = _list("lockRequests", _REQUEST, project="String")
POOLS: Final = _list("pools", _POOL, where="PoolFilter")
ATTENTION: Final = _list("attention", _ATTENTION, where="AttentionFilter")
STANDSTILLS: Final = """query($project: String!, $after: Position) {
  found: standstills(project: $project, after: $after) { lookedAt complete
  standstills { since summary resolve steps { waiter because words holder } } } }"""
EXPLAIN: Final = """query($project: String, $task: String, $session: String, $lock: String,
$run: String, $phase: String) {
  found: explain(project: $project, task: $task, session: $session, lock: $lock, run: $run, phase: $phase) {
    kind id project: projectId name status moving summary omitted reasons { code words unblock about until data } } }"""
NOTES: Final = _list(
    "notes", "id projectId taskId number thread author sessionId agent text postedAt", where="NoteFilter"
)
INBOX: Final = _list(
    "inbox",
    "number kind author sender agent text claim token read sentAt readAt",
    project="String!",
    session="String!",
    read="Boolean",
)
PROJECTS: Final = _list("projects", "id name frozen lockDelaySeconds createdAt")
PROJECT: Final = _single("project", _PROJECT, name="String!")
PROJECT_ACCOUNT: Final = _single("project", "name settings account { spent reserved }", name="String!")
KEYS: Final = _list("keys", "id name role projectIds projectNames issuedAt expiresAt revoked")
QUOTAS: Final = _list("quotas", "id name state kind reason failures dueAt sessionsLive changedAt", project="String")
NODES: Final = _list(
    "nodes",
    "id status incarnation url host process version store leaseSeconds troubles duties joinedAt changedAt "
    "now { at ready head logLagEvents projectorLagEvents commandsWaiting sessionsWaiting projectorError warnings }",
    status="[NodeStatus!]",
)
CLOCKS: Final = "{ nodes(first: 50) { edges { node { now { at } } } } }"
PLANNED: Final = _list("events", "event", ', types: ["task.planned.v1"]', project="String")
DEFINITIONS: Final = _list(
    "pipelineDefinitions",
    "name version state digest title phases addedBy addedAt changedAt",
    where="DefinitionFilter",
)
DEFINITION: Final = _list("pipelineDefinitions", "name version state digest definition", where="DefinitionFilter")
BOOKMARKS: Final = """query($project: String!, $at: Point, $after: Position) {
  found: bookmarks(project: $project, at: $at, after: $after) { bookmarks { name bookmarked } } }"""
POSITION: Final = "query($at: Point, $after: Position) { found: event(at: $at, after: $after) { position } }"
FLEET_METRICS: Final = """query($project: String, $hours: Int!, $at: Point, $after: Position) {
fleetMetrics(project: $project, hours: $hours, at: $at, after: $after) {
since planned completed failed cancelled attempts attemptsRetriedPercent attemptsLost reassigned
reassignedPerHundredTasks parked conflictsAtEdit stoppedAtEdit lateReports
assignmentLatency { assignments p50 p95 p99 } attemptSecondsMean sessionsLive capacity
attemptsLive idlePercent queueDepth workersToDrain makespan { tasks settled seconds criticalPathSeconds ratio }
position stale } }"""

_MODELS: Final = """models { name table state generation checkpoint lagEvents lagSeconds fingerprint drifted
parkedStreams error generations { number table state checkpoint fingerprint } build { generation purpose phase
checkpoint eventsPerSecond etaSeconds askedBy askedAt changedAt comparison error } }
parked { projection stream position type error } head position"""
READ_MODELS: Final = f"query {{ projections {{ {_MODELS} }} }}"


def operation_on_models(field: str, **variables: str) -> str:
    """A mutation of read models, answered under ``done``; ``variables`` are its arguments with their types."""
    answer = (
        f"... on ReadModelsChanged {{ dropped models {{ {_MODELS} }} }} ... on Rejected {{ code message next data }}"
    )
    return f"mutation({_declared(variables)}) {{ done: {field}({_passed(variables)}) {{ __typename {answer} }} }}"


def counts_of(projects: int) -> str:
    """The tasks of so many projects by status, as ``c0`` and on; their names are the variables ``p0`` and on."""
    fields = [
        f"c{place}: taskCounts(project: $p{place}, at: $at, after: $after) {{ counts {{ status total }} }}"
        for place in range(projects)
    ]
    names = {f"p{place}": "String!" for place in range(projects)}
    return f"query({_declared({**names, 'at': 'Point', 'after': 'Position'})}) {{ {' '.join(fields)} }}"

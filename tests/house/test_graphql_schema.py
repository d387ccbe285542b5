"""The schema is written down, changes only by addition, and forgets no command, row or limit."""

from enum import Enum
from pathlib import Path
from typing import get_args

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    find_breaking_changes,
    get_named_type,
    get_nullable_type,
)

from api.graphql import enums
from api.graphql.limits import LISTS, PAGES
from api.graphql.mutations import asked_commands
from api.graphql.operations import operations
from api.graphql.schema import FILE, schema_text
from api.graphql.types import attention
from domain.catalogue import COMMANDS
from domain.dispatch.standstill import Because
from domain.kernel.activity import SessionStatus
from domain.kernel.values import LockMode
from domain.note.events import MessageKind
from domain.principal.allow import MATRIX
from domain.principal.allow import Row as Rights
from domain.principal.commands import Role
from domain.task.commands import Outcome
from projections.api_keys.rows import ApiKeyRow
from projections.attention.rows import AttentionRow, AttentionTopic
from projections.attention.rows import Subject as AttentionSubject
from projections.blackboard.rows import NoteRow
from projections.catalogue import PROJECTIONS, AnyProjection
from projections.facts.rows import FactRow
from projections.inbox.rows import MessageRow
from projections.kernel.rows import Row, columns_of
from projections.lock_map.rows import LockMapRow
from projections.lock_queue.rows import LockQueueRow
from projections.node_roster.rows import NodeRosterRow, NodeStatus
from projections.pipeline_definitions.rows import PipelineDefinitionRow
from projections.pools.rows import PoolRow
from projections.projects.rows import ProjectRow
from projections.quota_roster.rows import QuotaRosterRow
from projections.session_roster.queries import SessionOrder
from projections.session_roster.rows import SessionRosterRow
from projections.task_board.queries import TaskOrder
from projections.task_board.rows import TaskBoardRow, TaskStatus
from projections.timeline.queries import TimelineOrder
from projections.timeline.rows import TimelineRow
from tests.house.sources import ROOT
from tests.support.graphql import schema as made_once

RELEASED = ROOT / "tests" / "golden" / "schema.graphql"
RENAMED = {
    "key": {"id", "position", "token"},
    "name": {"key"},
    "session": {"sessionId"},
    "task": {"taskId"},
    "project": {"projectId"},
    "parent": {"parentId"},
    "projects": {"projectIds"},
    "pipeline": {"pipelineId"},
    "correlation": {"correlationId"},
    "command": {"commandId"},
    "run": {"runId"},
    "causation": {"causationId"},
}
# `urgency` only sorts, `claims_total` counts what is listed, a session's own project is always the fleet, its
# liveness is in its status, its labels are its capabilities once more.
LEFT_OUT = {
    "TaskBoardRow": {"urgency", "begun_position"},
    "LockMapRow": {"claims_total"},
    "LockQueueRow": {"claims_total", "key"},
    "PoolRow": {"key", "requests"},
    "PipelineDefinitionRow": {"key"},
    "ApiKeyRow": {"project"},
    "ProjectRow": {"project"},
    "AttentionRow": {"key", "project", "stands", "beneath", "begun_at"},
    "QuotaRosterRow": {"project"},
    "NodeRosterRow": {"project"},
    "SessionRosterRow": {"begun_position", "project", "liveness", "labels", "busy_microseconds", "busy_until"},
}
ASKED_ONLY: dict[type[Enum], tuple[str, ...]] = {enums.SessionStatus: ("live",)}
"""Words that ask for several others, and that nothing is shown as."""


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return made_once()


def object_type(schema: GraphQLSchema, name: str) -> GraphQLObjectType:
    found = schema.type_map[name]
    assert isinstance(found, GraphQLObjectType)
    return found


def test_the_schema_is_written_down() -> None:
    file = ROOT / "api" / "graphql" / FILE
    assert file.read_text(encoding="utf-8") == schema_text(), "write it anew with api.graphql.schema.schema_text"


def test_nothing_that_was_released_breaks(schema: GraphQLSchema) -> None:
    released = build_schema(RELEASED.read_text(encoding="utf-8"))
    assert not [change.description for change in find_breaking_changes(released, schema)]


def test_a_field_that_goes_is_noticed(schema: GraphQLSchema) -> None:
    text = RELEASED.read_text(encoding="utf-8").replace("type PageInfo {", "type PageInfo {\n  gone: String")
    assert [change.description for change in find_breaking_changes(build_schema(text), schema)]


def test_every_command_that_somebody_may_ask_is_a_mutation(schema: GraphQLSchema) -> None:
    may = {name for name in COMMANDS if MATRIX.get(name, Rights()) != Rights()}
    assert set(asked_commands()) == may
    camel_names = {
        first + "".join(part.capitalize() for part in rest) for first, *rest in (name.split("_") for name in may)
    }
    assert schema.mutation_type is not None
    # What is done to read models changes nothing that is in the log.
    assert set(schema.mutation_type.fields) == camel_names | {camel(one.python_name) for one in operations()}


def test_every_field_of_a_command_is_in_its_input(schema: GraphQLSchema) -> None:
    for name in asked_commands():
        command = COMMANDS[name]
        made = schema.type_map[f"{command.__name__}Input"]
        assert isinstance(made, GraphQLInputObjectType)
        given = set(made.fields)
        made_here = {"key", "digest"} if name == "issue_key" else set()
        assert {camel(field) for field in command.model_fields if field not in made_here} | {"commandId"} <= given


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        (TaskBoardRow, "Task"),
        (SessionRosterRow, "Session"),
        (LockMapRow, "Lock"),
        (LockQueueRow, "LockRequest"),
        (QuotaRosterRow, "Quota"),
        (NodeRosterRow, "Node"),
        (PoolRow, "Pool"),
        (PipelineDefinitionRow, "PipelineDefinition"),
        (FactRow, "Fact"),
        (ProjectRow, "Project"),
        (ApiKeyRow, "Key"),
        (AttentionRow, "Attention"),
        (TimelineRow, "TimelineLine"),
        (NoteRow, "Note"),
        (MessageRow, "InboxMessage"),
    ],
)
def test_every_column_of_a_row_is_shown(schema: GraphQLSchema, row: type[Row], shown: str) -> None:
    there = set(object_type(schema, shown).fields)
    for column in columns_of(row):
        names = {camel(column.name)} | RENAMED.get(column.name, set())
        assert names & there or column.name in LEFT_OUT.get(row.__name__, set()), column.name


@pytest.mark.parametrize(
    ("enum", "words"),
    [
        (enums.TaskStatus, TaskStatus),
        (enums.TaskOrder, TaskOrder),
        (enums.TimeOrder, SessionOrder),
        (enums.TimeOrder, TimelineOrder),
        (enums.SessionStatus, SessionStatus),
        (enums.NodeStatus, NodeStatus),
        (enums.LockMode, LockMode),
        (enums.Outcome, Outcome),
        (enums.Role, Role),
        (enums.MessageKind, MessageKind),
        (attention.AttentionTopic, AttentionTopic),
        (attention.AttentionSubject, AttentionSubject),
        (attention.StandstillReason, Because),
    ],
)
def test_an_enum_spells_its_literal(enum: type[Enum], words: object) -> None:
    assert tuple(member.value for member in enum) == (*get_args(words), *ASKED_ONLY.get(enum, ()))


def test_every_list_has_a_price(schema: GraphQLSchema) -> None:
    """A list of things with fields of their own is a page, or is counted as a short list."""
    assert schema.query_type is not None
    for kind in schema.type_map.values():
        if not isinstance(kind, GraphQLObjectType) or kind.name.startswith("__"):
            continue
        for name, field in kind.fields.items():
            named = get_named_type(field.type)
            if named.name.endswith("Connection"):
                assert name in PAGES, f"{kind.name}.{name}"
            elif isinstance(get_nullable_type(field.type), GraphQLList) and isinstance(named, GraphQLObjectType):
                assert name in LISTS | PAGES | {"edges"}, f"{kind.name}.{name}"


def test_every_question_tells_of_which_position_it_is_true(schema: GraphQLSchema) -> None:
    assert schema.query_type is not None
    for name, field in schema.query_type.fields.items():
        if name in ("status", "explain", "ledger", "projections"):  # always of now; proofs name their sizes
            continue
        answer = get_named_type(field.type)
        assert isinstance(answer, GraphQLObjectType)
        assert {"position", "stale"} <= set(answer.fields), name
        # The hours of the measures are their own past; circles of waits are looked for in the present.
        of_now = name in ("fleetMetrics", "standstills")
        assert {"after"} | (set() if of_now else {"asOf"}) <= set(field.args), name


ASKED_BY = {
    "task_board": "tasks",
    "session_roster": "sessions",
    "lock_map": "locks",
    "lock_queue": "lockRequests",
    "pools": "pools",
    "attention": "attention",
    "blackboard": "notes",
    "inbox": "inbox",
    "timeline": "timeline",
    "projects": "projects",
    "api_keys": "keys",
    "quota_roster": "quotas",
    "pipeline_definitions": "pipelineDefinitions",
    "node_roster": "nodes",
    "pipeline_runs": "runs",
    "gate_inbox": "gates",
    "proposals": "proposals",
    "facts": "facts",
}
"""The page that shows each read model."""
SHOWN_WITHIN = {
    "task_needs": "Task.needs",
    "short_ids": "TaskFilter.idSuffix",
    "fleet_metrics": "Query.fleetMetrics",
    "run_phases": "Run.phases",
}
"""Read models that no page of their own shows, and where they are asked instead."""
ALL_THERE_ARE = {"projects", "keys"}
"""Pages that are short and whose rows need no further conditions."""


@pytest.mark.parametrize("projection", PROJECTIONS, ids=[one.name for one in PROJECTIONS])
def test_every_read_model_is_asked_with_conditions_in_pages_and_of_the_past(
    schema: GraphQLSchema, projection: AnyProjection
) -> None:
    """Fails for a read model that has no page: give it one, or say where it is shown."""
    if projection.name in SHOWN_WITHIN:
        kind, _, field = SHOWN_WITHIN[projection.name].partition(".")
        within = schema.type_map[kind]
        assert isinstance(within, GraphQLObjectType | GraphQLInputObjectType)
        assert field in within.fields
        return
    assert schema.query_type is not None
    name = ASKED_BY[projection.name]
    page = schema.query_type.fields[name]
    assert get_named_type(page.type).name.endswith("Connection")
    paged = {"first", "cursor", "asOf", "after"}
    assert paged <= set(page.args)
    assert set(page.args) - paged - {"at"} or name in ALL_THERE_ARE


def test_the_files_are_there() -> None:
    assert Path(ROOT / "api" / "graphql" / FILE).is_file()
    assert RELEASED.is_file()


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)

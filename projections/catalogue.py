"""The one list of read models."""

from typing import Any, Final

from projections.api_keys.projection import API_KEYS
from projections.attention.projection import ATTENTION
from projections.blackboard.projection import BLACKBOARD
from projections.facts.projection import FACTS
from projections.fleet_metrics.projection import FLEET_METRICS
from projections.gate_inbox.projection import GATE_INBOX
from projections.inbox.projection import INBOX
from projections.kernel.projection import Projection
from projections.lock_map.projection import LOCK_MAP
from projections.lock_queue.projection import LOCK_QUEUE
from projections.node_roster.projection import NODE_ROSTER
from projections.pipeline_definitions.projection import PIPELINE_DEFINITIONS
from projections.pipeline_runs.projection import PIPELINE_RUNS
from projections.pools.projection import POOLS
from projections.projects.projection import PROJECTS
from projections.proposals.projection import PROPOSALS
from projections.quota_roster.projection import QUOTA_ROSTER
from projections.run_phases.projection import RUN_PHASES
from projections.session_roster.projection import SESSION_ROSTER
from projections.short_ids.projection import SHORT_IDS
from projections.task_board.projection import TASK_BOARD
from projections.task_needs.projection import TASK_NEEDS
from projections.timeline.projection import TIMELINE

AnyProjection = Projection[Any]
"""Where projections of several rows stand side by side."""

PROJECTIONS: Final[tuple[AnyProjection, ...]] = (
    TASK_BOARD,
    TASK_NEEDS,
    SESSION_ROSTER,
    LOCK_MAP,
    LOCK_QUEUE,
    POOLS,
    ATTENTION,
    BLACKBOARD,
    INBOX,
    TIMELINE,
    PROJECTS,
    API_KEYS,
    SHORT_IDS,
    QUOTA_ROSTER,
    PIPELINE_DEFINITIONS,
    NODE_ROSTER,
    FLEET_METRICS,
    PIPELINE_RUNS,
    RUN_PHASES,
    GATE_INBOX,
    PROPOSALS,
    FACTS,
)
"""Every read model of the server."""

"""The one list of policies: what happens by itself at once."""

from typing import Final

from domain.kernel.policy import Policy
from domain.policies.facts import FACT_POLICIES
from domain.policies.kept_locks import LET_GO_LOCKS
from domain.policies.notice_budget import NOTICE_BUDGET
from domain.policies.notify_gate import NOTIFY_GATE
from domain.policies.quota_reports import QUOTA_POLICIES
from domain.policies.ready_dependants import READY_DEPENDANTS
from domain.policies.reopen_needs import REOPEN_NEEDS
from domain.policies.run_children import RUN_CHILD_POLICIES
from domain.policies.session_endings import CASCADE, END_DRAINED
from domain.policies.tell_run import TELL_RUN
from domain.policies.turns import TURN_POLICIES

POLICIES: Final[tuple[Policy, ...]] = (
    READY_DEPENDANTS,
    REOPEN_NEEDS,
    NOTICE_BUDGET,
    END_DRAINED,
    CASCADE,
    *QUOTA_POLICIES,
    TELL_RUN,
    NOTIFY_GATE,
    *RUN_CHILD_POLICIES,
    *FACT_POLICIES,
    *TURN_POLICIES,
    LET_GO_LOCKS,
)
"""What happens by itself at once; what only time brings about is the agenda's."""

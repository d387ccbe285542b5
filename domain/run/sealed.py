"""What the events of a run say in words of people, agents and programs: under the run's own key."""

from collections.abc import Mapping
from typing import Final

from domain.kernel.sealing import Sealing

SEALED: Final[Mapping[str, Sealing]] = {
    "run.queued.v1": Sealing({"inputs": "json"}),
    "run.paused.v1": Sealing({"reason": "text"}),
    "run.cancel_requested.v1": Sealing({"reason": "text"}),
    "run.settled.v1": Sealing({"outputs": "json", "untold": "list"}),
    "run.condition_evaluated.v1": Sealing({"detail": "text"}),
    "run.phase_ready.v1": Sealing({"input": "json"}),
    "run.phase_parked.v1": Sealing({"reason": "text"}),
    "run.phase_skipped.v1": Sealing({"detail": "text"}),
    "run.phase_settled.v1": Sealing({"reason": "text", "summary": "text", "output": "json"}),
    "run.reworked.v1": Sealing({"reason": "text", "accepted_repeat": "text"}),
    "run.phase_invalidated.v1": Sealing({"changes": "text"}),
    "run.gate_opened.v1": Sealing({"question": "text", "evidence": {"value": "json"}}),
    "run.gate_evidence_changed.v1": Sealing({"evidence": {"value": "json"}}),
    "run.vote_cast.v1": Sealing({"comment": "text"}),
    "run.gate_decided.v1": Sealing({"detail": "text", "comment": "text"}),
    "run.signal_received.v1": Sealing({"content": "json"}),
    "run.rolled_back.v1": Sealing({"reason": "text"}),
    "run.phase_adopted.v1": Sealing({"reason": "text", "summary": "text", "input": "json", "output": "json"}),
    "run.iteration_settled.v1": Sealing({"detail": "text"}),
    "run.map_expanded.v1": Sealing({"items": {"input": "json"}}),
    "run.migrated.v1": Sealing(
        {
            "inputs": "json",
            "reason": "text",
            "moved": {"reason": "text", "input": "json", "output": "json", "summary": "text"},
            "drifted": {"reason": "text"},
        }
    ),
    "run.rollback_requested.v1": Sealing({"reason": "text"}),
    "run.undo_failed.v1": Sealing({"reason": "text"}),
    "run.undo_resolved.v1": Sealing({"reason": "text"}),
    "run.annotated.v1": Sealing({"text": "text"}),
    "run.budget_adjusted.v1": Sealing({"reason": "text"}),
}
"""By stored name. What the definition says is the pipeline's; keys of items, of turns and of correlation are names by
which programs find things, and digests are what votes are about: all of these stay readable."""

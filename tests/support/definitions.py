"""A definition of a pipeline in which every field of its first phase says something."""

from typing import Any

from domain.kernel.pipeline.definition import Definition


def a_field(name: str) -> dict[str, Any]:
    """A typed field with everything that it may say."""
    return {
        "name": name,
        "type": "integer",
        "required": True,
        "default": 3,
        "choices": [3, 5],
        "description": "How many",
    }


def phases() -> list[dict[str, Any]]:
    """Work behind one arm of a branch, as a command carries it; it speaks of nothing outside of itself."""
    task: dict[str, Any] = {
        "title": "Deploy",
        "body": "All of it",
        "scope": [{"claim": "env:staging", "mode": "exclusive"}],
        "requires": [{"key": "region", "operator": "=", "value": "eu", "weight": 3}],
        "timeout_seconds": 60.0,
        "retry": {"kinds": [{"kind": "timeout", "max_attempts": 2}]},
        "run": "./deploy",
        "evidence": ["note"],
        "labels": ["live"],
        "budget": {"tokens": 10, "cost_microdollars": 10, "wall_seconds": 10.0},
        "concurrency_key": "deploy",
        "escalate": [{"after": 1, "requires": [{"key": "tier", "operator": ">=", "value": 3, "weight": 1}]}],
        "avoid": ["host"],
    }
    work = {
        "task": task,
        "inputs": [{"name": "size", "value": "1 + 2"}],
        "outputs": [a_field("made")],
        "effect": "idempotent",
        "undo": {"task": task, "close_within_seconds": 60.0},
        "start_within_seconds": 60.0,
        "close_within_seconds": 120.0,
    }
    edge = {"phase": "way", "arm": "small"}
    first = {"kind": "work", "key": "deploy", "title": "Deploy", "needs": [edge], "when": "true", "work": work}
    arms = [{"name": "small", "when": "1 < 2"}]
    branch = {"kind": "branch", "key": "way", "arms": arms, "default": "large"}
    content = {"name": "release", "phases": [first, branch]}
    made: list[dict[str, Any]] = Definition.model_validate(content, strict=False).model_dump(mode="json")["phases"]
    return made

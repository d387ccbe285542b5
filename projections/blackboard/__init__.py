"""The blackboard: every note on the boards of projects and tasks."""

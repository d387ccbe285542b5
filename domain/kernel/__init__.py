"""The frame every aggregate stands in: messages, deciders, decisions, ids, refusals, registry."""

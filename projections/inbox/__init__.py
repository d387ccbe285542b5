"""The inboxes of sessions: every message, and whether it was read."""

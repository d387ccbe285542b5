"""A session: one agent's presence, and whether it is still alive."""

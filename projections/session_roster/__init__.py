"""The roster of sessions: one row per session, as it stands."""

"""The event log on the recorders of `eventsourcing`: memory, SQLite, PostgreSQL."""

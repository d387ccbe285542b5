"""Storage of read models: memory, SQLite, PostgreSQL."""

"""Storage of the read models: memory, SQLite and PostgreSQL are peers behind one port."""

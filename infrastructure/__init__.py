"""How it is done: the only layer that knows a database, a clock or a thread."""

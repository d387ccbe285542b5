"""Plan files: text to the command that creates tasks, the mathematics of a plan, what differs from the server."""

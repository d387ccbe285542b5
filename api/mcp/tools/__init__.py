"""One module per tool: what it takes, and what it does with the services."""

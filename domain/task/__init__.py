"""Tasks: one unit of work from plan to settlement, with its attempts."""

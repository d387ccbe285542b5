"""Other trackers' exports, read as the tasks of a plan; pure functions from a file's content."""

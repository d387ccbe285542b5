"""Facts that projects publish: what became of the runs of a pipeline, and who of other projects waits for that."""

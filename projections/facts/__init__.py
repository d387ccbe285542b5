"""Facts that projects publish: how the runs of a pipeline ended last, signals, and results in versions."""

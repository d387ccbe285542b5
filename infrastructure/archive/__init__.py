"""The beginning of the log in bundles: how it gets there, and how it is read from there."""

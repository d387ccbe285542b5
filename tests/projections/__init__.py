"""Read models: what each event makes of the rows, at every prefix of the log."""

"""`signalbox debug`: the past of a log on the screen, event by event."""

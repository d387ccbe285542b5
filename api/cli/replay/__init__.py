"""`signalbox replay`: what the log was, at any point, without a server."""

"""`signalbox demo`: a fleet of worker processes on one git repository, some killed, judged by the repository."""

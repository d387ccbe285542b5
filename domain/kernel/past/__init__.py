"""Looking at what was: points in time, states as trees, what differs between two of them, and what caused what."""

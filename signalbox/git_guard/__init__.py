"""The git guard: before a commit or a push is taken, asks whether its session holds all that it touches."""

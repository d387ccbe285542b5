"""Proposals: what is asked, who may choose, how they voted, what came of it."""

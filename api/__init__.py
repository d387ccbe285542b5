"""How one speaks to it."""

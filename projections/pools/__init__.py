"""The pools of each project: their units, who has them, and who waits for them."""

"""Several nodes in one thread under a virtual clock and a seeded scheduler: every run can be had again by its seed."""
